#include "ngx/shm_store.hpp"

#include <algorithm>

#include "ngx/revocations.hpp"

namespace oauth {
namespace {

// How the zone is divided, in sixteenths. Claims are small, so a quarter holds many; grants live
// for weeks; a code lives for minutes, but is the largest.
constexpr std::size_t kWhole = 16;
constexpr std::size_t kClaims = 4;
constexpr std::array<std::size_t, 3> kTables{5, 5, 2};
static_assert(kClaims + kTables[0] + kTables[1] + kTables[2] == kWhole);

constexpr std::size_t kBlock = 256;
constexpr std::size_t kSweep = 2;            // expired entries that a write clears away
constexpr std::int64_t kComplainEvery = 60;  // s

constexpr std::array<const char*, 3> kShareNames{"codes", "grants", "counters"};

using Buffer = std::array<char, kMaxStoreValue>;

class ShmStore final : public Store {
 public:
  ShmStore(const ShmStoreBackend& backend, const RevocationZone* revocations) noexcept
      : backend_(backend), revocations_(revocations) {}

  bool known_down() const noexcept override { return false; }

  Task<Check> claim(std::string_view name, std::int64_t issued, std::int64_t expires) override {
    const ShmKey key = shm_key(name);
    co_return claim_now(key, issued, expires);
  }
  Task<Result<std::string>> take(Share share, const std::vector<std::string>& names) override {
    co_return take_now(share, names);
  }
  Task<Check> put(Share share, std::string_view name, std::string_view value,
                  std::int64_t expires) override {
    co_return put_now(share, shm_key(name), value, expires);
  }
  Task<Result<std::string>> get(Share share, std::string_view name) override {
    co_return get_now(share, shm_key(name));
  }
  Task<Check> drop(Share share, std::string_view name) override {
    const ShmKey key = shm_key(name);
    co_return drop_now(share, key);
  }
  Task<Check> swap(Share share, std::string_view name, std::string_view expected,
                   std::string_view value, std::int64_t expires) override {
    const ShmKey key = shm_key(name);
    co_return swap_now(share, key, expected, value, expires);
  }
  Task<Result<std::vector<std::int64_t>>> count(const std::vector<Counter>& counters) override {
    co_return count_now(counters);
  }
  Task<Check> revoke(const RevocationMark& mark, std::int64_t expires) override {
    co_return revocations_->revoke(mark, expires);
  }

 private:
  ShmStoreBackend::Lock lock() const noexcept { return {backend_.pool(), backend_.root()}; }
  ShmTable& table(Share share) const noexcept { return backend_.root().table(share); }

  Check claim_now(const ShmKey& key, std::int64_t issued, std::int64_t expires) const;
  Result<std::string> take_now(Share share, const std::vector<std::string>& names) const;
  Result<std::string> get_now(Share share, const ShmKey& key) const;
  Check put_now(Share share, const ShmKey& key, std::string_view value, std::int64_t expires) const;
  Check drop_now(Share share, const ShmKey& key) const;
  Check swap_now(Share share, const ShmKey& key, std::string_view expected, std::string_view value,
                 std::int64_t expires) const;
  Result<std::vector<std::int64_t>> count_now(const std::vector<Counter>& counters) const;

  ShmTable::Entry* find_live(Share share, const ShmKey& key) const noexcept;
  bool write(Share share, const ShmKey& key, std::string_view value,
             std::int64_t expires) const noexcept;
  Problem full(Share share) const noexcept;

