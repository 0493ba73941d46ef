// The store in shared memory: one zone, cut once into fixed shares for claims, codes, grants and
// counters. Every verb is done at once, under the zone's lock. Contents survive a reload.
#pragma once

#include "ngx/shm_claims.hpp"
#include "ngx/shm_table.hpp"
#include "ngx/store.hpp"

namespace oauth {

// What lies in the zone.
struct ShmStoreRoot {
  std::uint32_t writing;  // see ShmLock
  ShmClaims claims;
  std::array<ShmTable, 3> tables;          // indexed by Share
  std::array<std::int64_t, 3> complained;  // when "full" was last logged

  ShmTable& table(Share share) noexcept { return tables[static_cast<std::size_t>(share)]; }
  void rebuild() noexcept;
};

class ShmStoreBackend final : public StoreBackend {
 public:
  static constexpr std::size_t kMinimum = std::size_t{256} * 1024;

  // Adds the zone; null after an [emerg] line.
  static ShmStoreBackend* make(ngx_conf_t* cf, std::string_view zone, std::size_t bytes);

  std::unique_ptr<Store> open(Flow& flow) override;
  ngx_int_t init_worker(ngx_cycle_t*) override { return NGX_OK; }
  void exit_worker(ngx_cycle_t*) override {}
  bool is_remote() const noexcept override { return false; }
  std::vector<StoreShare> shares() const override;

  using Lock = ShmLock<ShmStoreRoot>;
  ngx_slab_pool_t* pool() const noexcept { return pool_; }
  ShmStoreRoot& root() const noexcept { return *root_; }

 private:
  static ngx_int_t init_zone(ngx_shm_zone_t* zone, void* before);
  ngx_int_t format(const ngx_shm_zone_t& zone);

  ngx_slab_pool_t* pool_ = nullptr;
  ShmStoreRoot* root_ = nullptr;
};

}  // namespace oauth
