#include "oauth/proto/issue.hpp"

#include <gtest/gtest.h>

#include "oauth/base/pack.hpp"
#include "oauth/base/text.hpp"
#include "oauth/jose/verify.hpp"
#include "oauth/proto/guard.hpp"
#include "proto/support.hpp"

namespace oauth {
namespace {

using test::broker;
using test::keys;
using test::kNow;
using test::outcome;

TEST(Scopes, AreThoseThatWereAskedForAndAreAllowed) {
  using Names = std::vector<std::string>;
  const Names allowed{"ACCESS_DB", "read", "write"};
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
    const auto granted = grant_scopes(row.asked, allowed);
    ASSERT_TRUE(granted);
    EXPECT_EQ(*granted, row.granted);
  }
}

TEST(Scopes, AreRefusedWhereNothingIsLeft) {
  for (const std::string_view asked : {"admin", "access_db", "ACCESS_DB ", "", "ACCESS_DB read"}) {
    EXPECT_EQ(outcome(grant_scopes({std::string(asked)}, {"ACCESS_DB"})), "scope_refused") << asked;
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
  of.user_type = "demo";
  of.provider = "acme";
  of.flow_id = "flow-1";
  of.now = kNow;
  of.refresh_expires = kNow + 500'000;
  return of;
}

TEST(Issue, BeginsWithNamesOfItsOwnAndItsTimes) {
  Issue of;
  const std::string random = std::string(16, 'a') + std::string(16, 'b') + std::string(16, 'c');
  begin_issue(of, broker(), random, kNow);
  EXPECT_EQ(of.family, base64url_encode(std::string(16, 'a')));
  EXPECT_EQ(of.jti, base64url_encode(std::string(16, 'b')));
  EXPECT_EQ(of.flow_id, hex_encode(std::string(16, 'c')));
  EXPECT_EQ(of.now, kNow);
  EXPECT_EQ(of.refresh_expires, kNow + 30 * 24 * 60 * 60);
  of.flow_id = "of the login";
  begin_issue(of, broker(), random, kNow);
  EXPECT_EQ(of.flow_id, "of the login");
}

Json claims_of(const Issue& of, const Broker& at, Json* header = nullptr) {
  const auto token = mint_access_token(of, at);
  EXPECT_TRUE(token);
  const auto jwt = split(*token);
  EXPECT_TRUE(jwt);
  const Trust own = own_trust(at);
  const KeySet published = *KeySet::parse(at.signing->public_jwks().dump());
  EXPECT_EQ(outcome(verify(*jwt, published, own.expect, of.now)), "");
  if (header != nullptr) {
    *header = *Json::parse(*base64url_decode(token->substr(0, token->find('.'))));
  }
  return *Json::parse(jwt->payload);
}

TEST(AccessToken, CarriesExactlyWhatItShouldAndVerifies) {
  Json header;
  const Json claims = claims_of(issue(), broker(), &header);
  EXPECT_EQ(claims.dump(),
            R"({"iss":"https://auth.example.com","aud":"https://auth.example.com",)"
            R"("sub":"acme:u1","client_id":"dexie","iat":1700000000,"exp":1700003600,)"
            R"("jti":"jti-1","sid":"family-1","scope":"ACCESS_DB read",)"
            R"("email":"a@example.com","email_verified":true,"name":"\u00C6 \"quoted\"",)"
            R"("picture":"https://p.example/1"})");
  const Key& key = test::signing()->keys().front();
  EXPECT_EQ(header.dump(), R"({"alg":"ES256","typ":"at+jwt","kid":")" + key.thumbprint() + "\"}");
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
  Json header;
  claims_of(issue(), at, &header);
  EXPECT_EQ(header.string("alg"), "RS256");
  EXPECT_EQ(header.string("kid"), "rsa");
}

TEST(AccessToken, IsNotMintedWithoutAKey) {
  Broker at = broker();
  at.alg = Alg::rs256;
  EXPECT_EQ(outcome(mint_access_token(issue(), at)), "internal");
}

TEST(RefreshToken, OpensAgainAndHoldsWhatARefreshNeeds) {
  const Broker at = broker();
  const auto token = seal_refresh_token(issue(), at);
  ASSERT_TRUE(token);
  const auto opened = open_refresh_token(*token, at, kNow + 1000);
  ASSERT_TRUE(opened);
  EXPECT_EQ(opened->family, "family-1");
  EXPECT_EQ(opened->claims.dump(), issue().claims.dump());
  EXPECT_EQ(opened->origin, "https://app.example.com");
  EXPECT_EQ(opened->scopes, issue().scopes);
  EXPECT_EQ(opened->public_key, keys().rsa.public_der());
  EXPECT_EQ(opened->client_id, "dexie");
  EXPECT_EQ(opened->user_type, "demo");
  EXPECT_EQ(opened->provider, "acme");
  EXPECT_EQ(opened->flow_id, "flow-1");
  EXPECT_EQ(opened->refresh_expires, kNow + 500'000);
}

TEST(RefreshToken, EndsWhenItWasSaidThatItWouldAndNoLater) {
  const Broker at = broker();
  const std::string token = *seal_refresh_token(issue(), at);
  EXPECT_EQ(outcome(open_refresh_token(token, at, kNow + 500'000 + at.skew)), "");
  EXPECT_EQ(outcome(open_refresh_token(token, at, kNow + 500'001 + at.skew)), "refresh_expired");
}

TEST(RefreshToken, IsRefusedUnlessItIsOneOfThisBrokers) {
  const Broker at = broker();
  const std::string token = *seal_refresh_token(issue(), at);
  EXPECT_EQ(outcome(open_refresh_token(token, broker("https://other.example"), kNow)),
            "refresh_refused");
  EXPECT_EQ(outcome(open_refresh_token("", at, kNow)), "refresh_refused");
  EXPECT_EQ(outcome(open_refresh_token("*", at, kNow)), "refresh_refused");
  EXPECT_EQ(outcome(open_refresh_token(token.substr(0, token.size() - 4), at, kNow)),
            "refresh_refused");
  std::string other_key = *base64url_decode(token);
  other_key[1] = static_cast<char>(other_key[1] ^ 1);
  EXPECT_EQ(outcome(open_refresh_token(base64url_encode(other_key), at, kNow)),
            "refresh_unknown_key");
  const std::string code = *at.keyring->seal({Purpose::code, at.url, {}}, "x", kNow, kNow + 60);
  EXPECT_EQ(outcome(open_refresh_token(base64url_encode(code), at, kNow)), "refresh_refused");
  const std::string less =
      *at.keyring->seal({Purpose::refresh, at.url, {}}, Pack().add("f").bytes(), kNow, kNow + 60);
  EXPECT_EQ(outcome(open_refresh_token(base64url_encode(less), at, kNow)), "refresh_refused");
}

TEST(RefreshToken, MeansNothingElsewhere) {
  const Broker at = broker();
  const std::string blob = *base64url_decode(*seal_refresh_token(issue(), at));
  const auto judge = [&](Purpose purpose, std::string_view url) {
    return outcome(at.keyring->open({purpose, url, {}}, blob, kNow, 0));
  };
  EXPECT_EQ(judge(Purpose::refresh, at.url), "");
  EXPECT_EQ(judge(Purpose::refresh, "https://other.example"), "seal_forged");
  EXPECT_EQ(judge(Purpose::code, at.url), "seal_forged");
  EXPECT_EQ(judge(Purpose::session, at.url), "seal_forged");
}

}  // namespace
}  // namespace oauth
