// HookCall: one question in flight, a leaf awaitable over a subrequest.
#pragma once

#include <coroutine>
#include <string>
#include <string_view>

#include "ngx/hook.hpp"

namespace oauth {

class HookCall {
 public:
  HookCall(Flow& flow, const HookPlan& plan, const HookPlan::Target& target,
           const std::string& question) noexcept;
  ~HookCall();
  HookCall(const HookCall&) = delete;
  HookCall& operator=(const HookCall&) = delete;

  bool await_ready() noexcept { return false; }
  bool await_suspend(std::coroutine_handle<> frame) noexcept;
  Result<FetchReply> await_resume() { return std::move(outcome_); }

  // Whether `r` is the subrequest of a question, of one that still waits or of one that was given
  // up.
  static bool made(const ngx_http_request_t* r) noexcept;
  // The waiting call whose subrequest `r` is, or null.
  static HookCall* of(const ngx_http_request_t* r) noexcept;

  // From the first phase handler of a location. NGX_DECLINED: go on.
  ngx_int_t enter() noexcept;
  // From the body filter: takes a piece of the reply; `is_last` after the last one.
  void collect(std::string_view piece, bool is_last) noexcept;

 private:
  static ngx_int_t on_done(ngx_http_request_t* sr, void* data, ngx_int_t rc) noexcept;
  static void on_deadline(ngx_event_t* event) noexcept;
  bool isolate() noexcept;
  bool set_headers(ngx_http_headers_in_t& headers) noexcept;
  bool set_body() noexcept;
  void drop_upstream() noexcept;
  Result<FetchReply> judge(ngx_int_t rc);

  Flow& flow_;
  const HookPlan& plan_;
  const HookPlan::Target& target_;
  const std::string& question_;
  ngx_http_request_t* subrequest_ = nullptr;
  ngx_http_post_subrequest_t* link_ = nullptr;  // how nginx finds this call; null once it is over
  ngx_event_t deadline_{};
  bool is_entered_ = false;
  bool is_complete_ = false;
  bool is_too_large_ = false;
  bool is_late_ = false;
  std::string body_;
  Result<FetchReply> outcome_ = Problem::internal;
};

}  // namespace oauth
