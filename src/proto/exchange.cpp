#include "oauth/proto/exchange.hpp"

#include "oauth/base/text.hpp"
#include "oauth/jose/sign.hpp"
#include "oauth/proto/preset.hpp"

namespace oauth {
namespace {

constexpr Json::Limits kReplyLimits{256 * 1024, 16};
constexpr std::int64_t kAssertionLifetime = 5 * 60;  // s

// RFC 6749 5.2, and what GitHub calls the same.
Problem refused(std::string_view error) {
  if (error == "invalid_client" || error == "unauthorized_client" ||
      error == "incorrect_client_credentials") {
    return Problem::exchange_client_refused;
  }
  if (error == "redirect_uri_mismatch") {
    return Problem::exchange_redirect_refused;
  }
  return error == "unverified_user_email" ? Problem::email_unverified : Problem::exchange_refused;
}

}  // namespace

Result<std::string> client_assertion(const Provider& provider, std::string_view audience,
                                     const Moment& moment) {
  const bool is_apple = provider.type == ProviderType::apple;
  Json claims = Json::object();
  claims.set("iss", std::string_view(is_apple ? provider.team_id : provider.client_id));
  claims.set("sub", std::string_view(provider.client_id));
  claims.set("aud", is_apple ? std::string_view(provider.issuer) : audience);
  claims.set("iat", moment.now);
  claims.set("exp", moment.now + kAssertionLifetime);
  claims.set("jti", std::string_view(moment.jti));
  return sign(claims, *provider.client_key, provider.client_alg, "JWT");
}

Result<TokenRequest> token_request(const Provider& provider, const Broker& broker,
                                   const Metadata& metadata, std::string_view code,
                                   std::string_view verifier, const Moment& moment) {
  std::string assertion;
  if (provider.client_key) {
    auto made = client_assertion(provider, metadata.token_endpoint, moment);
    if (!made) {
      return made.problem();
    }
    assertion = *std::move(made);
  }
  TokenRequest request;
  FormWriter form;
  // RFC 6749 4.1.3
  form.add("grant_type", "authorization_code");
  form.add("code", code);
  form.add("redirect_uri", broker.callback_url(provider));
  if (provider.pkce) {
    form.add("code_verifier", verifier);  // RFC 7636 4.5
  }
  switch (provider.token_auth) {
    case TokenAuth::basic:
      // RFC 6749 2.3.1: both parts form-encoded before they are joined.
      request.authorization =
          "Basic " + base64_encode(percent_encode(provider.client_id) + ":" +
                                   percent_encode(provider.client_secret.bytes()));
      break;
    case TokenAuth::post:
      form.add("client_id", provider.client_id);
      form.add("client_secret",
               provider.client_key ? std::string_view(assertion) : provider.client_secret.bytes());
      break;
    case TokenAuth::private_key_jwt:
      // RFC 7523 2.2; client_id is superfluous, but some look the client up by it (RFC 7521 4.2).
      form.add("client_id", provider.client_id);
      form.add("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
      form.add("client_assertion", assertion);
      break;
    case TokenAuth::none:
      form.add("client_id", provider.client_id);
      break;
  }
  request.body = form.text();
  return request;
}

Result<TokenReply> parse_token_reply(int status, std::string_view content_type,
                                     std::string_view body) {
  const bool is_refusal = status >= 400 && status < 500;
  if ((status != 200 && !is_refusal) ||
      (status == 200 && media_type(content_type) != "application/json")) {
    return Problem::exchange_malformed;
  }
  const auto json = Json::parse_object(body, kReplyLimits);
  if (is_refusal || (json && json->has("error"))) {
    return refused(json ? json->string("error").value_or("") : "");
  }
  if (!json) {
    return Problem::exchange_malformed;
  }
  // RFC 6749 5.1: access_token and token_type are required, the type's case does not matter.
  const auto access_token = json->string("access_token");
  const auto token_type = json->string("token_type");
  if (!access_token || access_token->empty() || !token_type ||
      !iequals_ascii(*token_type, "Bearer")) {
    return Problem::exchange_malformed;
  }
  // RFC 6750 2.1: what will stand in a header must be able to.
  if (!is_printable_ascii(*access_token)) {
    return Problem::exchange_malformed;
  }
  if (json->has("id_token") && !json->string("id_token")) {
    return Problem::exchange_malformed;
  }
  return TokenReply{std::string(*access_token), std::string(json->string("id_token").value_or(""))};
}

Result<Json> parse_userinfo(int status, std::string_view content_type, std::string_view body,
                            std::string_view subject) {
  // OpenID Connect Core 5.3.2: a signed userinfo (application/jwt) is not asked for, so refused.
  if (status != 200 || media_type(content_type) != "application/json") {
    return Problem::userinfo_refused;
  }
  auto json = Json::parse_object(body, kReplyLimits);
  if (!json) {
    return Problem::userinfo_refused;
  }
  // OpenID Connect Core 5.3.2: `sub` must be there and equal the id_token's.
  if (json->string("sub") != subject) {
    return Problem::userinfo_other_subject;
  }
  return json;
}

Result<Json> parse_resource(int status, std::string_view content_type, std::string_view body) {
  if (status != 200 || media_type(content_type) != "application/json") {
    return Problem::userinfo_refused;
  }
  auto json = Json::parse(body, kReplyLimits);
  if (!json || !(json->is_object() || json->is_array())) {
    return Problem::userinfo_refused;
  }
  return json;
}

}  // namespace oauth
