#include "ngx/clock.hpp"

#include "oauth/base/secret.hpp"

namespace oauth {
namespace {

// A leaf: parks its flow until a timer fires. A timer cannot outlive it.
class Pause {
 public:
  Pause(Flow& flow, ngx_msec_t milliseconds) noexcept : flow_(flow), length_(milliseconds) {
    timer_.data = this;
    timer_.handler = on_timer;
    timer_.log = flow.request()->connection->log;
  }
  Pause(const Pause&) = delete;
  Pause& operator=(const Pause&) = delete;
  ~Pause() {
    if (timer_.timer_set) {
      ngx_del_timer(&timer_);
    }
  }

  bool await_ready() noexcept { return false; }
  void await_suspend(std::coroutine_handle<> frame) noexcept {
    flow_.park(frame);
    ngx_add_timer(&timer_, length_);
  }
  Done await_resume() noexcept { return kDone; }

 private:
  static void on_timer(ngx_event_t* event) noexcept {
    static_cast<Pause*>(event->data)->flow_.wake();
  }

  Flow& flow_;
  ngx_msec_t length_;
  ngx_event_t timer_{};
};

}  // namespace

std::int64_t NginxClock::now() const noexcept {
  return ngx_time();
}

std::int64_t NginxClock::now_ms() const noexcept {
  const ngx_time_t* time = ngx_timeofday();
  return static_cast<std::int64_t>(time->sec) * 1000 + static_cast<std::int64_t>(time->msec);
}

Task<Done> NginxClock::pause(std::int64_t milliseconds) {
  const auto length = static_cast<ngx_msec_t>(milliseconds > 0 ? milliseconds : 0);
  co_return co_await Pause(flow_, length);
}

Result<std::string> SystemRandom::bytes(std::size_t count) {
  return random_bytes(count);
}

}  // namespace oauth
