// `oauth_stream_lifetime`: an upgraded connection was let in by a token, and ends with it.
#pragma once

#include "ngx/nginx.hpp"

namespace oauth {

// Header filter. Sets the timer where the answer upgrades the connection (101) and a guard let
// somebody in by a token. Nothing is done for the anonymous, nor where the lifetime is `off`.
// NGX_ERROR when out of memory: then nobody is connected.
ngx_int_t limit_stream(ngx_http_request_t* r) noexcept;

}  // namespace oauth
