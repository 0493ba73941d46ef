#include "ngx/redis_poller.hpp"

#include <limits>
#include <utility>

namespace oauth {

RedisPoller::RedisPoller() noexcept {
  timer_.data = this;
  timer_.handler = on_timer;
  timer_.log = ngx_cycle->log;
  timer_.cancelable = 1;  // a worker that ends does not wait for it
}

void RedisPoller::halt() noexcept {
  forget();
  outcome_ = Outcome::none;
  if (timer_.timer_set) {
    ngx_del_timer(&timer_);
  }
}

void RedisPoller::ask(RedisConnection& connection, std::string command, ngx_msec_t patience) {
  if (timer_.timer_set) {
    ngx_del_timer(&timer_);
  }
  ticket_ = connection.submit(std::move(command), *this, 0);
  if (patience > 0) {
    pause(patience);
  }
}

void RedisPoller::pause(ngx_msec_t milliseconds) noexcept {
  if (timer_.timer_set) {
    ngx_del_timer(&timer_);  // nginx may else keep a slightly later one
  }
  ngx_add_timer(&timer_, milliseconds);
}

ngx_msec_t RedisPoller::pause_left() const noexcept {
  if (!timer_.timer_set) {
    return std::numeric_limits<ngx_msec_t>::max();
  }
  const auto left = static_cast<ngx_msec_int_t>(timer_.timer.key - ngx_current_msec);
  return left > 0 ? static_cast<ngx_msec_t>(left) : 0;
}

void RedisPoller::on_reply(std::size_t, RedisReply&& reply) noexcept {
  ticket_ = nullptr;
  outcome_ = Outcome::answer;
  reply_ = std::move(reply);
  pause(0);
}

void RedisPoller::on_failure(std::size_t, bool) noexcept {
  ticket_ = nullptr;
  outcome_ = Outcome::silence;
  pause(0);
}

void RedisPoller::on_timer(ngx_event_t* event) noexcept {
  auto& self = *static_cast<RedisPoller*>(event->data);
  try {
    self.tell();
  } catch (...) {
    self.on_exception();
  }
}

void RedisPoller::tell() {
  if (ticket_ != nullptr) {  // its patience is over
    forget();
    outcome_ = Outcome::silence;
  }
  const Outcome outcome = std::exchange(outcome_, Outcome::none);
  if (outcome == Outcome::answer) {
    const RedisReply reply = std::exchange(reply_, RedisReply());
    on_answer(reply);
  } else if (outcome == Outcome::silence) {
    on_silence();
  } else {
    on_pause_over();
  }
}

void RedisPoller::forget() noexcept {
  if (ticket_ != nullptr) {
    std::exchange(ticket_, nullptr)->waiter = nullptr;
  }
}

}  // namespace oauth
