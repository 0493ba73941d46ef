// RedisTopology: which server answers for a key. A single server is one; Sentinel (whose server
// changes) and cluster (where the key decides) have their place beside it.
#pragma once

#include <string_view>

#include "ngx/redis_node.hpp"

namespace oauth {

class RedisTopology {
 public:
  virtual ~RedisTopology() = default;
  virtual void start(ngx_log_t* log) = 0;
  virtual void stop() noexcept = 0;
  virtual RedisNode* node_for(std::string_view key) noexcept = 0;  // null while nobody knows
  // No server can be reached.
  virtual bool known_down() const noexcept = 0;
};

class RedisSingle final : public RedisTopology {
 public:
  explicit RedisSingle(const RedisOptions& options) : node_(options, options.servers.front(), {}) {}
  void start(ngx_log_t* log) override { node_.start(log); }
  void stop() noexcept override { node_.stop(); }
  RedisNode* node_for(std::string_view) noexcept override { return &node_; }
  bool known_down() const noexcept override { return node_.known_down(); }

 private:
  RedisNode node_;
};

}  // namespace oauth
