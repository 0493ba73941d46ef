#include "oauth/base/secret.hpp"

#include <gtest/gtest.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#include <set>

#include "oauth/base/text.hpp"

namespace oauth {
namespace {

std::string unhex(std::string_view text) {
  auto bytes = hex_decode(text);
  EXPECT_TRUE(bytes) << text;
  return bytes.value_or("");
}

// ---- Secret

TEST(Secret, IsEmptyAfterItWasMovedFrom) {
  for (const std::size_t size : {5U, 500U}) {
    Secret from(std::string(size, 'x'));
    Secret to(std::move(from));
    EXPECT_EQ(to.bytes(), std::string(size, 'x'));
    EXPECT_TRUE(from.empty());  // NOLINT(bugprone-use-after-move)
    Secret assigned(std::string_view("old"));
    assigned = std::move(to);
    EXPECT_EQ(assigned.bytes(), std::string(size, 'x'));
    EXPECT_TRUE(to.empty());  // NOLINT(bugprone-use-after-move)
  }
}

TEST(Secret, LeavesNoBytesBehindInAStringThatItTookOver) {
  std::string small = "short one";
  const char* const storage = small.data();
  const Secret secret = Secret::adopt(std::move(small));
  EXPECT_EQ(secret.bytes(), "short one");
  // NOLINTNEXTLINE(clang-analyzer-cplusplus.InnerPointer): `small` is still there
  EXPECT_EQ(std::string(storage, 9), std::string(9, '\0'));
}

TEST(Secret, OverwritesWhatItHeldWhenItIsReplaced) {
  Secret secret(std::string_view("short one"));
  const char* const storage = secret.bytes().data();
  secret = Secret();
  EXPECT_EQ(std::string(storage, 9), std::string(9, '\0'));
}

// ---- Primitives

TEST(RandomBytes, AreAsManyAsAskedForAndNeverTheSame) {
  std::set<std::string> seen;
  for (int i = 0; i < 1000; ++i) {
    auto bytes = random_bytes(16);
    ASSERT_TRUE(bytes);
    EXPECT_EQ(bytes->size(), 16U);
    seen.insert(*bytes);
  }
  EXPECT_EQ(seen.size(), 1000U);
  auto none = random_bytes(0);
  ASSERT_TRUE(none);
  EXPECT_TRUE(none->empty());
}

TEST(Sha256, MatchesFips180Examples) {
  EXPECT_EQ(hex_encode(sha256("")),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(hex_encode(sha256("abc")),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(hex_encode(sha256(std::string(1000000, 'a'))),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(HmacSha256, MatchesRfc4231) {
  const std::string fourth_key = unhex("0102030405060708090a0b0c0d0e0f10111213141516171819");
  EXPECT_EQ(hex_encode(hmac_sha256(std::string(20, '\x0b'), "Hi There")),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  EXPECT_EQ(hex_encode(hmac_sha256("Jefe", "what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(hex_encode(hmac_sha256(std::string(20, '\xaa'), std::string(50, '\xdd'))),
            "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe");
  EXPECT_EQ(hex_encode(hmac_sha256(fourth_key, std::string(50, '\xcd'))),
            "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b");
  EXPECT_EQ(hex_encode(hmac_sha256(std::string(131, '\xaa'),
                                   "Test Using Larger Than Block-Size Key - Hash Key First")),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

TEST(HmacSha256, TakesAnEmptyKeyAndAnEmptyMessage) {
  EXPECT_EQ(hex_encode(hmac_sha256({}, {})),
            "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

TEST(HkdfSha256, MatchesRfc5869CaseThree) {
  const Secret okm = hkdf_sha256(std::string(22, '\x0b'), "", 42);
  EXPECT_EQ(hex_encode(okm.bytes()),
            "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d"
            "9d201395faa4b61a96c8");
}

TEST(HkdfSha256, GivesShorterOutputsAsPrefixesOfLongerOnes) {
  const Secret longest = hkdf_sha256("key", "info", 255 * 32);
  ASSERT_EQ(longest.bytes().size(), 255U * 32);
  for (const std::size_t length : {0U, 1U, 31U, 32U, 33U, 64U, 65U, 4000U}) {
    const Secret okm = hkdf_sha256("key", "info", length);
    EXPECT_EQ(okm.bytes(), longest.bytes().substr(0, length));
  }
}

TEST(HkdfSha256, GivesNothingBeyondItsLimit) {
  EXPECT_TRUE(hkdf_sha256("key", "info", 255 * 32 + 1).empty());
}

TEST(EqualConstantTime, IsTrueOnlyForEqualBytes) {
  EXPECT_TRUE(equal_constant_time("", ""));
  EXPECT_TRUE(equal_constant_time("abc", "abc"));
  EXPECT_FALSE(equal_constant_time("abc", "abd"));
  EXPECT_FALSE(equal_constant_time("abc", "ab"));
  EXPECT_FALSE(equal_constant_time("ab", "abc"));
  EXPECT_FALSE(equal_constant_time(std::string_view("a\0b", 3), std::string_view("a\0c", 3)));
}

// ---- XAES-256-GCM

constexpr std::string_view kNonce = "ABCDEFGHIJKLMNOPQRSTUVWX";

Result<std::string> xaes_seal(std::string_view key, std::string_view nonce,
                              std::string_view plaintext, std::string_view aad) {
  const auto ready = XaesKey::make(key);
  return ready ? ready->seal(nonce, plaintext, aad) : ready.problem();
}

Result<std::string> xaes_open(std::string_view key, std::string_view nonce, std::string_view sealed,
                              std::string_view aad) {
  const auto ready = XaesKey::make(key);
  return ready ? ready->open(nonce, sealed, aad) : ready.problem();
}

TEST(Xaes256Gcm, MatchesTheC2spVectors) {
  // The first has a zero most significant bit in L, the second a one.
  auto first = xaes_seal(std::string(32, '\1'), kNonce, "XAES-256-GCM", "");
  ASSERT_TRUE(first);
  EXPECT_EQ(hex_encode(*first), "ce546ef63c9cc60765923609b33a9a1974e96e52daf2fcf7075e2271");
  auto second = xaes_seal(std::string(32, '\3'), kNonce, "XAES-256-GCM", "c2sp.org/XAES-256-GCM");
  ASSERT_TRUE(second);
  EXPECT_EQ(hex_encode(*second), "986ec1832593df5443a179437fd083bf3fdb41abd740a21f71eb769d");
}

std::string shake128(std::string_view bytes, std::size_t length) {
  std::string digest(length, '\0');
  EVP_MD_CTX* const context = EVP_MD_CTX_new();
  EXPECT_EQ(EVP_DigestInit_ex(context, EVP_shake128(), nullptr), 1);
  EXPECT_EQ(EVP_DigestUpdate(context, bytes.data(), bytes.size()), 1);
  EXPECT_EQ(EVP_DigestFinalXOF(context, reinterpret_cast<unsigned char*>(digest.data()), length),
            1);
  EVP_MD_CTX_free(context);
  return digest;
}

TEST(Xaes256Gcm, MatchesTheC2spAccumulatedTest) {
  const std::string stream = shake128("", 10000 * (32 + 24 + 1 + 255 + 1 + 255));
  std::string_view rest = stream;
  const auto take = [&rest](std::size_t count) {
    const std::string_view taken = rest.substr(0, count);
    rest.remove_prefix(count);
    return taken;
  };
  const auto take_vector = [&take] { return take(static_cast<unsigned char>(take(1)[0])); };
  std::string all;
  for (int i = 0; i < 10000; ++i) {
    const std::string_view key = take(32);
    const std::string_view nonce = take(24);
    const std::string_view plaintext = take_vector();
    const std::string_view aad = take_vector();
    auto sealed = xaes_seal(key, nonce, plaintext, aad);
    ASSERT_TRUE(sealed);
    auto opened = xaes_open(key, nonce, *sealed, aad);
    ASSERT_TRUE(opened);
    ASSERT_EQ(*opened, plaintext);
    all += *sealed;
  }
  EXPECT_EQ(hex_encode(shake128(all, 32)),
            "e6b9edf2df6cec60c8cbd864e2211b597fb69a529160cd040d56c0c210081939");
}

TEST(Xaes256Gcm, SealsAgainAndAgainWithOneKey) {
  const auto key = XaesKey::make(std::string(32, '\3'));
  ASSERT_TRUE(key);
  const std::string aad = "c2sp.org/XAES-256-GCM";
  const auto first = key->seal(kNonce, "XAES-256-GCM", aad);
  EXPECT_FALSE(key->open(kNonce, *first, "another"));
  EXPECT_EQ(key->seal("ABCDEFGHIJKLMNOPQRSTUVW", "text", aad).problem(), Problem::internal);
  EXPECT_EQ(*key->seal(kNonce, "XAES-256-GCM", aad), *first);
  EXPECT_EQ(*key->open(kNonce, *first, aad), "XAES-256-GCM");
}

TEST(Xaes256Gcm, RefusesKeysAndNoncesOfAnotherSize) {
  const std::string key(32, 'k');
  const std::string sealed(20, 's');
  for (const std::string_view bad : {"", "short", "ABCDEFGHIJKLMNOPQRSTUVWXY"}) {
    EXPECT_EQ(xaes_seal(key, bad, "text", "").problem(), Problem::internal);
    EXPECT_EQ(xaes_seal(bad, kNonce, "text", "").problem(), Problem::internal);
    EXPECT_EQ(xaes_open(key, bad, sealed, "").problem(), Problem::internal);
    EXPECT_EQ(xaes_open(bad, kNonce, sealed, "").problem(), Problem::internal);
  }
}

TEST(Xaes256Gcm, OpensNothingShorterThanATag) {
  const std::string key(32, 'k');
  EXPECT_EQ(xaes_open(key, kNonce, "", "").problem(), Problem::seal_forged);
  EXPECT_EQ(xaes_open(key, kNonce, std::string(15, 'x'), "").problem(), Problem::seal_forged);
  EXPECT_EQ(xaes_open(key, kNonce, std::string(16, 'x'), "").problem(), Problem::seal_forged);
}

TEST(Xaes256Gcm, LeavesTheOpensslErrorQueueEmptyWhenItFails) {
  ERR_raise(ERR_LIB_USER, ERR_R_INTERNAL_ERROR);
  EXPECT_FALSE(xaes_open(std::string(32, 'k'), kNonce, std::string(40, 'x'), "aad"));
  EXPECT_EQ(ERR_peek_error(), 0U);
}

// ---- Keyring

constexpr std::int64_t kNow = 1700000000;
constexpr std::int64_t kSkew = 30;
constexpr std::string_view kBroker = "https://auth.example.com";

Keyring ring_of(std::initializer_list<char> fills) {
  std::vector<Secret> secrets;
  for (const char fill : fills) {
    secrets.emplace_back(std::string(32, fill));
  }
  auto ring = Keyring::make(secrets);
  EXPECT_TRUE(ring);
  return std::move(*ring);
}

class SealedBlob : public testing::Test {
 protected:
  static std::string seal(const Keyring& ring, const SealContext& context,
                          std::string_view payload = "the payload") {
    auto blob = ring.seal(context, payload, kNow, kNow + 300);
    EXPECT_TRUE(blob);
    return *blob;
  }

  const Keyring ring_ = ring_of({'a'});
  const SealContext context_{Purpose::code, kBroker, "codes/1"};
  const std::string blob_ = seal(ring_, context_);
};

TEST_F(SealedBlob, OpensToWhatWasSealed) {
  for (const std::string_view payload : {std::string_view(), std::string_view("x\0y", 3)}) {
    auto opened = ring_.open(context_, seal(ring_, context_, payload), kNow, kSkew);
    ASSERT_TRUE(opened);
    EXPECT_EQ(opened->payload.bytes(), payload);
    EXPECT_EQ(opened->issued, kNow);
    EXPECT_EQ(opened->expires, kNow + 300);
  }
}

TEST_F(SealedBlob, HasTheDocumentedLayout) {
  EXPECT_EQ(blob_[0], '\1');
  EXPECT_EQ(hex_encode(blob_.substr(1, 4)), ring_.key_ids().at(0));
  EXPECT_EQ(blob_.size(), 1U + 4 + 24 + 16 + std::string_view("the payload").size() + 16);
}

TEST_F(SealedBlob, IsBoundToItsHeaderAndContextUnderAKeyOfItsPurpose) {
  const Secret key = hkdf_sha256(std::string(32, 'a'), "oauth/v1 seal code", 32);
  std::string aad = blob_.substr(0, 5);
  aad += '\1';  // Purpose::code
  aad += std::string(7, '\0') + static_cast<char>(kBroker.size()) + std::string(kBroker);
  aad += std::string(7, '\0') + '\7' + "codes/1";
  auto plaintext = xaes_open(key.bytes(), blob_.substr(5, 24), blob_.substr(29), aad);
  ASSERT_TRUE(plaintext);
  EXPECT_EQ(hex_encode(plaintext->substr(0, 16)), "000000006553f100000000006553f22c");
  EXPECT_EQ(plaintext->substr(16), "the payload");
}

TEST_F(SealedBlob, DiffersEachTimeForTheSamePayload) {
  EXPECT_NE(seal(ring_, context_), blob_);
}

TEST_F(SealedBlob, DoesNotOpenForAnotherPurpose) {
  for (const Purpose purpose :
       {Purpose::attempt, Purpose::refresh, Purpose::form_post, Purpose::session, Purpose::demo}) {
    const SealContext other{purpose, context_.broker, context_.store_key};
    EXPECT_EQ(ring_.open(other, blob_, kNow, kSkew).problem(), Problem::seal_forged);
  }
}

TEST_F(SealedBlob, DoesNotOpenAtAnotherBrokerOrUnderAnotherStoreKey) {
  for (const SealContext& other :
       {SealContext{Purpose::code, "https://auth.example.org", "codes/1"},
        SealContext{Purpose::code, kBroker, "codes/2"}, SealContext{Purpose::code, kBroker, ""},
        SealContext{Purpose::code, "", ""}}) {
    EXPECT_EQ(ring_.open(other, blob_, kNow, kSkew).problem(), Problem::seal_forged);
  }
}

TEST_F(SealedBlob, KeepsBrokerAndStoreKeyApart) {
  const std::string blob = seal(ring_, SealContext{Purpose::code, "ab", "c"});
  EXPECT_EQ(ring_.open(SealContext{Purpose::code, "a", "bc"}, blob, kNow, kSkew).problem(),
            Problem::seal_forged);
}

TEST_F(SealedBlob, DoesNotOpenWhenAnyByteIsAltered) {
  for (std::size_t i = 0; i < blob_.size(); ++i) {
    std::string altered = blob_;
    altered[i] = static_cast<char>(altered[i] ^ 1);
    const auto opened = ring_.open(context_, altered, kNow, kSkew);
    ASSERT_FALSE(opened) << i;
    const Problem expected = i == 0   ? Problem::seal_malformed
                             : i <= 4 ? Problem::seal_unknown_key
                                      : Problem::seal_forged;
    EXPECT_EQ(opened.problem(), expected) << i;
  }
}

TEST_F(SealedBlob, DoesNotOpenWhenItIsShorterOrLonger) {
  for (std::size_t length = 0; length < blob_.size(); ++length) {
    const Problem expected =
        length < 1 + 4 + 24 + 16 + 16 ? Problem::seal_malformed : Problem::seal_forged;
    EXPECT_EQ(ring_.open(context_, blob_.substr(0, length), kNow, kSkew).problem(), expected);
  }
  EXPECT_EQ(ring_.open(context_, blob_ + "x", kNow, kSkew).problem(), Problem::seal_forged);
}

TEST_F(SealedBlob, OfAKeyThatWeDoNotHaveIsUnknownAndNotForged) {
  EXPECT_EQ(ring_of({'b'}).open(context_, blob_, kNow, kSkew).problem(), Problem::seal_unknown_key);
}

TEST_F(SealedBlob, NamingAnotherKeyOfOursIsForged) {
  const Keyring both = ring_of({'a', 'b'});
  std::string moved = blob_;
  moved.replace(1, 4, unhex(both.key_ids().at(1)));
  EXPECT_EQ(both.open(context_, moved, kNow, kSkew).problem(), Problem::seal_forged);
}

TEST_F(SealedBlob, ExpiresOnlyAfterTheSkew) {
  EXPECT_TRUE(ring_.open(context_, blob_, kNow + 300 + kSkew, kSkew));
  EXPECT_EQ(ring_.open(context_, blob_, kNow + 300 + kSkew + 1, kSkew).problem(),
            Problem::seal_expired);
  EXPECT_TRUE(ring_.open(context_, blob_, kNow + 300, 0));
  EXPECT_EQ(ring_.open(context_, blob_, kNow + 301, 0).problem(), Problem::seal_expired);
}

TEST_F(SealedBlob, IssuedFurtherInTheFutureThanTheSkewDoesNotOpen) {
  EXPECT_TRUE(ring_.open(context_, blob_, kNow - kSkew, kSkew));
  EXPECT_EQ(ring_.open(context_, blob_, kNow - kSkew - 1, kSkew).problem(), Problem::seal_expired);
}

TEST_F(SealedBlob, KeepsTimesOfTheWholeRange) {
  auto blob = ring_.seal(context_, "", -1, INT64_MAX);
  ASSERT_TRUE(blob);
  auto opened = ring_.open(context_, *blob, kNow, kSkew);
  ASSERT_TRUE(opened);
  EXPECT_EQ(opened->issued, -1);
  EXPECT_EQ(opened->expires, INT64_MAX);
}

TEST_F(SealedBlob, SurvivesARotationUntilItsKeyIsTakenAway) {
  const Keyring announced = ring_of({'a', 'b'});  // the new key opens before it seals
  const Keyring rotated = ring_of({'b', 'a'});
  const Keyring finished = ring_of({'b'});
  const std::string fresh = seal(rotated, context_);
  EXPECT_TRUE(announced.open(context_, blob_, kNow, kSkew));
  EXPECT_TRUE(announced.open(context_, fresh, kNow, kSkew));
  EXPECT_TRUE(rotated.open(context_, blob_, kNow, kSkew));
  EXPECT_TRUE(finished.open(context_, fresh, kNow, kSkew));
  EXPECT_EQ(fresh.substr(1, 4), unhex(rotated.key_ids().at(0)));
  EXPECT_EQ(finished.open(context_, blob_, kNow, kSkew).problem(), Problem::seal_unknown_key);
}

TEST(Keyring, RefusesNoSecretAndShortSecrets) {
  EXPECT_EQ(Keyring::make({}).problem(), Problem::weak_secret);
  std::vector<Secret> secrets;
  secrets.emplace_back(std::string(32, 'a'));
  secrets.emplace_back(std::string(31, 'b'));
  EXPECT_EQ(Keyring::make(secrets).problem(), Problem::weak_secret);
}

TEST(Keyring, GivesEverySecretAnIdOfItsOwnThatStaysTheSame) {
  const Keyring ring = ring_of({'a', 'b'});
  EXPECT_EQ(ring.size(), 2U);
  const auto ids = ring.key_ids();
  ASSERT_EQ(ids.size(), 2U);
  EXPECT_NE(ids[0], ids[1]);
  EXPECT_EQ(ids[0].size(), 8U);
  EXPECT_EQ(ids, ring_of({'a', 'b'}).key_ids());
  const Secret id = hkdf_sha256(std::string(32, 'a'), "oauth/v1 key id", 4);
  EXPECT_EQ(ids[0], hex_encode(id.bytes()));
}

TEST(KeyringName, TellsListsOfPartsApart) {
  const Keyring ring = ring_of({'a'});
  const std::set<std::string> names{ring.name({"ab", "c"}), ring.name({"a", "bc"}),
                                    ring.name({"abc"}),     ring.name({"abc", ""}),
                                    ring.name({"", "abc"}), ring.name({})};
  EXPECT_EQ(names.size(), 6U);
}

TEST(KeyringName, IsTheSameAgainAndForEveryRingWithTheSecret) {
  const Keyring before = ring_of({'a'});
  const Keyring rotated = ring_of({'b', 'a'});
  EXPECT_EQ(before.name({"code", "1"}), before.name({"code", "1"}));
  EXPECT_EQ(before.name({"code", "1"}), rotated.name({"code", "1"}, 1));
  EXPECT_NE(before.name({"code", "1"}), rotated.name({"code", "1"}));
}

TEST(KeyringName, IsThirtyTwoBytesInBase64url) {
  auto bytes = base64url_decode(ring_of({'a'}).name({"x"}));
  ASSERT_TRUE(bytes);
  EXPECT_EQ(bytes->size(), 32U);
}

// ---- decode_secret

std::string decoded(std::string_view file) {
  auto secret = decode_secret(file);
  return secret ? std::string(secret->bytes()) : std::string(name(secret.problem()));
}

TEST(DecodeSecret, ReadsHexInEitherCase) {
  const std::string bytes = sha256("key");
  EXPECT_EQ(decoded(hex_encode(bytes)), bytes);
  EXPECT_EQ(decoded(hex_encode(bytes) + "\n"), bytes);
  EXPECT_EQ(decoded("AB" + hex_encode(bytes)), "\xAB" + bytes);
}

TEST(DecodeSecret, ReadsBase64AndBase64url) {
  const std::string bytes = std::string(30, '\xFB') + "\xFF\xFE";
  EXPECT_EQ(decoded(base64_encode(bytes)), bytes);
  EXPECT_EQ(decoded(base64_encode(bytes) + "\n"), bytes);
  EXPECT_EQ(decoded(base64url_encode(bytes) + "\n"), bytes);
}

TEST(DecodeSecret, PrefersHexOverBase64OverTheTextItself) {
  const std::string sixty_four(64, 'a');  // all three
  EXPECT_EQ(decoded(sixty_four), std::string(32, '\xAA'));
  const std::string forty_four(44, 'a');  // 22 bytes of hex, 33 of base64
  EXPECT_EQ(decoded(forty_four), *base64_decode(forty_four));
  const std::string forty(40, 'a');  // 20 bytes of hex, 30 of base64
  EXPECT_EQ(decoded(forty), forty);
}

TEST(DecodeSecret, TakesOtherTextAsItIsButForOneNewline) {
  const std::string text = "correct horse battery staple, twice";
  EXPECT_EQ(decoded(text), text);
  EXPECT_EQ(decoded(text + "\n"), text);
  EXPECT_EQ(decoded(text + "\n\n"), text + "\n\n");
}

TEST(DecodeSecret, TakesBinaryWholeEvenWhenItEndsLikeALine) {
  const std::string binary = std::string(31, '\x80') + "\n";
  EXPECT_EQ(decoded(binary), binary);
}

TEST(DecodeSecret, RefusesFewerThanThirtyTwoBytes) {
  for (const std::string& file : {std::string(), std::string("\n"), std::string("short\n"),
                                  std::string(31, '!') + "\n", std::string(31, '\x80')}) {
    EXPECT_EQ(decoded(file), "weak_secret");
  }
}

}  // namespace
}  // namespace oauth
