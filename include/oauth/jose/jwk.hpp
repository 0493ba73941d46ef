// Keys: JWK and JWK Set (RFC 7517, 7518 6, 8037 2), PEM files, thumbprints (RFC 7638).
// A key knows which algorithms it can carry; nothing else decides that. A set keeps what is usable
// and says what it left out: RSA under 2048 or over 8192 bit, e < 65537 or even, points off their curve,
// unknown crv/kty, `use` other than sig, `key_ops` without verify, both of two keys that share a
// kid, symmetric keys (never from a JWKS), members with private parts (the public part is used).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "oauth/base/json.hpp"
#include "oauth/base/result.hpp"
#include "oauth/base/secret.hpp"

struct evp_pkey_st;

namespace oauth {

enum class Alg : std::uint8_t {
  rs256, rs384, rs512, ps256, ps384, ps512, es256, es384, es512, eddsa, hs256, hs384, hs512,
};
// RFC 7518 3.1, RFC 8037 3.1 names, case-sensitive; nullopt for `none` and everything unknown.
std::optional<Alg> parse_alg(std::string_view name) noexcept;
std::string_view alg_name(Alg alg) noexcept;

// A small set of algorithms.
class AlgSet {
 public:
  constexpr AlgSet() = default;
  constexpr AlgSet(std::initializer_list<Alg> algs) {
    for (Alg alg : algs) { add(alg); }
  }
  constexpr void add(Alg alg) { bits_ = static_cast<std::uint16_t>(bits_ | bit(alg)); }
  constexpr bool has(Alg alg) const { return (bits_ & bit(alg)) != 0; }
  constexpr bool empty() const { return bits_ == 0; }
  friend constexpr AlgSet operator&(AlgSet a, AlgSet b) {
    AlgSet both;
    both.bits_ = static_cast<std::uint16_t>(a.bits_ & b.bits_);
    return both;
  }

 private:
  static constexpr std::uint16_t bit(Alg alg) {
    return static_cast<std::uint16_t>(1U << static_cast<unsigned>(alg));
  }
  std::uint16_t bits_ = 0;
};

// RS*, PS*, ES*, EdDSA: all that may come from a JWKS.
inline constexpr AlgSet kAsymmetric{Alg::rs256, Alg::rs384, Alg::rs512, Alg::ps256, Alg::ps384,
                                    Alg::ps512, Alg::es256, Alg::es384, Alg::es512, Alg::eddsa};

// A verification or signing key. Cheap to copy (shares the OpenSSL key).
class Key {
 public:
  // One JWK; key_malformed or key_weak with the rules above. `symmetric` allows kty=oct with at
  // least as many bytes as its hash (RFC 7518 3.2), for key files only.
  static Result<Key> from_jwk(const Json& jwk, bool symmetric = false);
  // A PEM private key: RSA 2048..8192, P-256/384/521, Ed25519. Unencrypted only.
  static Result<Key> from_private_pem(std::string_view pem);
  // SPKI PEM as the Dexie client sends it: RSA 2048..4096 with e = 65537, else public_key_refused.
  static Result<Key> from_client_public_pem(std::string_view pem);
  // SubjectPublicKeyInfo DER of the same, as kept in a refresh token.
  static Result<Key> from_client_public_der(std::string_view der);
  static Result<Key> generate_es256();

  const std::string& kid() const noexcept { return kid_; }  // empty when the JWK had none
  Key with_kid(std::string_view kid) const;
  AlgSet algs() const noexcept { return algs_; }  // type, curve, size, `alg` and `use` considered
  bool is_private() const noexcept { return is_private_; }

  Json public_jwk() const;         // public members, `kid`, `use`: "sig", `alg` when there is just one
  std::string thumbprint() const;  // RFC 7638, SHA-256, base64url
  Secret private_pem() const;      // PKCS#8
  std::string public_der() const;  // SubjectPublicKeyInfo

  // Raw JWS signatures (RFC 7518 3): ES* as R || S of fixed size. `alg` must be in algs().
  bool verify(Alg alg, std::string_view message, std::string_view signature) const;
  Result<std::string> sign(Alg alg, std::string_view message) const;

 private:
  Key() = default;
  std::shared_ptr<evp_pkey_st> pkey_;
  std::shared_ptr<const Secret> hmac_;
  std::string kid_;
  AlgSet algs_;
  bool is_private_ = false;
};

class KeySet {
 public:
  KeySet() = default;
  explicit KeySet(std::vector<Key> keys) : keys_(std::move(keys)) {}
  // RFC 7517 5. At most 64 keys are looked at; key_set_empty when none is usable.
  static Result<KeySet> parse(std::string_view json, bool symmetric = false);

  const std::vector<Key>& keys() const noexcept { return keys_; }
  // What was left out and why, for a warning: "kid `x`: RSA modulus under 2048 bit". Kids are cut
  // to 32 characters and header-encoded.
  const std::vector<std::string>& left_out() const noexcept { return left_out_; }
  // {"keys":[...]} of the public halves.
  Json public_jwks() const;

 private:
  std::vector<Key> keys_;
  std::vector<std::string> left_out_;
};

}  // namespace oauth
