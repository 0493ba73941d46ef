#include "oauth/jose/signature.hpp"

#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/rsa.h>

#include <algorithm>
#include <utility>

#include "jose/openssl.hpp"

namespace oauth {
namespace {

enum class Family { pkcs1, pss, ecdsa, eddsa, hmac };

using Digest = std::unique_ptr<EVP_MD, Freed<EVP_MD_free>>;
using MacMethod = std::unique_ptr<EVP_MAC, Freed<EVP_MAC_free>>;
using Mac = std::unique_ptr<EVP_MAC_CTX, Freed<EVP_MAC_CTX_free>>;
using EcdsaValue = std::unique_ptr<ECDSA_SIG, Freed<ECDSA_SIG_free>>;

struct Shape {
  Family family;
  const EVP_MD* (*hash)();
  std::size_t half = 0;  // ES*: bytes of R and of S
};

Shape shape_of(Alg alg);
std::size_t size_of(const Shape& shape, EVP_PKEY& key);
Digest fetch_hash(const Shape& shape);
Mac start_mac(const Shape& shape, std::string_view secret);
DigestContext start(EVP_PKEY& key, decltype(EVP_DigestSignInit)* init);
bool set_pss(EVP_PKEY_CTX& context, const EVP_MD& hash);
bool verify_whole(EVP_PKEY& key, std::string_view message, std::string_view signature);
std::string sign_whole(EVP_PKEY& key, std::string_view message);
std::string pair_of(std::string_view der, std::size_t half);

// R || S as the DER that OpenSSL reads: ECDSA-Sig-Value of RFC 3279 2.2.3.
class Der {
 public:
  // Empty for R = 0 or S = 0. Whether both are below the order of the curve is left to OpenSSL.
  explicit Der(std::string_view pair);
  std::string_view bytes() const;

 private:
  static constexpr std::size_t kMostHeader = 3;
  static constexpr std::size_t kMostInteger = 2 + 1 + 66;
  bool put_integer(std::string_view number);

  std::array<char, kMostHeader + 2 * kMostInteger> room_;
  std::size_t start_ = kMostHeader;
  std::size_t end_ = kMostHeader;
};

}  // namespace

// ---- KeyUse ---------------------------------------------------------------------------------

// A key with one algorithm, to sign or to verify. EdDSA takes messages, not hashes, and each anew:
// its contexts are null.
class KeyUse {
 public:
  // Null when `key` cannot do `alg`.
  static std::unique_ptr<KeyUse> make(EVP_PKEY& key, Alg alg, decltype(EVP_PKEY_sign_init)* init);

  const Shape& shape() const noexcept { return shape_; }
  std::size_t size() const noexcept { return size_; }  // of a signature
  EVP_PKEY_CTX* context() const noexcept { return context_.get(); }
  // Until the next one; empty when OpenSSL fails.
  std::string_view hash(std::string_view message);

