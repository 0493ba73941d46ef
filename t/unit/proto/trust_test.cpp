#include "oauth/proto/trust.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "proto/support.hpp"

namespace oauth {
namespace {

Check judged(const Json& claims, const Trust& trust) {
  return check_trust_claims(*test::Taped(claims.dump()), trust);
}

using test::broker;
using test::keys;
using test::outcome;

TEST(OwnTrust, BelievesTheBrokersOwnAccessTokensAndNothingElse) {
  Broker at = broker();
  at.audiences = {"api"};
  at.skew = 7;
  const Trust trust = own_trust(at);
  EXPECT_EQ(trust.expect.issuer, "https://auth.example.com");
  EXPECT_EQ(trust.expect.audiences, std::vector<std::string>{"api"});
  EXPECT_FALSE(trust.expect.any_audience);
  EXPECT_EQ(trust.expect.algs, kAsymmetric);
  EXPECT_EQ(trust.expect.typs, std::vector<std::string>{"at+jwt"});
  EXPECT_EQ(trust.expect.skew, 7);
  EXPECT_EQ(trust.expect.grace, 0);
  EXPECT_FALSE(trust.expect.nonce);
  EXPECT_EQ(trust.keys, at.signing);
}

TEST(OwnTrust, ForgivesAsMuchAsItIsTold) {
  EXPECT_EQ(own_trust(broker(), 90).expect.grace, 90);
}

// ---- Cognito

TEST(Cognito, IsKnownByTheFormOfItsIssuer) {
  EXPECT_TRUE(
      is_cognito_issuer("https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_Ab12"));
  for (const char* other :
       {"https://cognito-idp..amazonaws.com/x", "https://cognito-idp.amazonaws.com/x",
        "https://cognito-idp.eu-1.evil.example/x", "http://cognito-idp.eu-1.amazonaws.com/x",
        "https://cognito-idp.eu-1.amazonaws.com",
        "https://x.example/cognito-idp.eu-1.amazonaws.com/",
        "https://cognito-idp.a/b.amazonaws.com/x", ""}) {
    EXPECT_FALSE(is_cognito_issuer(other)) << other;
  }
}

Trust pool() {
  Trust trust;
  trust.expect.issuer = "https://cognito-idp.eu-1.amazonaws.com/eu-1_A";
  trust.expect.audiences = {"app-1", "app-2"};
  expect_cognito(trust);
  return trust;
}

Json pool_claims(std::string_view token_use, std::string_view client) {
  return Json::object().set("token_use", token_use).set("client_id", client);
}

TEST(Cognito, ItsAccessTokensNameTheClientInThePlaceOfAnAudience) {
  EXPECT_TRUE(pool().expect.any_audience);
  EXPECT_TRUE(judged(pool_claims("access", "app-1"), pool()));
  EXPECT_TRUE(judged(pool_claims("access", "app-2"), pool()));
  for (const char* client : {"app-3", "", "APP-1"}) {
    EXPECT_EQ(outcome(judged(pool_claims("access", client), pool())), "token_audience_wrong");
  }
  const Json none = Json::object().set("token_use", "access").set("aud", "app-1");
  EXPECT_EQ(outcome(judged(none, pool())), "token_audience_wrong");
}

TEST(Cognito, ItsIdTokensAreNoAccessTokens) {
  for (const char* use : {"id", "", "Access", "refresh"}) {
    EXPECT_EQ(outcome(judged(pool_claims(use, "app-1"), pool())), "token_kind_refused");
  }
  EXPECT_EQ(outcome(judged(Json::object().set("client_id", "app-1"), pool())),
            "token_kind_refused");
}

TEST(Cognito, AnyClientIsBelievedWhereThatWasSaidAloud) {
  Trust any = pool();
  any.expect.audiences.clear();
  EXPECT_EQ(outcome(judged(pool_claims("access", "app-1"), any)), "token_audience_wrong");
  any.expect.any_audience = true;
  expect_cognito(any);
  EXPECT_TRUE(judged(pool_claims("access", "app-1"), any));
  EXPECT_EQ(outcome(judged(pool_claims("id", "app-1"), any)), "token_kind_refused");
}

TEST(Cognito, OthersNeedNoneOfThis) {
  EXPECT_TRUE(judged(Json::object(), Trust()));
}

// ---- Whose token it is

TEST(SubjectOf, HasThePrefixOfItsIssuer) {
  Trust trust;
  const test::Taped claims(R"({"sub":"u1"})");
  EXPECT_EQ(subject_of(*claims, trust), "u1");
  trust.subject_prefix = "acme";
  EXPECT_EQ(subject_of(*claims, trust), "acme:u1");
  EXPECT_EQ(subject_of(*test::Taped("{}"), trust), "");
  EXPECT_EQ(subject_of(*test::Taped(R"({"sub":1})"), trust), "");
}

// ---- What a verdict rests on

std::shared_ptr<const KeySet> set_of(const Key& key) {
  return std::make_shared<const KeySet>(std::vector<Key>{key});
}

Key secret_key(char letter) {
  const Json jwk =
      Json::object().set("kty", "oct").set("kid", "k").set("k", std::string(43, letter));
  return *Key::from_jwk(jwk, true);
}

Trust some_trust() {
  Trust trust;
  trust.expect.issuer = "https://a.example";
  trust.expect.audiences = {"x", "y"};
  trust.expect.typs = {"", "JWT"};
  return trust;
}

TEST(PolicyOf, IsAnotherOneWhateverChanges) {
  const std::vector<std::pair<const char*, std::function<void(Trust&)>>> table{
      {"issuer", [](Trust& t) { t.expect.issuer += "/"; }},
      {"audience", [](Trust& t) { t.expect.audiences.back() = "z"; }},
      {"audiences", [](Trust& t) { t.expect.audiences = {"xy"}; }},
      {"moved",
       [](Trust& t) {
         t.expect.audiences = {"x"}, t.expect.typs = {"y", "", "JWT"};
       }},
      {"any", [](Trust& t) { t.expect.any_audience = true; }},
      {"algs", [](Trust& t) { t.expect.algs = {Alg::es256}; }},
      {"typs", [](Trust& t) { t.expect.typs = {"at+jwt"}; }},
      {"skew", [](Trust& t) { t.expect.skew++; }},
      {"grace", [](Trust& t) { t.expect.grace++; }},
      {"jwks_uri", [](Trust& t) { t.jwks_uri = "https://a.example/jwks"; }},
      {"max_stale", [](Trust& t) { t.max_stale++; }},
      {"scope_claim", [](Trust& t) { t.scope_claim = "scp"; }},
      {"subject_prefix", [](Trust& t) { t.subject_prefix = "a"; }},
      {"cognito", [](Trust& t) { t.is_cognito = true; }},
      {"any client", [](Trust& t) { t.any_client = true; }},
      {"own", [](Trust& t) { t.is_own = true; }},
      {"no keys", [](Trust& t) { t.keys = std::make_shared<const KeySet>(); }},
      {"a key", [](Trust& t) { t.keys = set_of(keys().p256); }},
      {"another key", [](Trust& t) { t.keys = set_of(keys().p384); }},
      {"its kid", [](Trust& t) { t.keys = set_of(keys().p256.with_kid("other")); }},
      {"a secret", [](Trust& t) { t.keys = set_of(secret_key('A')); }},
      {"another secret", [](Trust& t) { t.keys = set_of(secret_key('E')); }},
  };
  std::map<PolicyId, std::string> seen{{policy_of({some_trust()}), "unchanged"},
                                       {policy_of({}), "nobody"},
                                       {policy_of({some_trust(), some_trust()}), "twice"}};
  for (const auto& [what, change] : table) {
    Trust trust = some_trust();
    change(trust);
    const auto [other, is_new] = seen.emplace(policy_of({trust}), what);
    EXPECT_TRUE(is_new) << what << " is like " << other->second;
    EXPECT_EQ(policy_of({trust}), other->first) << "equal trusts, equal policies";
  }
}

TEST(PolicyOf, KnowsTheOrderOfTrusts) {
  Trust other = some_trust();
  other.expect.issuer = "https://b.example";
  EXPECT_NE(policy_of({some_trust(), other}), policy_of({other, some_trust()}));
}

// It outlives a process in shared memory, and other workers must find what it names.
TEST(PolicyOf, IsTheSameInEveryProcess) {
  const PolicyId expected{15823937455120798128U, 13548517469281624359U};
  EXPECT_EQ(policy_of({some_trust()}), expected);
}

}  // namespace
}  // namespace oauth