  const ShmStoreBackend& backend_;
  const RevocationZone* revocations_;
};

Check ShmStore::claim_now(const ShmKey& key, std::int64_t issued, std::int64_t expires) const {
  auto outcome = ShmClaims::Outcome::taken;
  {
    const auto held = lock();
    outcome = backend_.root().claims.claim(key, issued, expires, ngx_time());
  }
  switch (outcome) {
    case ShmClaims::Outcome::fresh:
      return kDone;
    case ShmClaims::Outcome::taken:
      return Problem::store_taken;
    case ShmClaims::Outcome::too_old:
      break;
  }
  return Problem::store_too_old;
}

Result<std::string> ShmStore::take_now(Share share, const std::vector<std::string>& names) const {
  std::vector<ShmKey> keys;
  keys.reserve(names.size());
  for (const std::string& name : names) {
    keys.push_back(shm_key(name));
  }
  Buffer buffer;
  std::size_t size = 0;
  bool found = false;
  {
    const auto held = lock();
    for (const ShmKey& key : keys) {
      ShmTable::Entry* entry = find_live(share, key);
      if (entry == nullptr) {
        continue;
      }
      if (!found) {
        found = true;
        size = ShmTable::size_of(entry);
        table(share).copy(entry, buffer.data());
      }
      table(share).remove(entry);
    }
  }
  if (!found) {
    return Problem::store_absent;
  }
  return std::string(buffer.data(), size);
}

Result<std::string> ShmStore::get_now(Share share, const ShmKey& key) const {
  Buffer buffer;
  std::size_t size = 0;
  {
    const auto held = lock();
    const ShmTable::Entry* entry = find_live(share, key);
    if (entry == nullptr) {
      return Problem::store_absent;
    }
    size = ShmTable::size_of(entry);
    table(share).copy(entry, buffer.data());
  }
  return std::string(buffer.data(), size);
}

Check ShmStore::put_now(Share share, const ShmKey& key, std::string_view value,
                        std::int64_t expires) const {
  if (value.size() > kMaxStoreValue) {
    return Problem::internal;
  }
  bool written = false;
  {
    const auto held = lock();
    written = write(share, key, value, expires);
  }
  if (!written) {
    return full(share);
  }
  return kDone;
}

Check ShmStore::drop_now(Share share, const ShmKey& key) const {
  const auto held = lock();
  if (ShmTable::Entry* entry = table(share).find(key); entry != nullptr) {
    table(share).remove(entry);
  }
  return kDone;
}

Check ShmStore::swap_now(Share share, const ShmKey& key, std::string_view expected,
                         std::string_view value, std::int64_t expires) const {
  if (value.size() > kMaxStoreValue) {
    return Problem::internal;
  }
  Buffer buffer;
  bool written = false;
  {
    const auto held = lock();
    const ShmTable::Entry* entry = find_live(share, key);
    if (entry == nullptr) {
      return Problem::store_absent;
    }
    table(share).copy(entry, buffer.data());
    if (std::string_view(buffer.data(), ShmTable::size_of(entry)) != expected) {
      return Problem::store_taken;
    }
    written = write(share, key, value, expires);
  }
  if (!written) {
    return full(share);
  }
  return kDone;
}

Result<std::vector<std::int64_t>> ShmStore::count_now(const std::vector<Counter>& counters) const {
  constexpr Share kShare = Share::counters;
  std::vector<ShmKey> keys;
  keys.reserve(counters.size());
  for (const Counter& counter : counters) {
    keys.push_back(shm_key(counter.name));
  }
  std::vector<std::int64_t> counts(counters.size());
  bool written = true;
  {
    const auto held = lock();
    for (std::size_t i = 0; written && i < keys.size(); i++) {
      std::int64_t count = 0;
      std::int64_t expires = counters[i].expires;
      if (const ShmTable::Entry* entry = find_live(kShare, keys[i]); entry != nullptr) {
        table(kShare).copy(entry, reinterpret_cast<char*>(&count));
        expires = ShmTable::time_of(entry);
      }
      counts[i] = ++count;
      written =
          write(kShare, keys[i], {reinterpret_cast<const char*>(&count), sizeof(count)}, expires);
    }
  }
  if (!written) {
    return full(kShare);
  }
  return counts;
}

ShmTable::Entry* ShmStore::find_live(Share share, const ShmKey& key) const noexcept {
  ShmTable::Entry* entry = table(share).find(key);
  return entry != nullptr && ShmTable::time_of(entry) > ngx_time() ? entry : nullptr;
}

bool ShmStore::write(Share share, const ShmKey& key, std::string_view value,
                     std::int64_t expires) const noexcept {
  const std::int64_t now = ngx_time();
  table(share).sweep(now, kSweep);
  if (expires > now) {
    return table(share).put(key, expires, value, now);
  }
  if (ShmTable::Entry* entry = table(share).find(key); entry != nullptr) {
    table(share).remove(entry);
  }
  return true;
}

Problem ShmStore::full(Share share) const noexcept {
  const auto index = static_cast<std::size_t>(share);
  const std::int64_t now = ngx_time();
  std::size_t entries = 0;
  bool complain = false;
  {
    const auto held = lock();
    std::int64_t& last = backend_.root().complained[index];
    complain = now - last >= kComplainEvery;
    if (complain) {
      last = now;
    }
    entries = table(share).entries();
  }
  if (complain) {
    ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                  "oauth: no room for more %s%s, %uz are alive: give oauth_store a larger zone",
                  kShareNames[index], backend_.pool()->log_ctx, entries);
  }
  return Problem::store_full;
}

}  // namespace

