// Attempt: a login in flight. It is not stored: `state` is the sealed attempt, so a flood of logins
// costs neither memory nor a round trip. The callback claims its id, once.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "oauth/base/result.hpp"
#include "oauth/proto/broker.hpp"

namespace oauth {

// How the code reaches the client (DESIGN 5).
enum class Delivery : std::uint8_t {
  redirect,  // 302 with dxc-auth
  query,     // 302 with code, state, provider as parameters
  popup,     // a page that posts to window.opener
};

struct Attempt {
  std::string id;            // 16 raw bytes
  std::string provider;      // name
  std::string verifier;      // RFC 7636 4.1: 43 characters
  std::string nonce;         // OpenID Connect Core 3.1.2.1: 43 characters
  std::string target;        // redirect_uri of the client, without a stale dxc-auth
  std::string client_state;  // of the client, at most 512 printable bytes; may be empty
  std::string challenge;     // the client's own S256 challenge; may be empty
  std::string browser;       // SHA-256 of the browser cookie's value, raw
  std::string flow_id;       // 32 hex digits
  Delivery delivery = Delivery::redirect;
  std::int64_t issued = 0;   // s
  std::int64_t expires = 0;  // s
};

inline constexpr std::size_t kMaxTarget = 2048;
inline constexpr std::size_t kMaxClientState = 512;
inline constexpr std::size_t kMaxState = 4096;

// The `state` parameter: base64url, at most kMaxState characters (else attempt_too_large).
Result<std::string> seal_attempt(const Attempt& attempt, const Broker& broker);

// state_refused (not ours, altered, of another broker), state_unknown_key, state_expired.
Result<Attempt> open_attempt(std::string_view state, const Broker& broker, std::int64_t now);

// The name under which the attempt is claimed (an HMAC keyed by its id, so it tells nothing, and is
// the same on nodes that order their secrets differently), and for how long: until no clock within
// the skew can still open it.
std::string claim_name(const Attempt& attempt, const Broker& broker);
inline std::int64_t claim_until(const Attempt& attempt, const Broker& broker) {
  return attempt.expires + 2 * broker.skew;
}

// RFC 7636 4.2, S256.
std::string pkce_challenge(std::string_view verifier);
// 43 base64url characters, as S256 gives them (RFC 7636 4.2).
bool is_pkce_challenge(std::string_view text) noexcept;
// RFC 7636 4.1: 43..128 unreserved characters.
bool is_pkce_verifier(std::string_view text) noexcept;

}  // namespace oauth