 private:
  Shape shape_;
  std::size_t size_ = 0;
  DigestContext digest_;
  KeyContext context_;  // for hashes of messages
  std::array<unsigned char, EVP_MAX_MD_SIZE> hash_{};
};

std::unique_ptr<KeyUse> KeyUse::make(EVP_PKEY& key, Alg alg, decltype(EVP_PKEY_sign_init)* init) {
  auto made = std::make_unique<KeyUse>();
  made->shape_ = shape_of(alg);
  if (made->shape_.family == Family::hmac) {
    return nullptr;
  }
  made->size_ = size_of(made->shape_, key);
  if (made->shape_.family == Family::eddsa) {
    return made;
  }
  const Digest hash = fetch_hash(made->shape_);
  made->digest_.reset(EVP_MD_CTX_new());
  made->context_.reset(EVP_PKEY_CTX_new_from_pkey(nullptr, &key, nullptr));
  if (hash == nullptr || made->digest_ == nullptr || made->context_ == nullptr ||
      EVP_DigestInit_ex2(made->digest_.get(), hash.get(), nullptr) != 1 ||
      init(made->context_.get()) != 1 ||
      EVP_PKEY_CTX_set_signature_md(made->context_.get(), hash.get()) != 1 ||
      (made->shape_.family == Family::pss && !set_pss(*made->context_, *hash))) {
    return nullptr;
  }
  return made;
}

std::string_view KeyUse::hash(std::string_view message) {
  unsigned int size = 0;
  if (EVP_DigestInit_ex2(digest_.get(), nullptr, nullptr) != 1 ||
      EVP_DigestUpdate(digest_.get(), message.data(), message.size()) != 1 ||
      EVP_DigestFinal_ex(digest_.get(), hash_.data(), &size) != 1) {
    return {};
  }
  return {reinterpret_cast<const char*>(hash_.data()), size};
}

// ---- Verifier and Signer --------------------------------------------------------------------

Verifier::Verifier(std::shared_ptr<evp_pkey_st> key) : key_(std::move(key)) {}
Verifier::~Verifier() = default;

bool Verifier::check(Alg alg, std::string_view message, std::string_view signature) {
  const QuietErrors quiet;
  std::unique_ptr<KeyUse>& use = uses_[static_cast<std::size_t>(alg)];
  if (use == nullptr) {
    use = KeyUse::make(*key_, alg, EVP_PKEY_verify_init);
  }
  if (use == nullptr || signature.empty() || signature.size() != use->size()) {
    return false;
  }
  if (use->shape().family == Family::eddsa) {
    return verify_whole(*key_, message, signature);
  }
  const std::string_view hash = use->hash(message);
  const auto fits = [&](std::string_view bytes) {
    return EVP_PKEY_verify(use->context(), bytes_of(bytes), bytes.size(), bytes_of(hash),
                           hash.size()) == 1;
  };
  if (hash.empty()) {
    return false;
  }
  if (use->shape().family == Family::ecdsa) {
    const Der der(signature);
    return !der.bytes().empty() && fits(der.bytes());
  }
  return fits(signature);
}

Signer::Signer(std::shared_ptr<evp_pkey_st> key) : key_(std::move(key)) {}
Signer::~Signer() = default;

std::string Signer::make(Alg alg, std::string_view message) {
  const QuietErrors quiet;
  std::unique_ptr<KeyUse>& use = uses_[static_cast<std::size_t>(alg)];
  if (use == nullptr) {
    use = KeyUse::make(*key_, alg, EVP_PKEY_sign_init);
  }
  if (use == nullptr) {
    return {};
  }
  if (use->shape().family == Family::eddsa) {
    return sign_whole(*key_, message);
  }
  const std::string_view hash = use->hash(message);
  std::string signature(static_cast<std::size_t>(EVP_PKEY_get_size(key_.get())), '\0');
  std::size_t size = signature.size();
  if (hash.empty() ||
      EVP_PKEY_sign(use->context(), reinterpret_cast<unsigned char*>(signature.data()), &size,
                    bytes_of(hash), hash.size()) != 1) {
    return {};
  }
  signature.resize(size);
  return use->shape().family == Family::ecdsa ? pair_of(signature, use->shape().half) : signature;
}

// ---- MacKey ---------------------------------------------------------------------------------

struct MacKey::Kept {
  Mac context;
  std::array<unsigned char, EVP_MAX_MD_SIZE> mac{};  // the last one made
};

MacKey::MacKey(std::string_view secret) : secret_(secret) {}
MacKey::~MacKey() = default;

std::string MacKey::make(Alg alg, std::string_view message) {
  return std::string(compute(alg, message));
}

bool MacKey::check(Alg alg, std::string_view message, std::string_view mac) {
  const std::string_view right = compute(alg, message);
  return !right.empty() && equal_constant_time(right, mac);
}

std::string_view MacKey::compute(Alg alg, std::string_view message) {
  const QuietErrors quiet;
  if (shape_of(alg).family != Family::hmac) {
    return {};
  }
  std::unique_ptr<Kept>& kept = kept_[static_cast<std::size_t>(alg)];
  if (kept == nullptr) {
    Mac context = start_mac(shape_of(alg), secret_.bytes());
    if (context == nullptr) {
      return {};
    }
    kept = std::make_unique<Kept>();
    kept->context = std::move(context);
  }
  // Without a key: with the one that it has.
  std::size_t size = 0;
  if (EVP_MAC_init(kept->context.get(), nullptr, 0, nullptr) != 1 ||
      EVP_MAC_update(kept->context.get(), bytes_of(message), message.size()) != 1 ||
      EVP_MAC_final(kept->context.get(), kept->mac.data(), &size, kept->mac.size()) != 1) {
    return {};
  }
  return {reinterpret_cast<const char*>(kept->mac.data()), size};
}

// ---- hashing --------------------------------------------------------------------------------

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

// RFC 7518 3.4: R and S are as long as the field, leading zeros included.
std::size_t size_of(const Shape& shape, EVP_PKEY& key) {
  return shape.family == Family::ecdsa ? 2 * shape.half
                                       : static_cast<std::size_t>(EVP_PKEY_get_size(&key));
}

// OpenSSL looks its own constants up anew at each use; what was fetched is found.
Digest fetch_hash(const Shape& shape) {
  return Digest(EVP_MD_fetch(nullptr, EVP_MD_get0_name(shape.hash()), nullptr));
}

Mac start_mac(const Shape& shape, std::string_view secret) {
  const MacMethod hmac(EVP_MAC_fetch(nullptr, OSSL_MAC_NAME_HMAC, nullptr));
  Mac context(hmac == nullptr ? nullptr : EVP_MAC_CTX_new(hmac.get()));
  // OSSL_PARAM wants a pointer to non-const and does not write through it.
  std::string hash(EVP_MD_get0_name(shape.hash()));
  const OSSL_PARAM params[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, hash.data(), 0),
      OSSL_PARAM_construct_end(),
  };
  if (context == nullptr ||
      EVP_MAC_init(context.get(), bytes_of(secret), secret.size(), params) != 1) {
    return nullptr;
  }
  return context;
}

