// Throttle: `oauth_limit`. The zone counts for all workers of this machine and survives a reload;
// the port is what one request sees of it: its address, its broker's limits. Whoever has no address
// (a unix socket) is not limited.
#pragma once

#include "ngx/nginx.hpp"
#include "ngx/shm_buckets.hpp"
#include "oauth/flow/ports.hpp"

namespace oauth {

struct ServerConf;

// What lies in the zone.
struct ThrottleRoot {
  std::uint32_t writing;              // see ShmLock
  std::array<std::uint8_t, 32> seed;  // of the names: who does not know it cannot choose a set
  ShmBuckets buckets;
  std::int64_t complained;  // s: when a refusal was last logged
  void rebuild() noexcept {}
};

class ThrottleZone {
 public:
  // Adds the zone; null after an [emerg] line.
  static ThrottleZone* make(ngx_conf_t* cf, std::size_t bytes);

  bool is_open(const ShmKey& key, const Limit& limit) const noexcept;
  void pour(const ShmKey& key, const Limit& limit) const noexcept;
  ShmKey key_of(std::string_view broker, Throttle::Gate gate, std::string_view address) const;
  // True once a minute.
  bool may_complain() const noexcept;

 private:
  using Lock = ShmLock<ThrottleRoot>;
  static ngx_int_t init_zone(ngx_shm_zone_t* zone, void* before);
  ngx_int_t format(const ngx_shm_zone_t& zone);
  Lock lock() const noexcept { return {pool_, *root_}; }

  ngx_slab_pool_t* pool_ = nullptr;
  ThrottleRoot* root_ = nullptr;
};

class AddressThrottle final : public Throttle {
 public:
  AddressThrottle(ngx_http_request_t* r, const ServerConf& server,
                  const ThrottleZone& zone) noexcept
      : request_(r), server_(server), zone_(zone) {}
  bool open(Gate gate) override;
  void spend(Gate gate) override;

 private:
  struct Counted {
    const Limit& limit;
    ShmKey key;
  };
  // Nothing where there is no limit, or nobody to whom it could apply.
  std::optional<Counted> counted(Gate gate) const;

  ngx_http_request_t* request_;
  const ServerConf& server_;
  const ThrottleZone& zone_;
};

}  // namespace oauth
