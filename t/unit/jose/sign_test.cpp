#include "oauth/jose/sign.hpp"

#include "jose/support.hpp"
#include "oauth/jose/verify.hpp"

namespace oauth {
namespace {

using test::keys;
using test::outcome;

Json claims() {
  return Json::object().set("iss", "me").set("sub", "you");
}

std::string header_of(const std::string& token) {
  return *base64url_decode(token.substr(0, token.find('.')));
}

TEST(Sign, WritesAlgTypAndKidInThisOrder) {
  const auto token = sign(claims(), keys().p256, Alg::es256, "at+jwt");
  ASSERT_TRUE(token);
  EXPECT_EQ(header_of(*token), R"({"alg":"ES256","typ":"at+jwt","kid":"p256"})");
}

TEST(Sign, LeavesOutAnEmptyTypAndAnEmptyKid) {
  const auto token = sign(claims(), keys().p256.with_kid(""), Alg::es256, "");
  ASSERT_TRUE(token);
  EXPECT_EQ(header_of(*token), R"({"alg":"ES256"})");
}

TEST(Sign, KeepsTheClaimsInTheirOrderAndPureAscii) {
  Json all = claims();
  all.set("name", "J\xc3\xbcrgen").set("exp", std::int64_t{1});
  const std::string token = *sign(all, keys().ed25519, Alg::eddsa, "JWT");
  EXPECT_EQ(split(token)->payload, R"({"iss":"me","sub":"you","name":"J\u00FCrgen","exp":1})");
}

TEST(Sign, EveryAlgorithmIsOneThatSplitAndVerifyRead) {
  std::vector<Key> all = keys().all();
  all.push_back(test::secret_key(std::string(64, 'k'), "secret"));
  int signed_tokens = 0;
  for (const Key& key : all) {
    for (Alg alg : kAlgs) {
      if (!key.algs().has(alg)) {
        continue;
      }
      const auto token = sign(claims(), key, alg, "JWT");
      ASSERT_TRUE(token) << alg_name(alg);
      const auto jwt = split(*token);
      ASSERT_TRUE(jwt) << *token;
      EXPECT_EQ(jwt->alg, alg);
      EXPECT_EQ(jwt->kid, key.kid());
      EXPECT_EQ(outcome(verify_signature(*jwt, KeySet(all))), "") << alg_name(alg);
      ++signed_tokens;
    }
  }
  EXPECT_EQ(signed_tokens, 13);
}

TEST(Sign, RefusesWhatItCannotSign) {
  const Key half = *Key::from_jwk(keys().p256.public_jwk());
  EXPECT_EQ(outcome(sign(claims(), half, Alg::es256, "JWT")), "internal");
  EXPECT_EQ(outcome(sign(claims(), keys().p256, Alg::es384, "JWT")), "internal");
  EXPECT_EQ(outcome(sign(claims(), keys().rsa, Alg::hs256, "JWT")), "internal");
  EXPECT_EQ(outcome(sign(Json(), keys().p256, Alg::es256, "JWT")), "internal");
  EXPECT_EQ(outcome(sign(Json::array(), keys().p256, Alg::es256, "JWT")), "internal");
}

}  // namespace
}  // namespace oauth
