// Revocations of this machine: one zone in shared memory, filled by the journal and by this
// machine's own endpoint, or kept up with Redis (redis_revocations.hpp). Reads take no lock.
#pragma once

#include <atomic>
#include <memory>
#include <optional>

#include "ngx/nginx.hpp"
#include "ngx/revocation_journal.hpp"
#include "ngx/shm_zone.hpp"
#include "oauth/flow/ports.hpp"
#include "oauth/proto/revocation_list.hpp"

namespace oauth {

// `oauth_revocation_lag TIME [stale=deny|allow]`
struct RevocationLag {
  std::int64_t seconds = 30;
  bool allows_stale = false;
};

// What lies in the zone. Milliseconds are ngx_current_msec: monotonic, the same for all workers.
struct RevocationRoot {
  std::uint32_t writing = 0;                // see ShmLock
  std::atomic<std::uint64_t> refreshed{0};  // ms: the list is no older; 0: never read
  std::atomic<std::uint64_t> leased{0};     // ms: until then another worker asks the store
  std::int64_t complained = 0;              // s: when "full" was last logged
  RevocationList list{};
  void rebuild() noexcept {}  // a writer that died has changed nothing that counts
};

class RevocationZone {
 public:
  // Adds the zone; null after an [emerg] line. `journal`: a path, where the list is this machine's
  // alone; empty where a store that nodes share has it.
  static RevocationZone* make(ngx_conf_t* cf, const std::string& journal);

  bool has(const RevocationMark& mark) const noexcept { return root_->list.has(mark); }
  bool has_either(const RevocationMark& one, const RevocationMark& other) const noexcept {
    return root_->list.has_either(one, other);
  }
  bool is_current(const RevocationLag& lag) const noexcept;

  // Journal first: what is not written is not revoked.
  Check revoke(const RevocationMark& mark, std::int64_t expires) const noexcept;
  // What is on the store's list already. False when there is no room.
  bool learn(const RevocationMark& mark, std::int64_t expires) const noexcept;
  Problem full() const noexcept;  // and a line in the log, once a minute

  // For who asks the store: true for one worker at a time, if the list is at least `age` ms old.
  bool lease(std::uint64_t age, std::uint64_t hold) const noexcept;
  // Ends it; the list is as the store's was at `at`, or 0: not known.
  void release(std::uint64_t at) const noexcept;

  // The shortest lag that any server demands.
  void demand(const RevocationLag& lag) noexcept { shortest_ = std::min(shortest_, lag.seconds); }
  std::int64_t shortest() const noexcept { return shortest_; }

 private:
  using Lock = ShmLock<RevocationRoot>;
  static ngx_int_t init_zone(ngx_shm_zone_t* zone, void* before);
  ngx_int_t format(const ngx_shm_zone_t& zone);
  ngx_int_t open_journal(ngx_log_t* log, bool is_fresh);
  Lock lock() const noexcept { return {pool_, *root_}; }

  std::optional<RevocationJournal> journal_;
  std::int64_t shortest_ = 600;
  ngx_slab_pool_t* pool_ = nullptr;
  RevocationRoot* root_ = nullptr;
};

// The port, with the lag of one server. Without a zone, which is without a broker, there are no own
// tokens.
class SharedRevocations final : public Revocations {
 public:
  SharedRevocations(const RevocationZone* zone, const RevocationLag& lag) noexcept
      : zone_(zone), lag_(lag) {}
  Check check(const RevocationMark& token, const RevocationMark& family) const noexcept override {
    if (zone_ != nullptr && zone_->has_either(token, family)) {
      return Problem::token_revoked;
    }
    return zone_ == nullptr || zone_->is_current(lag_) ? Check(kDone) : Problem::revocations_stale;
  }

 private:
  const RevocationZone* zone_;
  RevocationLag lag_;
};

}  // namespace oauth
