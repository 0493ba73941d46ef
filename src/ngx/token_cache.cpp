#include "ngx/token_cache.hpp"

#include "ngx/conf.hpp"
#include "ngx/setters.hpp"
#include "ngx/shm_zone.hpp"
#include "ngx/status.hpp"
#include "oauth/base/secret.hpp"

namespace oauth {
namespace {

char kZoneTag;  // its address tells this zone from every other use of the name

constexpr std::string_view kZoneName = "oauth_tokens";
constexpr std::size_t kDefaultBytes = std::size_t{16} * 1024 * 1024;

class NoTokenCache final : public TokenCache {
 public:
  bool find(std::string_view, const PolicyId&, TokenFacts&) noexcept override { return false; }
  void keep(std::string_view, const PolicyId&, const TokenFacts&) noexcept override {}
};

NoTokenCache none;

}  // namespace

bool TokenCacheZone::find(std::string_view token, const PolicyId& policy,
                          TokenFacts& facts) noexcept {
  const TokenRing::Found found = ring_->find(token, policy, facts);
  if (found == TokenRing::Found::old) {
    renew(token, policy);
  }
  const bool is_hit = found != TokenRing::Found::no;
  count(is_hit ? Own::cache_hits : Own::cache_misses);
  return is_hit;
}

// A worker that finds the lock held goes on without: the next hit may renew it.
void TokenCacheZone::renew(std::string_view token, const PolicyId& policy) noexcept {
  if (ngx_shmtx_trylock(&pool_->mutex) == 0) {
    return;
  }
  // Another worker may have done it meanwhile, perhaps with newer facts.
  TokenFacts facts;
  if (ring_->find(token, policy, facts) == TokenRing::Found::old) {
    ring_->put(token, policy, facts);
  }
  ngx_shmtx_unlock(&pool_->mutex);
}

void TokenCacheZone::keep(std::string_view token, const PolicyId& policy,
                          const TokenFacts& facts) noexcept {
  ngx_shmtx_lock(&pool_->mutex);
  ring_->put(token, policy, facts);
  ngx_shmtx_unlock(&pool_->mutex);
}

TokenCacheZone* TokenCacheZone::make(ngx_conf_t* cf, std::size_t bytes) {
  auto* zone = make_in<TokenCacheZone>(cf->pool);
  if (zone == nullptr ||
      add_shm_zone(cf, kZoneName, bytes, &kZoneTag, zone, init_zone) == nullptr) {
    return nullptr;
  }
  return zone;
}

ngx_int_t TokenCacheZone::init_zone(ngx_shm_zone_t* zone, void* before) {
  auto* self = static_cast<TokenCacheZone*>(zone->data);
  self->pool_ = begin_shm_zone(zone, before);
  if (before == nullptr && zone->shm.exists == 0 && self->format(*zone) != NGX_OK) {
    return NGX_ERROR;
  }
  self->ring_.emplace(self->pool_->data);
  return NGX_OK;
}

ngx_int_t TokenCacheZone::format(const ngx_shm_zone_t& zone) {
  if (name_shm_zone(pool_, zone) != NGX_OK) {
    return NGX_ERROR;
  }
  const std::size_t pages = pool_->pfree;
  void* memory = shm_pages(pool_, pages);
  const auto random = random_bytes(sizeof(std::uint64_t));
  if (memory == nullptr || !random) {
    return NGX_ERROR;
  }
  std::uint64_t seed = 0;
  std::memcpy(&seed, random->data(), sizeof(seed));
  TokenRing::format(memory, pages * ngx_pagesize, seed);
  pool_->data = memory;
  return NGX_OK;
}

bool make_token_cache(ngx_conf_t* cf, MainConf& main) {
  const std::size_t bytes = main.token_cache_size.value_or(kDefaultBytes);
  if (bytes == 0) {
    return true;
  }
  main.token_cache = TokenCacheZone::make(cf, bytes);
  return main.token_cache != nullptr;
}

TokenCache& token_cache_of(const MainConf& main) noexcept {
  if (main.token_cache == nullptr) {
    return none;
  }
  return *main.token_cache;
}

char* set_token_cache(ngx_conf_t* cf, ngx_command_t*, void* conf) noexcept {
  auto& main = *static_cast<MainConf*>(conf);
  if (main.token_cache_size) {
    return twice(cf);
  }
  if (conf_arg(cf, 1) == "off") {
    main.token_cache_size = 0;
    return static_cast<char*>(NGX_CONF_OK);
  }
  ngx_str_t text = static_cast<ngx_str_t*>(cf->args->elts)[1];
  const ssize_t bytes = ngx_parse_size(&text);
  if (bytes < static_cast<ssize_t>(TokenCacheZone::kMinimum)) {
    return conf_error(cf, directive(cf) + "must be a size of at least 256k, e.g. 16m, or \"off\"");
  }
  main.token_cache_size = static_cast<std::size_t>(bytes);
  return static_cast<char*>(NGX_CONF_OK);
}

}  // namespace oauth
