#include "ngx/fetch_call.hpp"

namespace oauth {

FetchCall::FetchCall(ngx_http_request_t* parent, const FetchRoute& route,
                     const FetchRequest& request, const FetchTarget& target) noexcept
    : OwnSubrequest(parent, route.location, {kMaxFetchReply, kFetchDeadline}),
      route_(route),
      request_(request),
      target_(target) {}

FetchCall* FetchCall::of(const ngx_http_request_t* r) noexcept {
  return dynamic_cast<FetchCall*>(OwnSubrequest::of(r));
}

ngx_int_t FetchCall::arrive() noexcept {
  return is_in(route_.location_conf) ? NGX_DECLINED : NGX_HTTP_NOT_FOUND;
}

bool FetchCall::start_sending() noexcept {
  return enter() && (!route_.is_users || carry());
}

// A location of the user's says where to, and need not say what: method, headers and body are the
// subrequest's own, as if a client had sent them.
bool FetchCall::carry() noexcept {
  for (const Header& header : request_.headers) {
    if (add_header(header.name, header.value) == nullptr) {
      return false;
    }
  }
  return set_method(request_.method) && (request_.method == "GET" || set_body(request_.body));
}

// The status of a subrequest can come from anywhere; only nginx's upstream module knows what a
// provider said. A reply that was cut off also ends in NGX_OK: only a whole one has a last buffer.
Result<FetchReply> FetchCall::judge(ngx_int_t rc) {
  const ngx_http_upstream_t* upstream = subrequest()->upstream;
  if (is_too_large()) {
    return Problem::fetch_too_large;
  }
  if (!is_sending() || !is_in(route_.location_conf)) {
    ngx_log_error(NGX_LOG_ERR, log(), 0,
                  "oauth: the fetch for provider \"%*s\" was led away from \"%V\": a rewrite or "
                  "return of the server block applies to it",
                  request_.provider.size(), request_.provider.data(), &route_.location);
    return Problem::fetch_diverted;
  }
  if (is_late() || rc == NGX_HTTP_GATEWAY_TIME_OUT) {
    return Problem::fetch_timeout;
  }
  if (!is_complete() || upstream == nullptr || upstream->headers_in.status_n == 0) {
    return Problem::fetch_failed;
  }
#if (NGX_HTTP_SSL)
  // The user's own location may have forgotten that nginx verifies nobody unless it is told to.
  if (upstream->ssl != 0 && upstream->conf->ssl_verify == 0) {
    ngx_log_error(NGX_LOG_ERR, log(), 0,
                  "oauth: location \"%V\" speaks https without \"proxy_ssl_verify on\": its reply "
                  "counts for nothing",
                  &route_.location);
    return Problem::fetch_untrusted;
  }
#endif
  FetchReply reply;
  reply.status = static_cast<int>(upstream->headers_in.status_n);
  if (const ngx_table_elt_t* type = upstream->headers_in.content_type; type != nullptr) {
    reply.content_type = view(type->value);
  }
  reply.body = take_body();
  return reply;
}

}  // namespace oauth
