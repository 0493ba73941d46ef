// KeySet: a JWK Set (RFC 7517 5). It keeps what is usable and says what it left out: whatever Key
// refuses, both of two keys that share a kid (unless one is marked for encryption), symmetric keys
// (never from a JWKS, and never beside public keys). Of members with private parts the public part
// is used.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "oauth/base/json.hpp"
#include "oauth/base/result.hpp"
#include "oauth/jose/alg.hpp"
#include "oauth/jose/key.hpp"

namespace oauth {

class KeySet {
 public:
  // At most this many keys are looked at, and bytes read.
  static constexpr std::size_t kMaxKeys = 64;
  static constexpr std::size_t kMaxBytes = 256 * 1024;

  KeySet() = default;
  explicit KeySet(std::vector<Key> keys);
  // key_set_empty when none is usable, be it that the text is no JWK Set at all. `symmetric` as in
  // Key::from_jwk; a set that holds public keys too is no secret, so its symmetric ones stay out.
  static Result<KeySet> parse(std::string_view json, bool symmetric = false);

  const std::vector<Key>& keys() const noexcept { return keys_; }
  // Tells sets apart whose keys differ, or the kid, issuer, algorithms or order of them: what was
  // verified by a set of another digest was verified by other keys. Made once, when the set is.
  std::uint64_t digest() const noexcept { return digest_; }
  // What was left out and why, for a warning: "kid `x`: RSA modulus under 2048 bit". Kids are cut
  // to 32 characters and header-encoded.
  const std::vector<std::string>& left_out() const noexcept { return left_out_; }
  // {"keys":[...]} of the public halves.
  Json public_jwks() const;

 private:
  void leave_out_published_secrets();
  void leave_out(std::string_view kid, std::string_view why);

  std::vector<Key> keys_;
  std::uint64_t digest_ = 0;
  std::vector<std::string> left_out_;
};

}  // namespace oauth