// A context for the one call that signs or verifies a whole message (RFC 8032 5.1); null when `key`
// cannot do that.
DigestContext start(EVP_PKEY& key, decltype(EVP_DigestSignInit)* init) {
  DigestContext context(EVP_MD_CTX_new());
  return context != nullptr && init(context.get(), nullptr, nullptr, nullptr, &key) == 1
             ? std::move(context)
             : nullptr;
}

// RFC 7518 3.5: MGF1 with the same hash, and a salt of the hash's size, no more and no less.
bool set_pss(EVP_PKEY_CTX& context, const EVP_MD& hash) {
  return EVP_PKEY_CTX_set_rsa_padding(&context, RSA_PKCS1_PSS_PADDING) == 1 &&
         EVP_PKEY_CTX_set_rsa_mgf1_md(&context, &hash) == 1 &&
         EVP_PKEY_CTX_set_rsa_pss_saltlen(&context, RSA_PSS_SALTLEN_DIGEST) == 1;
}

bool verify_whole(EVP_PKEY& key, std::string_view message, std::string_view signature) {
  const DigestContext context = start(key, EVP_DigestVerifyInit);
  return context != nullptr &&
         EVP_DigestVerify(context.get(), bytes_of(signature), signature.size(), bytes_of(message),
                          message.size()) == 1;
}

std::string sign_whole(EVP_PKEY& key, std::string_view message) {
  const DigestContext context = start(key, EVP_DigestSignInit);
  std::string signature(static_cast<std::size_t>(EVP_PKEY_get_size(&key)), '\0');
  std::size_t size = signature.size();
  if (context == nullptr ||
      EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size,
                     bytes_of(message), message.size()) != 1) {
    return {};
  }
  signature.resize(size);
  return signature;
}

Der::Der(std::string_view pair) {
  const std::size_t half = pair.size() / 2;
  // FIPS 186-5 6.4.2: 1 <= R, S < n. Zero is what CVE-2022-21449 got past.
  if (!put_integer(pair.substr(0, half)) || !put_integer(pair.substr(half))) {
    end_ = start_;
    return;
  }
  const std::size_t size = end_ - start_;
  room_[--start_] = static_cast<char>(size);
  if (size > 0x7F) {
    room_[--start_] = '\x81';  // X.690 8.1.3.5: one byte of length follows
  }
  room_[--start_] = '\x30';
}

std::string_view Der::bytes() const {
  return {room_.data() + start_, end_ - start_};
}

// X.690 8.3: no leading zero but the one that keeps the number positive. False for zero.
bool Der::put_integer(std::string_view number) {
  number.remove_prefix(std::min(number.find_first_not_of('\0'), number.size()));
  if (number.empty()) {
    return false;
  }
  const bool looks_negative = (static_cast<unsigned char>(number.front()) & 0x80) != 0;
  room_[end_++] = '\x02';
  room_[end_++] = static_cast<char>(number.size() + (looks_negative ? 1 : 0));
  if (looks_negative) {
    room_[end_++] = '\0';
  }
  std::copy(number.begin(), number.end(), room_.data() + end_);
  end_ += number.size();
  return true;
}

// R || S of such DER; empty when it is none.
std::string pair_of(std::string_view der, std::size_t half) {
  const unsigned char* in = bytes_of(der);
  const EcdsaValue signature(d2i_ECDSA_SIG(nullptr, &in, static_cast<long>(der.size())));
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
