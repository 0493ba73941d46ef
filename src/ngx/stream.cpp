#include "ngx/stream.hpp"

#include <algorithm>

#include "ngx/attached.hpp"
#include "ngx/guard.hpp"
#include "ngx/log.hpp"

namespace oauth {
namespace {

// A timer that belongs to the request. It keeps no worker from ending: the connection does, by
// timers of nginx's own, for as long as it lives.
class Stream {
 public:
  explicit Stream(ngx_http_request_t* r) noexcept : request_(r) {
    timer_.data = this;
    timer_.handler = on_end;
    timer_.log = r->connection->log;
    timer_.cancelable = 1;
  }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  ~Stream() {
    if (timer_.timer_set) {
      ngx_del_timer(&timer_);
    }
  }

  void end_in(ngx_msec_t milliseconds) noexcept { ngx_add_timer(&timer_, milliseconds); }

 private:
  static void on_end(ngx_event_t* event) noexcept;

  ngx_http_request_t* request_;
  ngx_event_t timer_{};
};

// As if the upstream had closed and nothing of it were left to send: nginx then ends both sides in
// its own way, also while the upstream is still sending or the client no longer reads.
void Stream::on_end(ngx_event_t* event) noexcept {
  ngx_http_request_t* r = static_cast<Stream*>(event->data)->request_;
  ngx_http_upstream_t* upstream = r->upstream;
  ngx_connection_t* peer = upstream == nullptr ? nullptr : upstream->peer.connection;
  if (peer == nullptr) {
    return;  // it has ended already, and lingers
  }
  ngx_connection_t* c = r->connection;
  ngx_http_set_log_request(c->log, r);
  Verdict verdict;
  verdict.problem = Problem::token_expired;
  try {
    log_verdict(r, "stream", verdict);
  } catch (...) {
    ngx_log_error(NGX_LOG_ERR, c->log, 0, "oauth: out of memory");  // it ends all the same
  }
  upstream->buffer.pos = upstream->buffer.last;
  peer->read->ready = 0;
  peer->read->eof = 1;
  peer->read->handler(peer->read);  // the request may be gone when this returns
}

}  // namespace

ngx_int_t limit_stream(ngx_http_request_t* r) noexcept {
  constexpr std::int64_t kLongest = 365 * 24 * 3600;  // s; a foreign token's exp has no bound
  const bool is_upgrade = r->headers_out.status == NGX_HTTP_SWITCHING_PROTOCOLS &&
                          r->upstream != nullptr && r->upstream->upgrade;
  const Outcome* outcome = is_upgrade ? outcome_for(r) : nullptr;
  if (outcome == nullptr || outcome->guard == nullptr || !outcome->admission ||
      outcome->admission->token.empty() || !outcome->guard->stream.is_limited) {
    return NGX_OK;
  }
  auto* stream = attach<Stream>(r, r);
  if (stream == nullptr) {
    return NGX_ERROR;
  }
  const std::int64_t end = outcome->admission->expires + outcome->guard->stream.extra;
  const std::int64_t left = std::clamp<std::int64_t>(end - ngx_time(), 0, kLongest);
  stream->end_in(static_cast<ngx_msec_t>(left) * 1000 + 1);
  return NGX_OK;
}

}  // namespace oauth
