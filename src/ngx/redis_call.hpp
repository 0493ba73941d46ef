// RedisCall: awaits the replies to a few commands that are sent together. When it dies early,
// because the client left, it empties its tickets; the late replies then free them.
#pragma once

#include <coroutine>
#include <string>
#include <vector>

#include "ngx/redis_topology.hpp"
#include "ngx/run.hpp"
#include "oauth/base/result.hpp"

namespace oauth {

struct RedisCommand {
  std::string key;  // decides which server is asked
  std::string bytes;
};

class RedisCall final : private RedisWaiter {
 public:
  RedisCall(Flow& flow, RedisTopology& topology, std::vector<RedisCommand> commands);
  ~RedisCall();
  RedisCall(const RedisCall&) = delete;
  RedisCall& operator=(const RedisCall&) = delete;

  bool await_ready() const noexcept { return false; }
  // False, and no wait, when a command finds no connection; none of them is sent then.
  bool await_suspend(std::coroutine_handle<> frame);
  // One reply for each command. store_down: no command was carried out. store_lost: some may have
  // been.
  Result<std::vector<RedisReply>> await_resume();

 private:
  void on_reply(std::size_t index, RedisReply&& reply) noexcept override;
  void on_failure(std::size_t index, bool written) noexcept override;
  void settle(std::size_t index) noexcept;

  Flow& flow_;
  RedisTopology& topology_;
  std::vector<RedisCommand> commands_;
  std::vector<RedisTicket*> tickets_;  // null once settled
  std::vector<RedisReply> replies_;
  std::size_t open_ = 0;
  bool sent_ = false;  // at least one command may have been carried out
  bool failed_ = false;
};

}  // namespace oauth
