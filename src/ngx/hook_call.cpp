#include "ngx/hook_call.hpp"

namespace oauth {
namespace {

ngx_str_t text(std::string_view words) noexcept {
  return {words.size(), reinterpret_cast<u_char*>(const_cast<char*>(words.data()))};
}

// A header of our own, as nginx's parser would have left it. Null when out of memory.
ngx_table_elt_t* push(ngx_http_request_t* r, ngx_http_headers_in_t& headers, std::string_view name,
                      std::string_view lower, std::string_view value) noexcept {
  auto* header = static_cast<ngx_table_elt_t*>(ngx_list_push(&headers.headers));
  if (header == nullptr) {
    return nullptr;
  }
  *header = ngx_table_elt_t{};
  header->key = text(name);
  header->lowcase_key = text(lower).data;
  header->hash = ngx_hash_key(header->lowcase_key, lower.size());
  header->value = pool_copy(r->pool, value);
  return header->value.data == nullptr ? nullptr : header;
}

}  // namespace

HookCall::HookCall(Flow& flow, const HookPlan& plan, const HookPlan::Target& target,
                   const std::string& question) noexcept
    : flow_(flow), plan_(plan), target_(target), question_(question) {
  deadline_.data = this;
  deadline_.handler = on_deadline;
  deadline_.log = flow.request()->connection->log;
}

// nginx may still end the subrequest, but then no longer finds the call.
HookCall::~HookCall() {
  if (link_ != nullptr) {
    link_->data = nullptr;
  }
  if (deadline_.timer_set) {
    ngx_del_timer(&deadline_);
  }
}

bool HookCall::await_suspend(std::coroutine_handle<> frame) noexcept {
  ngx_http_request_t* r = flow_.request();
  auto* link = static_cast<ngx_http_post_subrequest_t*>(ngx_palloc(r->pool, sizeof(*link_)));
  if (link == nullptr) {
    return false;
  }
  *link = {on_done, this};
  ngx_str_t uri = text(target_.uri);
  if (ngx_http_subrequest(r, &uri, nullptr, &subrequest_, link, NGX_HTTP_SUBREQUEST_WAITED) !=
      NGX_OK) {
    link->data = nullptr;
    return false;
  }
  link_ = link;
  ngx_add_timer(&deadline_, kHookDeadline);
  flow_.park(frame);
  return true;
}

bool HookCall::made(const ngx_http_request_t* r) noexcept {
  return r != r->main && r->post_subrequest != nullptr && r->post_subrequest->handler == on_done;
}

HookCall* HookCall::of(const ngx_http_request_t* r) noexcept {
  return made(r) ? static_cast<HookCall*>(r->post_subrequest->data) : nullptr;
}

// Where its own location then leads it (rewrite, error_page, try_files) is the operator's affair.
ngx_int_t HookCall::enter() noexcept {
  if (is_entered_) {
    return NGX_DECLINED;
  }
  if (ngx_http_get_module_loc_conf(subrequest_, ngx_http_core_module) != target_.location) {
    return NGX_HTTP_NOT_FOUND;
  }
  if (!isolate()) {
    return NGX_HTTP_INTERNAL_SERVER_ERROR;
  }
  is_entered_ = true;
  return NGX_DECLINED;
}

// Up to here the subrequest had the client's headers, so that an `if ($host …)` in the server block
// sees what it sees for the request itself. The variables become its own because nginx caches them
// in an array that subrequests share.
bool HookCall::isolate() noexcept {
  ngx_http_request_t* sr = subrequest_;
  const auto* core = static_cast<ngx_http_core_main_conf_t*>(
      ngx_http_get_module_main_conf(sr, ngx_http_core_module));
  auto* variables = static_cast<ngx_http_variable_value_t*>(
      ngx_pcalloc(sr->pool, core->variables.nelts * sizeof(ngx_http_variable_value_t)));
  ngx_http_headers_in_t headers{};
  headers.keep_alive_n = -1;
  if (variables == nullptr || !set_headers(headers) || !set_body()) {
    return false;
  }
  sr->variables = variables;
  sr->headers_in = headers;
  sr->method = NGX_HTTP_POST;
  sr->method_name = text("POST");
  sr->filter_need_in_memory = 1;  // the reply may come from a file
  return true;
}

bool HookCall::set_headers(ngx_http_headers_in_t& headers) noexcept {
  ngx_http_request_t* sr = subrequest_;
  if (ngx_list_init(&headers.headers, sr->pool, 4, sizeof(ngx_table_elt_t)) != NGX_OK) {
    return false;
  }
  const std::string_view json = "application/json";
  u_char digits[NGX_SIZE_T_LEN];
  const u_char* end = ngx_sprintf(digits, "%uz", question_.size());
  const std::string_view length(reinterpret_cast<const char*>(digits),
                                static_cast<std::size_t>(end - digits));
  headers.server = text(plan_.host);
  headers.content_length_n = static_cast<off_t>(question_.size());
  headers.host = push(sr, headers, "Host", "host", plan_.authority);
  headers.content_length = push(sr, headers, "Content-Length", "content-length", length);
  headers.content_type = push(sr, headers, "Content-Type", "content-type", json);
  const ngx_table_elt_t* accept = push(sr, headers, "Accept", "accept", json);
  return headers.host != nullptr && headers.content_length != nullptr &&
         headers.content_type != nullptr && accept != nullptr;
}

// As nginx leaves a body that it has read into memory. It lives as long as the request does: the
// call may be gone while an upstream still reads.
bool HookCall::set_body() noexcept {
  ngx_http_request_t* sr = subrequest_;
  auto* body =
      static_cast<ngx_http_request_body_t*>(ngx_pcalloc(sr->pool, sizeof(ngx_http_request_body_t)));
  ngx_buf_t* buffer = ngx_create_temp_buf(sr->pool, question_.size());
  ngx_chain_t* link = ngx_alloc_chain_link(sr->pool);
  if (body == nullptr || buffer == nullptr || link == nullptr) {
    return false;
  }
  buffer->last = ngx_cpymem(buffer->last, question_.data(), question_.size());
  buffer->last_buf = 1;
  *link = {buffer, nullptr};
  body->bufs = link;
  body->buf = buffer;
  sr->request_body = body;
  return true;
}

void HookCall::collect(std::string_view piece, bool is_last) noexcept {
  if (is_too_large_ || !is_entered_) {
    return;
  }
  if (piece.size() > kMaxHookReply - body_.size()) {
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

// A filter that returned an error would end the client's request too; this ends only the question.
void HookCall::drop_upstream() noexcept {
  if (subrequest_->upstream != nullptr) {
    subrequest_->upstream->error = 1;
  }
}

// nginx's timeouts are between two reads, and begin anew with each server that it tries. It is told
// what is so: the upstream connection timed out. The next one has a second.
void HookCall::on_deadline(ngx_event_t* event) noexcept {
  auto* self = static_cast<HookCall*>(event->data);
  self->is_late_ = true;
  ngx_add_timer(event, 1000);
  ngx_http_upstream_t* upstream = self->subrequest_->upstream;
  ngx_connection_t* peer = upstream == nullptr ? nullptr : upstream->peer.connection;
  if (peer != nullptr) {
    peer->read->timedout = 1;
    peer->write->timedout = 1;
    peer->read->handler(peer->read);  // the call may be gone when this returns
  }
}

// nginx calls this more than once for a subrequest, and before the cleanup of a client that left:
// it only records, and never resumes. NGX_OK keeps nginx from answering the client by itself.
ngx_int_t HookCall::on_done(ngx_http_request_t* sr, void* data, ngx_int_t rc) noexcept {
  auto* self = static_cast<HookCall*>(data);
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

// A status that no content handler has sent comes as `rc`, without a body. A reply that was cut off
// also ends in NGX_OK: only a whole one has a last buffer.
Result<FetchReply> HookCall::judge(ngx_int_t rc) {
  if (is_too_large_) {
    return Problem::fetch_too_large;
  }
  if (!is_entered_) {
    return Problem::fetch_diverted;
  }
  if (is_late_) {
    return Problem::fetch_timeout;
  }
  FetchReply reply;
  if (rc >= NGX_HTTP_SPECIAL_RESPONSE || rc == NGX_HTTP_CREATED || rc == NGX_HTTP_NO_CONTENT) {
    reply.status = static_cast<int>(rc);
    return reply;
  }
  reply.status = static_cast<int>(subrequest_->headers_out.status);
  if (rc != NGX_OK || (!is_complete_ && reply.status != NGX_HTTP_NO_CONTENT)) {
    return Problem::fetch_failed;
  }
  reply.content_type = view(subrequest_->headers_out.content_type);
  reply.body = std::move(body_);
  return reply;
}

}  // namespace oauth
