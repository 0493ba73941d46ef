// Where nginx enters the module at request time: the endpoints' content handler and the guard of
// protected locations. Nothing of C++ leaves here (noexcept).
#pragma once

#include "ngx/nginx.hpp"

namespace oauth {

// Content handler of the locations that oauth_broker made.
ngx_int_t enter_endpoint(ngx_http_request_t* r) noexcept;

// Access phase: main requests. nginx skips it for subrequests, so those are judged in the
// pre-content phase (DESIGN 2).
ngx_int_t guard_request(ngx_http_request_t* r) noexcept;
ngx_int_t guard_subrequest(ngx_http_request_t* r) noexcept;

}  // namespace oauth
