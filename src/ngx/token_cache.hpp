// `oauth_token_cache`: what is known of verified tokens, in shared memory for all workers
// (TokenRing says how). Only who writes takes the zone's lock; a worker that dies with it leaves
// nothing to repair. A reload goes on with what is there: a policy's name is a digest of all that
// takes part in a verdict, so what an old configuration has kept is found only where nothing of
// that has changed.
#pragma once

#include <optional>

#include "ngx/nginx.hpp"
#include "oauth/flow/ports.hpp"
#include "oauth/proto/token_ring.hpp"

namespace oauth {

struct MainConf;

class TokenCacheZone final : public TokenCache {
 public:
  static constexpr std::size_t kMinimum = std::size_t{256} * 1024;

  // Adds the zone; null after an [emerg] line.
  static TokenCacheZone* make(ngx_conf_t* cf, std::size_t bytes);

  bool find(std::string_view token, const PolicyId& policy, TokenFacts& facts) noexcept override;
  void keep(std::string_view token, const PolicyId& policy,
            const TokenFacts& facts) noexcept override;

 private:
  static ngx_int_t init_zone(ngx_shm_zone_t* zone, void* before);
  ngx_int_t format(const ngx_shm_zone_t& zone);
  // What is found again soon before it would be overwritten stays.
  void renew(std::string_view token, const PolicyId& policy) noexcept;

  ngx_slab_pool_t* pool_ = nullptr;
  std::optional<TokenRing> ring_;
};

// The cache that `main` asks for. False after an [emerg] line.
bool make_token_cache(ngx_conf_t* cf, MainConf& main);
// With `oauth_token_cache off` one that finds nothing and keeps nothing.
TokenCache& token_cache_of(const MainConf& main) noexcept;

// `oauth_token_cache SIZE|off`.
char* set_token_cache(ngx_conf_t* cf, ngx_command_t* command, void* conf) noexcept;

}  // namespace oauth
