// Issue: what one grant hands out — the claims, scopes and family behind its tokens (DESIGN 2) —
// and the tokens themselves. An access token is a signed JWT; a refresh token of the Dexie client
// is sealed, not stored (DESIGN 3): it is all that the broker remembers of a sign-in.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "oauth/base/json.hpp"
#include "oauth/base/result.hpp"
#include "oauth/proto/broker.hpp"

namespace oauth {

inline constexpr std::string_view kDexieClient = "dexie";

// One sign-in's tokens share a family (`sid`).
struct Issue {
  Json claims;  // Identity::claims, and those that `oauth_admit` added
  std::vector<std::string> scopes;
  std::string client_id{kDexieClient};
  std::string user_type = "prod";  // dexie-contract 4.1: demo, prod or client
  std::string family;              // base64url
  std::string jti;                 // base64url
  std::string origin;              // the Origin that redeemed, may be empty
  std::string public_key;          // DER; empty: nothing could prove a refresh, so none is offered
  std::string provider;
  std::string flow_id;
  std::int64_t now = 0;              // s
  std::int64_t refresh_expires = 0;  // s: absolute, over all refreshes
};

inline constexpr std::size_t kIssueRandom = 48;  // bytes that begin_issue takes

// A new sign-in's: the names `family`, `jti` and, where it has none yet, `flow_id`, which nobody
// can guess, and its times.
void begin_issue(Issue& issue, const Broker& broker, std::string_view random, std::int64_t now);

// asked ∩ allowed in the order of `allowed`; asked for nothing means all. scope_refused when
// nothing is left (DESIGN 2, RFC 6749 3.3).
Result<std::vector<std::string>> grant_scopes(const std::vector<std::string>& asked,
                                              const std::vector<std::string>& allowed);

// typ at+jwt (RFC 9068 2).
Result<std::string> mint_access_token(const Issue& issue, const Broker& broker);

// base64url.
Result<std::string> seal_refresh_token(const Issue& issue, const Broker& broker);
// The sign-in that it was sealed for; `now` and `jti` are not set. refresh_refused,
// refresh_expired, or refresh_unknown_key where it was sealed under a key that this node has not.
Result<Issue> open_refresh_token(std::string_view token, const Broker& broker, std::int64_t now);

}  // namespace oauth
