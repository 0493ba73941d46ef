#include "oauth/proto/metadata.hpp"

#include <gtest/gtest.h>

#include "proto/support.hpp"

namespace oauth {
namespace {

using test::outcome;

TEST(Metadata, IsBelowTheIssuer) {
  Provider of = test::provider();
  const std::vector<std::pair<std::string, std::string>> table{
      {"https://op.example", "https://op.example/.well-known/openid-configuration"},
      {"https://op.example/", "https://op.example/.well-known/openid-configuration"},
      {"https://op.example/a/b", "https://op.example/a/b/.well-known/openid-configuration"},
      {"https://op.example/a/b/", "https://op.example/a/b/.well-known/openid-configuration"},
  };
  for (const auto& [issuer, url] : table) {
    of.issuer = issuer;
    EXPECT_EQ(metadata_url(of.issuer), url);
  }
}

// Metadata with members replaced, added, or (null) taken out.
std::string document(std::string_view issuer, std::string_view changes = "{}") {
  const Json changed = test::json(changes);
  const std::string base(issuer.ends_with('/') ? issuer.substr(0, issuer.size() - 1) : issuer);
  Json text = Json::object();
  const auto set = [&](std::string_view name, std::string_view value) {
    if (!changed.has(name)) {
      text.set(name, value);
    }
  };
  set("issuer", issuer);
  set("authorization_endpoint", base + "/auth");
  set("token_endpoint", base + "/token");
  set("jwks_uri", base + "/jwks");
  for (const auto& [name, value] : changed.members()) {
    if (value.kind() != Json::Kind::null) {
      text.set(name, value);
    }
  }
  return text.dump();
}

Result<Metadata> metadata(std::string_view issuer, std::string_view changes = "{}") {
  Provider of = test::provider();
  of.issuer = issuer;
  return parse_metadata(document(issuer, changes), of);
}

constexpr std::string_view kIssuer = "https://op.example";

TEST(Metadata, IsReadWithItsDefaults) {
  const auto read = metadata(kIssuer);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->issuer, "https://op.example");
  EXPECT_EQ(read->authorization_endpoint, "https://op.example/auth");
  EXPECT_EQ(read->token_endpoint, "https://op.example/token");
  EXPECT_EQ(read->jwks_uri, "https://op.example/jwks");
  EXPECT_EQ(read->userinfo_endpoint, "");
  EXPECT_FALSE(read->iss_parameter);
  EXPECT_EQ(read->id_token_algs, AlgSet{Alg::rs256});
}

TEST(Metadata, IsReadWithWhatItSays) {
  const auto read = metadata(kIssuer, R"({
      "userinfo_endpoint": "https://api.example/me?v=1",
      "authorization_endpoint": "https://login.example:8443/a?tenant=x",
      "authorization_response_iss_parameter_supported": true,
      "id_token_signing_alg_values_supported": ["none","HS256","ES256","RS256","XX",7]})");
  ASSERT_TRUE(read);
  EXPECT_EQ(read->userinfo_endpoint, "https://api.example/me?v=1");
  EXPECT_EQ(read->authorization_endpoint, "https://login.example:8443/a?tenant=x");
  EXPECT_TRUE(read->iss_parameter);
  EXPECT_EQ(read->id_token_algs, (AlgSet{Alg::es256, Alg::rs256}));
}

