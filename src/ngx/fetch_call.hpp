// FetchCall: one fetch in flight, a leaf awaitable over a subrequest to its route's location.
//
// What is to be sent lives here, in the awaiting frame, and reaches nginx's proxy module only from
// the moment that this call's own subrequest has entered the route's location: through variables
// that answer nobody else, and in a location of the user's as the subrequest's own headers and
// body. So whatever leads the subrequest elsewhere sends nothing, and whoever comes to the location
// without a call finds nothing there.
#pragma once

#include <array>
#include <coroutine>
#include <string>
#include <string_view>

#include "ngx/fetch.hpp"

namespace oauth {

// Header fields that a fetch can send: nginx's proxy module wants to know their names at load.
inline constexpr std::array<std::string_view, 6> kFetchHeaders{
    "Accept",     "Authorization", "Content-Type",
    "User-Agent", "X-Amz-Target",  "X-GitHub-Api-Version"};

// What the location's directives ask a call for.
struct FetchTarget {
  std::string url;     // its host replaced by an address where the name is pinned
  std::string uri;     // its path and query
  std::string host;    // Host: the name, and the port where it is not the scheme's
  std::string name;    // SNI, and whom the certificate must be for
  std::string length;  // Content-Length; empty: none is sent
};

class FetchCall {
 public:
  FetchCall(Flow& flow, const FetchRoute& route, const FetchRequest& request,
            const FetchTarget& target) noexcept;
  ~FetchCall();
  FetchCall(const FetchCall&) = delete;
  FetchCall& operator=(const FetchCall&) = delete;

  bool await_ready() noexcept { return false; }
  bool await_suspend(std::coroutine_handle<> frame) noexcept;
  Result<FetchReply> await_resume() { return std::move(outcome_); }

  // Whether `r` is the subrequest of a fetch, of one that still waits or of one that was given up.
  static bool made(const ngx_http_request_t* r) noexcept;
  // The waiting call whose subrequest `r` is, or null.
  static FetchCall* of(const ngx_http_request_t* r) noexcept;

  // From the location's content handler, once: makes the subrequest one that carries nothing of the
  // client's. False: this call must not send (again) here.
  bool enter() noexcept;
  bool is_sending() const noexcept { return is_sending_; }
  // From the body filter: takes a piece of the reply; `is_last` after the last one.
  void collect(std::string_view piece, bool is_last) noexcept;

  const FetchRoute& route() const noexcept { return route_; }
  const FetchRequest& request() const noexcept { return request_; }
  const FetchTarget& target() const noexcept { return target_; }

 private:
  static ngx_int_t on_done(ngx_http_request_t* sr, void* data, ngx_int_t rc) noexcept;
  static void on_deadline(ngx_event_t* event) noexcept;
  bool is_at_home() const noexcept;
  bool isolate() noexcept;
  bool carry(ngx_http_headers_in_t& headers) noexcept;
  void drop_upstream() noexcept;
  Result<FetchReply> judge(ngx_int_t rc);

  Flow& flow_;
  const FetchRoute& route_;
  const FetchRequest& request_;
  const FetchTarget& target_;
  ngx_http_request_t* subrequest_ = nullptr;
  ngx_http_post_subrequest_t* link_ = nullptr;  // how nginx finds this call; null once it is over
  ngx_event_t deadline_{};
  bool is_sending_ = false;
  bool is_complete_ = false;
  bool is_too_large_ = false;
  bool is_late_ = false;
  std::string body_;
  Result<FetchReply> outcome_ = Problem::internal;
};

}  // namespace oauth
