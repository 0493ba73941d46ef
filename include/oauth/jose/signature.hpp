// The primitives under a JWS: raw signatures as RFC 7518 3 and RFC 8037 3.1 lay them out.
// Nothing here decides whether a key may carry an algorithm: Key does, and is what others call.
// The OpenSSL error queue is left empty.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <string_view>

#include "oauth/base/secret.hpp"
#include "oauth/jose/alg.hpp"

struct evp_pkey_st;

namespace oauth {

class KeyUse;

// A public key ready to verify again and again: what OpenSSL has to look up and to set up for an
// algorithm is done at the first signature and kept, for good signatures and bad ones alike.
// One at a time: not for threads.
class Verifier {
 public:
  explicit Verifier(std::shared_ptr<evp_pkey_st> key);
  Verifier(const Verifier&) = delete;
  Verifier& operator=(const Verifier&) = delete;
  ~Verifier();

  // RS*: PKCS#1 v1.5; PS*: MGF1 of the same hash, salt as long as the hash; ES*: R || S, each as
  // long as the curve's field; EdDSA: Ed25519. A signature of another size is wrong before OpenSSL
  // sees it. The key must be of the type and curve of `alg`, which must not be HS*.
  bool check(Alg alg, std::string_view message, std::string_view signature);

 private:
  std::shared_ptr<evp_pkey_st> key_;
  std::array<std::unique_ptr<KeyUse>, kAlgs.size()> uses_;
};

// A private key ready to make the same signatures, in the same way.
class Signer {
 public:
  explicit Signer(std::shared_ptr<evp_pkey_st> key);
  Signer(const Signer&) = delete;
  Signer& operator=(const Signer&) = delete;
  ~Signer();

  // Empty when OpenSSL fails or `alg` is HS*.
  std::string make(Alg alg, std::string_view message);

 private:
  std::shared_ptr<evp_pkey_st> key_;
  std::array<std::unique_ptr<KeyUse>, kAlgs.size()> uses_;
};

// A secret ready for HS*, in the same way.
class MacKey {
 public:
  explicit MacKey(std::string_view secret);
  MacKey(const MacKey&) = delete;
  MacKey& operator=(const MacKey&) = delete;
  ~MacKey();

  // The MAC; empty when OpenSSL fails or `alg` is not HS*.
  std::string make(Alg alg, std::string_view message);
  bool check(Alg alg, std::string_view message, std::string_view mac);
  std::string_view secret() const noexcept { return secret_.bytes(); }

 private:
  struct Kept;
  std::string_view compute(Alg alg, std::string_view message);

  Secret secret_;
  std::array<std::unique_ptr<Kept>, kAlgs.size()> kept_;
};

// The hash that `alg` uses (SHA-512 for EdDSA: Ed25519 is built on it), as raw bytes, and its size.
std::string hash_of(Alg alg, std::string_view text);
std::size_t hash_size(Alg alg) noexcept;

}  // namespace oauth
