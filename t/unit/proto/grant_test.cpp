#include "oauth/proto/grant.hpp"

#include <gtest/gtest.h>

#include "oauth/base/pack.hpp"
#include "oauth/jose/verify.hpp"
#include "oauth/proto/guard.hpp"
#include "proto/support.hpp"

namespace oauth {
namespace {

using test::broker;
using test::keys;
using test::kNow;
using test::outcome;

const std::string kCode(64, 'c');

// A request with members replaced, added, or (null) taken out.
std::string request(std::string_view changes = "{}") {
  const Json changed = test::json(changes);
  Json body = Json::object();
  const auto set = [&](std::string_view name, const Json& value) {
    if (!changed.has(name)) {
      body.set(name, value);
    }
  };
  set("grant_type", Json::of("authorization_code"));
  set("code", Json::of(std::string_view(kCode)));
  set("public_key", Json::of(std::string_view(test::client_pem())));
  for (const auto& [name, value] : changed.members()) {
    if (value.kind() != Json::Kind::null) {
      body.set(name, value);
    }
  }
  return body.dump();
}

std::string judged(std::string_view body) {
  return outcome(parse_dexie_request(body));
}

TEST(DexieRequest, OfTheRealClientIsRead) {
  const auto read = parse_dexie_request(request(R"({"scopes":["ACCESS_DB"],"intent":"login"})"));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->grant_type, "authorization_code");
  EXPECT_EQ(read->code, kCode);
  EXPECT_EQ(read->code_verifier, "");
  EXPECT_EQ(read->public_key, keys().rsa.public_der());
  EXPECT_EQ(read->scopes, std::vector<std::string>{"ACCESS_DB"});
}

TEST(DexieRequest, MayNameNoScopesAndMayBringAVerifier) {
  const auto read = parse_dexie_request(request(R"({"code_verifier":"v"})"));
  ASSERT_TRUE(read);
  EXPECT_TRUE(read->scopes.empty());
  EXPECT_EQ(read->code_verifier, "v");
  const std::string null = request().substr(0, request().size() - 1) + R"(,"scopes":null})";
  const auto with_null = parse_dexie_request(null);
  ASSERT_TRUE(with_null);
  EXPECT_TRUE(with_null->scopes.empty());
}

TEST(DexieRequest, IsJudgedByShapeThenGrantThenScopesThenKeyThenCode) {
  const std::vector<std::pair<std::string, std::string>> table{
      {"", "json_invalid"},
      {"[]", "json_invalid"},
      {"null", "json_invalid"},
      {"grant_type=authorization_code&code=x", "json_invalid"},
      {request() + "x", "json_invalid"},
      {R"({"grant_type":"a","grant_type":"a"})", "json_invalid"},
      {std::string(64 * 1024, ' ') + request(), "json_too_large"},
      {"{}", "request_malformed"},
      {request(R"({"grant_type":null})"), "request_malformed"},
      {request(R"({"grant_type":""})"), "request_malformed"},
      {request(R"({"grant_type":7})"), "request_malformed"},
      {request(R"({"code":7})"), "request_malformed"},
      {request(R"({"code":["x"]})"), "request_malformed"},
      {request(R"({"public_key":{}})"), "request_malformed"},
      {request(R"({"code_verifier":true})"), "request_malformed"},
      {R"({"grant_type":"refresh_token","code":null})", "request_malformed"},
      {request(R"({"grant_type":"refresh_token"})"), "grant_unsupported"},
      {request(R"({"grant_type":"Authorization_code"})"), "grant_unsupported"},
      {R"({"grant_type":"otp","email":"x@example.com","scopes":["ACCESS_DB"]})",
       "grant_unsupported"},
      {R"({"demo_user":"foo@demo.local","grant_type":"demo"})", "grant_unsupported"},
      {request(R"({"scopes":"ACCESS_DB"})"), "request_malformed"},
      {request(R"({"scopes":{}})"), "request_malformed"},
      {request(R"({"scopes":["ACCESS_DB",7]})"), "request_malformed"},
      {request(R"({"scopes":[]})"), "scope_refused"},
      {request(R"({"public_key":null})"), "public_key_refused"},
      {request(R"({"public_key":""})"), "public_key_refused"},
      {request(R"({"public_key":"-----BEGIN PUBLIC KEY-----"})"), "public_key_refused"},
      {request(R"({"public_key":"x","code":"x"})"), "public_key_refused"},
      {request(R"({"code":null})"), "code_invalid"},
      {request(R"({"code":""})"), "code_invalid"},
      {request(R"({"code":"short"})"), "code_invalid"},
  };
  for (const auto& [body, wanted] : table) {
    EXPECT_EQ(judged(body), wanted) << body.substr(0, 120);
  }
}

TEST(DexieRequest, OnlyAnRsaKeyCanBeTheClients) {
  Json body = test::json(request(R"({"public_key":null})"));
  const std::string pem = test::client_pem(keys().p256);
  EXPECT_EQ(judged(body.set("public_key", std::string_view(pem)).dump()), "public_key_refused");
}

Broker with_scopes(std::vector<std::string> scopes) {
  Broker at = broker();
  at.scopes = std::move(scopes);
  return at;
}

TEST(Scopes, AreThoseThatWereAskedForAndAreAllowed) {
  using Names = std::vector<std::string>;
  const Broker at = with_scopes({"ACCESS_DB", "read", "write"});
  struct Row {
    Names asked, granted;
  };
  const std::vector<Row> table{
      {{}, {"ACCESS_DB", "read", "write"}},
      {{"read"}, {"read"}},
      {{"write", "ACCESS_DB"}, {"ACCESS_DB", "write"}},
      {{"read", "read"}, {"read"}},
      {{"admin", "read"}, {"read"}},
  };
  for (const Row& row : table) {
    const auto granted = grant_scopes(row.asked, at);
    ASSERT_TRUE(granted);
    EXPECT_EQ(*granted, row.granted);
  }
}

TEST(Scopes, AreRefusedWhereNothingIsLeft) {
  for (const std::string_view asked : {"admin", "access_db", "ACCESS_DB ", "", "ACCESS_DB read"}) {
    EXPECT_EQ(outcome(grant_scopes({std::string(asked)}, broker())), "scope_refused") << asked;
  }
}

Issue issue() {
  Issue of;
  of.claims = test::json(R"({"sub":"acme:u1","email":"a@example.com","email_verified":true,
                             "name":"\u00c6 \"quoted\"","picture":"https://p.example/1"})");
  of.scopes = {"ACCESS_DB", "read"};
  of.family = "family-1";
  of.jti = "jti-1";
  of.origin = "https://app.example.com";
  of.public_key = keys().rsa.public_der();
  of.now = kNow;
  return of;
}

