// RedisCluster: which node of a cluster serves which slot, as one worker knows it. The map comes
// from CLUSTER SLOTS of any node that answers: at the start, after a redirection or a broken
// connection (soon, but never twice at once), while something is amiss, and now and then. A
// redirection is learnt at once. The nodes that were configured are only where it begins, and where
// it begins anew when no other answers.
#pragma once

#include <memory>
#include <vector>

#include "ngx/redis_poller.hpp"
#include "ngx/redis_slots.hpp"
#include "ngx/redis_topology.hpp"

namespace oauth {

class RedisCluster final : public RedisTopology, private RedisPoller {
 public:
  // `options` outlives it.
  explicit RedisCluster(const RedisOptions& options);
  ~RedisCluster() override { RedisCluster::stop(); }
  RedisCluster(const RedisCluster&) = delete;
  RedisCluster& operator=(const RedisCluster&) = delete;

  void start(ngx_log_t* log) override;
  void stop() noexcept override;
  RedisNode* node_for(std::string_view key) noexcept override;
  bool known_down() const noexcept override;
  Advice advise(std::string_view key, const RedisReply& error) override;

 private:
  // A server that has, or had, a place in the cluster. It never moves in memory.
  struct Member {
    std::unique_ptr<RedisNode> node;
    bool serves = false;  // slots, as far as one knows
    ngx_msec_t used = 0;  // when it was last needed without serving
  };

  void on_pause_over() override { ask_for_map(); }
  void on_answer(const RedisReply& reply) override;
  void on_silence() override;
  void on_exception() noexcept override;

  void ask_for_map();
  void take(const RedisReply& reply);
  void apply(const std::vector<RedisSlotRange>& ranges);
  void drop_unused();
  void want() noexcept;
  void rest() noexcept;
  bool is_amiss() const noexcept;
  Member* find(const RedisServer& server) const noexcept;
  Member* member(const RedisServer& server);
  Member* owner(std::string_view key) const noexcept { return slots_[redis_slot(key)]; }

  const RedisOptions& options_;
  ngx_log_t* log_ = nullptr;
  std::vector<std::unique_ptr<Member>> members_;
  std::vector<Member*> slots_;  // null: nobody serves it, as far as one knows
  std::size_t missing_ = 0;     // slots that nobody serves
  bool mapped_ = false;

  Member* asked_ = nullptr;
  bool wanted_ = false;   // since it was asked, something happened that its answer may not show
  unsigned vain_ = 0;     // how often the map was no better, in a row
  std::size_t turn_ = 0;  // whom to ask
  ngx_msec_t last_ = 0;   // when it was last asked
};

}  // namespace oauth