TEST(Metadata, OfAnotherIssuerIsRefused) {
  Provider of = test::provider();
  of.issuer = kIssuer;
  for (const std::string_view issuer :
       {"https://op.example/", "https://OP.example", "https://op.example:443", "http://op.example",
        "https://evil.example", "", "https://op.example "}) {
    const std::string text = document(kIssuer, Json::object().set("issuer", issuer).dump());
    EXPECT_EQ(outcome(parse_metadata(text, of)), "discovery_refused") << issuer;
  }
  EXPECT_EQ(outcome(metadata(kIssuer, R"({"issuer":null})")), "discovery_refused");
  EXPECT_EQ(outcome(metadata(kIssuer, R"({"issuer":["https://op.example"]})")),
            "discovery_refused");
}

TEST(Metadata, WithASlashBehindTheIssuerIsEqualOnlyWithIt) {
  EXPECT_EQ(outcome(metadata("https://op.example/")), "");
}

TEST(Metadata, ThatIsNoObjectIsRefused) {
  for (const std::string& text :
       {std::string(), std::string("[]"), std::string("<html>"), document(kIssuer) + "x",
        std::string(256 * 1024, ' ') + document(kIssuer)}) {
    EXPECT_EQ(outcome(parse_metadata(text, test::provider())), "discovery_refused")
        << text.substr(0, 20);
  }
}

TEST(Metadata, NeedsAnIssuerThatIsAUri) {
  EXPECT_EQ(outcome(metadata("not a uri")), "discovery_refused");
}

TEST(Metadata, NeedsThreeEndpoints) {
  for (const std::string_view member : {"authorization_endpoint", "token_endpoint", "jwks_uri"}) {
    const std::string absent = "{\"" + std::string(member) + "\":null}";
    EXPECT_EQ(outcome(metadata(kIssuer, absent)), "discovery_refused") << member;
    const std::string wrong = "{\"" + std::string(member) + "\":7}";
    EXPECT_EQ(outcome(metadata(kIssuer, wrong)), "discovery_refused") << member;
  }
}

TEST(Metadata, EveryEndpointIsHeldToTheSameRules) {
  struct Row {
    std::string issuer;
    std::string endpoint;
    bool good;
  };
  const std::vector<Row> table{
      {"https://op.example", "https://op.example/x", true},
      {"https://op.example", "https://other.example:8443/x?y=z", true},
      // plain http never leaves this machine
      {"https://op.example", "http://op.example/x", false},
      {"https://op.example", "http://127.0.0.1/x", false},
      {"https://op.example", "http://localhost/x", false},
      {"http://op.example", "http://op.example/x", false},
      {"http://op.example", "http://127.0.0.1/x", false},
      {"http://127.0.0.1:9000", "http://127.0.0.1:9000/x", true},
      {"http://127.0.0.1:9000", "http://localhost:9001/x", true},
      {"http://localhost:9000", "http://[::1]:9001/x", true},
      {"http://127.0.0.1:9000", "http://10.0.0.1/x", false},
      {"http://127.0.0.1:9000", "http://op.example/x", false},
      {"http://127.0.0.1:9000", "https://op.example/x", true},
      {"https://127.0.0.1:9000", "http://127.0.0.1:9000/x", false},
      // RFC 8414 6.2, link-local and all other addresses
      {"https://op.example", "https://169.254.169.254/latest/meta-data", false},
      {"https://op.example", "https://[fe80::1]/x", false},
      {"https://op.example", "https://10.0.0.1/x", false},
      {"https://op.example", "https://8.8.8.8/x", false},
      {"https://op.example", "https://127.0.0.1/x", false},
      {"https://op.example", "https://[::1]/x", false},
      {"https://op.example", "https://localhost/x", false},
      {"https://op.example", "https://2852039166/x", false},
      {"https://op.example", "https://0xa9fea9fe/x", false},
      {"https://10.0.0.1", "https://10.0.0.1:8443/x", true},
      {"https://10.0.0.1", "https://10.0.0.2/x", false},
      {"https://[2001:db8::1]", "https://[2001:db8:0::1]/x", true},
      {"https://localhost:9000", "https://localhost:9001/x", true},
      {"https://localhost:9000", "https://127.0.0.1:9000/x", false},
      // no endpoint at all
      {"https://op.example", "", false},
      {"https://op.example", "/x", false},
      {"https://op.example", "//op.example/x", false},
      {"https://op.example", "https://op.example/x#f", false},
      {"https://op.example", "https://op.example/x#", false},
      {"https://op.example", "https://user@op.example/x", false},
      {"https://op.example", "https://op.example/a b", false},
      {"https://op.example", "https://op.example/../x", false},
      {"https://op.example", "https://op.example\\x", false},
      {"https://op.example", "ftp://op.example/x", false},
      {"https://op.example", "javascript:alert(1)", false},
      {"https://op.example", "myapp://x", false},
  };
  for (const Row& row : table) {
    for (const std::string_view member :
         {"authorization_endpoint", "token_endpoint", "jwks_uri", "userinfo_endpoint"}) {
      // The other three are good: an https issuer's are, a plain one's only on loopback.
      Json members = Json::object();
      for (const std::string_view other :
           {"authorization_endpoint", "token_endpoint", "jwks_uri"}) {
        members.set(other, "https://good.example/x");
      }
      members.set(member, std::string_view(row.endpoint));
      EXPECT_EQ(outcome(metadata(row.issuer, members.dump())), row.good ? "" : "discovery_refused")
          << row.issuer << " " << member << " " << row.endpoint;
    }
  }
}

TEST(Metadata, AUserinfoEndpointOfAnotherTypeIsRefused) {
  EXPECT_EQ(outcome(metadata(kIssuer, R"({"userinfo_endpoint":7})")), "discovery_refused");
}

TEST(Metadata, AlgorithmsAreThoseThatAreAdvertisedAndUsable) {
  struct Row {
    std::string value;
    AlgSet algs;  // empty: refused
  };
  const std::vector<Row> table{
      {R"(["RS256"])", {Alg::rs256}},
      {R"(["PS512","ES384","EdDSA"])", {Alg::ps512, Alg::es384, Alg::eddsa}},
      {R"(["RS256","RS256"])", {Alg::rs256}},
      {R"("ES256")", {Alg::rs256}},
      {R"([])", {}},
      {R"(["none"])", {}},
      {R"(["HS256","HS384","HS512"])", {}},
      {R"(["rs256"])", {}},
      {R"([7,null])", {}},
  };
  for (const Row& row : table) {
    const auto read =
        metadata(kIssuer, "{\"id_token_signing_alg_values_supported\":" + row.value + "}");
    EXPECT_EQ(outcome(read), row.algs.empty() ? "discovery_refused" : "") << row.value;
    if (read) {
      EXPECT_EQ(read->id_token_algs, row.algs) << row.value;
    }
  }
}

TEST(Metadata, OnlyTheBooleanTrueAnnouncesAnIssParameter) {
  for (const std::string_view value : {"false", "\"true\"", "1", "[true]"}) {
    const auto read = metadata(
        kIssuer, "{\"authorization_response_iss_parameter_supported\":" + std::string(value) + "}");
    ASSERT_TRUE(read) << value;
    EXPECT_FALSE(read->iss_parameter) << value;
  }
}

// ---- what the configuration says in its place

Provider with_endpoints() {
  Provider of = test::provider();
  of.endpoints = {"https://a.example/auth", "https://a.example/token", "", "",
                  "https://a.example/jwks"};
  return of;
}

TEST(Metadata, NeedNotBeAskedForWhatIsConfigured) {
  const auto known = configured_metadata(with_endpoints());
  ASSERT_TRUE(known);
  EXPECT_EQ(known->issuer, "https://op.example");
  EXPECT_EQ(known->authorization_endpoint, "https://a.example/auth");
  EXPECT_EQ(known->token_endpoint, "https://a.example/token");
  EXPECT_EQ(known->jwks_uri, "https://a.example/jwks");
  EXPECT_EQ(known->userinfo_endpoint, "");
  EXPECT_FALSE(known->iss_parameter);
  EXPECT_TRUE(known->id_token_algs.has(Alg::es256));
  EXPECT_FALSE(known->id_token_algs.has(Alg::hs256));
}

TEST(Metadata, IsAskedForWhereOneEndpointIsMissing) {
  for (std::string Endpoints::*missing :
       {&Endpoints::authorization, &Endpoints::token, &Endpoints::jwks}) {
    Provider of = with_endpoints();
    (of.endpoints.*missing).clear();
    EXPECT_FALSE(configured_metadata(of));
  }
}

TEST(Metadata, GivesWayToWhatIsConfigured) {
  Provider of = test::provider();
  of.endpoints.token = "https://a.example/token";
  of.endpoints.userinfo = "https://a.example/me";
  const auto read = parse_metadata(document(kIssuer), of);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->token_endpoint, "https://a.example/token");
  EXPECT_EQ(read->userinfo_endpoint, "https://a.example/me");
  EXPECT_EQ(read->authorization_endpoint, "https://op.example/auth");
}

TEST(KeysFor, LeavesOutThoseOfAnotherIssuer) {
  const std::string tenant = "11111111-2222-3333-4444-555555555555";
  Json jwks = Json::array();
  const auto add = [&jwks](const Key& key, std::string_view kid, std::string_view issuer) {
    Json jwk = key.with_kid(kid).public_jwk();
    if (!issuer.empty()) {
      jwk.set("issuer", issuer);
    }
    jwks.push(jwk);
  };
  add(test::keys().p256, "none", "");
  add(test::keys().p256, "all", "https://login.example/{tenantid}/v2.0");
  add(test::keys().p256, "one", "https://login.example/" + tenant + "/v2.0");
  add(test::keys().p256, "foreign", "https://other.example/{tenantid}/v2.0");
  const auto set = KeySet::parse(Json::object().set("keys", jwks).dump());
  ASSERT_TRUE(set);
  const auto kids = [&set](std::string_view issuer) {
    std::string text;
    const KeySet fitting = keys_for(*set, issuer);
    for (const Key& key : fitting.keys()) {
      text += key.kid() + " ";
    }
    return text;
  };
  EXPECT_EQ(kids("https://login.example/" + tenant + "/v2.0"), "none all one ");
  EXPECT_EQ(kids("https://login.example/99999999-2222-3333-4444-555555555555/v2.0"), "none all ");
  EXPECT_EQ(kids("https://login.example/x/v2.0"), "none ");
}

}  // namespace
}  // namespace oauth
