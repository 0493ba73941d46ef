// AuthorizationResponse: what a provider sent by way of the browser (RFC 6749 4.1.2 and 4.1.2.1,
// RFC 9207 2), as the callback's query or as a form post. A form post comes from the provider's
// page, a cross-site POST without our cookie: it is sealed and handed over to a GET of the same
// address, which the browser sends with its cookie (DESIGN 3, "The browser").
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "oauth/base/result.hpp"
#include "oauth/base/text.hpp"
#include "oauth/proto/broker.hpp"

namespace oauth {

struct AuthorizationResponse {
  std::string state;
  std::string code;  // this one or the next, never both
  std::string error;
  std::string iss;
  std::string user;  // Apple's JSON, at most 2 KiB; unverified
};

// request_malformed, request_repeated, state_missing, code_missing (neither code nor error, or
// both), code_malformed.
Result<AuthorizationResponse> read_response(std::string_view form);

inline constexpr std::int64_t kHandover = 60;  // s
// nginx takes 8 KiB of request line unless it is told otherwise.
inline constexpr std::size_t kMaxHandover = 7000;

// base64url; request_too_large beyond kMaxHandover.
Result<std::string> seal_response(const AuthorizationResponse& response, const Broker& broker,
                                  std::int64_t now);
// state_refused for what is no such seal of this broker's, or is older than kHandover.
Result<AuthorizationResponse> open_response(std::string_view sealed, const Broker& broker,
                                            std::int64_t now);

}  // namespace oauth