void ShmStoreRoot::rebuild() noexcept {
  claims.rebuild();
  for (ShmTable& table : tables) {
    table.rebuild();
  }
}

ShmStoreBackend* ShmStoreBackend::make(ngx_conf_t* cf, std::string_view zone, std::size_t bytes) {
  auto* backend = make_in<ShmStoreBackend>(cf->pool);
  if (backend == nullptr) {
    return nullptr;
  }
  // The module's address: the same over reloads, and nobody else's.
  if (add_shm_zone(cf, zone, bytes, &ngx_http_oauth_module, backend, init_zone) == nullptr) {
    return nullptr;
  }
  return backend;
}

std::unique_ptr<Store> ShmStoreBackend::open(Flow&) {
  return std::make_unique<ShmStore>(*this, revocations());
}

std::vector<StoreShare> ShmStoreBackend::shares() const {
  std::vector<StoreShare> shares{{"claims"}};
  for (const char* name : kShareNames) {
    shares.push_back({name});
  }
  const Lock held(pool_, *root_);
  shares[0].used = root_->claims.used();
  shares[0].free = root_->claims.capacity() - shares[0].used;
  for (std::size_t i = 0; i < kShareNames.size(); i++) {
    shares[i + 1].free = root_->tables[i].free_blocks();
    shares[i + 1].used = root_->tables[i].blocks() - shares[i + 1].free;
  }
  return shares;
}

ngx_int_t ShmStoreBackend::init_zone(ngx_shm_zone_t* zone, void* before) {
  auto* self = static_cast<ShmStoreBackend*>(zone->data);
  self->pool_ = begin_shm_zone(zone, before);
  if (before != nullptr || zone->shm.exists) {
    self->root_ = static_cast<ShmStoreRoot*>(self->pool_->data);
    return NGX_OK;
  }
  return self->format(*zone);
}

ngx_int_t ShmStoreBackend::format(const ngx_shm_zone_t& zone) {
  if (name_shm_zone(pool_, zone) != NGX_OK) {
    return NGX_ERROR;
  }
  root_ = static_cast<ShmStoreRoot*>(ngx_slab_calloc(pool_, sizeof(ShmStoreRoot)));
  if (root_ == nullptr) {
    return NGX_ERROR;
  }
  const std::size_t pages = pool_->pfree;
  const std::size_t claim_pages = pages * kClaims / kWhole;
  void* memory = shm_pages(pool_, claim_pages);
  if (memory == nullptr) {
    return NGX_ERROR;
  }
  root_->claims.format(memory, claim_pages * ngx_pagesize, ngx_time());
  for (std::size_t i = 0; i < kTables.size(); i++) {
    const std::size_t table_pages = pages * kTables[i] / kWhole;
    memory = shm_pages(pool_, table_pages);
    if (memory == nullptr) {
      return NGX_ERROR;
    }
    root_->tables[i].format(memory, table_pages * ngx_pagesize, kBlock);
  }
  pool_->data = root_;
  return NGX_OK;
}

}  // namespace oauth
