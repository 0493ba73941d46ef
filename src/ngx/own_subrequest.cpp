#include "ngx/own_subrequest.hpp"

#include "ngx/request.hpp"

namespace oauth {
namespace {

constexpr ngx_msec_t kAfterDeadline = 1000;  // ms for what nginx tries next
constexpr ngx_uint_t kHeaders = 8;

// The first handler of every location.
ngx_int_t on_arrival(ngx_http_request_t* r) noexcept {
  if (!OwnSubrequest::made(r)) {
    return NGX_DECLINED;
  }
  OwnSubrequest* call = OwnSubrequest::of(r);
  return call == nullptr ? NGX_HTTP_NOT_FOUND : call->arrive();
}

ngx_http_output_body_filter_pt next_body_filter;

// Nothing of the reply goes on to the client, nor to filters that would make more of it (SSI).
ngx_int_t body_filter(ngx_http_request_t* r, ngx_chain_t* in) noexcept {
  if (!OwnSubrequest::made(r)) {
    return next_body_filter(r, in);
  }
  OwnSubrequest* call = OwnSubrequest::of(r);
  for (ngx_chain_t* link = in; link != nullptr; link = link->next) {
    ngx_buf_t* buffer = link->buf;
    if (call != nullptr) {
      std::string_view piece;
      if (ngx_buf_in_memory(buffer)) {
        piece = {reinterpret_cast<const char*>(buffer->pos),
                 static_cast<std::size_t>(buffer->last - buffer->pos)};
      }
      call->collect(piece, buffer->last_buf != 0 || buffer->last_in_chain != 0);
    }
    buffer->pos = buffer->last;
    buffer->file_pos = buffer->file_last;
  }
  return NGX_OK;
}

}  // namespace

OwnSubrequest::OwnSubrequest(ngx_http_request_t* parent, const ngx_str_t& uri,
                             const Limits& limits) noexcept
    : parent_(parent), uri_(uri), limits_(limits) {
  deadline_.data = this;
  deadline_.handler = on_deadline;
  deadline_.log = parent->connection->log;
}

// nginx may still end the subrequest, but then no longer finds the call.
OwnSubrequest::~OwnSubrequest() {
  if (link_ != nullptr) {
    link_->data = nullptr;
  }
  if (deadline_.timer_set) {
    ngx_del_timer(&deadline_);
  }
}

bool OwnSubrequest::begin(Listener& listener, ngx_uint_t flags) noexcept {
  auto* link = static_cast<ngx_http_post_subrequest_t*>(ngx_palloc(parent_->pool, sizeof(*link_)));
  if (link == nullptr) {
    return false;
  }
  *link = {on_done, this};
  if (ngx_http_subrequest(parent_, &uri_, nullptr, &subrequest_, link, flags) != NGX_OK) {
    link->data = nullptr;
    return false;
  }
  link_ = link;
  listener_ = &listener;
  ngx_add_timer(&deadline_, limits_.deadline);
  return true;
}

bool OwnSubrequest::made(const ngx_http_request_t* r) noexcept {
  return r != r->main && r->post_subrequest != nullptr && r->post_subrequest->handler == on_done;
}

OwnSubrequest* OwnSubrequest::of(const ngx_http_request_t* r) noexcept {
  return made(r) ? static_cast<OwnSubrequest*>(r->post_subrequest->data) : nullptr;
}

bool OwnSubrequest::is_in(const ngx_http_core_loc_conf_t* location) const noexcept {
  return ngx_http_get_module_loc_conf(subrequest_, ngx_http_core_module) == location;
}

// Up to here the subrequest had the client's headers, so that an `if ($host …)` in the server block
// sees what it sees for the request itself. The variables become its own because nginx caches them
// in an array that subrequests share: the client's request, and its log line, could read ours.
bool OwnSubrequest::enter() noexcept {
  ngx_http_request_t* sr = subrequest_;
  if (has_entered_) {
    return false;
  }
  const auto* core = static_cast<ngx_http_core_main_conf_t*>(
      ngx_http_get_module_main_conf(sr, ngx_http_core_module));
  auto* variables = static_cast<ngx_http_variable_value_t*>(
      ngx_pcalloc(sr->pool, core->variables.nelts * sizeof(ngx_http_variable_value_t)));
  ngx_list_t headers;
  if (variables == nullptr ||
      ngx_list_init(&headers, sr->pool, kHeaders, sizeof(ngx_table_elt_t)) != NGX_OK) {
    return false;
  }
  sr->variables = variables;
  sr->request_body = nullptr;
  sr->headers_in = ngx_http_headers_in_t{};
  sr->headers_in.content_length_n = -1;
  sr->headers_in.keep_alive_n = -1;
  sr->headers_in.headers = headers;
  // The list's `last` points at its first part, which moved with the copy.
  sr->headers_in.headers.last = &sr->headers_in.headers.part;
  has_entered_ = true;
  return true;
}

ngx_table_elt_t* OwnSubrequest::add_header(std::string_view name, std::string_view value) noexcept {
  return add_request_header(subrequest_, name, value);
}

bool OwnSubrequest::set_method(std::string_view method) noexcept {
  subrequest_->method = method == "POST" ? NGX_HTTP_POST : NGX_HTTP_GET;
  subrequest_->method_name = pool_copy(subrequest_->pool, method);
  return subrequest_->method_name.data != nullptr;
}

// As nginx leaves a body that it has read into memory.
bool OwnSubrequest::set_body(std::string_view bytes) noexcept {
  ngx_http_request_t* sr = subrequest_;
  auto* body =
      static_cast<ngx_http_request_body_t*>(ngx_pcalloc(sr->pool, sizeof(ngx_http_request_body_t)));
  ngx_buf_t* buffer = ngx_create_temp_buf(sr->pool, bytes.size() + 1);
  ngx_chain_t* link = ngx_alloc_chain_link(sr->pool);
  if (body == nullptr || buffer == nullptr || link == nullptr) {
    return false;
  }
  buffer->last = ngx_cpymem(buffer->last, bytes.data(), bytes.size());
  buffer->last_buf = 1;
  *link = {buffer, nullptr};
  body->bufs = link;
  body->buf = buffer;
  sr->request_body = body;
  sr->headers_in.content_length_n = static_cast<off_t>(bytes.size());
  return true;
}

void OwnSubrequest::collect(std::string_view piece, bool is_last) noexcept {
  if (is_too_large_ || !has_entered_) {
    return;
  }
  if (piece.size() > limits_.bytes - body_.size()) {
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

// A filter that returned an error would end the client's request too; this ends only ours.
void OwnSubrequest::drop_upstream() noexcept {
  if (subrequest_->upstream != nullptr) {
    subrequest_->upstream->error = 1;
  }
}

// nginx's timeouts are between two reads, and begin anew with each server that it tries; who
// dribbles meets this one. nginx is told what is so: the upstream connection timed out.
void OwnSubrequest::on_deadline(ngx_event_t* event) noexcept {
  auto* self = static_cast<OwnSubrequest*>(event->data);
  self->is_late_ = true;
  ngx_add_timer(event, kAfterDeadline);
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
ngx_int_t OwnSubrequest::on_done(ngx_http_request_t* sr, void* data, ngx_int_t rc) noexcept {
  auto* self = static_cast<OwnSubrequest*>(data);
  if (self == nullptr || self->subrequest_ != sr) {
    return NGX_OK;
  }
  self->link_->data = nullptr;
  self->link_ = nullptr;
  if (self->deadline_.timer_set) {
    ngx_del_timer(&self->deadline_);
  }
  try {
    self->listener_->over(self->judge(rc));
  } catch (...) {
    self->listener_->over(Problem::internal);
  }
  return NGX_OK;
}

bool Ended::await_suspend(std::coroutine_handle<> frame) noexcept {
  if (!call_.begin(*this, NGX_HTTP_SUBREQUEST_WAITED)) {
    return false;
  }
  flow_.park(frame);
  return true;
}

void Ended::over(Result<FetchReply> outcome) noexcept {
  outcome_ = std::move(outcome);
  flow_.ready();
}

ngx_int_t add_subrequest_handlers(ngx_conf_t* cf) {
  auto* core = static_cast<ngx_http_core_main_conf_t*>(
      ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module));
  auto* handler = static_cast<ngx_http_handler_pt*>(
      ngx_array_push(&core->phases[NGX_HTTP_REWRITE_PHASE].handlers));
  if (handler == nullptr) {
    return NGX_ERROR;
  }
  *handler = on_arrival;
  next_body_filter = std::exchange(ngx_http_top_body_filter, body_filter);
  return NGX_OK;
}

}  // namespace oauth
