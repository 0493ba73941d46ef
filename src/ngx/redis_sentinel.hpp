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

#include "ngx/redis_topology.hpp"

namespace oauth {

class RedisSentinel final : public RedisTopology, private RedisWaiter {
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
  // A sentinel may make a replica the primary that has not seen what the old one was told last.
  bool acknowledges(const RedisNode&) const noexcept override { return true; }

 private:
  struct Watcher {
    std::unique_ptr<RedisNode> node;
    bool started = false;             // its connection is made when it is first asked, and kept
    std::optional<RedisServer> said;  // when it was last asked
  };

  static void on_timer(ngx_event_t* event) noexcept;
  void on_reply(std::size_t index, RedisReply&& reply) noexcept override;
  void on_failure(std::size_t index, bool written) noexcept override;

  void on_trouble() noexcept;
  void step();
  void ask();
  void forget() noexcept;
  bool take(Watcher& watcher, const RedisReply& reply);
  std::ptrdiff_t votes(const RedisServer& server) const noexcept;
  void begin(RedisServer server);
  bool next() noexcept;
  void end_round() noexcept;
  void sleep(ngx_msec_t milliseconds) noexcept;
  ngx_msec_t pause() const noexcept;
  ngx_msec_t breath() const noexcept;

  const RedisOptions& options_;
  RedisOptions watching_;  // how the sentinels are spoken to
  std::vector<Watcher> watchers_;
  std::unique_ptr<RedisNode> primary_;  // null until one is known
  ngx_event_t timer_{};
  ngx_log_t* log_ = nullptr;  // null unless started

  RedisTicket* ticket_ = nullptr;  // of the question that is under way
  bool failed_ = false;            // it found no answer
  std::optional<RedisReply> reply_;
  std::size_t turn_ = 0;   // which sentinel is asked
  std::size_t tries_ = 0;  // sentinels in a row that did not settle it
  bool in_vain_ = false;   // nor did any of them, the last time
  bool trouble_ = false;   // with the primary, since they were last asked
  ngx_msec_t asked_ = 0;   // when
};

}  // namespace oauth
