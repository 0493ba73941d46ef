// The store in Redis, shared by all workers and nodes. Every verb is one round trip (swap and
// count: up to three, the first time), atomic at the server. Redis 6.2 or later.
#pragma once

#include "ngx/redis_keyset.hpp"
#include "ngx/redis_revocations.hpp"
#include "ngx/redis_topology.hpp"
#include "ngx/store.hpp"

namespace oauth {

struct RedisScripts {
  RedisScripts();
  RedisScript swap, count, revoke;
};

class RedisBackend final : public StoreBackend {
 public:
  explicit RedisBackend(RedisOptions options);

  std::unique_ptr<Store> open(Flow& flow) override;
  ngx_int_t init_worker(ngx_cycle_t* cycle) override;
  void exit_worker(ngx_cycle_t* cycle) override;
  bool is_remote() const noexcept override { return true; }
  bool has_shared_keys() const noexcept override { return !keyset_ || keyset_->is_shared(); }

 private:
  RedisOptions options_;
  std::unique_ptr<RedisTopology> topology_;
  RedisScripts scripts_;
  const std::string node_ = keyset_node();
  std::unique_ptr<RedisRevocations> feed_;  // these two of a worker
  std::unique_ptr<RedisKeyset> keyset_;
};

}  // namespace oauth
