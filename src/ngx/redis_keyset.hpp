// What the nodes of one store tell each other of their keys, so that one with keys of its own does
// not make what nobody else can open. Each worker keeps the ids of this node's keys in Redis, in
// one step with comparing them: who shares no secret, or no signing key, with all the others
// together is on its own until it does. No request ever waits for it.
//
// One sorted set, PREFIX keyset:nodes: `NODE TURN SECRETS KEYS`, ids with commas between, by the
// server's time in milliseconds at which the entry ends. NODE is a random number of the master
// process and TURN grows with each configuration that it reads: what a reload replaces is not held
// against its successor, and takes nothing of his with it. Who came first is right: who
// is on its own has no entry, and takes the place of nobody who may yet come back.
#pragma once

#include "ngx/redis_poller.hpp"
#include "ngx/redis_revocations.hpp"
#include "oauth/base/secret.hpp"
#include "oauth/jose/jwk.hpp"

namespace oauth {

// `NODE TURN`, for who reads a configuration: all of its workers have the same.
std::string keyset_node();

class RedisKeyset final : private RedisPoller {
 public:
  RedisKeyset(RedisTopology& topology, const RedisOptions& options, const std::string& node,
              const Keyring& keyring, const KeySet& signing);

  void start(ngx_log_t* log);
  // The worker ends: takes the entry back. If others of this node go on, they renew it.
  void leave() noexcept;
  // As the last comparison said; true until the first one.
  bool is_shared() const noexcept { return missing_ == 0; }

 private:
  void on_pause_over() override { compare(); }
  void on_answer(const RedisReply& reply) override;
  void on_silence() override;
  void on_exception() noexcept override;

  RedisConnection* pick() noexcept;
  void compare();
  void judge(long long missing);
  void tell(ngx_uint_t level, const std::string& what);

  RedisTopology& topology_;
  const std::string key_;
  const std::string& node_;
  const std::string secrets_, signing_, entry_;
  RedisScript script_;

  bool forgotten_ = false;  // the server did not know the script a moment ago
  long long missing_ = 0;   // what no other node has: kNoSecret, kNoKey or both
  bool may_begin_ = true;   // an empty set is ours to begin
};

}  // namespace oauth
