#include "ngx/documents.hpp"

#include <limits>

namespace oauth {
namespace {

char kZoneTag;  // its address tells this zone from every other use of the name

constexpr std::string_view kZoneName = "oauth_cache";
constexpr std::size_t kBodyBlock = 1024;
constexpr std::size_t kLeaseBlock = 256;
constexpr std::size_t kLeasePart = 16;  // one page in so many is for leases
constexpr std::int64_t kAnything = std::numeric_limits<std::int64_t>::max();

}  // namespace

std::optional<Documents::Document> DocumentZone::find(std::string_view url) {
  const ShmKey key = shm_key(url);
  Document document;
  // Room is made outside the lock; the document may grow in between, but not for ever.
  for (int attempt = 0; attempt < 3; attempt++) {
    const std::optional<std::size_t> size = read(key, document);
    if (!size) {
      return std::nullopt;
    }
    const bool copied = *size <= document.body.size();
    document.body.resize(*size);
    if (copied) {
      return document;
    }
  }
  return std::nullopt;
}

std::optional<std::int64_t> DocumentZone::fetched(std::string_view url) {
  const ShmKey key = shm_key(url);
  const auto held = lock();
  const ShmTable::Entry* entry = root_->bodies.find(key);
  return entry == nullptr ? std::nullopt : std::optional(ShmTable::time_of(entry));
}

std::optional<std::size_t> DocumentZone::read(const ShmKey& key, Document& document) {
  const auto held = lock();
  const ShmTable::Entry* entry = root_->bodies.find(key);
  if (entry == nullptr) {
    return std::nullopt;
  }
  const std::size_t size = ShmTable::size_of(entry);
  if (size <= document.body.size()) {
    root_->bodies.copy(entry, document.body.data());
    document.fetched = ShmTable::time_of(entry);
  }
  return size;
}

Documents::Lease DocumentZone::lease(std::string_view url, std::int64_t now, std::int64_t hold) {
  const ShmKey key = shm_key(url);
  const auto held = lock();
  const ShmTable::Entry* entry = root_->leases.find(key);
  if (entry != nullptr && ShmTable::time_of(entry) > now) {
    char kind = 0;
    root_->leases.copy(entry, &kind);
    return static_cast<Lease>(kind);
  }
  set_lease(key, Lease::held, now + hold);
  return Lease::granted;
}

void DocumentZone::keep(std::string_view url, std::string_view body, std::int64_t now) {
  const ShmKey key = shm_key(url);
  bool kept = false;
  {
    const auto held = lock();
    kept = body.size() <= kMaxDocument && root_->bodies.put(key, now, body, kAnything);
    if (ShmTable::Entry* entry = root_->leases.find(key); entry != nullptr) {
      root_->leases.remove(entry);
    }
  }
  if (!kept) {
    ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0,
                  "oauth: a document of %uz bytes finds no room%s: enlarge oauth_cache_zone",
                  body.size(), pool_->log_ctx);
  }
}

void DocumentZone::fail(std::string_view url, std::int64_t until) {
  const ShmKey key = shm_key(url);
  const auto held = lock();
  set_lease(key, Lease::cooling, until);
}

void DocumentZone::set_lease(const ShmKey& key, Lease lease, std::int64_t until) noexcept {
  const char kind = static_cast<char>(lease);
  root_->leases.put(key, until, std::string_view(&kind, 1), kAnything);
}

DocumentZone* DocumentZone::make(ngx_conf_t* cf, std::size_t bytes) {
  if (bytes < kMinimum) {
    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "oauth_cache_zone is too small with %uz bytes: give it at least 256k, or "
                       "leave it out for 8m",
                       bytes);
    return nullptr;
  }
  auto* zone = make_in<DocumentZone>(cf->pool);
  if (zone == nullptr ||
      add_shm_zone(cf, kZoneName, bytes, &kZoneTag, zone, init_zone) == nullptr) {
    return nullptr;
  }
  return zone;
}

ngx_int_t DocumentZone::init_zone(ngx_shm_zone_t* zone, void* before) {
  auto* self = static_cast<DocumentZone*>(zone->data);
  self->pool_ = begin_shm_zone(zone, before);
  if (before != nullptr || zone->shm.exists) {
    self->root_ = static_cast<DocumentRoot*>(self->pool_->data);
    return NGX_OK;
  }
  return self->format(*zone);
}

ngx_int_t DocumentZone::format(const ngx_shm_zone_t& zone) {
  if (name_shm_zone(pool_, zone) != NGX_OK) {
    return NGX_ERROR;
  }
  root_ = static_cast<DocumentRoot*>(ngx_slab_calloc(pool_, sizeof(DocumentRoot)));
  const std::size_t lease_pages = pool_->pfree / kLeasePart;
  const std::size_t body_pages = pool_->pfree - lease_pages - 1;
  void* leases = shm_pages(pool_, lease_pages);
  void* bodies = shm_pages(pool_, body_pages);
  if (root_ == nullptr || leases == nullptr || bodies == nullptr) {
    return NGX_ERROR;
  }
  root_->leases.format(leases, lease_pages * ngx_pagesize, kLeaseBlock);
  root_->bodies.format(bodies, body_pages * ngx_pagesize, kBodyBlock);
  pool_->data = root_;
  return NGX_OK;
}

DocumentZone* make_document_zone(ngx_conf_t* cf, std::size_t bytes) {
  return DocumentZone::make(cf, bytes);
}

Documents& documents_of(DocumentZone& zone) noexcept {
  return zone;
}

}  // namespace oauth
