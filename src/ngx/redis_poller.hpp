// RedisPoller: what a worker asks Redis again and again for its own sake, while no request waits:
// one question at a time, and a pause behind each. Whatever is told of an answer is called from the
// event loop, never from within the connection that brought it: it may end connections.
#pragma once

#include <optional>
#include <string>

#include "ngx/redis_connection.hpp"

namespace oauth {

class RedisPoller : private RedisWaiter {
 public:
  RedisPoller() noexcept;
  RedisPoller(const RedisPoller&) = delete;
  RedisPoller& operator=(const RedisPoller&) = delete;

 protected:
  ~RedisPoller() { halt(); }

  // Before anything else. The first question is for who calls it.
  void begin(ngx_log_t* log) noexcept { timer_.log = log; }
  // No answer, and no end of a pause, is told from now on.
  void halt() noexcept;
  // Not while `is_busy()`. With a `patience` (ms) other than 0 no answer within it is none at all;
  // the connection has a limit of its own.
  void ask(RedisConnection& connection, std::string command, ngx_msec_t patience = 0);
  // A question is under way, or its outcome is to be told in a moment.
  bool is_busy() const noexcept { return ticket_ != nullptr || outcome_ != Outcome::none; }
  // In so many ms `on_pause_over()` is called; in place of any other pause. Not while `is_busy()`.
  void pause(ngx_msec_t milliseconds) noexcept;
  // How long it still lasts, in ms; the longest time where there is none.
  ngx_msec_t pause_left() const noexcept;

 private:
  enum class Outcome : std::uint8_t { none, answer, silence };

  // Each asks again, or pauses.
  virtual void on_pause_over() = 0;
  virtual void on_answer(const RedisReply& reply) = 0;
  virtual void on_silence() = 0;             // no answer came, or the connection is gone
  virtual void on_exception() noexcept = 0;  // one of them threw

  static void on_timer(ngx_event_t* event) noexcept;
  void on_reply(std::size_t index, RedisReply&& reply) noexcept final;
  void on_failure(std::size_t index, bool written) noexcept final;
  void tell();
  void forget() noexcept;

  ngx_event_t timer_{};
  RedisTicket* ticket_ = nullptr;  // of the question that is under way
  Outcome outcome_ = Outcome::none;
  RedisReply reply_;
};

}  // namespace oauth
