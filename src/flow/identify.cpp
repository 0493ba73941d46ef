#include "oauth/flow/identify.hpp"

#include "oauth/base/text.hpp"
#include "oauth/flow/documents.hpp"
#include "oauth/jose/jwt.hpp"
#include "oauth/jose/verify.hpp"
#include "oauth/proto/exchange.hpp"
#include "oauth/proto/preset.hpp"

namespace oauth {
namespace {

Task<Result<Identity>> identify_openid(const Proof& proof, Ports& io);
Task<Result<Identity>> identify_oauth2(const Proof& proof, Ports& io);
Result<Identity> identify_demo(const Proof& proof);

}  // namespace

Task<Result<Identity>> identify(const Proof& proof, Ports& io) {
  if (proof.provider.type == ProviderType::demo) {
    co_return identify_demo(proof);
  }
  if (!proof.provider.is_openid()) {
    co_return co_await identify_oauth2(proof, io);
  }
  co_return co_await identify_openid(proof, io);
}

namespace {

constexpr std::size_t kJti = 16;

// GitHub answers nobody who does not say his name.
FetchRequest request_to(const Provider& provider, std::string url, std::string_view accept) {
  FetchRequest request;
  request.provider = provider.name;
  request.location = provider.fetch_location;
  request.url = std::move(url);
  request.headers.push_back({"Accept", std::string(accept)});
  request.headers.push_back({"User-Agent", "ngx_http_oauth_module"});
  return request;
}

// RFC 6749 4.1.3
Task<Result<TokenReply>> exchange(const Proof& proof, Ports& io) {
  const auto jti = io.random.bytes(kJti);
  if (!jti) {
    co_return jti.problem();
  }
  const Moment moment{io.clock.now(), base64url_encode(*jti)};
  auto form = token_request(proof.provider, proof.broker, proof.metadata, proof.code,
                            proof.attempt.verifier, moment);
  if (!form) {
    co_return form.problem();
  }
  FetchRequest request =
      request_to(proof.provider, proof.metadata.token_endpoint, "application/json");
  request.method = "POST";
  request.body = std::move(form->body);
  request.headers.push_back({"Content-Type", "application/x-www-form-urlencoded"});
  if (!form->authorization.empty()) {
    request.headers.push_back({"Authorization", std::move(form->authorization)});
  }
  auto reply = co_await io.fetch.send(request);
  if (!reply) {
    co_return reply.problem();
  }
  co_return parse_token_reply(reply->status, reply->content_type, reply->body);
}

Expectations expectations(const Proof& proof, std::string issuer) {
  Expectations expect;
  expect.issuer = std::move(issuer);
  expect.audiences = {proof.provider.client_id};
  expect.algs = proof.metadata.id_token_algs & kAsymmetric;
  expect.typs = {"", "JWT"};
  expect.skew = proof.broker.skew;
  expect.nonce = proof.attempt.nonce;
  expect.authorized_party = proof.provider.client_id;
  expect.require_iat = true;
  return expect;
}

// OpenID Connect Core 3.1.3.7. An unknown key is a reason to fetch the keys again, once, and not
// more often than the cool-down.
Task<Result<Json>> verify_id_token(const Proof& proof, const TokenReply& tokens, Ports& io) {
  auto jwt = split(tokens.id_token);
  if (!jwt) {
    co_return jwt.problem();
  }
  auto claims = Json::parse_object(jwt->payload, {.bytes = kMaxToken, .depth = 16});
  if (!claims) {
    co_return claims.problem();
  }
  const auto issuer = expected_issuer(*claims, proof.provider, proof.metadata);
  if (!issuer) {
    co_return issuer.problem();
  }
  const Expectations expect = expectations(proof, *issuer);
  const std::int64_t fresh = io.clock.now() - kDocumentFresh;
  auto keys = co_await keys_of(proof.provider, proof.metadata, fresh, io);
  if (!keys) {
    co_return keys.problem();
  }
  Check verified = verify(*jwt, keys_for(*keys, *issuer), expect, io.clock.now());
  if (!verified && verified.problem() == Problem::token_key_unknown) {
    const std::int64_t cooled = io.clock.now() - kDocumentCoolDown;
    auto newer = co_await keys_of(proof.provider, proof.metadata, cooled, io);
    if (!newer) {
      co_return newer.problem();
    }
    verified = verify(*jwt, keys_for(*newer, *issuer), expect, io.clock.now());
  }
  if (!verified) {
    co_return verified.problem();
  }
  // OpenID Connect Core 3.1.3.8
  if (claims->has("at_hash") &&
      claims->string("at_hash") != left_half_hash(jwt->alg, tokens.access_token)) {
    co_return Problem::token_hash_wrong;
  }
  co_return claims;
}

// OpenID Connect Core 5.3.1
Task<Result<Json>> read_userinfo(const Proof& proof, const TokenReply& tokens,
                                 const std::string& subject, Ports& io) {
  FetchRequest request =
      request_to(proof.provider, proof.metadata.userinfo_endpoint, "application/json");
  request.headers.push_back({"Authorization", "Bearer " + tokens.access_token});
  auto reply = co_await io.fetch.send(request);
  if (!reply) {
    co_return reply.problem();
  }
  co_return parse_userinfo(reply->status, reply->content_type, reply->body, subject);
}

bool wants_userinfo(const Proof& proof, const Json& id_token) {
  if (proof.metadata.userinfo_endpoint.empty() || !preset_of(proof.provider.type).userinfo) {
    return false;
  }
  const bool says_all = id_token.string("email") && id_token.boolean("email_verified") &&
                        id_token.string("name") && proof.provider.claims.empty();
  return !says_all;
}

Task<Result<Identity>> identify_openid(const Proof& proof, Ports& io) {
  auto tokens = co_await exchange(proof, io);
  if (!tokens) {
    co_return tokens.problem();
  }
  auto id_token = co_await verify_id_token(proof, *tokens, io);
  if (!id_token) {
    co_return id_token.problem();
  }
  Statement said;
  said.id_token = *id_token;
  // Nothing that the browser brought is worth a refusal: unreadable is not there.
  if (auto user = Json::parse_object(proof.user)) {
    said.user = *std::move(user);
  }
  if (wants_userinfo(proof, *id_token)) {
    const std::string subject(id_token->string("sub").value_or(""));
    auto userinfo = co_await read_userinfo(proof, *tokens, subject, io);
    if (!userinfo) {
      co_return userinfo.problem();
    }
    said.userinfo = *std::move(userinfo);
  }
  co_return identity_of(said, proof.provider);
}

// RFC 6750 2.1, at an API that says whose token it is.
Task<Result<Json>> read_resource(const Proof& proof, const TokenReply& tokens, std::string url,
                                 Ports& io) {
  const bool is_github = proof.provider.type == ProviderType::github;
  FetchRequest request = request_to(proof.provider, std::move(url),
                                    is_github ? "application/vnd.github+json" : "application/json");
  if (is_github) {
    request.headers.push_back({"X-GitHub-Api-Version", "2022-11-28"});
  }
  request.headers.push_back({"Authorization", "Bearer " + tokens.access_token});
  auto reply = co_await io.fetch.send(request);
  if (!reply) {
    co_return reply.problem();
  }
  co_return parse_resource(reply->status, reply->content_type, reply->body);
}

// The token was just handed to us by the provider itself, for this code: whose it is, it is.
Task<Result<Identity>> identify_oauth2(const Proof& proof, Ports& io) {
  auto tokens = co_await exchange(proof, io);
  if (!tokens) {
    co_return tokens.problem();
  }
  auto user = co_await read_resource(proof, *tokens, proof.metadata.userinfo_endpoint, io);
  if (!user) {
    co_return user.problem();
  }
  Statement said;
  said.userinfo = *std::move(user);
  if (!proof.provider.endpoints.emails.empty()) {
    auto emails = co_await read_resource(proof, *tokens, proof.provider.endpoints.emails, io);
    if (!emails) {
      co_return emails.problem();
    }
    said.emails = *std::move(emails);
  }
  co_return identity_of(said, proof.provider);
}

// A demo "code" is the account's e-mail: everybody on this machine may be anybody.
Result<Identity> identify_demo(const Proof& proof) {
  auto identity = demo_identity(proof.provider, proof.code);
  return identity ? identity : Problem::exchange_refused;
}

}  // namespace

}  // namespace oauth
