// $oauth_* (DESIGN 4): what is known of who passed the guard of the location the request is in.
#pragma once

#include "ngx/nginx.hpp"

namespace oauth {

// preconfiguration. Values are strings as they are, percent-encoded where not printable ASCII;
// arrays and objects compact JSON, encoded; absent is empty.
ngx_int_t add_variables(ngx_conf_t* cf) noexcept;

// `oauth_claim $var PATH`: a variable of the user's own, by the same rules.
char* set_claim(ngx_conf_t* cf, ngx_command_t* command, void* conf) noexcept;

}  // namespace oauth
