// TokenFacts: what stays true of a token once it was verified, however often it comes again. Facts
// only, never a decision: times, keys, revocation and `oauth_require` are judged at each use.
#pragma once

#include <array>
#include <cstdint>

namespace oauth {

// 128 bits that name a token (`jti`) or a sign-in (`sid`) on the list of the revoked. All zero
// names nothing.
using RevocationMark = std::array<std::uint64_t, 2>;
inline constexpr RevocationMark kNoMark{};

// A digest over everything that takes part in a verdict: the trusts of a guard, in their order.
using PolicyId = std::array<std::uint64_t, 2>;

struct TokenFacts {
  std::int64_t expires = 0;     // s: `exp`, rounded up; without skew and grace
  std::int64_t valid_from = 0;  // s: the later of `nbf` and `iat`, rounded up; without skew
  std::uint64_t keys = 0;       // KeySet::digest() of the set that its signature was verified by
  std::uint32_t trust = 0;      // which trust of the policy its issuer is
  RevocationMark token{};       // of `jti`; kNoMark where it cannot be revoked here
  RevocationMark family{};      // of `sid`; the same
};

}  // namespace oauth
