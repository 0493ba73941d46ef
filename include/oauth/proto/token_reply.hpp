// Token reply: what the token endpoint answers, in the shape that was asked in. Dexie's is JSON of
// its own with times in milliseconds (dexie-contract 4), RFC 6749's counts in seconds.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "oauth/base/problem.hpp"
#include "oauth/proto/broker.hpp"
#include "oauth/proto/issue.hpp"

namespace oauth {

enum class Shape : std::uint8_t { dexie, rfc6749 };

// The tokens of an issue; `refresh` may be empty.
struct Tokens {
  std::string access;
  std::string refresh;
};

// {type:"tokens", claims, accessToken, …} (dexie-contract 4.1), or RFC 6749 5.1.
std::string tokens_body(Shape shape, const Issue& issue, const Broker& broker,
                        const Tokens& tokens);

// {type:"otp-sent", otp_id} (dexie-contract 4.3).
std::string otp_sent_body(std::string_view otp_id);

// What is told of a problem, as its reader understands it (dexie-contract 4.5): as a rule
// {type:"error", title, messageCode, message, messageParams}; {code, message} of who may not sign
// in; plain text of a wrong one-time password (4.3); the server's time (`now`, ms) of a time stamp
// that does not fit (4.2). In the other shape RFC 6749 5.2.
struct ErrorBody {
  std::string content_type;
  std::string text;
};
ErrorBody error_body(Shape shape, Problem problem, std::int64_t now);

}  // namespace oauth
