// A leaf: parks its flow until a timer fires. A timer cannot outlive it.
#pragma once

#include "ngx/run.hpp"

namespace oauth {

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

  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> frame) noexcept {
    flow_.park(frame);
    ngx_add_timer(&timer_, length_);
  }
  Done await_resume() const noexcept { return kDone; }

 private:
  static void on_timer(ngx_event_t* event) noexcept {
    static_cast<Pause*>(event->data)->flow_.wake();
  }

  Flow& flow_;
  ngx_msec_t length_;
  ngx_event_t timer_{};
};

}  // namespace oauth
