#include "oauth/flow/identify.hpp"

#include "oauth/base/text.hpp"
#include "oauth/flow/documents.hpp"
#include "oauth/jose/jwt.hpp"
#include "oauth/jose/verify.hpp"
#include "oauth/proto/exchange.hpp"

namespace oauth {
namespace {

Task<Result<Identity>> identify_openid(const Proof& proof, Ports& io);
Result<Identity> identify_demo(const Proof& proof);

}  // namespace

Task<Result<Identity>> identify(const Proof& proof, Ports& io) {
  if (proof.provider.type == ProviderType::demo) {
    co_return identify_demo(proof);
  }
  co_return co_await identify_openid(proof, io);
}

namespace {

// RFC 6749 4.1.3
Task<Result<TokenReply>> exchange(const Proof& proof, Ports& io) {
  TokenRequest form =
      token_request(proof.provider, proof.broker, proof.code, proof.attempt.verifier);
  FetchRequest request;
  request.provider = proof.provider.name;
  request.location = proof.provider.fetch_location;
  request.method = "POST";
  request.url = proof.metadata.token_endpoint;
  request.body = std::move(form.body);
  request.headers.push_back({"Accept", "application/json"});
  request.headers.push_back({"Content-Type", "application/x-www-form-urlencoded"});
  if (!form.authorization.empty()) {
    request.headers.push_back({"Authorization", std::move(form.authorization)});
  }
  auto reply = co_await io.fetch.send(request);
  if (!reply) {
    co_return reply.problem();
  }
  co_return parse_token_reply(reply->status, reply->content_type, reply->body);
}

Expectations expectations(const Proof& proof) {
  Expectations expect;
  expect.issuer = proof.metadata.issuer;
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
  const Expectations expect = expectations(proof);
  const std::int64_t fresh = io.clock.now() - kDocumentFresh;
  auto keys = co_await keys_of(proof.provider, proof.metadata, fresh, io);
  if (!keys) {
    co_return keys.problem();
  }
  auto claims = verify(*jwt, *keys, expect, io.clock.now());
  if (!claims && claims.problem() == Problem::token_key_unknown) {
    const std::int64_t cooled = io.clock.now() - kDocumentCoolDown;
    auto newer = co_await keys_of(proof.provider, proof.metadata, cooled, io);
    if (!newer) {
      co_return newer.problem();
    }
    claims = verify(*jwt, *newer, expect, io.clock.now());
  }
  // OpenID Connect Core 3.1.3.8
  if (claims && claims->has("at_hash") &&
      claims->string("at_hash") != left_half_hash(jwt->alg, tokens.access_token)) {
    co_return Problem::token_hash_wrong;
  }
  co_return claims;
}

// OpenID Connect Core 5.3.1
Task<Result<Json>> read_userinfo(const Proof& proof, const TokenReply& tokens,
                                 const std::string& subject, Ports& io) {
  FetchRequest request;
  request.provider = proof.provider.name;
  request.location = proof.provider.fetch_location;
  request.url = proof.metadata.userinfo_endpoint;
  request.headers.push_back({"Accept", "application/json"});
  request.headers.push_back({"Authorization", "Bearer " + tokens.access_token});
  auto reply = co_await io.fetch.send(request);
  if (!reply) {
    co_return reply.problem();
  }
  co_return parse_userinfo(reply->status, reply->content_type, reply->body, subject);
}

// An address and its being verified come from the same statement, or not at all.
bool says_all(const Json& claims) {
  return claims.string("email") && claims.boolean("email_verified") && claims.string("name");
}

Json merge(const Json& id_token, const Json& userinfo) {
  const bool signed_email = id_token.string("email") && id_token.boolean("email_verified");
  const Json& email_source = signed_email ? id_token : userinfo;
  Json claims = Json::object();
  claims.set("sub", id_token.get("sub"));
  claims.set("email", email_source.get("email"));
  claims.set("email_verified", email_source.get("email_verified"));
  for (const std::string_view name : {"name", "picture"}) {
    claims.set(name, id_token.has(name) ? id_token.get(name) : userinfo.get(name));
  }
  return claims;
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
  if (says_all(*id_token) || proof.metadata.userinfo_endpoint.empty()) {
    co_return identity_from(*id_token, proof.provider);
  }
  const std::string subject(id_token->string("sub").value_or(""));
  auto userinfo = co_await read_userinfo(proof, *tokens, subject, io);
  if (!userinfo) {
    co_return userinfo.problem();
  }
  co_return identity_from(merge(*id_token, *userinfo), proof.provider);
}

// A demo "code" is the account's e-mail: everybody on this machine may be anybody.
Result<Identity> identify_demo(const Proof& proof) {
  for (const DemoUser& user : proof.provider.users) {
    if (user.email == proof.code) {
      Json claims = Json::object();
      claims.set("sub", std::string_view(user.email));
      claims.set("email", std::string_view(user.email));
      claims.set("email_verified", true);
      claims.set("name", std::string_view(user.name));
      return identity_from(claims, proof.provider);
    }
  }
  return Problem::exchange_refused;
}

}  // namespace

}  // namespace oauth
