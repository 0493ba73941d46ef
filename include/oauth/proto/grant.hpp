// Grant: what is asked of the broker's own token endpoint, in two shapes: Dexie's JSON
// (dexie-contract 4) and RFC 6749's form. Here a request is read and checked as far as it can be by
// itself; what it may have is for the flows.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "oauth/base/json.hpp"
#include "oauth/base/result.hpp"
#include "oauth/proto/client.hpp"

namespace oauth {

// dexie-contract 4.1; `code_verifier` is our extension.
struct CodeRequest {
  std::string code;
  std::string code_verifier;  // empty when absent
  std::string public_key;     // DER of the client's key
};

// dexie-contract 4.2
struct RefreshRequest {
  std::string refresh_token;
  std::string signature;        // decoded
  std::int64_t time_stamp = 0;  // ms, 13 digits
};

// dexie-contract 4.3, its two steps
struct OtpAsk {
  std::string email;  // as it was sent
};
struct OtpAnswer {
  std::string otp_id;
  std::string otp;
  std::string email;       // as it was sent; empty from a link in the mail
  std::string public_key;  // DER
};

// dexie-contract 4.4
struct DemoRequest {
  std::string user;
  std::string public_key;  // DER
};

// What an `oauth_client` asks for itself, in either shape, or (Dexie's) for one of its users.
struct ClientRequest {
  std::string grant_type;
  ClientCredentials credentials;
  Json claims;             // null: for itself
  std::string public_key;  // DER; may be empty
};

struct GrantRequest {
  std::vector<std::string> scopes;  // as asked; empty: all that are allowed
  std::variant<CodeRequest, RefreshRequest, OtpAsk, OtpAnswer, DemoRequest, ClientRequest> grant;
};

// json_invalid, request_malformed (a member of the wrong type or missing), grant_unsupported,
// code_invalid (no possible code), public_key_refused, proof_malformed, scope_refused.
Result<GrantRequest> parse_dexie_request(std::string_view body);

// RFC 6749 4, appendix B, with the client's authentication from the Authorization headers or the
// body (2.3.1): request_malformed, request_repeated, grant_unsupported, client_refused,
// client_auth_repeated.
Result<GrantRequest> parse_form_request(std::string_view body,
                                        const std::vector<std::string>& authorization);

// RFC 6749 2.3: one method a request, the body's members `client_id` and `client_secret` or the
// Authorization header: client_refused, client_auth_repeated. Nothing is compared yet.
Result<ClientCredentials> read_credentials(std::string_view id, std::string_view secret,
                                           const std::vector<std::string>& authorization);

}  // namespace oauth
