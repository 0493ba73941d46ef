// Trust: one issuer whose access tokens a protected location believes, and where its keys are
// (DESIGN 2): the server's own broker, or another's by `oauth_trust`. Built at load, read-only
// afterwards. Keys are never looked up across issuers.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "oauth/jose/jwk.hpp"
#include "oauth/jose/verify.hpp"
#include "oauth/proto/broker.hpp"
#include "oauth/proto/token_facts.hpp"

namespace oauth {

struct Trust {
  Expectations expect;

  // Keys at hand (the broker's own, `jwks_file`); null where they are fetched, and under
  // `nginx -t` where the broker's are not made yet.
  std::shared_ptr<const KeySet> keys;
  // Else where they are fetched: this URL, or where the issuer's metadata says, when it is empty.
  std::string jwks_uri;
  std::int64_t max_stale = 24 * 3600;  // s: fetched keys that are older are not used

  std::string scope_claim = "scope";  // a name or a JSON Pointer (RFC 6901)
  std::string subject_prefix;         // `$oauth_sub` is this, ":" and `sub`; empty: `sub` as it is
  bool is_cognito = false;            // `token_use` and `client_id` in the place of `aud`
  bool any_client = false;            // Cognito: client_id is not looked at; an operator said so
  bool is_own = false;                // minted by a broker of this NGINX: can be revoked here

  bool is_fetched() const noexcept { return keys == nullptr && !is_own; }
};

// The trust that a broker's own access tokens are judged by (DESIGN 2: typ at+jwt, RFC 9068 4).
// `grace`: s past their `exp` that are forgiven.
Trust own_trust(const Broker& broker, std::int64_t grace = 0);

// A user pool of Amazon Cognito: https://cognito-idp.REGION.amazonaws.com/POOL.
bool is_cognito_issuer(std::string_view issuer) noexcept;

// Makes it the trust in a user pool: its access tokens have no `aud`, so `audiences` name the
// client ids that check_trust_claims allows.
void expect_cognito(Trust& trust);

// What an issuer's tokens must say beyond check_claims. Cognito: token_kind_refused for what is no
// access token (its ID tokens are signed by the same keys), token_audience_wrong for another
// client.
Check check_trust_claims(const JsonView& claims, const Trust& trust);

// `$oauth_sub`: whose token it is, told apart from everybody else's (DESIGN 2). Empty without
// `sub`.
std::string subject_of(const JsonView& claims, const Trust& trust);

// A digest of all that a verdict by these trusts rests on, the same in every process: who changes
// any of it must not meet what was remembered before.
PolicyId policy_of(const std::vector<Trust>& trusts);

}  // namespace oauth
