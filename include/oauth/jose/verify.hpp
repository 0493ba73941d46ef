// verify: the only way to know that the claims of a Jwt may be believed.
// Order: algorithm allowed -> typ -> key by kid -> signature -> claims (check_claims). Nothing
// after the signature is looked at before it (RFC 8725 3.1-3.12).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "oauth/base/result.hpp"
#include "oauth/jose/claims.hpp"
#include "oauth/jose/jwk.hpp"
#include "oauth/jose/jwt.hpp"

namespace oauth {

// Success, or the first reason why not: token_alg_refused, token_typ_refused, token_key_unknown
// (no key of the set fits alg and kid: a reason to fetch the set again), token_signature_wrong, or
// what check_claims says. `now` in seconds.
Check verify(const Jwt& jwt, const KeySet& keys, const Expectations& expect, std::int64_t now);

// Only the signature: token_key_unknown or token_signature_wrong. A kid of the token must be the
// key's; without kid at most 4 fitting keys are tried.
Check verify_signature(const Jws& jws, const KeySet& keys);

// OpenID Connect Core 3.1.3.6: base64url of the left half of the hash that `alg` uses.
std::string left_half_hash(Alg alg, std::string_view text);

}  // namespace oauth
