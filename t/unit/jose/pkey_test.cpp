#include "oauth/jose/pkey.hpp"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>

#include "jose/support.hpp"

namespace oauth {
namespace {

using test::keys;
using test::outcome;

std::string_view unused_why;

// A private key's PEM in the way that `write` puts it out.
template <class Write>
std::string written(std::string_view pem, Write write) {
  const Pkey key = *read_private_pem(pem, unused_why);
  const std::unique_ptr<BIO, decltype(&BIO_free_all)> memory(BIO_new(BIO_s_mem()), BIO_free_all);
  EXPECT_EQ(write(memory.get(), key.get()), 1);
  char* data = nullptr;
  const long size = BIO_get_mem_data(memory.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

// `type` "RSA" or "RSA-PSS", 2048 bit.
EVP_PKEY* generate_rsa(const char* type, BN_ULONG e) {
  const std::unique_ptr<EVP_PKEY_CTX, decltype(&EVP_PKEY_CTX_free)> context(
      EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr), EVP_PKEY_CTX_free);
  const std::unique_ptr<BIGNUM, decltype(&BN_free)> exponent(BN_new(), BN_free);
  BN_set_word(exponent.get(), e);
  EVP_PKEY* key = nullptr;
  EVP_PKEY_keygen_init(context.get());
  EVP_PKEY_CTX_set_rsa_keygen_bits(context.get(), 2048);
  EVP_PKEY_CTX_set1_rsa_keygen_pubexp(context.get(), exponent.get());
  EXPECT_EQ(EVP_PKEY_generate(context.get(), &key), 1);
  return key;
}

// The private half of one P-256 key with the public half of another.
std::string chimera_pem() {
  const Pkey one = *generate_p256();
  const Pkey other = *generate_p256();
  BIGNUM* secret = nullptr;
  EVP_PKEY_get_bn_param(one.get(), OSSL_PKEY_PARAM_PRIV_KEY, &secret);
  std::string point(65, '\0');
  std::size_t size = 0;
  EVP_PKEY_get_octet_string_param(other.get(), OSSL_PKEY_PARAM_PUB_KEY,
                                  reinterpret_cast<unsigned char*>(point.data()), point.size(),
                                  &size);
  OSSL_PARAM_BLD* builder = OSSL_PARAM_BLD_new();
  OSSL_PARAM_BLD_push_utf8_string(builder, OSSL_PKEY_PARAM_GROUP_NAME, "P-256", 0);
  OSSL_PARAM_BLD_push_octet_string(builder, OSSL_PKEY_PARAM_PUB_KEY, point.data(), size);
  OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_PRIV_KEY, secret);
  OSSL_PARAM* params = OSSL_PARAM_BLD_to_param(builder);
  EVP_PKEY_CTX* context = EVP_PKEY_CTX_new_from_name(nullptr, "EC", nullptr);
  EVP_PKEY* key = nullptr;
  EVP_PKEY_fromdata_init(context);
  EXPECT_EQ(EVP_PKEY_fromdata(context, &key, EVP_PKEY_KEYPAIR, params), 1);
  EVP_PKEY_CTX_free(context);
  OSSL_PARAM_free(params);
  OSSL_PARAM_BLD_free(builder);
  BN_free(secret);
  return test::pem_of(key);
}

std::string rsa_der(std::size_t bits, std::string_view e) {
  return write_public_der(**make_rsa(test::odd_number(bits), e, unused_why));
}

const std::string kF4("\x01\x00\x01", 3);

TEST(PrivatePem, IsReadInPkcs8AndInTheOlderForms) {
  for (const std::string& pem : {test::rsa_pem(2048), test::ec_pem("P-256"), test::ec_pem("P-384"),
                                 test::ec_pem("P-521"), test::ed25519_pem()}) {
    EXPECT_TRUE(pem.starts_with("-----BEGIN PRIVATE KEY-----\n"));
    EXPECT_EQ(outcome(read_private_pem(pem, unused_why)), "");
    EXPECT_EQ(write_private_pem(**read_private_pem(pem, unused_why)).bytes(), pem);
  }
  for (const std::string& pem : {test::rsa_pem(2048), test::ec_pem("P-256")}) {
    const std::string older = written(pem, [](BIO* out, EVP_PKEY* key) {
      return PEM_write_bio_PrivateKey_traditional(out, key, nullptr, nullptr, 0, nullptr, nullptr);
    });
    EXPECT_TRUE(older.starts_with("-----BEGIN RSA PRIVATE KEY-----") ||
                older.starts_with("-----BEGIN EC PRIVATE KEY-----"));
    EXPECT_EQ(write_private_pem(**read_private_pem(older, unused_why)).bytes(), pem);
  }
}

TEST(PrivatePem, EncryptedIsRefusedAndNobodyIsAskedForAPassword) {
  char password[] = "secret";
  const std::string pem = written(test::ec_pem("P-256"), [&password](BIO* out, EVP_PKEY* key) {
    return PEM_write_bio_PKCS8PrivateKey(out, key, EVP_aes_128_cbc(), password, 6, nullptr,
                                         nullptr);
  });
  EXPECT_TRUE(pem.starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----"));
  EXPECT_EQ(outcome(read_private_pem(pem, unused_why)), "key_malformed");
}

TEST(PrivatePem, WhatIsNoPrivateKeyIsRefused) {
  const std::string good = test::ec_pem("P-256");
  for (const std::string& pem :
       {std::string(), std::string("x"), std::string(70'000, 'x'), good.substr(0, 60),
        good + std::string(70'000, '\n'), test::public_pem(keys().rsa.public_der())}) {
    EXPECT_EQ(outcome(read_private_pem(pem, unused_why)), "key_malformed") << pem.substr(0, 40);
  }
}

TEST(PrivatePem, WeakRsaIsRefusedAndSaysWhy) {
  std::string_view why;
  EXPECT_EQ(outcome(read_private_pem(test::rsa_pem(1024), why)), "key_weak");
  EXPECT_EQ(why, "RSA modulus under 2048 bit");
  EXPECT_EQ(outcome(read_private_pem(test::pem_of(generate_rsa("RSA", 3)), why)), "key_weak");
  EXPECT_EQ(why, "RSA exponent is even, under 65537 or over 64 bit");
}

TEST(PrivatePem, OtherTypesAndCurvesAreRefused) {
  EXPECT_EQ(outcome(read_private_pem(test::ec_pem("secp256k1"), unused_why)), "key_malformed");
  for (const char* type : {"ED448", "X25519"}) {
    const std::string pem = test::pem_of(EVP_PKEY_Q_keygen(nullptr, nullptr, type));
    EXPECT_EQ(outcome(read_private_pem(pem, unused_why)), "key_malformed") << type;
  }
  const std::string pss = test::pem_of(generate_rsa("RSA-PSS", 65537));
  EXPECT_EQ(outcome(read_private_pem(pss, unused_why)), "key_malformed");
}

TEST(PrivatePem, HalvesOfTwoKeysAreRefused) {
  std::string_view why;
  EXPECT_EQ(outcome(read_private_pem(chimera_pem(), why)), "key_malformed");
}

TEST(ClientKey, MustBeRsaOf2048To4096BitWithExponent65537) {
  EXPECT_EQ(outcome(read_client_der(rsa_der(2048, kF4))), "");
  EXPECT_EQ(outcome(read_client_der(rsa_der(4096, kF4))), "");
  EXPECT_EQ(outcome(read_client_der(rsa_der(4097, kF4))), "public_key_refused");
  EXPECT_EQ(outcome(read_client_der(rsa_der(8192, kF4))), "public_key_refused");
  const std::string f4_and_two("\x01\x00\x03", 3);
  EXPECT_EQ(outcome(read_client_der(rsa_der(2048, f4_and_two))), "public_key_refused");

  for (EVP_PKEY* made :
       {EVP_RSA_gen(1024), EVP_RSA_gen(2040), EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256"),
        EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"), generate_rsa("RSA-PSS", 65537)}) {
    const Pkey key(made, EVP_PKEY_free);
    ASSERT_NE(key, nullptr);
    EXPECT_EQ(outcome(read_client_der(write_public_der(*key))), "public_key_refused");
  }
}

TEST(ClientKey, ADerThatIsCutExtendedOrDamagedIsRefused) {
  const std::string der = keys().rsa.public_der();
  for (std::size_t size = 0; size < der.size(); ++size) {
    EXPECT_EQ(outcome(read_client_der(der.substr(0, size))), "public_key_refused") << size;
  }
  EXPECT_EQ(outcome(read_client_der(der + '\0')), "public_key_refused");
  EXPECT_EQ(outcome(read_client_der(der + der)), "public_key_refused");
  for (std::size_t at = 0; at < 32; ++at) {  // up to the first byte of the modulus
    std::string damaged = der;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x20);
    EXPECT_EQ(outcome(read_client_der(damaged)), "public_key_refused") << at;
  }
}

TEST(Pkey, RsaIsBoundedAtBothEndsAndItsNumbersAreOdd) {
  const auto made = [](std::size_t bits, std::string_view e) {
    return outcome(make_rsa(test::odd_number(bits), e, unused_why));
  };
  EXPECT_EQ(made(2047, kF4), "key_weak");
  EXPECT_EQ(made(2048, kF4), "");
  EXPECT_EQ(made(8192, kF4), "");
  EXPECT_EQ(made(8193, kF4), "key_weak");
  std::string even = test::odd_number(2048);
  even.back() = '\x02';
  EXPECT_EQ(outcome(make_rsa(even, kF4, unused_why)), "key_weak");

  const std::string largest(8, '\xff');
  EXPECT_EQ(made(2048, largest), "");
  for (const std::string& e :
       {std::string(), std::string("\x00", 1), std::string("\x01"), std::string("\x03"),
        std::string("\xff\xff"), std::string("\x01\x00\x00", 3), std::string("\x01\x00\x02", 3),
        '\x01' + largest}) {
    EXPECT_EQ(made(2048, e), "key_weak") << hex_encode(e);
  }
  EXPECT_EQ(outcome(make_rsa("", kF4, unused_why)), "key_weak");
  // Leading zeros change no number.
  EXPECT_EQ(outcome(make_rsa('\0' + test::odd_number(2048), '\0' + kF4, unused_why)), "");
}

// 1 is a power of everything, so the residue of 1 modulo all those primes is the fingerprint too.
TEST(Pkey, AModulusWithTheFingerprintOfCve201715361IsRefused) {
  const std::unique_ptr<BIGNUM, decltype(&BN_free)> n(BN_new(), BN_free);
  BN_set_bit(n.get(), 2100);
  for (BN_ULONG prime = 3; prime < 168; prime += 2) {
    BN_mul_word(n.get(), prime);
  }
  BN_add_word(n.get(), 1);
  std::string bytes(static_cast<std::size_t>(BN_num_bytes(n.get())), '\0');
  BN_bn2bin(n.get(), reinterpret_cast<unsigned char*>(bytes.data()));
  std::string_view why;
  EXPECT_EQ(outcome(make_rsa(bytes, kF4, why)), "key_weak");
  EXPECT_EQ(why, "RSA modulus can be factored (CVE-2017-15361)");
}

TEST(Pkey, AnEcPointHasTheFieldsSizeAndLiesOnItsCurve) {
  const Json jwk = keys().p256.public_jwk();
  const std::string x = *base64url_decode(*jwk.string("x"));
  const std::string y = *base64url_decode(*jwk.string("y"));
  const auto made = [](std::string_view crv, std::string_view a, std::string_view b) {
    return outcome(make_ec(crv, a, b, unused_why));
  };
  EXPECT_EQ(made("P-256", x, y), "");
  std::string off = y;
  off.back() = static_cast<char>(off.back() ^ 1);
  EXPECT_EQ(made("P-256", x, off), "key_malformed");
  EXPECT_EQ(made("P-256", y, x), "key_malformed");
  EXPECT_EQ(made("P-256", std::string(32, '\0'), std::string(32, '\0')), "key_malformed");
  EXPECT_EQ(made("P-256", std::string(32, '\xff'), y), "key_malformed");
  EXPECT_EQ(made("P-256", x.substr(1), y), "key_malformed");
  EXPECT_EQ(made("P-256", '\0' + x, y), "key_malformed");
  EXPECT_EQ(made("P-256", x, '\0' + y), "key_malformed");
  EXPECT_EQ(made("P-256", x.substr(0, 31), y + '\0'), "key_malformed");
  EXPECT_EQ(made("P-384", x, y), "key_malformed");
  EXPECT_EQ(made("p-256", x, y), "key_malformed");
  EXPECT_EQ(made("secp256k1", x, y), "key_malformed");
  EXPECT_EQ(made("", x, y), "key_malformed");
}

TEST(Pkey, AnEd25519KeyIs32Bytes) {
  const std::string x = *base64url_decode(*keys().ed25519.public_jwk().string("x"));
  EXPECT_EQ(outcome(make_ed25519(x, unused_why)), "");
  EXPECT_EQ(outcome(make_ed25519(x.substr(1), unused_why)), "key_malformed");
  EXPECT_EQ(outcome(make_ed25519(x + '\0', unused_why)), "key_malformed");
}

TEST(Pkey, ARefusalLeavesNothingInTheErrorQueue) {
  (void)read_private_pem("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
                         unused_why);
  EXPECT_EQ(ERR_peek_error(), 0UL);
  (void)make_ec("P-256", std::string(32, 'x'), std::string(32, 'y'), unused_why);
  EXPECT_EQ(ERR_peek_error(), 0UL);
  std::string der = keys().rsa.public_der();
  der.pop_back();
  (void)read_client_der(der);
  EXPECT_EQ(ERR_peek_error(), 0UL);
}

}  // namespace
}  // namespace oauth
