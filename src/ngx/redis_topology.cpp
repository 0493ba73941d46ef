#include "ngx/redis_topology.hpp"

#include "ngx/redis_cluster.hpp"
#if __has_include("ngx/redis_sentinel.hpp")
#include "ngx/redis_sentinel.hpp"
#endif

namespace oauth {

std::unique_ptr<RedisTopology> make_topology(const RedisOptions& options) {
#if __has_include("ngx/redis_sentinel.hpp")
  if (options.kind == RedisOptions::Kind::sentinel) {
    return std::make_unique<RedisSentinel>(options);
  }
#endif
  if (options.kind == RedisOptions::Kind::cluster) {
    return std::make_unique<RedisCluster>(options);
  }
  return std::make_unique<RedisSingle>(options);
}

}  // namespace oauth
