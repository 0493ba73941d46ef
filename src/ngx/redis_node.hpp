// RedisNode: one server, as one worker sees it: a few connections, and the log lines about it.
// RedisTopology: which server answers for a key. A single server is one; Sentinel (whose server
// changes) and cluster (where the key decides) have their place beside it.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "ngx/nginx.hpp"
#include "ngx/redis_connection.hpp"
#include "ngx/redis_url.hpp"

namespace oauth {

class RedisNode {
 public:
  // `addresses` lives as long as the configuration.
  RedisNode(const RedisOptions& options, std::vector<ngx_addr_t> addresses)
      : options_(options), addresses_(std::move(addresses)) {}

  void start(ngx_log_t* log);
  void stop() noexcept { connections_.clear(); }

  // The connection to use now; null when there is none, or all are at their bound.
  RedisConnection* pick() const noexcept;
  // The server was silent on one connection: the others need not find out by a user's request.
  void distrust();
  bool known_down() const noexcept;

  const RedisOptions& options() const noexcept { return options_; }
  ngx_addr_t& address(std::size_t attempt) noexcept {
    return addresses_[attempt % addresses_.size()];
  }

  // One line about this server; the same line at most once a minute.
  void tell(ngx_uint_t level, const std::string& what);

 private:
  const RedisOptions& options_;
  std::vector<ngx_addr_t> addresses_;
  std::vector<std::unique_ptr<RedisConnection>> connections_;
  std::map<std::string, time_t> told_;
};

class RedisTopology {
 public:
  virtual ~RedisTopology() = default;
  virtual void start(ngx_log_t* log) = 0;
  virtual void stop() noexcept = 0;
  virtual RedisNode& node_for(std::string_view key) noexcept = 0;
  // No server can be reached.
  virtual bool known_down() const noexcept = 0;
};

class RedisSingle final : public RedisTopology {
 public:
  RedisSingle(const RedisOptions& options, std::vector<ngx_addr_t> addresses)
      : node_(options, std::move(addresses)) {}
  void start(ngx_log_t* log) override { node_.start(log); }
  void stop() noexcept override { node_.stop(); }
  RedisNode& node_for(std::string_view) noexcept override { return node_; }
  bool known_down() const noexcept override { return node_.known_down(); }

 private:
  RedisNode node_;
};

}  // namespace oauth
