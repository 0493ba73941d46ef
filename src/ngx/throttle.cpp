#include "ngx/throttle.hpp"

#include "ngx/conf.hpp"
#include "ngx/peer.hpp"
#include "oauth/base/secret.hpp"

namespace oauth {
namespace {

char kZoneTag;  // its address tells this zone from every other use of the name

constexpr std::string_view kZoneName = "oauth_limit";
constexpr std::int64_t kComplainEvery = 60;  // s

std::int64_t now_ms() noexcept {
  return static_cast<std::int64_t>(ngx_current_msec);  // monotonic, the same for all workers
}

constexpr const char* gate_name(Throttle::Gate gate) noexcept {
  return gate == Throttle::Gate::token ? "token" : "callback";
}

}  // namespace

bool ThrottleZone::is_open(const ShmKey& key, const Limit& limit) const noexcept {
  const auto held = lock();
  return root_->buckets.find(key).is_open(limit, now_ms());
}

void ThrottleZone::pour(const ShmKey& key, const Limit& limit) const noexcept {
  const auto held = lock();
  Bucket bucket = root_->buckets.find(key);
  bucket.pour(limit, now_ms());
  root_->buckets.keep(key, bucket);
}

// DESIGN 2: brokers are islands.
ShmKey ThrottleZone::key_of(std::string_view broker, Throttle::Gate gate,
                            std::string_view address) const {
  std::string name(reinterpret_cast<const char*>(root_->seed.data()), root_->seed.size());
  name += gate_name(gate);
  name += '\0';
  name += broker;
  name += '\0';
  name += address;
  return shm_key(name);
}

bool ThrottleZone::may_complain() const noexcept {
  const std::int64_t now = ngx_time();
  const auto held = lock();
  const bool may = now - root_->complained >= kComplainEvery;
  root_->complained = may ? now : root_->complained;
  return may;
}

ThrottleZone* ThrottleZone::make(ngx_conf_t* cf, std::size_t bytes) {
  auto* zone = make_in<ThrottleZone>(cf->pool);
  if (zone == nullptr ||
      add_shm_zone(cf, kZoneName, bytes, &kZoneTag, zone, init_zone) == nullptr) {
    return nullptr;
  }
  return zone;
}

ngx_int_t ThrottleZone::init_zone(ngx_shm_zone_t* zone, void* before) {
  auto* self = static_cast<ThrottleZone*>(zone->data);
  self->pool_ = begin_shm_zone(zone, before);
  if (before != nullptr || zone->shm.exists) {
    self->root_ = static_cast<ThrottleRoot*>(self->pool_->data);
    return NGX_OK;
  }
  return self->format(*zone);
}

ngx_int_t ThrottleZone::format(const ngx_shm_zone_t& zone) {
  if (name_shm_zone(pool_, zone) != NGX_OK) {
    return NGX_ERROR;
  }
  root_ = static_cast<ThrottleRoot*>(ngx_slab_calloc(pool_, sizeof(ThrottleRoot)));
  const std::size_t pages = pool_->pfree;
  void* memory = shm_pages(pool_, pages);
  const auto seed = random_bytes(sizeof(ThrottleRoot::seed));
  if (root_ == nullptr || memory == nullptr || !seed) {
    return NGX_ERROR;
  }
  std::memcpy(root_->seed.data(), seed->data(), root_->seed.size());
  root_->buckets.format(memory, pages * ngx_pagesize);
  pool_->data = root_;
  return NGX_OK;
}

bool AddressThrottle::open(Gate gate) {
  const auto it = counted(gate);
  if (!it || zone_.is_open(it->key, it->limit)) {
    return true;
  }
  if (zone_.may_complain()) {
    ngx_log_error(NGX_LOG_WARN, request_->connection->log, 0,
                  "oauth: one address has used up \"oauth_limit %s=…\" and gets 429 for a while: "
                  "where it is a proxy of yours, use set_real_ip_from; where many share it, raise "
                  "the limit",
                  gate_name(gate));
  }
  return false;
}

void AddressThrottle::spend(Gate gate) {
  if (const auto it = counted(gate)) {
    zone_.pour(it->key, it->limit);
  }
}

std::optional<AddressThrottle::Counted> AddressThrottle::counted(Gate gate) const {
  const std::optional<Limit>& limit =
      gate == Gate::token ? server_.limits->token : server_.limits->callback;
  const std::string network = network_of(request_->connection->sockaddr);
  if (!limit || network.empty()) {
    return std::nullopt;
  }
  return Counted{*limit, zone_.key_of(server_.broker->url, gate, network)};
}

}  // namespace oauth
