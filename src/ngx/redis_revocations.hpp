// The list of the revoked in Redis, and how a worker keeps this machine's zone up with it, without
// any request: one worker at a time asks every third of the shortest `oauth_revocation_lag` for
// what is new. No request ever waits for it.
//
// Two sorted sets of the same entries (16 bytes mark, 8 bytes expiry): PREFIX{revoked}:order by a
// number that only grows, which readers go on from, and PREFIX{revoked}:until by the server's time
// at which they end. The braces keep them on one node of a cluster.
#pragma once

#include "ngx/redis_poller.hpp"
#include "ngx/redis_topology.hpp"
#include "ngx/revocations.hpp"

namespace oauth {

// A script of ours; `sha` is the name by which the server knows it, once it told us.
struct RedisScript {
  std::string_view text;
  std::string sha;
};

std::string revoked_key(const std::string& prefix);
std::string revoked_until_key(const std::string& prefix);
std::string revoked_entry(const RevocationMark& mark, std::int64_t expires);

// KEYS order, until; ARGV entry, milliseconds it lasts, how many there may be: 1, or 0 when full.
extern const std::string_view kRevokeScript;

class RedisRevocations final : private RedisPoller {
 public:
  RedisRevocations(RedisTopology& topology, const RedisOptions& options,
                   const RevocationZone& zone);
  ~RedisRevocations();
  RedisRevocations(const RedisRevocations&) = delete;
  RedisRevocations& operator=(const RedisRevocations&) = delete;

  void start(ngx_log_t* log);

 private:
  void on_pause_over() override { begin_round(); }
  void on_answer(const RedisReply& reply) override;
  void on_silence() override { give_up(); }
  void on_exception() noexcept override { give_up(); }

  void begin_round();
  void ask_for_page(RedisNode* node = nullptr, bool asking = false);
  void take_error(const RedisReply& reply);
  void refuse(const std::string& why);
  bool take_page(std::string_view page);
  void give_up() noexcept;
  ngx_msec_t interval() const noexcept;

  RedisTopology& topology_;
  const RedisOptions& options_;
  const RevocationZone& zone_;
  RedisScript read_;

  bool leased_ = false;      // this worker asks, and no other
  unsigned moved_ = 0;       // how often another node was to be asked, in a row
  unsigned forgotten_ = 0;   // how often the server did not know the script, in a row
  std::uint64_t asked_ = 0;  // ms: when this round began; what is older is in it
  std::uint64_t known_ = 0;  // up to which number all was read
  std::uint64_t from_ = 0;   // where this round goes on
};

}  // namespace oauth
