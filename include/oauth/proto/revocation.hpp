// Revocation (RFC 7009): what is asked of the endpoint, by which marks own tokens and their
// sign-ins stand on the list of the revoked, and for how long.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "oauth/base/result.hpp"
#include "oauth/proto/client.hpp"
#include "oauth/proto/token_facts.hpp"

namespace oauth {

// Of a `jti`, and of a `sid`. Both are base64url of 16 random bytes in every token of ours;
// anything else has no mark. One name gives two marks, so that a token and a sign-in are never
// mixed up.
RevocationMark token_mark(std::string_view jti) noexcept;
RevocationMark family_mark(std::string_view sid) noexcept;

// How long past its `exp` an access token may be accepted by any location: the longest
// `oauth_clock_skew` and the longest `oauth_expired_grace`.
inline constexpr std::int64_t kLongestGrace = 600;                      // s
inline constexpr std::int64_t kLongestTolerance = 600 + kLongestGrace;  // s
inline constexpr std::int64_t kLongestAccessToken = 24 * 3600;  // s: oauth_access_token_lifetime

// When a mark may be forgotten: nothing that it names is accepted any more. A refresh in the last
// second of a sign-in gives an access token that outlives it.
constexpr std::int64_t token_mark_ends(std::int64_t exp) noexcept {
  return exp + kLongestTolerance;
}
constexpr std::int64_t family_mark_ends(std::int64_t refresh_expires) noexcept {
  return refresh_expires + kLongestAccessToken + kLongestTolerance;
}

// RFC 7009 2.1. `token_type_hint` is not kept: the token itself shows what it is.
struct RevocationRequest {
  std::string token;
  ClientCredentials credentials;  // empty where none were sent
};

// As a form, or as JSON of the same members: content_type_refused, request_malformed, json_invalid,
// request_repeated, client_refused, client_auth_repeated.
Result<RevocationRequest> parse_revocation(std::string_view content_type, std::string_view body,
                                           const std::vector<std::string>& authorization);

}  // namespace oauth
