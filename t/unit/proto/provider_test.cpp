#include "oauth/proto/provider.hpp"

#include <gtest/gtest.h>

#include "proto/support.hpp"

namespace oauth {
namespace {

using test::outcome;

TEST(ProviderName, IsALowerCaseWordOfAtMost32Characters) {
  for (const std::string& good :
       {std::string("a"), std::string("0"), std::string("acme-id_2"), std::string(32, 'a')}) {
    EXPECT_TRUE(is_provider_name(good)) << good;
  }
  for (const std::string& wrong :
       {std::string(), std::string("-a"), std::string("_a"), std::string("Acme"),
        std::string("a b"), std::string("a:b"), std::string("a/b"), std::string("a.b"),
        std::string("\xC3\xA4"), std::string("a\0", 2), std::string(33, 'a')}) {
    EXPECT_FALSE(is_provider_name(wrong)) << wrong;
  }
}

TEST(ProviderName, SomeAreReserved) {
  for (const std::string_view reserved : {"otp", "email", "client", "demo"}) {
    EXPECT_TRUE(is_reserved_provider_name(reserved)) << reserved;
  }
  for (const std::string_view free : {"google", "demo2", "", "OTP", "emai"}) {
    EXPECT_FALSE(is_reserved_provider_name(free)) << free;
  }
}

TEST(Provider, TheMetadataIsBelowTheIssuer) {
  Provider of = test::provider();
  const std::vector<std::pair<std::string, std::string>> table{
      {"https://op.example", "https://op.example/.well-known/openid-configuration"},
      {"https://op.example/", "https://op.example/.well-known/openid-configuration"},
      {"https://op.example/a/b", "https://op.example/a/b/.well-known/openid-configuration"},
      {"https://op.example/a/b/", "https://op.example/a/b/.well-known/openid-configuration"},
  };
  for (const auto& [issuer, url] : table) {
    of.issuer = issuer;
    EXPECT_EQ(metadata_url(of), url);
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

}  // namespace
}  // namespace oauth
