// The module's lines in error.log.
#pragma once

#include <string_view>

#include "ngx/nginx.hpp"
#include "oauth/flow/verdict.hpp"

namespace oauth {

// One line a story: `what` and how it ended. Names of problems, providers and endpoints are ours;
// nothing is the client's, but for what a remedy makes of a loopback origin.
void log_verdict(ngx_http_request_t* r, std::string_view what, const Verdict& verdict);

}  // namespace oauth
