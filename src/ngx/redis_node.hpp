// RedisNode: one server, as one worker sees it: a few connections, and the log lines about it.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "ngx/nginx.hpp"
#include "ngx/redis_connection.hpp"
#include "ngx/redis_greeting.hpp"
#include "ngx/redis_url.hpp"

namespace oauth {

class RedisNode {
 public:
  using Role = RedisRole;

  // `options` live as long as the configuration.
  RedisNode(const RedisOptions& options, RedisServer server, Role role);
  ~RedisNode() { stop(); }
  RedisNode(const RedisNode&) = delete;
  RedisNode& operator=(const RedisNode&) = delete;

  void start(ngx_log_t* log);
  void stop() noexcept;

  // The connection to use now; null when there is none, or all are at their bound.
  RedisConnection* pick() const noexcept;
  // The server was silent on one connection: the others need not find out by a user's request.
  void distrust();
  // Another server from now on: what was sent to the old one may still be answered, what was not
  // goes to the new one. Not from within a RedisWaiter.
  void move(RedisServer server);
  bool known_down() const noexcept;
  bool idle() const noexcept;  // nobody waits for an answer

  // How long replicas have to confirm what was spent here, in ms: half the time of a command, since
  // even a no is to be heard before the connection is given up. Less while none confirms, for
  // whatever comes behind it by the same connection has to wait as long.
  ngx_msec_t patience() const noexcept;
  void note_confirmed(bool confirmed) noexcept { confirmed_ = confirmed; }

  const RedisServer& server() const noexcept { return server_; }
  const RedisOptions& options() const noexcept { return options_; }
  const Role& role() const noexcept { return role_; }

  // One line about this server; the same line at most once a minute.
  void tell(ngx_uint_t level, const std::string& what);
  // The same, once in this worker's life.
  void tell_once(ngx_uint_t level, const std::string& what);

  // Called soon after a connection failed or was refused (not the primary, READONLY), from an event
  // of its own; it may destroy the node. May be empty.
  std::function<void()> on_trouble;
  void note_trouble() noexcept;

 private:
  static void on_event(ngx_event_t* event) noexcept;

  const RedisOptions& options_;
  RedisServer server_;
  const Role role_;
  ngx_event_t trouble_{};
  std::vector<std::unique_ptr<RedisConnection>> connections_;
  bool confirmed_ = true;  // the last time, or it was never asked
  std::map<std::string, time_t> told_;
  std::set<std::string> told_for_good_;
};

}  // namespace oauth
