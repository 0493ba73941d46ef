// Claims: what a token must say before it is believed (RFC 7519 4.1, RFC 8725 3, OpenID Connect
// Core 3.1.3.7). Only `verify` asks this of a token, once its signature is known to be right.
// Order: iss -> aud/azp -> times -> nonce or kind -> sub.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "oauth/base/json_tape.hpp"
#include "oauth/base/result.hpp"
#include "oauth/jose/alg.hpp"

namespace oauth {

// What a token must say. Every string is compared byte for byte. What is left empty matches
// nothing.
struct Expectations {
  std::string issuer;                  // iss, a string equal to this
  std::vector<std::string> audiences;  // aud (string or array of strings) contains one of these
  bool any_audience = false;           // aud is not looked at: an operator said so aloud
  AlgSet algs = kAsymmetric;
  // Allowed `typ`, case-insensitive, with or without "application/"; "" = absent.
  std::vector<std::string> typs;
  std::int64_t skew = 30;  // s, for exp, nbf, iat; not negative
  std::int64_t grace = 0;  // s past exp that are forgiven; not negative

  // ID tokens (OpenID Connect Core 3.1.3.7) --------------------------------------------------
  // Set: `nonce` must equal it. Not set: `nonce`, `events` or an unmet `cnf` in the token mean that
  // it is no access token (token_kind_refused).
  std::optional<std::string> nonce;
  // Set: azp, where present, must equal it; with several audiences it must be present, and every
  // audience must be one of `audiences`.
  std::optional<std::string> authorized_party;
  bool require_iat = false;
};

// The first reason to refuse them: token_issuer_wrong, token_audience_wrong, token_azp_wrong,
// token_time_malformed, token_expired, token_not_yet_valid, token_nonce_wrong, token_kind_refused,
// token_subject_wrong (`sub` is not a string of 1..255 printable ASCII characters).
// `now` in seconds. exp is required; exp, nbf and iat are numbers from 0 to 2^53, fractions
// allowed. A token lives while  nbf - skew <= now,  iat - skew <= now  and
// now < exp + skew + grace  (RFC 7519 4.1.4: not "on or after" exp).
Check check_claims(JsonView claims, const Expectations& expect, std::int64_t now);

}  // namespace oauth
