// The guard of protected locations: takes the decision of flow/protect.hpp when a request comes in,
// and keeps to it in what goes on to the upstream and in what comes back.
#pragma once

#include "ngx/memo.hpp"
#include "ngx/nginx.hpp"

namespace oauth {

// Access phase: main requests. nginx skips it for subrequests, so those are judged in the
// pre-content phase (DESIGN 2).
ngx_int_t guard_request(ngx_http_request_t* r) noexcept;
ngx_int_t guard_subrequest(ngx_http_request_t* r) noexcept;

// postconfiguration: the header filter, for CORS and for connections that are upgraded.
void add_guard_filter() noexcept;

// The outcome of the guard of this very location; where it has none, in the log and in error pages,
// the last one. Null when nothing was decided.
const Outcome* outcome_for(ngx_http_request_t* r) noexcept;

}  // namespace oauth
