#include "oauth/jose/signature.hpp"

#include <openssl/ecdsa.h>
#include <openssl/hmac.h>
#include <openssl/rsa.h>

#include <optional>

#include "jose/openssl.hpp"

namespace oauth {
namespace {

enum class Family { pkcs1, pss, ecdsa, eddsa, hmac };

struct Shape {
  Family family;
  const EVP_MD* (*hash)();
  std::size_t half = 0;  // ES*: bytes of R and of S
};

Shape shape_of(Alg alg);
DigestContext start(evp_pkey_st& key, const Shape& shape, decltype(EVP_DigestSignInit)* init);
std::string der_of(std::string_view pair);
std::string pair_of(std::string_view der, std::size_t half);

}  // namespace

bool check_signature(evp_pkey_st& key, Alg alg, std::string_view message,
                     std::string_view signature) {
  const QuietErrors quiet;
  const Shape shape = shape_of(alg);
  std::string der;
  if (shape.family == Family::ecdsa) {
    // RFC 7518 3.4: R and S are as long as the field, leading zeros included.
    if (signature.size() != 2 * shape.half) {
      return false;
    }
    der = der_of(signature);
    signature = der;
  } else if (signature.size() != static_cast<std::size_t>(EVP_PKEY_get_size(&key))) {
    return false;
  }
  if (signature.empty()) {
    return false;
  }
  const DigestContext context = start(key, shape, EVP_DigestVerifyInit);
  return context != nullptr &&
         EVP_DigestVerify(context.get(), bytes_of(signature), signature.size(), bytes_of(message),
                          message.size()) == 1;
}

Result<std::string> make_signature(evp_pkey_st& key, Alg alg, std::string_view message) {
  const QuietErrors quiet;
  const Shape shape = shape_of(alg);
  const DigestContext context = start(key, shape, EVP_DigestSignInit);
  std::size_t size = 0;
  if (context == nullptr ||
      EVP_DigestSign(context.get(), nullptr, &size, bytes_of(message), message.size()) != 1) {
    return Problem::internal;
  }
  std::string signature(size, '\0');
  if (EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size,
                     bytes_of(message), message.size()) != 1) {
    return Problem::internal;
  }
  signature.resize(size);
  if (shape.family == Family::ecdsa) {
    signature = pair_of(signature, shape.half);
    if (signature.empty()) {
      return Problem::internal;
    }
  }
  return signature;
}

