// `oauth_set_header` and `oauth_clear_header`: what an upstream is told in request headers is what
// this location says, and nothing that a client made up. On everything that a location lets
// through, whoever let it: a token, `optional`, an address, or that it is not protected.
#pragma once

#include <string>
#include <string_view>

#include "ngx/nginx.hpp"

namespace oauth {

struct HeaderRule {
  std::string name;
  ngx_http_complex_value_t* value = nullptr;  // null: the header is cleared
  ngx_int_t variable = 0;                     // the index of its `$http_NAME`
};

// Whether an upstream may take one for the other: equal but for case, and for which character
// stands where there is no letter or digit. CGI (RFC 3875 4.1.18) and its heirs write `_` for `-`;
// some for everything else.
bool is_spelling_of(std::string_view name, std::string_view other) noexcept;

// RFC 9110 5.5: no control characters, but tabs.
bool is_field_value(std::string_view value) noexcept;

// Pre-content phase, of main requests and subrequests; again in each location that one comes to:
// what an earlier location has set goes no further than that location. NGX_DECLINED, or 500.
ngx_int_t set_headers(ngx_http_request_t* r) noexcept;

}  // namespace oauth
