#include "oauth/proto/grant.hpp"

#include <algorithm>

#include "oauth/base/pack.hpp"
#include "oauth/base/text.hpp"
#include "oauth/jose/client_key.hpp"
#include "oauth/jose/sign.hpp"
#include "oauth/proto/attempt.hpp"
#include "oauth/proto/code.hpp"

namespace oauth {
namespace {

constexpr Json::Limits kRequestLimits{64 * 1024, 16};

std::string join(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) {
    text += text.empty() ? "" : " ";
    text += word;
  }
  return text;
}

// `scopes`: absent, or an array of strings.
Result<std::vector<std::string>> asked_scopes(const Json& request) {
  std::vector<std::string> asked;
  const Json scopes = request.get("scopes");
  if (scopes.kind() == Json::Kind::null) {
    return asked;
  }
  if (!scopes.is_array()) {
    return Problem::request_malformed;
  }
  for (std::size_t i = 0; i < scopes.size(); ++i) {
    const auto scope = scopes.at(i).string();
    if (!scope) {
      return Problem::request_malformed;
    }
    asked.emplace_back(*scope);
  }
  // A list that asks for nothing asks for nothing we could grant.
  if (asked.empty()) {
    return Problem::scope_refused;
  }
  return asked;
}

}  // namespace

Result<DexieRequest> parse_dexie_request(std::string_view body) {
  const auto json = Json::parse_object(body, kRequestLimits);
  if (!json) {
    return json.problem();
  }
  for (const std::string_view member : {"grant_type", "code", "public_key", "code_verifier"}) {
    if (json->has(member) && !json->string(member)) {
      return Problem::request_malformed;
    }
  }
  DexieRequest request;
  request.grant_type = json->string("grant_type").value_or("");
  if (request.grant_type.empty()) {
    return Problem::request_malformed;
  }
  if (request.grant_type != "authorization_code") {
    return Problem::grant_unsupported;
  }
  auto scopes = asked_scopes(*json);
  if (!scopes) {
    return scopes.problem();
  }
  request.scopes = *std::move(scopes);
  auto key = client_key_der(json->string("public_key").value_or(""));
  if (!key) {
    return key.problem();
  }
  request.public_key = *std::move(key);
  request.code_verifier = json->string("code_verifier").value_or("");
  request.code = json->string("code").value_or("");
  if (!is_code(request.code)) {
    return Problem::code_invalid;
  }
  return request;
}

Result<std::vector<std::string>> grant_scopes(const std::vector<std::string>& asked,
                                              const Broker& broker) {
  if (asked.empty()) {
    return broker.scopes;
  }
  std::vector<std::string> granted;
  for (const std::string& scope : broker.scopes) {
    if (std::find(asked.begin(), asked.end(), scope) != asked.end()) {
      granted.push_back(scope);
    }
  }
  if (granted.empty()) {
    return Problem::scope_refused;  // RFC 6749 3.3: nothing of it can be granted
  }
  return granted;
}

Result<std::string> mint_access_token(const Issue& issue, const Broker& broker) {
  const Key* key = broker.signing_key();
  if (key == nullptr) {
    return Problem::internal;
  }
  // RFC 9068 2.2; no `nbf`, which only makes clocks matter more.
  Json claims = Json::object();
  claims.set("iss", std::string_view(broker.url));
  if (broker.audiences.size() == 1) {
    claims.set("aud", std::string_view(broker.audiences.front()));
  } else {
    Json audiences = Json::array();
    for (const std::string& audience : broker.audiences) {
      audiences.push(Json::of(std::string_view(audience)));
    }
    claims.set("aud", audiences);
  }
  claims.set("sub", issue.claims.string("sub").value_or(""));
  claims.set("client_id", std::string_view(issue.client_id));
  claims.set("iat", issue.now);
  claims.set("exp", issue.now + broker.lifetimes.access_token);
  claims.set("jti", std::string_view(issue.jti));
  claims.set("sid", std::string_view(issue.family));
  claims.set("scope", std::string_view(join(issue.scopes)));
  // The person's, and what the operator's service added; never what stands here already.
  for (const auto& [name, value] : issue.claims.members()) {
    if (!claims.has(name)) {
      claims.set(name, value);
    }
  }
  return sign(claims, *key, broker.alg, "at+jwt");
}

Result<std::string> mint_refresh_token(const Issue& issue, const Broker& broker) {
  Pack pack;
  pack.add(issue.family)
      .add(issue.claims.dump())
      .add(issue.origin)
      .add(join(issue.scopes))
      .add(issue.public_key);
  const auto blob = broker.keyring->seal({Purpose::refresh, broker.url, {}}, pack.bytes(),
                                         issue.now, issue.now + broker.lifetimes.refresh_token);
  if (!blob) {
    return blob.problem();
  }
  return base64url_encode(*blob);
}

std::string dexie_tokens(const Issue& issue, const Broker& broker, std::string_view access_token,
                         std::string_view refresh_token) {
  // dexie-contract 4.1: `license` absent would mean ok too; the client stores what is there.
  Json claims = Json::object();
  for (const auto& [name, value] : issue.claims.members()) {
    claims.set(name, value);
  }
  claims.set("license", "ok");
  Json reply = Json::object();
  reply.set("type", "tokens");
  reply.set("claims", claims);
  reply.set("accessToken", access_token);
  reply.set("accessTokenExpiration", (issue.now + broker.lifetimes.access_token) * 1000);
  reply.set("refreshToken", refresh_token);
  reply.set("refreshTokenExpiration", (issue.now + broker.lifetimes.refresh_token) * 1000);
  reply.set("userType", "prod");
  return reply.dump();
}

std::string dexie_error(Problem problem) {
  Json reply = Json::object();
  reply.set("type", "error");
  reply.set("title", "Login failed");
  reply.set("messageCode", row(problem).dexie_code);
  reply.set("message", row(problem).text);
  reply.set("messageParams", Json::object());
  return reply.dump();
}

}  // namespace oauth
