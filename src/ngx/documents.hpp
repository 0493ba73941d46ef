// DocumentZone: what providers publish, in shared memory for all workers, whatever the store is. A
// full zone forgets the document that was fetched longest ago. It is a cache: nothing in it is
// secret, and all of it can be fetched again.
#pragma once

#include "ngx/shm_table.hpp"
#include "ngx/store.hpp"

namespace oauth {

// What lies in the zone.
struct DocumentRoot {
  std::uint32_t writing;  // see ShmLock
  ShmTable bodies;        // ordered by when they were fetched
  ShmTable leases;        // ordered by when they end; the value is one byte, a Documents::Lease
  void rebuild() noexcept {
    bodies.rebuild();
    leases.rebuild();
  }
};

class DocumentZone final : public Documents {
 public:
  static constexpr std::size_t kMinimum = std::size_t{256} * 1024;
  static constexpr std::size_t kMaxDocument = std::size_t{1024} * 1024;

  static DocumentZone* make(ngx_conf_t* cf, std::size_t bytes);

  std::optional<Document> find(std::string_view url) override;
  std::optional<std::int64_t> fetched(std::string_view url) override;
  Lease lease(std::string_view url, std::int64_t now, std::int64_t hold) override;
  void keep(std::string_view url, std::string_view body, std::int64_t now) override;
  void fail(std::string_view url, std::int64_t until) override;

 private:
  using Lock = ShmLock<DocumentRoot>;
  static ngx_int_t init_zone(ngx_shm_zone_t* zone, void* before);
  ngx_int_t format(const ngx_shm_zone_t& zone);
  Lock lock() const noexcept { return {pool_, *root_}; }
  // The document's size, and its text if `document.body` has room for it.
  std::optional<std::size_t> read(const ShmKey& key, Document& document);
  void set_lease(const ShmKey& key, Lease lease, std::int64_t until) noexcept;

  ngx_slab_pool_t* pool_ = nullptr;
  DocumentRoot* root_ = nullptr;
};

}  // namespace oauth
