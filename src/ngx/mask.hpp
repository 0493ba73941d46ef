// What must not be logged or passed on is taken out of the request as soon as it is read: codes,
// states and tokens in its line, the broker's own cookie in its headers. Memo keeps the originals.
#pragma once

#include <functional>

#include "ngx/nginx.hpp"

namespace oauth {

// Post-read phase. Works on every server that has a broker, or takes tokens from the query.
ngx_int_t mask_handler(ngx_http_request_t* r) noexcept;

// Log phase, before the access log is written: requests that nginx refused before any phase ran,
// and our own code where an application on the same server has it in its address.
ngx_int_t mask_log_handler(ngx_http_request_t* r) noexcept;

// Removes request headers without moving the others (nginx keeps pointers to them). The predicate
// sees the lower-case name. NGX_ERROR when out of memory.
ngx_int_t remove_headers(ngx_http_request_t* r,
                         const std::function<bool(const ngx_table_elt_t& header)>& unwanted);

}  // namespace oauth
