// A stage for flows: a broker with an OpenID Provider and a demo one behind fake ports, and what a
// browser or an application sends.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "flow/fakes.hpp"
#include "oauth/flow/callback.hpp"
#include "oauth/flow/documents.hpp"
#include "oauth/flow/login.hpp"
#include "oauth/flow/request.hpp"
#include "oauth/flow/token.hpp"
#include "oauth/flow/trust_keys.hpp"
#include "oauth/flow/verdict.hpp"
#include "oauth/jose/sign.hpp"
#include "oauth/jose/split_tokens.hpp"
#include "oauth/proto/code.hpp"
#include "oauth/proto/page.hpp"
#include "proto/support.hpp"

namespace oauth::test {

// Where the provider's pieces are.
inline const std::string kMetadataUrl = "https://op.example/.well-known/openid-configuration";
inline const std::string kTokenUrl = "https://op.example/token";
inline const std::string kJwksUrl = "https://op.example/jwks";
inline const std::string kUserinfoUrl = "https://op.example/userinfo";

// ---- What a verdict says

// "" where nothing was refused.
inline std::string reason(const Verdict& verdict) {
  return verdict.problem ? std::string(name(*verdict.problem)) : std::string();
}
// Of the token that was let in.
inline Json claims_of(const Verdict& verdict) {
  const auto jwt = split(verdict.admission ? verdict.admission->token : "");
  return jwt ? jwt->claims.copy() : Json();
}
inline std::string cause(const Verdict& verdict) {
  return verdict.cause ? std::string(name(*verdict.cause)) : std::string();
}
inline int status(const Verdict& verdict) {
  return verdict.reply ? verdict.reply->status : 0;
}
// The value of the only header of that name; "" where there is none.
inline std::string header(const Verdict& verdict, std::string_view name) {
  std::string value;
  int count = 0;
  for (const Header& header : verdict.reply->headers) {
    if (iequals_ascii(header.name, name)) {
      value = header.value;
      ++count;
    }
  }
  EXPECT_LE(count, 1) << name;
  return value;
}
inline std::string location(const Verdict& verdict) {
  return header(verdict, "Location");
}
inline Json body(const Verdict& verdict) {
  EXPECT_EQ(verdict.reply->content_type, "application/json");
  return json(verdict.reply->body);
}
// The decoded value of a parameter in a URI's query; "" where there is none.
inline std::string parameter(const std::string& uri, std::string_view name) {
  const auto parsed = Uri::parse(uri, 16384);
  EXPECT_TRUE(parsed) << uri;
  const auto form = parsed ? Form::parse(parsed->query().value_or("")) : std::nullopt;
  return form ? std::string(form->get(name)) : std::string();
}
// What a redirect delivers in `dxc-auth`.
inline Json delivered(const Verdict& verdict) {
  const auto text = base64url_decode(parameter(location(verdict), "dxc-auth"));
  EXPECT_TRUE(text && !text->empty()) << location(verdict);
  return text && !text->empty() ? json(*text) : Json();
}

// ---- The provider

// Members of `changes` replace those of `base`; null takes one out.
inline Json changed(const Json& base, std::string_view changes) {
  const Json wanted = json(changes);
  Json result = Json::object();
  for (const auto& [name, value] : base.members()) {
    if (!wanted.has(name)) {
      result.set(name, value);
    }
  }
  for (const auto& [name, value] : wanted.members()) {
    if (value.kind() != Json::Kind::null) {
      result.set(name, value);
    }
  }
  return result;
}

inline const std::string& metadata_text() {
  static const std::string kText =
      Json::object()
          .set("issuer", "https://op.example")
          .set("authorization_endpoint", "https://op.example/auth")
          .set("token_endpoint", kTokenUrl)
          .set("userinfo_endpoint", kUserinfoUrl)
          .set("jwks_uri", kJwksUrl)
          .set("id_token_signing_alg_values_supported",
               Json::array().push(Json::of("ES256")).push(Json::of("RS256")))
          .dump();
  return kText;
}

inline std::string jwks_text(const std::vector<Key>& of = {keys().p256}) {
  return KeySet(of).public_jwks().dump();
}

// ID token claims for the attempt of proto/support.hpp.
inline Json id_claims(std::string_view changes = "{}") {
  const Json good = Json::object()
                        .set("iss", "https://op.example")
                        .set("sub", "u1")
                        .set("aud", "client-1")
                        .set("iat", kNow)
                        .set("exp", kNow + 600)
                        .set("nonce", attempt().nonce)
                        .set("email", "ann@example.com")
                        .set("email_verified", true)
                        .set("name", "Ann");
  return changed(good, changes);
}

inline std::string id_token(const Json& claims = id_claims(), const Key& key = keys().p256) {
  const auto token = sign(claims, key, key.algs().has(Alg::es256) ? Alg::es256 : Alg::rs256, "JWT");
  EXPECT_TRUE(token);
  return token ? *token : std::string();
}

inline std::string token_reply(const std::string& token = id_token()) {
  return Json::object()
      .set("access_token", "provider-at")
      .set("token_type", "Bearer")
      .set("id_token", std::string_view(token))
      .dump();
}

// ---- The stage

struct Stage {
  Stage() {
    demo.name = "demo";
    demo.type = ProviderType::demo;
    demo.users = {{"ann@demo.local", "Ann"}, {"bob@demo.local", "Bob"}};
    broker.providers = {&acme, &demo};
    fetch.say_json(kMetadataUrl, metadata_text());
    fetch.say_json(kJwksUrl, jwks_text());
    fetch.say_json(kTokenUrl, token_reply());
    fetch.say_json(kUserinfoUrl, R"({"sub":"u1","email":"ann@example.com","email_verified":true})");
  }
  Stage(const Stage&) = delete;
  Stage& operator=(const Stage&) = delete;

