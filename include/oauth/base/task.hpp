// Task<T>: a lazily started coroutine that yields one T to whoever awaits it.
// It runs only when awaited (or, the outermost one, when the runtime starts it), resumes its
// awaiter when it ends, and destroying it destroys its frame: that is the only way to cancel.
// Rule (g++ 12): `co_await` stands alone, `auto x = co_await name(args);` with named arguments;
// t/layers.t refuses anything else.
#pragma once

#include <coroutine>
#include <exception>
#include <optional>
#include <utility>

namespace oauth {

template <class T>
class [[nodiscard]] Task {
 public:
  struct promise_type {
    std::coroutine_handle<> awaiter = std::noop_coroutine();
    std::exception_ptr error;
    std::optional<T> value;

    struct Final {
      bool await_ready() noexcept { return false; }
      std::coroutine_handle<> await_suspend(std::coroutine_handle<promise_type> self) noexcept {
        return self.promise().awaiter;
      }
      void await_resume() noexcept {}
    };

    Task get_return_object() noexcept {
      return Task{std::coroutine_handle<promise_type>::from_promise(*this)};
    }
    std::suspend_always initial_suspend() noexcept { return {}; }
    Final final_suspend() noexcept { return {}; }
    template <class U>
    void return_value(U&& result) {
      value.emplace(std::forward<U>(result));
    }
    // We throw nothing; std::bad_alloc travels to the outermost frame and becomes a 500 there.
    void unhandled_exception() noexcept { error = std::current_exception(); }
    T take() {
      if (error) {
        std::rethrow_exception(error);
      }
      return std::move(*value);
    }
  };

  class Awaiter {
   public:
    explicit Awaiter(std::coroutine_handle<promise_type> task) noexcept : task_(task) {}
    Awaiter(const Awaiter&) = delete;
    Awaiter& operator=(const Awaiter&) = delete;
    bool await_ready() noexcept { return false; }
    std::coroutine_handle<> await_suspend(std::coroutine_handle<> awaiter) noexcept {
      task_.promise().awaiter = awaiter;
      return task_;
    }
    T await_resume() { return task_.promise().take(); }

   private:
    std::coroutine_handle<promise_type> task_;
  };

  Task(Task&& other) noexcept : frame_(std::exchange(other.frame_, {})) {}
  Task(const Task&) = delete;
  Task& operator=(const Task&) = delete;
  Task& operator=(Task&&) = delete;
  ~Task() {
    if (frame_) {
      frame_.destroy();
    }
  }

  Awaiter operator co_await() && noexcept { return Awaiter{frame_}; }

  // For the runtime only: start the outermost frame, ask whether it ended, fetch what it yielded
  // (rethrows what escaped it).
  void start() { frame_.resume(); }
  bool done() const noexcept { return frame_.done(); }
  T result() { return frame_.promise().take(); }

 private:
  explicit Task(std::coroutine_handle<promise_type> frame) noexcept : frame_(frame) {}
  std::coroutine_handle<promise_type> frame_;
};

}  // namespace oauth
