// The only place that writes a response.
#pragma once

#include "ngx/nginx.hpp"
#include "oauth/flow/verdict.hpp"

namespace oauth {

// Sends `reply`; what it returns is what a content handler returns. A header value with a control
// character is a mistake of ours: 500, and nothing of it is sent.
ngx_int_t send_reply(ngx_http_request_t* r, const Reply& reply) noexcept;

// A response header of ours beside those that nginx itself makes. NGX_ERROR when out of memory.
ngx_int_t add_header(ngx_http_request_t* r, std::string_view name, std::string_view value) noexcept;

// The WWW-Authenticate header, known to nginx: `satisfy any` takes it back when somebody else lets
// the request pass.
ngx_int_t add_challenge(ngx_http_request_t* r, std::string_view value) noexcept;

}  // namespace oauth