std::string make_mac(Alg alg, std::string_view key, std::string_view message) {
  const QuietErrors quiet;
  const Shape shape = shape_of(alg);
  unsigned char mac[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  if (shape.family != Family::hmac ||
      HMAC(shape.hash(), key.data(), static_cast<int>(key.size()), bytes_of(message),
           message.size(), mac, &size) == nullptr) {
    return {};
  }
  return {reinterpret_cast<const char*>(mac), size};
}

std::string hash_of(Alg alg, std::string_view text) {
  const QuietErrors quiet;
  unsigned char hash[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  if (EVP_Digest(text.data(), text.size(), hash, &size, shape_of(alg).hash(), nullptr) != 1) {
    return {};
  }
  return {reinterpret_cast<const char*>(hash), size};
}

std::size_t hash_size(Alg alg) noexcept {
  return static_cast<std::size_t>(EVP_MD_get_size(shape_of(alg).hash()));
}

namespace {

using Signature = std::unique_ptr<ECDSA_SIG, Freed<ECDSA_SIG_free>>;

Shape shape_of(Alg alg) {
  switch (alg) {
    case Alg::rs256:
      return {Family::pkcs1, EVP_sha256};
    case Alg::rs384:
      return {Family::pkcs1, EVP_sha384};
    case Alg::rs512:
      return {Family::pkcs1, EVP_sha512};
    case Alg::ps256:
      return {Family::pss, EVP_sha256};
    case Alg::ps384:
      return {Family::pss, EVP_sha384};
    case Alg::ps512:
      return {Family::pss, EVP_sha512};
    case Alg::es256:
      return {Family::ecdsa, EVP_sha256, 32};
    case Alg::es384:
      return {Family::ecdsa, EVP_sha384, 48};
    case Alg::es512:
      return {Family::ecdsa, EVP_sha512, 66};
    case Alg::eddsa:
      return {Family::eddsa, EVP_sha512};
    case Alg::hs256:
      return {Family::hmac, EVP_sha256};
    case Alg::hs384:
      return {Family::hmac, EVP_sha384};
    case Alg::hs512:
      break;
  }
  return {Family::hmac, EVP_sha512};
}

// A context ready for the one call that signs or verifies; null when `key` cannot do `shape`.
DigestContext start(evp_pkey_st& key, const Shape& shape, decltype(EVP_DigestSignInit)* init) {
  if (shape.family == Family::hmac) {
    return nullptr;
  }
  // RFC 8032 5.1: Ed25519 takes the message itself; OpenSSL wants to hear of no hash.
  const EVP_MD* hash = shape.family == Family::eddsa ? nullptr : shape.hash();
  DigestContext context(EVP_MD_CTX_new());
  EVP_PKEY_CTX* options = nullptr;  // owned by the context
  if (context == nullptr || init(context.get(), &options, hash, nullptr, &key) != 1) {
    return nullptr;
  }
  // RFC 7518 3.5: MGF1 with the same hash, and a salt of the hash's size, no more and no less.
  if (shape.family == Family::pss &&
      (EVP_PKEY_CTX_set_rsa_padding(options, RSA_PKCS1_PSS_PADDING) != 1 ||
       EVP_PKEY_CTX_set_rsa_mgf1_md(options, hash) != 1 ||
       EVP_PKEY_CTX_set_rsa_pss_saltlen(options, RSA_PSS_SALTLEN_DIGEST) != 1)) {
    return nullptr;
  }
  return context;
}

// R || S to the DER that OpenSSL reads; empty for R = 0 or S = 0. Whether both are below the
// order of the curve is left to OpenSSL.
std::string der_of(std::string_view pair) {
  const auto half = static_cast<int>(pair.size() / 2);
  BigNumber r(BN_bin2bn(bytes_of(pair), half, nullptr));
  BigNumber s(BN_bin2bn(bytes_of(pair) + half, half, nullptr));
  const Signature signature(ECDSA_SIG_new());
  // FIPS 186-5 6.4.2: 1 <= R, S < n. Zero is what CVE-2022-21449 got past.
  if (r == nullptr || s == nullptr || signature == nullptr || BN_is_zero(r.get()) ||
      BN_is_zero(s.get()) || ECDSA_SIG_set0(signature.get(), r.get(), s.get()) != 1) {
    return {};
  }
  (void)r.release();
  (void)s.release();
  unsigned char* out = nullptr;
  const int size = i2d_ECDSA_SIG(signature.get(), &out);
  if (size <= 0) {
    return {};
  }
  std::string der(reinterpret_cast<const char*>(out), static_cast<std::size_t>(size));
  OPENSSL_free(out);
  return der;
}

// And back; empty when it is no such DER.
std::string pair_of(std::string_view der, std::size_t half) {
  const unsigned char* in = bytes_of(der);
  const Signature signature(d2i_ECDSA_SIG(nullptr, &in, static_cast<long>(der.size())));
  std::string pair(2 * half, '\0');
  auto* out = reinterpret_cast<unsigned char*>(pair.data());
  const auto width = static_cast<int>(half);
  if (signature == nullptr ||
      BN_bn2binpad(ECDSA_SIG_get0_r(signature.get()), out, width) != width ||
      BN_bn2binpad(ECDSA_SIG_get0_s(signature.get()), out + half, width) != width) {
    return {};
  }
  return pair;
}

}  // namespace
}  // namespace oauth