Json claims_of(const Issue& of, const Broker& at, Jws* header = nullptr) {
  const auto token = mint_access_token(of, at);
  EXPECT_TRUE(token);
  const auto jwt = split(*token);
  EXPECT_TRUE(jwt);
  const Trust own = own_trust(at);
  const auto claims =
      verify(*jwt, *KeySet::parse(at.signing->public_jwks().dump()), own.expect, of.now);
  EXPECT_EQ(outcome(claims), "");
  if (header != nullptr) {
    *header = *jwt;
  }
  return claims ? *claims : Json();
}

TEST(AccessToken, CarriesExactlyWhatItShouldAndVerifies) {
  Jws jws;
  const Json claims = claims_of(issue(), broker(), &jws);
  EXPECT_EQ(claims.dump(),
            R"({"iss":"https://auth.example.com","aud":"https://auth.example.com",)"
            R"("sub":"acme:u1","client_id":"dexie","iat":1700000000,"exp":1700003600,)"
            R"("jti":"jti-1","sid":"family-1","scope":"ACCESS_DB read",)"
            R"("email":"a@example.com","email_verified":true,"name":"\u00C6 \"quoted\"",)"
            R"("picture":"https://p.example/1"})");
  const Key& key = test::signing()->keys().front();
  EXPECT_EQ(jws.header.dump(),
            R"({"alg":"ES256","typ":"at+jwt","kid":")" + key.thumbprint() + "\"}");
}

TEST(AccessToken, LeavesOutWhatIsNotKnown) {
  Issue of = issue();
  of.claims = test::json(R"({"sub":"acme:u1"})");
  of.scopes = {"ACCESS_DB"};
  const Json claims = claims_of(of, broker());
  EXPECT_EQ(claims.size(), 9U) << claims.dump();
  EXPECT_EQ(claims.string("scope"), "ACCESS_DB");
  for (const std::string_view absent :
       {"email", "email_verified", "name", "picture", "license", "nbf", "nonce"}) {
    EXPECT_FALSE(claims.has(absent)) << absent;
  }
}

TEST(AccessToken, CarriesWhatWasAddedButNothingInPlaceOfItsOwn) {
  Issue of = issue();
  of.claims = test::json(
      R"({"sub":"acme:u1","role":"admin","groups":["a","b"],"iss":"x","aud":"x","exp":1,"iat":1,)"
      R"("client_id":"x","jti":"x","sid":"x","scope":"x"})");
  const Json claims = claims_of(of, broker());
  EXPECT_EQ(claims.string("role"), "admin");
  EXPECT_EQ(claims.get("groups").dump(), R"(["a","b"])");
  EXPECT_EQ(claims.string("iss"), "https://auth.example.com");
  EXPECT_EQ(claims.integer("exp"), kNow + 3600);
  EXPECT_EQ(claims.integer("iat"), kNow);
  for (const std::string_view own : {"aud", "client_id", "jti", "sid", "scope"}) {
    EXPECT_NE(claims.string(own), "x") << own;
  }
}

