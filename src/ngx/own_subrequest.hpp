// OwnSubrequest: a request of ours to an internal location of this server: what fetches (from
// providers) and hooks (the operator's own services) have in common.
//
// nginx runs it beside the client's request; it carries nothing of that once its own location has
// let it in, and nothing of its reply goes on to the client. Somebody listens for its end: a flow
// that waits (Ended), or who only wants to know. Completions only record (DESIGN 1).
#pragma once

#include <coroutine>
#include <string>
#include <string_view>

#include "ngx/nginx.hpp"
#include "ngx/run.hpp"
#include "oauth/flow/ports.hpp"

namespace oauth {

class OwnSubrequest {
 public:
  OwnSubrequest(const OwnSubrequest&) = delete;
  OwnSubrequest& operator=(const OwnSubrequest&) = delete;

  class Listener {
   public:
    Listener() = default;
    Listener(const Listener&) = delete;
    Listener& operator=(const Listener&) = delete;
    virtual void over(Result<FetchReply> outcome) noexcept = 0;

   protected:
    ~Listener() = default;
  };

  // Starts it, once; `flags` are nginx's. False when out of memory: then nobody hears of it.
  bool begin(Listener& listener, ngx_uint_t flags) noexcept;

  // Whether `r` is one of these, one that still waits or one that was given up.
  static bool made(const ngx_http_request_t* r) noexcept;
  // The waiting one that `r` belongs to, or null.
  static OwnSubrequest* of(const ngx_http_request_t* r) noexcept;

  // In each location that it comes to, before anything else there runs. NGX_DECLINED: go on.
  virtual ngx_int_t arrive() noexcept = 0;
  // From the body filter: takes a piece of the reply; `is_last` after the last one.
  void collect(std::string_view piece, bool is_last) noexcept;

 protected:
  struct Limits {
    std::size_t bytes;    // of the reply
    ngx_msec_t deadline;  // for the whole of it
  };

  OwnSubrequest(ngx_http_request_t* parent, const ngx_str_t& uri, const Limits& limits) noexcept;
  virtual ~OwnSubrequest();

  ngx_http_request_t* subrequest() const noexcept { return subrequest_; }
  ngx_log_t* log() const noexcept { return parent_->connection->log; }
  bool is_in(const ngx_http_core_loc_conf_t* location) const noexcept;

  // From where the location lets it in, once: makes variables, method, headers and body its own,
  // with nothing in them yet. False when out of memory, and when it was let in before.
  bool enter() noexcept;
  bool has_entered() const noexcept { return has_entered_; }
  // What it carries, after enter(). Everything is copied into the request's pool: nginx may send it
  // again, to another server, when the call is gone. Null or false when out of memory.
  ngx_table_elt_t* add_header(std::string_view name, std::string_view value) noexcept;
  bool set_method(std::string_view method) noexcept;
  bool set_body(std::string_view body) noexcept;

  bool is_complete() const noexcept { return is_complete_; }
  bool is_too_large() const noexcept { return is_too_large_; }
  bool is_late() const noexcept { return is_late_; }
  std::string take_body() noexcept { return std::move(body_); }

 private:
  // What the end of it means; `rc` as nginx gives it to post_subrequest.
  virtual Result<FetchReply> judge(ngx_int_t rc) = 0;
  static ngx_int_t on_done(ngx_http_request_t* sr, void* data, ngx_int_t rc) noexcept;
  static void on_deadline(ngx_event_t* event) noexcept;
  void drop_upstream() noexcept;

  ngx_http_request_t* parent_;
  ngx_str_t uri_;
  Limits limits_;
  Listener* listener_ = nullptr;
  ngx_http_request_t* subrequest_ = nullptr;
  ngx_http_post_subrequest_t* link_ = nullptr;  // how nginx finds this call; null once it is over
  ngx_event_t deadline_{};
  bool has_entered_ = false;
  bool is_complete_ = false;
  bool is_too_large_ = false;
  bool is_late_ = false;
  std::string body_;
};

// The leaf awaitable: parks a flow until the subrequest, which lives in the same frame, has ended.
class Ended final : private OwnSubrequest::Listener {
 public:
  Ended(Flow& flow, OwnSubrequest& call) noexcept : flow_(flow), call_(call) {}

  bool await_ready() noexcept { return false; }
  bool await_suspend(std::coroutine_handle<> frame) noexcept;
  Result<FetchReply> await_resume() { return std::move(outcome_); }

 private:
  void over(Result<FetchReply> outcome) noexcept override;

  Flow& flow_;
  OwnSubrequest& call_;
  Result<FetchReply> outcome_ = Problem::internal;
};

// postconfiguration: the phase handler that calls arrive(), and the body filter that collects the
// reply and keeps it from the client.
ngx_int_t add_subrequest_handlers(ngx_conf_t* cf);

}  // namespace oauth
