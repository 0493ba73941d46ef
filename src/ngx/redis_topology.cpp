#include "ngx/redis_topology.hpp"

#include "ngx/redis_cluster.hpp"
#include "ngx/redis_sentinel.hpp"

namespace oauth {

std::unique_ptr<RedisTopology> make_topology(const RedisOptions& options) {
  if (options.kind == RedisOptions::Kind::sentinel) {
    return std::make_unique<RedisSentinel>(options);
  }
  if (options.kind == RedisOptions::Kind::cluster) {
    return std::make_unique<RedisCluster>(options);
  }
  return std::make_unique<RedisSingle>(options);
}

}  // namespace oauth
