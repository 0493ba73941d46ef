// Where nginx enters the module at the broker's endpoints; guard.hpp has the protected locations.
// Nothing of C++ leaves here (noexcept).
#pragma once

#include "ngx/nginx.hpp"

namespace oauth {

// Content handler of the locations that oauth_broker made.
ngx_int_t enter_endpoint(ngx_http_request_t* r) noexcept;

}  // namespace oauth
