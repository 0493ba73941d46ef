// Key: one verification or signing key (RFC 7517 4, RFC 7518 6, RFC 8037 2), from a JWK or PEM.
// A key knows which algorithms it can carry; nothing else decides that. Refused are: RSA outside
// 2048..8192 bit or with an exponent that is even, under 65537 or over 64 bit, points off their
// curve, coordinates of another size than the field, unknown kty/crv, an `alg` that does not fit,
// `use` other than sig, `key_ops` without verify.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "oauth/base/json.hpp"
#include "oauth/base/result.hpp"
#include "oauth/base/secret.hpp"
#include "oauth/jose/alg.hpp"
#include "oauth/jose/pkey.hpp"
#include "oauth/jose/signature.hpp"

namespace oauth {

// Cheap to copy: copies share the OpenSSL key, and what it keeps from one signature for the next.
// Not for threads.
class Key {
 public:
  // One JWK; key_malformed or key_weak with the rules above. Of a private key only the public part
  // is read. `symmetric` allows kty=oct with at least as many bytes as its hash (RFC 7518 3.2), for
  // key files only. On refusal `why` becomes a static text for a warning.
  static Result<Key> from_jwk(const Json& jwk, bool symmetric, std::string_view& why);
  static Result<Key> from_jwk(const Json& jwk, bool symmetric = false);
  // A PEM private key: RSA 2048..8192, P-256/384/521, Ed25519. Unencrypted only, and its two
  // halves must belong together. key_malformed or key_weak, `why` as above.
  static Result<Key> from_private_pem(std::string_view pem, std::string_view& why);
  static Result<Key> from_private_pem(std::string_view pem);
  // What client_key_der() gave and a refresh token kept: RSA 2048..4096 with e = 65537, else
  // public_key_refused. It carries RS256, no more.
  static Result<Key> from_client_public_der(std::string_view der);
  static Result<Key> generate_es256();
  static Result<Key> generate_rs256();  // for load time: takes a noticeable part of a second

  const std::string& kid() const noexcept { return kid_; }  // empty when the JWK had none
  Key with_kid(std::string_view kid) const;
  // `issuer` of the JWK, a member of Microsoft's: the issuer (or the template of one) that it signs
  // for. Empty when it had none.
  const std::string& issuer() const noexcept { return issuer_; }
  AlgSet algs() const noexcept { return algs_; }  // type, curve, size, `alg` and `use` considered
  bool is_private() const noexcept { return is_private_; }  // can sign; true for kty=oct
  bool is_symmetric() const noexcept { return mac_ != nullptr; }

  // Public members, `use`: "sig", `alg` when there is just one, `kid` unless empty. Null for oct.
  Json public_jwk() const;
  std::string thumbprint() const;  // RFC 7638, SHA-256, base64url; empty for oct
  Secret private_pem() const;      // PKCS#8; empty unless an asymmetric private key
  std::string public_der() const;  // SubjectPublicKeyInfo; empty for oct
  // SHA-256, raw, of all that tells what this key verifies: its public half (or a hash of the
  // secret), kid, issuer, algs. Equal for the two halves of a pair.
  std::string fingerprint() const;

  // Raw JWS signatures (RFC 7518 3): ES* as R || S of fixed size. `alg` must be in algs(), else
  // nothing verifies and nothing is signed (Problem::internal).
  bool verify(Alg alg, std::string_view message, std::string_view signature) const;
  Result<std::string> sign(Alg alg, std::string_view message) const;

 private:
  Key(Pkey pkey, AlgSet algs, bool is_private)
      : pkey_(std::move(pkey)),
        verifier_(std::make_shared<Verifier>(pkey_)),
        signer_(is_private ? std::make_shared<Signer>(pkey_) : nullptr),
        algs_(algs),
        is_private_(is_private) {}
  Key(std::shared_ptr<MacKey> mac, AlgSet algs)
      : mac_(std::move(mac)), algs_(algs), is_private_(true) {}
  static Result<Key> of(Result<Pkey> pkey, bool is_private);
  static Result<Key> of_client(Result<Pkey> pkey);
  static Result<Key> read_material(const Json& jwk, bool symmetric, std::string_view& why);

  Pkey pkey_;  // these three or the next, never all
  std::shared_ptr<Verifier> verifier_;
  std::shared_ptr<Signer> signer_;  // null without the private half
  std::shared_ptr<MacKey> mac_;
  std::string kid_;
  std::string issuer_;
  AlgSet algs_;
  bool is_private_ = false;
};

}  // namespace oauth
