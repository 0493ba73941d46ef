// RedisConnection, in service and going down; how it comes up stands in redis_coming_up.cpp.
#include "ngx/redis_connection.hpp"

#include <algorithm>
#include <array>

#include "ngx/redis_node.hpp"
#include "ngx/status.hpp"

namespace oauth {
namespace {

constexpr ngx_msec_t kFirstPause = 100;  // ms; doubles with each failure
constexpr ngx_msec_t kLongestPause = 3000;
constexpr std::size_t kReadSize = 16384;

constexpr std::string_view kClosed = "the server closed the connection";

std::string error_text(ngx_err_t error) {
  return std::strerror(error);
}

}  // namespace

RedisConnection::RedisConnection(RedisNode& node, ngx_log_t* log)
    : node_(node), log_(*log), lookup_([this] { on_resolved(); }) {
  log_.log_level = std::min<ngx_uint_t>(log_.log_level, NGX_LOG_ALERT);
  timer_.handler = on_timer;
  timer_.data = this;
  timer_.log = &log_;
  count(Own::redis_connections);
}

RedisConnection::~RedisConnection() {
  close();
  count(Own::redis_connections, -1);
}

bool RedisConnection::usable() const noexcept {
  return ready() || (!down_ && !retiring_ && state_ != State::closed);
}

RedisTicket* RedisConnection::submit(std::string command, RedisWaiter& waiter, std::size_t index) {
  return add(std::move(command), RedisTicket{&waiter, index});
}

void RedisConnection::submit_unheard(std::string command) {
  (void)add(std::move(command), RedisTicket{nullptr, 0});
}

RedisTicket* RedisConnection::add(std::string command, RedisTicket ticket) {
  Pending& pending = pending_.emplace_back();
  pending.ticket = std::make_unique<RedisTicket>(ticket);
  pending.bytes = std::move(command);
  pending.deadline = ngx_current_msec + node_.options().timeout;
  // The worker does not end while somebody waits.
  timer_.cancelable = 0;
  if (state_ == State::ready) {
    enqueue(pending);
    post_flush();
    if (!timer_.timer_set) {
      arm(pending.deadline);
    }
  }
  return pending.ticket.get();
}

void RedisConnection::send_last(std::string_view command) {
  if (ready()) {
    out_ += command;
    queued_ += command.size();
    flush();
  }
}

// ---- serving

void RedisConnection::enqueue(Pending& pending) {
  out_ += pending.bytes;
  queued_ += pending.bytes.size();
  pending.end = queued_;
  pending.bytes = std::string();
}

// Commands of one round of the event loop leave in one write.
void RedisConnection::post_flush() noexcept {
  if (!connection_->write->posted) {
    ngx_post_event(connection_->write, &ngx_posted_events);
  }
}

void RedisConnection::flush() {
  std::size_t done = 0;
  while (done < out_.size()) {
    auto* data = reinterpret_cast<u_char*>(out_.data()) + done;
    const ssize_t count = connection_->send(connection_, data, out_.size() - done);
    if (count == NGX_AGAIN) {
      break;
    }
    if (count <= 0) {
      fail(broken("cannot send: " + error_text(ngx_socket_errno)));
      return;
    }
    done += static_cast<std::size_t>(count);
    sent_ += static_cast<std::uint64_t>(count);
  }
  out_.erase(0, done);
  if (ngx_handle_write_event(connection_->write, 0) != NGX_OK ||
      ngx_handle_read_event(connection_->read, 0) != NGX_OK) {
    fail("cannot watch the socket");
  }
}

void RedisConnection::read() {
  std::array<u_char, kReadSize> buffer;
  for (;;) {
    const ssize_t count = connection_->recv(connection_, buffer.data(), buffer.size());
    if (count == NGX_AGAIN) {
      if (ngx_handle_read_event(connection_->read, 0) != NGX_OK) {
        fail("cannot watch the socket");
      }
      return;
    }
    if (count == 0) {
      on_closed();
      return;
    }
    if (count < 0) {
      fail(broken("cannot receive: " + error_text(ngx_socket_errno)));
      return;
    }
    if (!parse({reinterpret_cast<char*>(buffer.data()), static_cast<std::size_t>(count)})) {
      return;
    }
  }
}

// False when the connection is gone.
bool RedisConnection::parse(std::string_view bytes) {
  std::vector<RedisReply> replies;
  if (!parser_->parse(bytes, replies)) {
    return fail("protocol error: " + parser_->reason());
  }
  for (RedisReply& reply : replies) {
    if (!take(std::move(reply))) {
      return false;
    }
  }
  return true;
}

bool RedisConnection::take(RedisReply&& reply) {
  if (greeting_) {
    return on_greeted(reply);
  }
  if (pending_.empty() || pending_.front().end > sent_) {
    return fail("protocol error: a reply that nobody asked for");
  }
  if (reply.kind == RedisReply::Kind::error) {
    // Behind the address may be another server by now, or this one may want AUTH again.
    const std::string code = redis_error_code(reply);
    retiring_ = retiring_ || code == "READONLY" || code == "NOAUTH";
    if (code == "READONLY") {
      node_.note_trouble();
    }
  }
  const std::unique_ptr<RedisTicket> ticket = std::move(pending_.front().ticket);
  pending_.pop_front();
  if (ticket->waiter != nullptr) {
    ticket->waiter->on_reply(ticket->index, std::move(reply));
  }
  if (!pending_.empty()) {
    return true;
  }
  if (retiring_) {
    const bool at_once = renewing_;
    disconnect();
    if (at_once) {
      connect();
    } else {
      pause();
    }
    return false;
  }
  if (timer_.timer_set) {
    ngx_del_timer(&timer_);
  }
  return true;
}

// ---- going down

// A server may close what has been idle for long; that is no failure until it cannot be had back.
void RedisConnection::on_closed() {
  const bool idle = state_ == State::ready && pending_.empty();
  if (idle && ngx_current_msec - ready_since_ > kLongestPause) {
    disconnect();
    connect();
    return;
  }
  fail(broken(std::string(kClosed)));
}

// Before the first answer the end of a connection says what the server may have expected.
std::string RedisConnection::broken(const std::string& what) const {
  if (tls_) {
    const bool wants = state_ == State::greeting && tls_->wants_certificate();
    return wants             ? "it wants a client certificate: give tls_cert= and tls_key="
           : what == kClosed ? what
                             : tls_->reason();
  }
  return state_ == State::greeting && peer_.sockaddr->sa_family != AF_UNIX
             ? what + " before it answered: if it speaks TLS, write rediss://"
             : what;
}

// Always false, for `return fail(...)`.
bool RedisConnection::fail(const std::string& reason) {
  const std::deque<Pending> pending = std::exchange(pending_, {});
  const std::uint64_t sent = sent_;
  disconnect();
  node_.tell(NGX_LOG_ERR, reason);
  for (const Pending& lost : pending) {
    if (lost.ticket->waiter != nullptr) {
      lost.ticket->waiter->on_failure(lost.ticket->index, lost.end != 0 && lost.end <= sent);
    }
  }
  pause();
  node_.note_trouble();
  return false;
}

void RedisConnection::renew() {
  if (state_ == State::ready && !pending_.empty()) {
    retiring_ = true;
    renewing_ = true;
    return;
  }
  disconnect();
  failures_ = 0;
  connect();
}

void RedisConnection::distrust() {
  if (state_ == State::ready && pending_.empty()) {
    disconnect();
    down_ = true;
    connect();
  }
}

// Equal jitter: half of the pause is certain, half is chance, so that workers and nodes do not come
// back in step.
void RedisConnection::pause() noexcept {
  down_ = true;
  const ngx_msec_t pause = std::min(kLongestPause, kFirstPause << std::min(failures_, 10U));
  failures_++;
  arm(ngx_current_msec + pause / 2 + static_cast<ngx_msec_t>(ngx_random()) % (pause / 2));
}

void RedisConnection::disconnect() noexcept {
  lookup_.cancel();
  tls_.reset();
  if (connection_ != nullptr) {
    ngx_close_connection(connection_);
    connection_ = nullptr;
  }
  if (timer_.timer_set) {
    ngx_del_timer(&timer_);
  }
  if (state_ == State::ready) {
    count(Own::redis_ready, -1);
  }
  state_ = State::closed;
  retiring_ = false;
  renewing_ = false;
  parser_.reset();
  greeting_.reset();
  out_.clear();
  queued_ = 0;
  sent_ = 0;
}

void RedisConnection::close() noexcept {
  disconnect();
  for (Pending& pending : pending_) {
    if (pending.ticket->waiter != nullptr) {
      pending.ticket->waiter->on_failure(pending.ticket->index, true);
    }
  }
  pending_.clear();
}

void RedisConnection::expire() {
  if (state_ == State::closed) {
    connect();
    return;
  }
  const bool serving = state_ == State::ready && !pending_.empty();
  const ngx_msec_t deadline = serving ? pending_.front().deadline : starting_deadline();
  if (static_cast<ngx_msec_int_t>(deadline - ngx_current_msec) > 0) {
    arm(deadline);
    return;
  }
  fail(late() + " within " + std::to_string(node_.options().timeout) + " ms");
  node_.distrust();
}

std::string RedisConnection::late() const {
  switch (state_) {
    case State::resolving:
      return "no answer from the nameserver";
    case State::connecting:
      return "no connection" + where();
    case State::securing:
      return "no TLS handshake (does it speak TLS?)";
    default:
      return "no answer";
  }
}

// Who was handed over while it comes up waits no longer for that.
ngx_msec_t RedisConnection::starting_deadline() const noexcept {
  if (pending_.empty()) {
    return deadline_;
  }
  const ngx_msec_t first = pending_.front().deadline;
  return static_cast<ngx_msec_int_t>(first - deadline_) < 0 ? first : deadline_;
}

void RedisConnection::arm(ngx_msec_t deadline) noexcept {
  const auto left = static_cast<ngx_msec_int_t>(deadline - ngx_current_msec);
  // nginx waits for timers before a worker ends, but need not for those nobody waits for.
  timer_.cancelable = pending_.empty() ? 1 : 0;
  ngx_add_timer(&timer_, left > 0 ? static_cast<ngx_msec_t>(left) : 0);
}

// ---- nginx's events

void RedisConnection::on_read(ngx_event_t* event) noexcept {
  auto* connection = static_cast<ngx_connection_t*>(event->data);
  auto* self = static_cast<RedisConnection*>(connection->data);
  if (connection->close) {
    self->close();  // worker_shutdown_timeout: nginx waits no longer, so nor do we
    return;
  }
  if (self->state_ == State::connecting) {
    self->on_connected();
    return;
  }
  self->read();
}

void RedisConnection::on_write(ngx_event_t* event) noexcept {
  auto* self = static_cast<RedisConnection*>(static_cast<ngx_connection_t*>(event->data)->data);
  if (self->state_ == State::connecting) {
    self->on_connected();
    return;
  }
  self->flush();
}

void RedisConnection::on_handshake(ngx_connection_t* connection) noexcept {
  auto* self = static_cast<RedisConnection*>(connection->data);
  if (connection->close) {
    self->close();
    return;
  }
  self->on_secured();
}

void RedisConnection::on_timer(ngx_event_t* event) noexcept {
  static_cast<RedisConnection*>(event->data)->expire();
}

}  // namespace oauth
