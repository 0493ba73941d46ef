#include "oauth/jose/key.hpp"

#include "jose/support.hpp"

namespace oauth {
namespace {

using test::keys;
using test::outcome;

TEST(Key, ItsTypeAndCurveDecideWhatItCanCarry) {
  EXPECT_EQ(keys().rsa.algs(),
            (AlgSet{Alg::rs256, Alg::rs384, Alg::rs512, Alg::ps256, Alg::ps384, Alg::ps512}));
  EXPECT_EQ(keys().p256.algs(), AlgSet{Alg::es256});
  EXPECT_EQ(keys().p384.algs(), AlgSet{Alg::es384});
  EXPECT_EQ(keys().p521.algs(), AlgSet{Alg::es512});
  EXPECT_EQ(keys().ed25519.algs(), AlgSet{Alg::eddsa});
}

TEST(Key, AnAlgMemberNarrowsItToThatOne) {
  Json jwk = keys().rsa.public_jwk();
  jwk.set("alg", "PS384");
  const auto key = Key::from_jwk(jwk);
  ASSERT_TRUE(key);
  EXPECT_EQ(key->algs(), AlgSet{Alg::ps384});
  const std::string signature = *keys().rsa.sign(Alg::rs256, "message");
  EXPECT_TRUE(keys().rsa.verify(Alg::rs256, "message", signature));
  EXPECT_FALSE(key->verify(Alg::rs256, "message", signature));
}

// Every way to spoil a JWK, each alone.
TEST(Key, ASpoiledJwkIsRefused) {
  const struct {
    const Key& key;
    std::string member;
    std::string value;  // JSON
    std::string why;
  } rows[] = {
      {keys().rsa, "kty", R"("RSA1")", "unknown kty"},
      {keys().rsa, "kty", R"("rsa")", "unknown kty"},
      {keys().rsa, "kty", "null", "unknown kty"},
      {keys().rsa, "kty", R"("oct")", "symmetric key"},
      {keys().rsa, "kty", R"("EC")", "x or y is missing or not base64url"},
      {keys().rsa, "n", "null", "n or e is missing or not base64url"},
      {keys().rsa, "n", "17", "n or e is missing or not base64url"},
      {keys().rsa, "n", R"("AQ==")", "n or e is missing or not base64url"},
      {keys().rsa, "n", R"("A+/A")", "n or e is missing or not base64url"},
      {keys().rsa, "n", R"("")", "RSA modulus under 2048 bit"},
      {keys().rsa, "e", R"("AQ")", "RSA exponent is even, under 65537 or over 64 bit"},
      {keys().rsa, "e", R"("Aw")", "RSA exponent is even, under 65537 or over 64 bit"},
      {keys().rsa, "e", R"("AQAA")", "RSA exponent is even, under 65537 or over 64 bit"},
      {keys().rsa, "e", R"("AQAB=")", "n or e is missing or not base64url"},
      {keys().rsa, "e", R"(" AQAB")", "n or e is missing or not base64url"},
      {keys().rsa, "e", R"(["AQAB"])", "n or e is missing or not base64url"},
      {keys().p256, "crv", R"("P-384")", "x or y is not as long as the field"},
      {keys().p256, "crv", R"("secp256k1")", "unknown crv"},
      {keys().p256, "crv", R"("P-256K")", "unknown crv"},
      {keys().p256, "crv", "null", "unknown crv"},
      {keys().p256, "x", R"("")", "x or y is not as long as the field"},
      {keys().p256, "y", "null", "x or y is missing or not base64url"},
      {keys().ed25519, "crv", R"("Ed448")", "not Ed25519, or x is not base64url"},
      {keys().ed25519, "crv", R"("X25519")", "not Ed25519, or x is not base64url"},
      {keys().ed25519, "x", R"("AA")", "x is no Ed25519 key"},
      {keys().p256, "use", R"("enc")", "use is not sig"},
      {keys().p256, "use", R"("SIG")", "use is not sig"},
      {keys().p256, "use", "null", "use is not sig"},
      {keys().p256, "use", R"(["sig"])", "use is not sig"},
      {keys().p256, "key_ops", R"([])", "key_ops without verify"},
      {keys().p256, "key_ops", R"(["sign"])", "key_ops without verify"},
      {keys().p256, "key_ops", R"(["encrypt","wrapKey"])", "key_ops without verify"},
      {keys().p256, "key_ops", R"("verify")", "key_ops without verify"},
      {keys().p256, "key_ops", R"({"0":"verify"})", "key_ops without verify"},
      {keys().p256, "alg", R"("ES384")", "alg is unknown or does not fit the key"},
      {keys().p256, "alg", R"("HS256")", "alg is unknown or does not fit the key"},
      {keys().p256, "alg", R"("none")", "alg is unknown or does not fit the key"},
      {keys().p256, "alg", R"("ES521")", "alg is unknown or does not fit the key"},
      {keys().p256, "alg", "null", "alg is unknown or does not fit the key"},
      {keys().rsa, "alg", R"("RSA-OAEP-256")", "alg is unknown or does not fit the key"},
      {keys().rsa, "alg", R"("HS256")", "alg is unknown or does not fit the key"},
      {keys().p256, "kid", "17", "kid is not a string"},
      {keys().p256, "kid", "null", "kid is not a string"},
  };
  for (const auto& row : rows) {
    Json jwk = row.key.public_jwk();
    jwk.set(row.member, test::json(row.value));
    std::string_view why;
    EXPECT_FALSE(Key::from_jwk(jwk, false, why)) << row.member << ": " << row.value;
    EXPECT_EQ(why, row.why) << row.member << ": " << row.value;
  }
}

TEST(Key, WhatIsNoObjectIsNoKey) {
  for (std::string_view text : {"null", "[]", "{}", "\"x\"", "1"}) {
    EXPECT_EQ(outcome(Key::from_jwk(test::json(text))), "key_malformed") << text;
  }
}

TEST(Key, UseAndKeyOpsOfAVerificationKeyAreFine) {
  for (std::string_view operations :
       {R"(["verify"])", R"(["sign","verify"])", R"(["x","verify"])"}) {
    Json jwk = keys().p256.public_jwk();
    jwk.set("use", "sig").set("key_ops", test::json(operations));
    EXPECT_EQ(outcome(Key::from_jwk(jwk)), "") << operations;
  }
}

TEST(Key, OfAPrivateJwkOnlyThePublicPartIsRead) {
  // RFC 8037 A.1.
  const auto key = Key::from_jwk(test::json(
      R"({"kty":"OKP","crv":"Ed25519","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",)"
      R"("x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"})"));
  ASSERT_TRUE(key);
  EXPECT_FALSE(key->is_private());
  EXPECT_TRUE(key->private_pem().empty());
  EXPECT_EQ(outcome(key->sign(Alg::eddsa, "message")), "internal");
  EXPECT_FALSE(key->public_jwk().has("d"));
}

TEST(Key, ASymmetricKeyIsAtLeastAsLongAsItsHash) {
  const auto algs = [](std::size_t bytes, const char* alg) {
    Json jwk = Json::object().set("kty", "oct").set("k", base64url_encode(std::string(bytes, 'k')));
    if (alg != nullptr) {
      jwk.set("alg", alg);
    }
    const auto key = Key::from_jwk(jwk, true);
    return key ? key->algs() : AlgSet();
  };
  EXPECT_EQ(algs(0, nullptr), AlgSet());
  EXPECT_EQ(algs(31, nullptr), AlgSet());
  EXPECT_EQ(algs(32, nullptr), AlgSet{Alg::hs256});
  EXPECT_EQ(algs(48, nullptr), (AlgSet{Alg::hs256, Alg::hs384}));
  EXPECT_EQ(algs(64, nullptr), (AlgSet{Alg::hs256, Alg::hs384, Alg::hs512}));
  EXPECT_EQ(algs(64, "HS384"), AlgSet{Alg::hs384});
  EXPECT_EQ(algs(47, "HS384"), AlgSet());
  EXPECT_EQ(algs(64, "A256GCM"), AlgSet());
  const Json weak =
      Json::object().set("kty", "oct").set("k", base64url_encode(std::string(31, 'k')));
  EXPECT_EQ(outcome(Key::from_jwk(weak, true)), "key_weak");
}

TEST(Key, ASymmetricKeyShowsNothingOfItself) {
  const Key key = test::secret_key(std::string(32, 'k'), "kid");
  EXPECT_EQ(key.public_jwk().kind(), Json::Kind::null);
  EXPECT_EQ(key.thumbprint(), "");
  EXPECT_EQ(key.public_der(), "");
  EXPECT_TRUE(key.private_pem().empty());
}

TEST(Key, ThePublicJwkReadsBackAndHoldsNothingPrivate) {
  for (const Key& key : keys().all()) {
    const Json jwk = key.public_jwk();
    for (std::string_view name : {"d", "p", "q", "dp", "dq", "qi", "k", "oth"}) {
      EXPECT_FALSE(jwk.has(name)) << name;
    }
    EXPECT_EQ(jwk.string("use"), "sig");
    EXPECT_EQ(jwk.string("kid"), key.kid());
    const auto back = Key::from_jwk(jwk);
    ASSERT_TRUE(back) << jwk.dump();
    EXPECT_EQ(back->thumbprint(), key.thumbprint());
    EXPECT_EQ(back->public_der(), key.public_der());
    EXPECT_EQ(back->algs(), key.algs());
    EXPECT_TRUE(back->private_pem().empty());
  }
  EXPECT_EQ(keys().p384.public_jwk().string("alg"), "ES384");
  EXPECT_FALSE(keys().rsa.public_jwk().has("alg"));
  EXPECT_FALSE(keys().rsa.with_kid("").public_jwk().has("kid"));
}

TEST(Key, ThePrivatePemReadsBackAsTheSameKey) {
  for (const Key& key : keys().all()) {
    const auto back = Key::from_private_pem(key.private_pem().bytes());
    ASSERT_TRUE(back);
    EXPECT_TRUE(back->is_private());
    EXPECT_EQ(back->thumbprint(), key.thumbprint());
  }
  const auto fresh = Key::generate_es256();
  ASSERT_TRUE(fresh);
  EXPECT_TRUE(fresh->is_private());
  EXPECT_NE(fresh->thumbprint(), Key::generate_es256()->thumbprint());
  EXPECT_EQ(Key::from_private_pem(fresh->private_pem().bytes())->thumbprint(), fresh->thumbprint());
}

TEST(Key, AClientsKeyCarriesRs256Only) {
  const std::string der = keys().rsa.public_der();
  const auto key = Key::from_client_public_der(der);
  ASSERT_TRUE(key);
  EXPECT_EQ(key->algs(), AlgSet{Alg::rs256});
  EXPECT_FALSE(key->is_private());
  EXPECT_EQ(key->public_der(), der);
  EXPECT_TRUE(key->verify(Alg::rs256, "message", *keys().rsa.sign(Alg::rs256, "message")));
  EXPECT_FALSE(key->verify(Alg::ps256, "message", *keys().rsa.sign(Alg::ps256, "message")));
  EXPECT_EQ(outcome(Key::from_client_public_der(keys().p256.public_der())), "public_key_refused");
}

TEST(Key, ThumbprintsAreThoseOfTheRfcs) {
  OAUTH_NEED_VECTORS(folder);
  const Json examples = test::json(test::read_file(folder / "rfc_examples.json"));
  for (const auto& [name, member] : {std::pair{"rfc7638_3.1", "thumbprint_S256"},
                                     {"rfc8037_A3", "thumbprint_S256"},
                                     {"rfc9449_jkt", "jkt"}}) {
    const Json example = examples.get(name);
    const auto key = Key::from_jwk(example.get("jwk"));
    ASSERT_TRUE(key) << name;
    EXPECT_EQ(key->thumbprint(), example.string(member)) << name;
  }
}

TEST(Key, ReadsTheKeysOfTheCookbook) {
  OAUTH_NEED_VECTORS(folder);
  const std::filesystem::path jwks = folder / "ietf-jose-cookbook" / "jwk";
  const std::pair<const char*, bool> rows[] = {
      {"3_1.ec_public_key.json", false},
      {"3_2.ec_private_key.json", false},
      {"3_3.rsa_public_key.json", false},
      {"3_4.rsa_private_key.json", false},
      {"3_5.symmetric_key_mac_computation.json", true},
  };
  for (const auto& [file, symmetric] : rows) {
    const Json jwk = test::json(test::read_file(jwks / file));
    EXPECT_EQ(outcome(Key::from_jwk(jwk, true)), "") << file;
    EXPECT_EQ(outcome(Key::from_jwk(jwk)), symmetric ? "key_malformed" : "") << file;
  }
  const Json for_encryption =
      test::json(test::read_file(jwks / "3_6.symmetric_key_encryption.json"));
  EXPECT_EQ(outcome(Key::from_jwk(for_encryption, true)), "key_malformed");
}

}  // namespace
}  // namespace oauth
