#include "oauth/jose/jwk.hpp"

#include <set>

#include "jose/support.hpp"

namespace oauth {
namespace {

using test::keys;
using test::outcome;

Json jwk_of_secret(std::string_view kid) {
  return Json::object()
      .set("kty", "oct")
      .set("k", base64url_encode(std::string(64, 'k')))
      .set("kid", kid);
}

std::string set_of(const std::vector<Json>& members) {
  Json array = Json::array();
  for (const Json& member : members) {
    array.push(member);
  }
  return Json::object().set("keys", array).dump();
}

std::vector<std::string> kids(const Result<KeySet>& set) {
  std::vector<std::string> all;
  for (const Key& key : set->keys()) {
    all.push_back(key.kid());
  }
  return all;
}

Key private_again(const Key& key) {
  return test::private_key(std::string(key.private_pem().bytes()), key.kid());
}

using Strings = std::vector<std::string>;

TEST(KeySet, KeepsItsOrderAndHasNothingToSayOfGoodKeys) {
  const auto set = KeySet::parse(KeySet(keys().all()).public_jwks().dump());
  ASSERT_TRUE(set);
  EXPECT_EQ(kids(set), (Strings{"rsa", "p256", "p384", "p521", "ed25519"}));
  EXPECT_EQ(set->left_out(), Strings{});
}

TEST(KeySet, WhatIsNoSetOrHoldsNoUsableKeyIsEmpty) {
  for (std::string_view text :
       {"", "x", "null", "[]", "{}", R"({"keys":null})", R"({"keys":{}})", R"({"keys":[]})",
        R"({"keys":[null,1,"x",[]]})", R"({"keys":[],"keys":[]})", "<html></html>"}) {
    EXPECT_EQ(outcome(KeySet::parse(text)), "key_set_empty") << text;
  }
  const std::string good = KeySet(keys().all()).public_jwks().dump();
  EXPECT_EQ(outcome(KeySet::parse(good + "x")), "key_set_empty");
  EXPECT_EQ(outcome(KeySet::parse(good + std::string(KeySet::kMaxBytes, ' '))), "key_set_empty");
}

TEST(KeySet, LeavesOutWhatIsUnusableAndKeepsItsSiblings) {
  Json weak = keys().rsa.public_jwk();
  weak.set("n", base64url_encode(test::odd_number(1024))).set("kid", "weak");
  Json encryption = keys().p256.public_jwk();
  encryption.set("use", "enc").set("kid", "enc");
  const auto set =
      KeySet::parse(set_of({weak, encryption, Json::of("x"), keys().p384.public_jwk()}));
  ASSERT_TRUE(set);
  EXPECT_EQ(kids(set), Strings{"p384"});
  EXPECT_EQ(set->left_out(),
            (Strings{"kid `weak`: RSA modulus under 2048 bit", "kid `enc`: use is not sig",
                     "a key without kid: unknown kty"}));
}

TEST(KeySet, BothOfTwoKeysWithOneKidAreLeftOut) {
  const auto set = KeySet::parse(
      set_of({keys().p256.with_kid("twice").public_jwk(), keys().p384.with_kid("once").public_jwk(),
              keys().rsa.with_kid("twice").public_jwk()}));
  ASSERT_TRUE(set);
  EXPECT_EQ(kids(set), Strings{"once"});
  EXPECT_EQ(set->left_out(), (Strings{"kid `twice`: another key has the same kid",
                                      "kid `twice`: another key has the same kid"}));
  // Also when it is the same key, and also three of them.
  const Json one = keys().p256.public_jwk();
  EXPECT_EQ(outcome(KeySet::parse(set_of({one, one, one}))), "key_set_empty");
}

TEST(KeySet, KeysWithoutKidDoNotCollide) {
  const auto set = KeySet::parse(
      set_of({keys().p256.with_kid("").public_jwk(), keys().p384.with_kid("").public_jwk()}));
  ASSERT_TRUE(set);
  EXPECT_EQ(set->keys().size(), 2U);
}

TEST(KeySet, AKeyForEncryptionCollidesWithNoneButABrokenOneDoes) {
  Json other = keys().rsa.with_kid("same").public_jwk();
  const Json good = keys().p256.with_kid("same").public_jwk();
  other.set("use", "enc");
  const auto set = KeySet::parse(set_of({other, good}));
  ASSERT_TRUE(set);
  EXPECT_EQ(kids(set), Strings{"same"});
  other.set("use", "sig").set("n", "!");
  EXPECT_EQ(outcome(KeySet::parse(set_of({other, good}))), "key_set_empty");
}

TEST(KeySet, SymmetricKeysOfAJwksAreLeftOutAndTheOthersKept) {
  const auto set = KeySet::parse(set_of({jwk_of_secret("secret"), keys().p256.public_jwk()}));
  ASSERT_TRUE(set);
  EXPECT_EQ(kids(set), Strings{"p256"});
  EXPECT_EQ(set->left_out(), Strings{"kid `secret`: symmetric key"});
  EXPECT_EQ(outcome(KeySet::parse(set_of({jwk_of_secret("secret")}))), "key_set_empty");
}

TEST(KeySet, AKeyFileMayHoldSymmetricKeysButNotBesidePublicOnes) {
  const auto alone = KeySet::parse(set_of({jwk_of_secret("a"), jwk_of_secret("b")}), true);
  ASSERT_TRUE(alone);
  EXPECT_EQ(kids(alone), (Strings{"a", "b"}));
  const auto mixed = KeySet::parse(set_of({jwk_of_secret("a"), keys().p256.public_jwk()}), true);
  ASSERT_TRUE(mixed);
  EXPECT_EQ(kids(mixed), Strings{"p256"});
  EXPECT_EQ(mixed->left_out(), Strings{"kid `a`: symmetric key beside public keys"});
}

TEST(KeySet, LooksAt64KeysAndSaysSo) {
  std::vector<Json> members;
  members.reserve(70);
  for (int i = 0; i < 70; ++i) {
    members.push_back(keys().p256.with_kid(std::to_string(i)).public_jwk());
  }
  const auto set = KeySet::parse(set_of(members));
  ASSERT_TRUE(set);
  EXPECT_EQ(set->keys().size(), 64U);
  EXPECT_EQ(set->keys().back().kid(), "63");
  EXPECT_EQ(set->left_out(), Strings{"every key after the first 64"});
}

TEST(KeySet, WhatItSaysOfAHostileKidIsShortAndPrintable) {
  Json hostile = keys().p256.public_jwk();
  hostile.set("use", "enc").set("kid", "a\r\n%n\x1b[31m" + std::string(500, 'x'));
  const auto set = KeySet::parse(set_of({hostile, keys().p384.public_jwk()}));
  ASSERT_TRUE(set);
  ASSERT_EQ(set->left_out().size(), 1U);
  EXPECT_EQ(set->left_out()[0],
            "kid `a%0D%0A%25n%1B[31m" + std::string(22, 'x') + "`: use is not sig");
}

TEST(KeySet, ThePublicSetHoldsNoPrivateMemberAndNoSymmetricKey) {
  std::vector<Key> all = keys().all();
  all.push_back(test::secret_key(std::string(32, 'k'), "secret"));
  const Json set = KeySet(all).public_jwks();
  EXPECT_EQ(set.get("keys").size(), 5U);
  const std::string text = set.dump();
  for (std::string_view name : {R"("d":)", R"("p":)", R"("q":)", R"("k":)", "secret", R"("oct")"}) {
    EXPECT_EQ(text.find(name), text.npos) << name;
  }
}

TEST(KeySet, ItsDigestTellsEveryOtherSetApart) {
  const Key other = *Key::generate_es256();
  Json for_one_alg = keys().rsa.public_jwk();
  for_one_alg.set("alg", "RS256");
  Json of_an_issuer = keys().rsa.public_jwk();
  of_an_issuer.set("issuer", "https://i.example");
  const std::string secret(64, 'k');
  const std::vector<std::vector<Key>> sets{
      {keys().rsa, keys().p256},
      {keys().p256, keys().rsa},
      {keys().rsa},
      {keys().p256},
      {keys().rsa, keys().p256, keys().p256},
      {keys().rsa, other.with_kid("p256")},
      {keys().rsa, keys().p256.with_kid("p25")},
      {keys().rsa.with_kid("rsap"), keys().p256.with_kid("256")},
      {*Key::from_jwk(for_one_alg), keys().p256},
      {*Key::from_jwk(of_an_issuer), keys().p256},
      {test::secret_key(secret, "k")},
      {test::secret_key(secret, "l")},
      {test::secret_key(std::string(64, 'l'), "k")},
      {test::secret_key(std::string(32, 'k'), "k")},
  };
  std::set<std::uint64_t> digests{KeySet().digest()};
  for (const std::vector<Key>& set : sets) {
    EXPECT_EQ(KeySet(set).digest(), KeySet(set).digest());
    EXPECT_TRUE(digests.insert(KeySet(set).digest()).second);
  }
}

TEST(KeySet, ItsDigestIsThatOfTheSameKeysHoweverTheyWereRead) {
  const KeySet set({keys().rsa, keys().p256, keys().ed25519});
  const auto published = KeySet::parse(set.public_jwks().dump());
  EXPECT_EQ(published->digest(), set.digest());
  const KeySet again({private_again(keys().rsa), keys().p256, private_again(keys().ed25519)});
  EXPECT_EQ(again.digest(), set.digest());
  // What is left out is no part of it.
  Json weak = keys().rsa.public_jwk();
  weak.set("n", base64url_encode(test::odd_number(1024))).set("kid", "weak");
  EXPECT_EQ(KeySet::parse(set_of({weak, keys().p384.public_jwk()}))->digest(),
            KeySet({keys().p384}).digest());
}

}  // namespace
}  // namespace oauth
