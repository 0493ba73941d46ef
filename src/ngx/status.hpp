// What has happened on this machine, in numbers that all workers share, and `oauth_status`, the
// location that shows them (status_page.cpp). Counting waits for nothing, takes no lock and cannot
// fail. Where no location has `oauth_status` the numbers go nowhere. They survive a reload, not a
// restart.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <vector>

#include "ngx/nginx.hpp"
#include "oauth/flow/verdict.hpp"
#include "oauth/proto/metrics.hpp"

namespace oauth {

struct Endpoint;
struct MainConf;

// What a worker counts for itself: only it writes, so that the commonest things cost next to
// nothing. The last two are no sums, but what it has now.
enum class Own : std::uint8_t {
  entered,
  entered_anonymous,
  cache_hits,
  cache_misses,
  redis_connections,
  redis_ready,
};
constexpr std::size_t kOwns = 6;

// What all workers count together.
enum class Shared : std::uint8_t { store_commands, store_errors, store_micros, store_refused };
constexpr std::size_t kShareds = 4;

using StatusCount = std::atomic<std::uint64_t>;

struct alignas(64) WorkerCounts {
  std::atomic<std::int64_t> owner{0};  // a process; 0: none, and another may go on with it
  std::array<StatusCount, kOwns> counts{};
};

// What lies in the zone.
struct StatusRoot {
  static constexpr std::size_t kEndpoints = 16;
  static constexpr std::size_t kProblems = static_cast<std::size_t>(Problem::internal) + 1;
  static constexpr std::size_t kGrants = 5;
  static constexpr std::size_t kProviders = 64;  // those beyond are in the sums alone
  static constexpr std::size_t kWorkers = 256;   // those beyond share the last one's, and miscount
  using Refusals = std::array<StatusCount, kProblems>;
  struct Provider {
    std::array<char, 33> name{};  // written by the master alone, before its workers start
    StatusCount begun{0}, done{0};
  };

  std::array<StatusCount, kShareds> shared{};
  std::array<StatusCount, kEndpoints> done{};
  std::array<Refusals, kEndpoints> refused{};
  Refusals guard_refused{};
  std::array<StatusCount, kGrants> tokens{};
  std::array<Provider, kProviders> providers{};
  std::array<WorkerCounts, kWorkers> workers{};
};

extern WorkerCounts* own_counts;  // this worker's; never null

inline void count(Own what, std::int64_t by = 1) noexcept {
  StatusCount& it = own_counts->counts[static_cast<std::size_t>(what)];
  it.store(it.load(std::memory_order_relaxed) + static_cast<std::uint64_t>(by),
           std::memory_order_relaxed);
}
void count(Shared what, std::uint64_t by = 1) noexcept;
// How a request to an endpoint ended.
void count_verdict(const Endpoint& endpoint, const Verdict& verdict) noexcept;
// A request that a protected location did not let in.
void count_refusal(Problem problem) noexcept;

// Verdict::grant, in the order of StatusRoot::tokens.
inline constexpr std::array<std::string_view, StatusRoot::kGrants> kGrantNames{
    "authorization_code", "refresh_token", "otp", "demo", "client_credentials"};

// Whether there is such a process, or may be.
bool is_alive(std::int64_t process) noexcept;

class StatusZone {
 public:
  // Adds the zone; null after an [emerg] line.
  static StatusZone* make(ngx_conf_t* cf, const MainConf& main);
  StatusRoot& root() const noexcept { return *root_; }

 private:
  static ngx_int_t init_zone(ngx_shm_zone_t* zone, void* before);
  ngx_int_t format(const ngx_shm_zone_t& zone);

  const MainConf* main_ = nullptr;
  StatusRoot* root_ = nullptr;
};

// The start and the end of a worker; `zone` may be null.
void begin_status(const StatusZone* zone) noexcept;
void end_status() noexcept;

// `oauth_status;` in a location.
char* set_status(ngx_conf_t* cf, ngx_command_t* command, void* conf) noexcept;

}  // namespace oauth
