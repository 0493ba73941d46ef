// Answer: the replies that flows share, with the headers that every auth response carries
// (DESIGN 5, security/requirements 032, 033, 096).
#pragma once

#include <string>
#include <string_view>

#include "oauth/flow/request.hpp"
#include "oauth/flow/verdict.hpp"
#include "oauth/proto/attempt.hpp"
#include "oauth/proto/page.hpp"
#include "oauth/proto/token_reply.hpp"

namespace oauth {

// A page says COOP same-origin unless it belongs to an attempt that may end in a popup: there it
// would cut the opener (measured in Chromium).
enum class Opener : bool { none, maybe };
Opener opener_of(Delivery delivery) noexcept;

Verdict answer_page(int status, Page page, Opener opener = Opener::none);
// Names a story from its first request on, in its log lines and on its error pages: 32 hex digits,
// none where there is no randomness.
std::string new_flow_id(Ports& io);
// The error page of a problem, and the problem for the log.
Verdict deny(Problem problem, std::string_view flow_id = {}, Opener opener = Opener::none,
             std::string_view hint = {});
// The same page whatever the problem is: until an attempt is believed, nobody learns what gave him
// away. The problem itself is for the log.
Verdict deny_alike(Problem problem, std::string_view flow_id = {});
// 302, or 303 behind a POST. RFC 9700 4.12: never 307.
Verdict answer_redirect(std::string location, int status = 302);

// JSON with CORS for `origin` (already found allowed; empty: none). `Vary: Origin` always.
Verdict answer_json(int status, std::string body, std::string_view origin);
// A refusal of an endpoint that clients ask, in the shape they read; `now_ms` is told where the
// problem is a client's clock.
Verdict answer_error(const Request& in, Shape shape, Problem problem, std::string_view origin,
                     std::int64_t now_ms);
Verdict answer_preflight(std::string_view methods, std::string_view headers,
                         std::string_view origin);

// The request's Origin: empty when there is none; origin_not_allowed when it is not one of the
// `oauth_allow_origin`s, is sent twice, or is `null`.
Result<std::string> allowed_origin(const Request& in);

// Whether the request is on the broker's own host and scheme.
bool is_at_home(const Request& in);

// A finished attempt's code, or what went wrong, on its way to the client (DESIGN 5, dexie-contract
// 3). A refusal (4xx) is told to the application, what broke (5xx) is a page here.
Verdict deliver_code(const Attempt& attempt, std::string_view code);
Verdict deliver_problem(const Attempt& attempt, Problem problem);

}  // namespace oauth
