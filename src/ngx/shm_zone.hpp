// What every shared memory zone of the module has in common: names as digests, one lock, and the
// answer to a worker that died while it held it.
//
// A zone's contents are plain structs at the same address in every process. They come in two kinds:
// primary data (slots, blocks), written so that each entry is committed by one last store, and
// indexes (hash chains, free lists, expiry trees), which `rebuild` can make anew from the primary
// data alone. nginx unlocks the mutex of a worker that died; `writing` is then still set, so the
// next holder knows that the indexes may be half written and rebuilds them before it reads one.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "ngx/nginx.hpp"

namespace oauth {

// SHA-256 of an entry's name: fixed size, and a dump of the memory shows no name.
using ShmKey = std::array<std::uint8_t, 32>;
ShmKey shm_key(std::string_view name);
// A well spread number out of a key, for hash tables.
std::uint64_t shm_hash(const std::uint8_t* key) noexcept;

// Holds the zone's lock. Nothing may be allocated, logged or awaited meanwhile. Root has
// `std::uint32_t writing` and `void rebuild() noexcept`.
template <class Root>
class ShmLock {
 public:
  ShmLock(ngx_slab_pool_t* pool, Root& root) noexcept : pool_(pool), root_(root) {
    ngx_shmtx_lock(&pool_->mutex);
    rebuilt_ = root_.writing != 0;
    root_.writing = 1;
    ngx_memory_barrier();
    if (rebuilt_) {
      root_.rebuild();
    }
  }
  ~ShmLock() {
    ngx_memory_barrier();
    root_.writing = 0;
    ngx_shmtx_unlock(&pool_->mutex);
    if (rebuilt_) {
      ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0,
                    "oauth: a worker died while it wrote shared memory%s; its indexes were rebuilt",
                    pool_->log_ctx);
    }
  }
  ShmLock(const ShmLock&) = delete;
  ShmLock& operator=(const ShmLock&) = delete;

 private:
  ngx_slab_pool_t* pool_;
  Root& root_;
  bool rebuilt_ = false;
};

// Adds the zone `name`; `tag` tells uses apart, `data` is handed to `init`. Null after an [emerg]
// line.
ngx_shm_zone_t* add_shm_zone(ngx_conf_t* cf, std::string_view name, std::size_t bytes, void* tag,
                             void* data, ngx_shm_zone_init_pt init);

// The start of a zone's `init` (`before`: what nginx hands over from the zone's predecessor): its
// slab pool, and a warning when nginx does not go on with the predecessor's memory, because the
// size or the module has changed: what it held is dropped then.
ngx_slab_pool_t* begin_shm_zone(ngx_shm_zone_t* zone, const void* before);
// A fresh zone: puts ` in zone "NAME"` into its log lines.
ngx_int_t name_shm_zone(ngx_slab_pool_t* pool, const ngx_shm_zone_t& zone);

// `count` whole pages of the zone, zeroed; null when there are not as many.
void* shm_pages(ngx_slab_pool_t* pool, std::size_t count) noexcept;

}  // namespace oauth
