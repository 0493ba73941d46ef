// Flow: the one coroutine of a request. It lives in request-cleanup storage, so it is destroyed
// when the request ends, however it ends, and that is the only way to cancel it.
//
// Rules (DESIGN section 1): completions only record and mark (`ready`, `wake`); only `advance`,
// called from the phase or content handler, resumes. A subrequest's completion calls `ready` (nginx
// re-enters the parent by itself); everything else calls `wake`, which posts the flow's own event.
// Leaf awaitables are objects whose destructors detach whatever is pending.
#pragma once

#include <coroutine>
#include <optional>

#include "ngx/nginx.hpp"
#include "oauth/base/task.hpp"
#include "oauth/flow/verdict.hpp"

namespace oauth {

class Flow {
 public:
  // Makes the request's flow; null when out of memory (answer 500).
  static Flow* create(ngx_http_request_t* r) noexcept;
  // The live flow of this request, found by its cleanup (r->ctx is zeroed by internal redirects).
  static Flow* find(ngx_http_request_t* r) noexcept;

  explicit Flow(ngx_http_request_t* r) noexcept;
  ~Flow();
  Flow(const Flow&) = delete;
  Flow& operator=(const Flow&) = delete;

  // Takes the task and runs it until it parks or ends. Never throws: what escapes the coroutine
  // becomes a verdict of Problem::internal.
  void start(Task<Verdict>&& task) noexcept;
  // Resumes if something marked it ready. The verdict once there is one, else null: stay parked.
  // While it is parked a client that leaves ends the request; the handler that called need only
  // wait to be called again.
  Verdict* advance() noexcept;
  // Forgets a finished task, so that another may start in the same request.
  void reset() noexcept;
  bool running() const noexcept { return task_.has_value(); }

  // For leaf awaitables.
  void park(std::coroutine_handle<> frame) noexcept { parked_ = frame; }
  void ready() noexcept { ready_ = true; }
  void wake() noexcept;
  ngx_http_request_t* request() const noexcept { return request_; }

 private:
  static void on_wake(ngx_event_t* event) noexcept;
  void settle() noexcept;
  void watch_client() noexcept;
  ngx_http_request_t* request_;
  std::optional<Task<Verdict>> task_;
  std::optional<Verdict> verdict_;
  std::coroutine_handle<> parked_;
  bool ready_ = false;
  ngx_event_t wake_{};
};

}  // namespace oauth
