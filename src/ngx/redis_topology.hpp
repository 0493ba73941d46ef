// RedisTopology: which server answers for a key. A single server is one; with Sentinel the server
// changes, in a cluster the key decides. Everything runs on the worker's event loop; a node that a
// member function returned is to be used before the loop is entered again.
#pragma once

#include <memory>
#include <string_view>

#include "ngx/redis_node.hpp"
#include "ngx/redis_url.hpp"

namespace oauth {

class RedisTopology {
 public:
  virtual ~RedisTopology() = default;
  virtual void start(ngx_log_t* log) = 0;
  virtual void stop() noexcept = 0;
  // Null while nobody knows: at the start, or because no server answers for this key.
  virtual RedisNode* node_for(std::string_view key) noexcept = 0;
  // No server can be reached.
  virtual bool known_down() const noexcept = 0;

  // A command got this error, so it was not carried out: what to do with it now.
  struct Advice {
    enum class Kind : std::uint8_t {
      give_up,
      again,   // to `node`
      asking,  // to `node`, behind ASKING
      later    // to node_for(key), after a pause
    };
    Kind kind = Kind::give_up;
    RedisNode* node = nullptr;
  };
  virtual Advice advise(std::string_view key, const RedisReply& error) = 0;
};

class RedisSingle final : public RedisTopology {
 public:
  explicit RedisSingle(const RedisOptions& options)
      : node_(options, options.servers.front(), RedisNode::Role{}) {}
  void start(ngx_log_t* log) override { node_.start(log); }
  void stop() noexcept override { node_.stop(); }
  RedisNode* node_for(std::string_view) noexcept override { return &node_; }
  bool known_down() const noexcept override { return node_.known_down(); }
  Advice advise(std::string_view, const RedisReply&) override { return Advice{}; }

 private:
  RedisNode node_;
};

// `options` outlives it.
std::unique_ptr<RedisTopology> make_topology(const RedisOptions& options);

}  // namespace oauth