  Events events;
  FakeClock clock{events, kNow};
  FakeRandom random;
  FakeStore store{events, clock};
  FakeDocuments documents;  // what fetches leave behind them leads into it
  FakeFetch fetch{events};
  FakeHook hook{events};
  FakeThrottle throttle;
  FakeTokenCache tokens;
  std::vector<std::string> warnings;
  SplitTokens split_tokens;
  TrustKeys trust_keys{[this](const std::string& line) { warnings.push_back(line); }};
  FakeRevocations revocations{store};
  Ports io{store,      fetch,       hook,         documents, throttle, tokens,
           trust_keys, revocations, split_tokens, clock,     random};

  Provider acme = provider();
  Provider demo = provider();
  Broker broker = test::broker();

  // A request of a browser at the broker's own address.
  Request request(std::string_view method, std::string_view path, std::string_view query = {}) {
    Request request{broker, {}, {}, {}, {}, {}, {}, {}, true, {}, {}, {}, false};
    request.method = method;
    request.path = path;
    request.name = path.substr(path.rfind('/') + 1);
    request.query = query;
    request.authority = "auth.example.com";
    return request;
  }

  Request login_request(std::string_view query, std::string_view name = "acme") {
    return request("GET", "/oauth/login/" + std::string(name), query);
  }

  // The provider's answer to this attempt, brought by the browser that was sent there.
  Request callback_request(const Attempt& attempt, std::string_view more = "code=provider-code") {
    const auto state = seal_attempt(attempt, broker);
    EXPECT_TRUE(state);
    const std::string query = "state=" + (state ? *state : std::string()) + "&";
    Request back = request("GET", "/oauth/callback/" + attempt.provider, query + std::string(more));
    back.cookies = {broker.cookie_name + "=browser"};
    return back;
  }

  // What the Dexie client posts; null in `changes` takes a member out.
  Request token_request(std::string_view code, std::string_view changes = "{}") {
    const Json good = Json::object()
                          .set("grant_type", "authorization_code")
                          .set("code", code)
                          .set("public_key", std::string_view(client_pem()));
    Request post = request("POST", "/token");
    post.content_type = "application/json";
    post.origins = {"https://app.example.com"};
    post.body = changed(good, changes).dump();
    return post;
  }

  Verdict call_login(const Request& in) { return run(login(in, io)); }
  Verdict call_callback(const Request& in) { return run(callback(in, io)); }
  Verdict call_token(const Request& in) { return run(token(in, io)); }

  // Runs a login flow's callback to its end and yields our code.
  std::string code_for(const Attempt& attempt) {
    const Verdict verdict = call_callback(callback_request(attempt));
    EXPECT_EQ(reason(verdict), "");
    events.clear();
    return std::string(delivered(verdict).string("code").value_or(""));
  }

  int count(std::string_view event) const {
    return static_cast<int>(std::count(events.begin(), events.end(), event));
  }
  // No command was sent to the store, nobody was asked for anything.
  bool untouched() const { return events.empty(); }
};

}  // namespace oauth::test