TEST(AccessToken, HasTheAudiencesAndLifetimeOfItsBroker) {
  Broker at = broker("https://auth.example.com/db1");
  at.audiences = {"one", "two"};
  at.lifetimes.access_token = 600;
  const Json claims = claims_of(issue(), at);
  EXPECT_EQ(claims.string("iss"), "https://auth.example.com/db1");
  EXPECT_EQ(claims.get("aud").dump(), R"(["one","two"])");
  EXPECT_EQ(claims.integer("exp"), kNow + 600);
}

TEST(AccessToken, IsSignedWithTheAlgorithmOfItsBroker) {
  Broker at = broker();
  at.signing = std::make_shared<const KeySet>(std::vector<Key>{keys().p256, keys().rsa});
  at.alg = Alg::rs256;
  Jws jws;
  claims_of(issue(), at, &jws);
  EXPECT_EQ(jws.alg, Alg::rs256);
  EXPECT_EQ(jws.kid, "rsa");
}

TEST(AccessToken, IsNotMintedWithoutAKey) {
  Broker at = broker();
  at.alg = Alg::rs256;
  EXPECT_EQ(outcome(mint_access_token(issue(), at)), "internal");
}

TEST(RefreshToken, OpensAgainAndHoldsWhatARefreshNeeds) {
  const Broker at = broker();
  const auto token = mint_refresh_token(issue(), at);
  ASSERT_TRUE(token);
  const auto blob = base64url_decode(*token);
  ASSERT_TRUE(blob);
  const auto opened = at.keyring->open({Purpose::refresh, at.url, {}}, *blob, kNow, at.skew);
  ASSERT_TRUE(opened);
  EXPECT_EQ(opened->issued, kNow);
  EXPECT_EQ(opened->expires, kNow + 30 * 24 * 60 * 60);
  Unpack unpack(opened->payload.bytes());
  EXPECT_EQ(unpack.text(), "family-1");
  EXPECT_EQ(unpack.text(), issue().claims.dump());
  EXPECT_EQ(unpack.text(), "https://app.example.com");
  EXPECT_EQ(unpack.text(), "ACCESS_DB read");
  EXPECT_EQ(unpack.text(), keys().rsa.public_der());
  EXPECT_TRUE(unpack.at_end());
}

TEST(RefreshToken, MeansNothingElsewhere) {
  const Broker at = broker();
  const std::string blob = *base64url_decode(*mint_refresh_token(issue(), at));
  const auto judge = [&](Purpose purpose, std::string_view url) {
    return outcome(at.keyring->open({purpose, url, {}}, blob, kNow, 0));
  };
  EXPECT_EQ(judge(Purpose::refresh, at.url), "");
  EXPECT_EQ(judge(Purpose::refresh, "https://other.example"), "seal_forged");
  EXPECT_EQ(judge(Purpose::code, at.url), "seal_forged");
  EXPECT_EQ(judge(Purpose::session, at.url), "seal_forged");
}

TEST(DexieTokens, AreWhatTheRealClientReadsWithTimesInMilliseconds) {
  EXPECT_EQ(dexie_tokens(issue(), broker(), "access", "refresh"),
            R"({"type":"tokens","claims":{"sub":"acme:u1","email":"a@example.com",)"
            R"("email_verified":true,"name":"\u00C6 \"quoted\"","picture":"https://p.example/1",)"
            R"("license":"ok"},"accessToken":"access","accessTokenExpiration":1700003600000,)"
            R"("refreshToken":"refresh","refreshTokenExpiration":1702592000000,)"
            R"("userType":"prod"})");
}

TEST(DexieTokens, LeaveTheClaimsOfTheIssueAsTheyAre) {
  const Issue of = issue();
  const std::string before = of.claims.dump();
  (void)dexie_tokens(of, broker(), "a", "r");
  EXPECT_EQ(of.claims.dump(), before);
}

TEST(DexieError, IsTheRowOfTheProblem) {
  EXPECT_EQ(dexie_error(Problem::code_invalid),
            R"({"type":"error","title":"Login failed","messageCode":"GENERIC_ERROR",)"
            R"("message":"The code is invalid or expired","messageParams":{}})");
}

}  // namespace
}  // namespace oauth
