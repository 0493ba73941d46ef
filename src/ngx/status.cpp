#include "ngx/status.hpp"

#include <csignal>

#include "ngx/conf.hpp"
#include "ngx/endpoints.hpp"
#include "ngx/shm_zone.hpp"

namespace oauth {
namespace {

char kZoneTag;  // its address tells this zone from every other use of the name

constexpr std::string_view kZoneName = "oauth_status";
constexpr std::size_t kBytes = sizeof(StatusRoot) + std::size_t{64} * 1024;

// Where nobody looks.
StatusRoot nowhere;
StatusRoot* root = &nowhere;

void add(StatusCount& count, std::uint64_t by = 1) noexcept {
  count.fetch_add(by, std::memory_order_relaxed);
}

StatusRoot::Provider* find_provider(StatusRoot& where, std::string_view name) noexcept {
  for (StatusRoot::Provider& provider : where.providers) {
    if (provider.name.front() == '\0' || name == provider.name.data()) {
      return &provider;
    }
  }
  return nullptr;
}

// Those of older configurations keep their places.
void name_providers(StatusRoot& where, const MainConf& main) noexcept {
  for (const Provider& provider : main.providers) {
    StatusRoot::Provider* place = find_provider(where, provider.name);
    if (place != nullptr && provider.name.size() < place->name.size()) {
      std::memcpy(place->name.data(), provider.name.data(), provider.name.size());
    }
  }
}

}  // namespace

WorkerCounts* own_counts = &nowhere.workers.front();

bool is_alive(std::int64_t process) noexcept {
  return process != 0 && (kill(static_cast<pid_t>(process), 0) == 0 || errno != ESRCH);
}

void count(Shared what, std::uint64_t by) noexcept {
  add(root->shared[static_cast<std::size_t>(what)], by);
}

void count_verdict(const Endpoint& endpoint, const Verdict& verdict) noexcept {
  const auto index = static_cast<std::size_t>(&endpoint - endpoints().data());
  if (verdict.problem) {
    add(root->refused[index][static_cast<std::size_t>(*verdict.problem)]);
    return;
  }
  if (verdict.reply && verdict.reply->status == NGX_HTTP_SEE_OTHER) {
    return;  // a form_post callback: it goes on at the same endpoint
  }
  add(root->done[index]);
  for (std::size_t i = 0; i < kGrantNames.size(); i++) {
    if (verdict.grant == kGrantNames[i]) {
      add(root->tokens[i]);
    }
  }
  const bool is_login = endpoint.name == "login";
  StatusRoot::Provider* provider =
      is_login || endpoint.name == "callback" ? find_provider(*root, verdict.provider) : nullptr;
  if (provider != nullptr && provider->name.front() != '\0') {
    add(is_login ? provider->begun : provider->done);
  }
}

void count_refusal(Problem problem) noexcept {
  add(root->guard_refused[static_cast<std::size_t>(problem)]);
}

StatusZone* StatusZone::make(ngx_conf_t* cf, const MainConf& main) {
  auto* zone = make_in<StatusZone>(cf->pool);
  if (zone == nullptr ||
      add_shm_zone(cf, kZoneName, kBytes, &kZoneTag, zone, init_zone) == nullptr) {
    return nullptr;
  }
  zone->main_ = &main;
  return zone;
}

ngx_int_t StatusZone::init_zone(ngx_shm_zone_t* zone, void* before) {
  auto* self = static_cast<StatusZone*>(zone->data);
  const ngx_slab_pool_t* pool = begin_shm_zone(zone, before);
  if (before != nullptr || zone->shm.exists) {
    self->root_ = static_cast<StatusRoot*>(pool->data);
  } else if (self->format(*zone) != NGX_OK) {
    return NGX_ERROR;
  }
  name_providers(*self->root_, *self->main_);
  return NGX_OK;
}

ngx_int_t StatusZone::format(const ngx_shm_zone_t& zone) {
  auto* pool = reinterpret_cast<ngx_slab_pool_t*>(zone.shm.addr);
  if (name_shm_zone(pool, zone) != NGX_OK) {
    return NGX_ERROR;
  }
  void* memory = shm_pages(pool, (sizeof(StatusRoot) + ngx_pagesize - 1) / ngx_pagesize);
  if (memory == nullptr) {
    return NGX_ERROR;
  }
  root_ = new (memory) StatusRoot();
  pool->data = root_;
  return NGX_OK;
}

// Goes on with the sums of a worker that is no more.
void begin_status(const StatusZone* zone) noexcept {
  if (zone == nullptr || (ngx_process != NGX_PROCESS_WORKER && ngx_process != NGX_PROCESS_SINGLE)) {
    return;
  }
  root = &zone->root();
  own_counts = &root->workers.back();
  for (WorkerCounts& place : root->workers) {
    std::int64_t owner = place.owner.load();
    if (!is_alive(owner) && place.owner.compare_exchange_strong(owner, ngx_pid)) {
      own_counts = &place;
      break;
    }
  }
  for (const Own gauge : {Own::redis_connections, Own::redis_ready}) {
    own_counts->counts[static_cast<std::size_t>(gauge)].store(0);
  }
}

void end_status() noexcept {
  std::int64_t self = ngx_pid;
  own_counts->owner.compare_exchange_strong(self, 0);
}

}  // namespace oauth
