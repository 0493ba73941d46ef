#include "ngx/shm_zone.hpp"

#include <algorithm>

#include "oauth/base/secret.hpp"

namespace oauth {
namespace {

// The zone of that name in the configuration that a reload replaces; null when there is none.
// While a configuration is being loaded, ngx_cycle is still the old one.
const ngx_shm_zone_t* predecessor_of(const ngx_shm_zone_t& zone) noexcept {
  if (ngx_cycle == nullptr) {
    return nullptr;
  }
  for (const volatile ngx_list_part_t* part = &ngx_cycle->shared_memory.part; part != nullptr;
       part = part->next) {
    const auto* zones = static_cast<const ngx_shm_zone_t*>(part->elts);
    for (ngx_uint_t i = 0; i < part->nelts; i++) {
      if (view(zones[i].shm.name) == view(zone.shm.name)) {
        return &zones[i];
      }
    }
  }
  return nullptr;
}

}  // namespace

ShmKey shm_key(std::string_view name) {
  const std::string digest = sha256(name);
  ShmKey key{};
  std::memcpy(key.data(), digest.data(), std::min(key.size(), digest.size()));
  return key;
}

std::uint64_t shm_hash(const std::uint8_t* key) noexcept {
  std::uint64_t hash = 0;
  std::memcpy(&hash, key, sizeof(hash));
  return hash;
}

ngx_shm_zone_t* add_shm_zone(ngx_conf_t* cf, std::string_view name, std::size_t bytes, void* tag,
                             void* data, ngx_shm_zone_init_pt init) {
  ngx_str_t zone_name = pool_copy(cf->pool, name);
  if (zone_name.data == nullptr) {
    return nullptr;
  }
  ngx_shm_zone_t* zone = ngx_shared_memory_add(cf, &zone_name, bytes, tag);
  if (zone == nullptr) {
    return nullptr;
  }
  if (zone->data != nullptr) {
    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "shared memory zone \"%V\" is used twice", &zone_name);
    return nullptr;
  }
  zone->data = data;
  zone->init = init;
  return zone;
}

ngx_slab_pool_t* begin_shm_zone(ngx_shm_zone_t* zone, const void* before) {
  const ngx_shm_zone_t* old = before == nullptr ? predecessor_of(*zone) : nullptr;
  if (old != nullptr) {
    ngx_log_error(
        NGX_LOG_WARN, zone->shm.log, 0,
        "shared memory zone \"%V\" begins anew with %uz instead of %uz bytes: what it held "
        "is dropped",
        &zone->shm.name, zone->shm.size, old->shm.size);
  }
  return reinterpret_cast<ngx_slab_pool_t*>(zone->shm.addr);
}

ngx_int_t name_shm_zone(ngx_slab_pool_t* pool, const ngx_shm_zone_t& zone) {
  const std::size_t size = sizeof(" in zone \"\"") + zone.shm.name.len;
  pool->log_ctx = static_cast<u_char*>(ngx_slab_alloc(pool, size));
  if (pool->log_ctx == nullptr) {
    return NGX_ERROR;
  }
  ngx_sprintf(pool->log_ctx, " in zone \"%V\"%Z", &zone.shm.name);
  return NGX_OK;
}

void* shm_pages(ngx_slab_pool_t* pool, std::size_t count) noexcept {
  return count == 0 ? nullptr : ngx_slab_calloc(pool, count * ngx_pagesize);
}

}  // namespace oauth
