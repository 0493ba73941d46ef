// RedisSentinel: one primary, found by asking Redis Sentinel, as one worker sees it. One question a
// second goes to the sentinels in turn, and to all of them, one after the other, when the primary
// fails or refuses, or when one names another. A server that more of them name than the present
// primary takes its place, or as many, where that is in trouble: so neither a sentinel that is cut
// off from the others nor one that lies leads anybody away. Who is away, silent or does not know
// the name has no vote. While no sentinel answers, the last known primary stays. A server proves by
// ROLE that it is a primary before anything is sent to it.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "ngx/redis_poller.hpp"
#include "ngx/redis_topology.hpp"

namespace oauth {

class RedisSentinel final : public RedisTopology, private RedisPoller {
 public:
  // `options` outlive it.
  explicit RedisSentinel(const RedisOptions& options);
  ~RedisSentinel() override { RedisSentinel::stop(); }
  RedisSentinel(const RedisSentinel&) = delete;
  RedisSentinel& operator=(const RedisSentinel&) = delete;

  void start(ngx_log_t* log) override;
  void stop() noexcept override;
  RedisNode* node_for(std::string_view) noexcept override { return primary_.get(); }
  bool known_down() const noexcept override;
  Advice advise(std::string_view key, const RedisReply& error) override;

 private:
  struct Watcher {
    std::unique_ptr<RedisNode> node;
    bool started = false;             // its connection is made when it is first asked, and kept
    std::optional<RedisServer> said;  // when it was last asked
  };

  void on_pause_over() override { ask_next(); }
  void on_answer(const RedisReply& reply) override;
  void on_silence() override;
  void on_exception() noexcept override { end_round(); }

  void on_trouble() noexcept;
  void go_on();
  void ask_next();
  bool take(Watcher& watcher, const RedisReply& reply);
  std::ptrdiff_t votes(const RedisServer& server) const noexcept;
  void adopt(RedisServer server);
  bool next() noexcept;
  void end_round() noexcept;
  ngx_msec_t interval() const noexcept;
  ngx_msec_t breath() const noexcept;

  const RedisOptions& options_;
  RedisOptions watching_;  // how the sentinels are spoken to
  std::vector<Watcher> watchers_;
  std::unique_ptr<RedisNode> primary_;  // null until one is known
  ngx_log_t* log_ = nullptr;            // null unless started

  std::size_t turn_ = 0;   // which sentinel is asked
  std::size_t tries_ = 0;  // sentinels in a row that did not settle it
  bool in_vain_ = false;   // nor did any of them, the last time
  bool trouble_ = false;   // with the primary, since they were last asked
  ngx_msec_t asked_ = 0;   // when
};

}  // namespace oauth
