// Grant: requests to and replies of the broker's own token endpoint in Dexie's JSON shape
// (dexie-contract 4; times in milliseconds), and the tokens in them (DESIGN 2).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "oauth/base/json.hpp"
#include "oauth/base/result.hpp"
#include "oauth/jose/jwk.hpp"
#include "oauth/proto/broker.hpp"

namespace oauth {

struct DexieRequest {
  std::string grant_type;
  std::string code;
  std::string code_verifier;        // our extension; empty when absent
  std::string public_key;           // DER of the client's key
  std::vector<std::string> scopes;  // as asked; empty: all that are allowed
};

// json_invalid, request_malformed (a member of the wrong type or missing), grant_unsupported,
// code_invalid (no possible code), public_key_refused.
Result<DexieRequest> parse_dexie_request(std::string_view body);

// asked ∩ allowed in the broker's order; scope_refused when nothing is left (DESIGN 2).
Result<std::vector<std::string>> grant_scopes(const std::vector<std::string>& asked,
                                              const Broker& broker);

// One login's tokens share a family (`sid`).
struct Issue {
  Json claims;  // Identity::claims, and those that `oauth_admit` added
  std::vector<std::string> scopes;
  std::string client_id = "dexie";
  std::string family;      // base64url
  std::string jti;         // base64url
  std::string origin;      // the Origin that redeemed, may be empty
  std::string public_key;  // DER
  std::int64_t now = 0;    // s
};

// A signed JWT, typ at+jwt (RFC 9068 2).
Result<std::string> mint_access_token(const Issue& issue, const Broker& broker);
// Sealed, not stored (DESIGN 3); base64url.
Result<std::string> mint_refresh_token(const Issue& issue, const Broker& broker);

// dexie-contract 4.1: {type:"tokens", claims, accessToken, …}.
std::string dexie_tokens(const Issue& issue, const Broker& broker, std::string_view access_token,
                         std::string_view refresh_token);
// dexie-contract 4.5: {type:"error", title, messageCode, message, messageParams}.
std::string dexie_error(Problem problem);

}  // namespace oauth
