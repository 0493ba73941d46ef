// A request's body, read into memory for a content handler that bounds it by itself: no temporary
// file, and no 413 page of nginx's (its location says `client_max_body_size 0`).
#pragma once

#include <string>

#include "ngx/nginx.hpp"
#include "oauth/base/result.hpp"

namespace oauth {

// Called exactly once, unless the request ends first; it may be called before read_body returns. It
// owns the request's end: sooner or later it calls ngx_http_finalize_request.
using BodyDone = void (*)(ngx_http_request_t* r, Result<std::string> body);

// Reads the body, of at most `max` bytes, and hands it to `done`; the content handler returns what
// this returns. Any framing will do: Content-Length, chunked, HTTP/2; `Expect: 100-continue` is
// answered. No body is an empty one. Problems: request_too_large (found before the rest is read;
// the connection is then closed after the answer, as what follows on it is not a request),
// request_malformed (broken chunks), internal. A client that leaves, or is slower than
// client_body_timeout, is nginx's affair: the request ends without `done`.
ngx_int_t read_body(ngx_http_request_t* r, std::size_t max, BodyDone done) noexcept;

}  // namespace oauth
