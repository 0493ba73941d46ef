#include "oauth/jose/signature.hpp"

#include <openssl/err.h>

#include <map>

#include "jose/support.hpp"

namespace oauth {
namespace {

using test::keys;

constexpr std::string_view kMessage = "what was signed";

std::vector<std::pair<Key, Alg>> every_pair() {
  std::vector<std::pair<Key, Alg>> pairs;
  for (const Key& key : keys().all()) {
    for (Alg alg : kAlgs) {
      if (key.algs().has(alg)) {
        pairs.emplace_back(key, alg);
      }
    }
  }
  const Key secret = test::secret_key(std::string(64, 's'));
  for (Alg alg : {Alg::hs256, Alg::hs384, Alg::hs512}) {
    pairs.emplace_back(secret, alg);
  }
  return pairs;
}

TEST(Signature, EveryAlgorithmVerifiesWhatItSigned) {
  const auto pairs = every_pair();
  EXPECT_EQ(pairs.size(), kAlgs.size());
  for (const auto& [key, alg] : pairs) {
    const auto signature = key.sign(alg, kMessage);
    ASSERT_TRUE(signature) << alg_name(alg);
    EXPECT_TRUE(key.verify(alg, kMessage, *signature)) << alg_name(alg);
    EXPECT_FALSE(key.verify(alg, "what was not", *signature)) << alg_name(alg);
  }
}

TEST(Signature, ATruncatedOrExtendedOrFlippedOneIsWrong) {
  for (const auto& [key, alg] : every_pair()) {
    const std::string good = *key.sign(alg, kMessage);
    for (std::size_t size = 0; size < good.size(); size += 7) {
      EXPECT_FALSE(key.verify(alg, kMessage, good.substr(0, size))) << alg_name(alg) << size;
    }
    EXPECT_FALSE(key.verify(alg, kMessage, good.substr(1))) << alg_name(alg);
    EXPECT_FALSE(key.verify(alg, kMessage, good + '\0')) << alg_name(alg);
    EXPECT_FALSE(key.verify(alg, kMessage, '\0' + good)) << alg_name(alg);
    EXPECT_FALSE(key.verify(alg, kMessage, good + good)) << alg_name(alg);
    for (std::size_t at : {std::size_t{0}, good.size() / 2, good.size() - 1}) {
      std::string flipped = good;
      flipped[at] = static_cast<char>(flipped[at] ^ 1);
      EXPECT_FALSE(key.verify(alg, kMessage, flipped)) << alg_name(alg) << at;
    }
  }
}

// What OpenSSL keeps for a key is the same for whoever comes next: twice round, so that the first
// signature after a bad one is judged too.
TEST(Signature, ABadOneChangesNothingForTheNext) {
  for (const auto& [key, alg] : every_pair()) {
    const std::string good = *key.sign(alg, kMessage);
    const std::string other = *key.sign(alg, "another");
    for (int round = 0; round < 2; ++round) {
      for (const std::string& bad :
           {other, std::string(), std::string("x"), good.substr(1), good + good,
            std::string(good.size(), '\0'), std::string(good.size(), '\xff'),
            std::string(good.size() / 2, '\0') + good.substr(good.size() / 2)}) {
        EXPECT_TRUE(key.verify(alg, kMessage, good)) << alg_name(alg);
        EXPECT_FALSE(key.verify(alg, kMessage, bad)) << alg_name(alg) << ' ' << hex_encode(bad);
      }
      EXPECT_FALSE(key.verify(alg, "", good)) << alg_name(alg);
      EXPECT_FALSE(key.verify(alg, std::string(100'000, 'x'), good)) << alg_name(alg);
      EXPECT_TRUE(key.verify(alg, kMessage, good)) << alg_name(alg);
      EXPECT_TRUE(key.verify(alg, "another", other)) << alg_name(alg);
    }
  }
}

TEST(Signature, EveryAlgorithmOfAKeyIsCheckedByItself) {
  for (int round = 0; round < 2; ++round) {
    for (const auto& [key, made_as] : every_pair()) {
      const std::string signature = *key.sign(made_as, kMessage);
      for (Alg alg : kAlgs) {
        EXPECT_EQ(key.verify(alg, kMessage, signature), alg == made_as)
            << alg_name(made_as) << ' ' << alg_name(alg);
      }
    }
  }
}

// RFC 8017 8.1.2 and 8.2.2: as long as the modulus, even where the number is shorter.
TEST(Signature, AnRsaSignatureKeepsItsLeadingZero) {
  for (Alg alg : {Alg::ps256, Alg::rs256}) {
    std::string signature;
    std::string message;
    for (int i = 0; i < 10'000 && !signature.starts_with('\0'); ++i) {
      message = std::to_string(i);
      signature = *keys().rsa.sign(alg, message);
    }
    ASSERT_TRUE(signature.starts_with('\0'));
    EXPECT_TRUE(keys().rsa.verify(alg, message, signature));
    EXPECT_FALSE(keys().rsa.verify(alg, message, signature.substr(1))) << alg_name(alg);
  }
}

TEST(Signature, EcdsaIsTwoHalvesOfTheFieldsSizeAndNoDer) {
  const std::map<Alg, std::size_t> sizes{{Alg::es256, 64}, {Alg::es384, 96}, {Alg::es512, 132}};
  for (const auto& [key, alg] : every_pair()) {
    if (sizes.count(alg) == 0) {
      continue;
    }
    // Often enough that R or S begins with a zero byte now and then.
    for (int i = 0; i < 300; ++i) {
      const std::string signature = *key.sign(alg, kMessage);
      ASSERT_EQ(signature.size(), sizes.at(alg));
      ASSERT_TRUE(key.verify(alg, kMessage, signature));
    }
  }
}

TEST(Signature, EcdsaRefusesZeroAndTheOrderInEitherHalf) {
  const std::string zero(32, '\0');
  const std::string order =
      *hex_decode("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551");
  const std::string good = *keys().p256.sign(Alg::es256, kMessage);
  const std::string r = good.substr(0, 32);
  const std::string s = good.substr(32);
  for (const std::string& forged : {zero + zero, zero + s, r + zero, order + s, r + order,
                                    order + order, std::string(64, '\xff')}) {
    EXPECT_FALSE(keys().p256.verify(Alg::es256, kMessage, forged)) << hex_encode(forged);
  }
}

TEST(Signature, PssWantsASaltAsLongAsTheHash) {
  std::string_view why;
  const Pkey key = *read_private_pem(keys().rsa.private_pem().bytes(), why);
  for (int salt : {0, 20, 31, 32, 33, RSA_PSS_SALTLEN_MAX}) {
    EVP_MD_CTX* context = EVP_MD_CTX_new();
    EVP_PKEY_CTX* options = nullptr;
    ASSERT_EQ(EVP_DigestSignInit(context, &options, EVP_sha256(), nullptr, key.get()), 1);
    ASSERT_EQ(EVP_PKEY_CTX_set_rsa_padding(options, RSA_PKCS1_PSS_PADDING), 1);
    ASSERT_EQ(EVP_PKEY_CTX_set_rsa_pss_saltlen(options, salt), 1);
    std::string signature(256, '\0');
    std::size_t size = signature.size();
    ASSERT_EQ(
        EVP_DigestSign(context, reinterpret_cast<unsigned char*>(signature.data()), &size,
                       reinterpret_cast<const unsigned char*>(kMessage.data()), kMessage.size()),
        1);
    EVP_MD_CTX_free(context);
    EXPECT_EQ(Verifier(key).check(Alg::ps256, kMessage, signature), salt == 32) << salt;
    EXPECT_FALSE(Verifier(key).check(Alg::rs256, kMessage, signature)) << salt;
  }
}

TEST(Signature, AnAlgorithmThatTheKeyCannotCarryNeitherSignsNorVerifies) {
  for (const auto& [key, own] : every_pair()) {
    const std::string good = *key.sign(own, kMessage);
    for (Alg alg : kAlgs) {
      if (!key.algs().has(alg)) {
        EXPECT_EQ(test::outcome(key.sign(alg, kMessage)), "internal") << alg_name(alg);
        EXPECT_FALSE(key.verify(alg, kMessage, good)) << alg_name(own) << alg_name(alg);
      }
    }
  }
}

TEST(Signature, APublicKeySignsNothing) {
  for (const Key& key : keys().all()) {
    const auto half = Key::from_jwk(key.public_jwk());
    ASSERT_TRUE(half);
    EXPECT_FALSE(half->is_private());
    for (Alg alg : kAlgs) {
      EXPECT_EQ(test::outcome(half->sign(alg, kMessage)), "internal");
    }
  }
}

TEST(Signature, LeavesNothingInTheErrorQueue) {
  for (const auto& [key, alg] : every_pair()) {
    const std::string good = *key.sign(alg, kMessage);
    (void)key.verify(alg, "another", good);
    (void)key.verify(alg, kMessage, std::string(good.size(), '\xff'));
    EXPECT_EQ(ERR_peek_error(), 0UL) << alg_name(alg);
  }
}

TEST(Signature, MacsAreThoseOfRfc4231) {
  const std::string key(20, '\x0b');
  EXPECT_EQ(hex_encode(MacKey(key).make(Alg::hs256, "Hi There")),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  EXPECT_EQ(MacKey(key).make(Alg::rs256, "Hi There"), "");
}

// Wycheproof's cases for the primitives.
TEST(Signature, AnswersTheRawCorpusAsLabelled) {
  OAUTH_NEED_VECTORS(folder);
  std::map<std::string, int> counts;
  for (const Json& line : test::read_lines(folder / "raw_corpus.jsonl")) {
    const std::string expect(*line.string("expect"));
    const auto alg = parse_alg(*line.string("alg"));
    const auto key = Key::from_jwk(line.get("jwk"), true);
    const auto message = base64url_decode(*line.string("msg"));
    const auto signature = base64url_decode(*line.string("sig"));
    ASSERT_TRUE(message && signature) << *line.string("id");
    const bool accepted = alg && key && key->verify(*alg, *message, *signature);
    ++counts[expect + (accepted ? ": accepted" : ": refused")];
    if (!alg) {
      // ES256K is no algorithm of ours: refused before any key is looked at.
      EXPECT_EQ(*line.string("alg"), "ES256K");
      ++counts["of these refused for their algorithm"];
    } else if (expect != "either") {
      EXPECT_EQ(accepted, expect == "accept")
          << *line.string("id") << ' ' << *line.string("comment");
    }
  }
  for (const auto& [what, count] : counts) {
    std::cout << "[ raw      ] " << what << ' ' << count << '\n';
  }
  EXPECT_EQ(counts["reject: accepted"], 0);
  EXPECT_GT(counts["accept: accepted"], 1000);
}

}  // namespace
}  // namespace oauth
