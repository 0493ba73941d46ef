#include "ngx/fetch_call.hpp"

namespace oauth {

FetchCall::FetchCall(Flow& flow, const FetchRoute& route, const FetchRequest& request,
                     const FetchTarget& target) noexcept
    : flow_(flow), route_(route), request_(request), target_(target) {
  deadline_.data = this;
  deadline_.handler = on_deadline;
  deadline_.log = flow.request()->connection->log;
}

// nginx may still end the subrequest, but then no longer finds the call.
FetchCall::~FetchCall() {
  if (link_ != nullptr) {
    link_->data = nullptr;
  }
  if (deadline_.timer_set) {
    ngx_del_timer(&deadline_);
  }
}

bool FetchCall::await_suspend(std::coroutine_handle<> frame) noexcept {
  ngx_http_request_t* r = flow_.request();
  auto* link = static_cast<ngx_http_post_subrequest_t*>(ngx_palloc(r->pool, sizeof(*link_)));
  if (link == nullptr) {
    return false;
  }
  *link = {on_done, this};
  ngx_str_t uri = route_.location;
  if (ngx_http_subrequest(r, &uri, nullptr, &subrequest_, link, NGX_HTTP_SUBREQUEST_WAITED) !=
      NGX_OK) {
    link->data = nullptr;
    return false;
  }
  link_ = link;
  ngx_add_timer(&deadline_, kFetchDeadline);
  flow_.park(frame);
  return true;
}

bool FetchCall::made(const ngx_http_request_t* r) noexcept {
  return r != r->main && r->post_subrequest != nullptr && r->post_subrequest->handler == on_done;
}

FetchCall* FetchCall::of(const ngx_http_request_t* r) noexcept {
  return made(r) ? static_cast<FetchCall*>(r->post_subrequest->data) : nullptr;
}

bool FetchCall::enter() noexcept {
  if (is_sending_ || !isolate()) {
    return false;
  }
  is_sending_ = true;
  return true;
}

bool FetchCall::is_at_home() const noexcept {
  return ngx_http_get_module_loc_conf(subrequest_, ngx_http_core_module) == route_.location_conf;
}

// Up to here the subrequest had the client's headers, so that an `if ($host …)` in the server block
// sees what it sees for the request itself. The variables become its own because nginx caches them
// in an array that subrequests share: the client's request, and its log line, could read ours.
bool FetchCall::isolate() noexcept {
  ngx_http_request_t* sr = subrequest_;
  const auto* core = static_cast<ngx_http_core_main_conf_t*>(
      ngx_http_get_module_main_conf(sr, ngx_http_core_module));
  auto* variables = static_cast<ngx_http_variable_value_t*>(
      ngx_pcalloc(sr->pool, core->variables.nelts * sizeof(ngx_http_variable_value_t)));
  ngx_http_headers_in_t headers{};
  headers.content_length_n = -1;
  headers.keep_alive_n = -1;
  if (variables == nullptr || ngx_list_init(&headers.headers, sr->pool, kFetchHeaders.size(),
                                            sizeof(ngx_table_elt_t)) != NGX_OK) {
    return false;
  }
  sr->request_body = nullptr;
  if (route_.is_users && !carry(headers)) {
    return false;
  }
  sr->variables = variables;
  sr->headers_in = headers;
  // The list's `last` pointed into the copy that was made of it.
  if (sr->headers_in.headers.last == &headers.headers.part) {
    sr->headers_in.headers.last = &sr->headers_in.headers.part;
  }
  return true;
}

// A location of the user's says where to, and need not say what: method, headers and body are the
// subrequest's own, as if a client had sent them. Copies: nginx may send them again on another
// connection.
bool FetchCall::carry(ngx_http_headers_in_t& headers) noexcept {
  ngx_http_request_t* sr = subrequest_;
  const auto copy = [sr](std::string_view text) { return pool_copy(sr->pool, text); };
  for (const Header& header : request_.headers) {
    auto* field = static_cast<ngx_table_elt_t*>(ngx_list_push(&headers.headers));
    if (field == nullptr) {
      return false;
    }
    *field = ngx_table_elt_t{};
    field->hash = 1;
    field->key = copy(header.name);
    field->value = copy(header.value);
    field->lowcase_key = copy(header.name).data;
    if (field->key.data == nullptr || field->value.data == nullptr ||
        field->lowcase_key == nullptr) {
      return false;
    }
    ngx_strlow(field->lowcase_key, field->key.data, field->key.len);
  }
  sr->method_name = copy(request_.method);
  sr->method = request_.method == "POST" ? NGX_HTTP_POST : NGX_HTTP_GET;
  if (request_.method == "GET") {
    return sr->method_name.data != nullptr;
  }
  auto* body =
      static_cast<ngx_http_request_body_t*>(ngx_pcalloc(sr->pool, sizeof(*sr->request_body)));
  ngx_chain_t* link = ngx_alloc_chain_link(sr->pool);
  ngx_buf_t* buffer = ngx_create_temp_buf(sr->pool, request_.body.size() + 1);
  if (sr->method_name.data == nullptr || body == nullptr || link == nullptr || buffer == nullptr) {
    return false;
  }
  buffer->last = ngx_cpymem(buffer->pos, request_.body.data(), request_.body.size());
  buffer->last_buf = 1;
  *link = {buffer, nullptr};
  body->bufs = link;
  sr->request_body = body;
  headers.content_length_n = static_cast<off_t>(request_.body.size());
  return true;
}

void FetchCall::collect(std::string_view piece, bool is_last) noexcept {
  if (is_too_large_ || !is_sending_) {
    return;
  }
  if (piece.size() > kMaxFetchReply - body_.size()) {
    is_too_large_ = true;
    body_.clear();
    drop_upstream();
    return;
  }
  try {
    body_.append(piece);
  } catch (...) {
    drop_upstream();  // out of memory: the reply never becomes complete
    return;
  }
  is_complete_ = is_complete_ || is_last;
}

// A filter that returned an error would end the client's request too; this ends only the fetch.
void FetchCall::drop_upstream() noexcept {
  subrequest_->upstream->error = 1;
}

// nginx's timeouts are between two reads; a provider that dribbles meets this one. It is told to
// nginx as what it is: the upstream connection timed out.
void FetchCall::on_deadline(ngx_event_t* event) noexcept {
  auto* self = static_cast<FetchCall*>(event->data);
  self->is_late_ = true;
  ngx_http_upstream_t* upstream = self->subrequest_->upstream;
  ngx_connection_t* peer = upstream == nullptr ? nullptr : upstream->peer.connection;
  if (peer == nullptr) {
    ngx_add_timer(event, 1000);  // no connection yet: the resolver's own timeout is near
    return;
  }
  peer->read->timedout = 1;
  peer->write->timedout = 1;
  peer->read->handler(peer->read);  // the call may be gone when this returns
}

// nginx calls this more than once for a subrequest, and before the cleanup of a client that left:
// it only records, and never resumes. NGX_OK keeps nginx from answering the client by itself.
ngx_int_t FetchCall::on_done(ngx_http_request_t* sr, void* data, ngx_int_t rc) noexcept {
  auto* self = static_cast<FetchCall*>(data);
  if (self == nullptr || self->subrequest_ != sr) {
    return NGX_OK;
  }
  self->link_->data = nullptr;
  self->link_ = nullptr;
  if (self->deadline_.timer_set) {
    ngx_del_timer(&self->deadline_);
  }
  try {
    self->outcome_ = self->judge(rc);
  } catch (...) {
    self->outcome_ = Problem::internal;
  }
  self->flow_.ready();
  return NGX_OK;
}

// The status of a subrequest can come from anywhere; only nginx's upstream module knows what a
// provider said. A reply that was cut off also ends in NGX_OK: only a whole one has a last buffer.
Result<FetchReply> FetchCall::judge(ngx_int_t rc) {
  const ngx_http_upstream_t* upstream = subrequest_->upstream;
  if (is_too_large_) {
    return Problem::fetch_too_large;
  }
  if (!is_sending_ || !is_at_home()) {
    ngx_log_error(NGX_LOG_ERR, flow_.request()->connection->log, 0,
                  "oauth: the fetch for provider \"%*s\" was led away from \"%V\": a rewrite or "
                  "return of the server block applies to it",
                  request_.provider.size(), request_.provider.data(), &route_.location);
    return Problem::fetch_diverted;
  }
  if (is_late_ || rc == NGX_HTTP_GATEWAY_TIME_OUT) {
    return Problem::fetch_timeout;
  }
  if (!is_complete_ || upstream == nullptr || upstream->headers_in.status_n == 0) {
    return Problem::fetch_failed;
  }
#if (NGX_HTTP_SSL)
  // The user's own location may have forgotten that nginx verifies nobody unless it is told to.
  if (upstream->ssl != 0 && upstream->conf->ssl_verify == 0) {
    ngx_log_error(NGX_LOG_ERR, flow_.request()->connection->log, 0,
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
  reply.body = std::move(body_);
  return reply;
}

}  // namespace oauth
