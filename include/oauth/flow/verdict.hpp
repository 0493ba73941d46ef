// Verdict: what a flow decided. Either a reply (the request ends here) or an admission (it goes on
// to the location's content). src/ngx/reply.cpp is the only place that turns it into HTTP.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "oauth/base/problem.hpp"
#include "oauth/flow/ports.hpp"
#include "oauth/proto/trust.hpp"

namespace oauth {

struct Reply {
  int status = 200;
  std::string content_type;  // empty: no body
  std::string body;
  std::vector<Header> headers;  // beside Content-Type and Content-Length; no CR, LF, NUL in a value
  // Nobody is to see what goes on behind the reply: the connection is shut as soon as it is out.
  bool parting = false;
};

// Who may pass a protected location. What the token says of them is split() away (jose/jwt.hpp).
struct Admission {
  const Trust* trust = nullptr;  // whose token it is; null for an anonymous request that may pass
  std::string_view token;        // what was verified
  std::int64_t expires = 0;      // s since the epoch: from then on it would be refused here
};

struct Verdict {
  std::optional<Reply> reply;
  std::optional<Admission> admission;

  // For the log and $oauth_error: why it was refused, and what that rests on.
  std::optional<Problem> problem;
  std::optional<Problem> cause;
  std::string flow_id;   // 32 hex digits from login to token; empty where there is none
  std::string provider;  // empty where there is none
  // By which grant tokens were handed out, a static name; empty where none were.
  std::string_view grant;
};

}  // namespace oauth
