#include "ngx/redis_call.hpp"

namespace oauth {

RedisCall::RedisCall(Flow& flow, RedisTopology& topology, std::vector<RedisCommand> commands)
    : flow_(flow),
      topology_(topology),
      commands_(std::move(commands)),
      tickets_(commands_.size(), nullptr),
      replies_(commands_.size()) {}

RedisCall::~RedisCall() {
  for (RedisTicket* ticket : tickets_) {
    if (ticket != nullptr) {
      ticket->waiter = nullptr;
    }
  }
}

bool RedisCall::await_suspend(std::coroutine_handle<> frame) {
  std::vector<RedisConnection*> connections;
  for (const RedisCommand& command : commands_) {
    RedisNode* node = topology_.node_for(command.key);
    RedisConnection* connection = node == nullptr ? nullptr : node->pick();
    if (connection == nullptr || command.bytes.empty()) {
      failed_ = true;
      return false;
    }
    connections.push_back(connection);
  }
  open_ = commands_.size();
  for (std::size_t i = 0; i < commands_.size(); i++) {
    tickets_[i] = connections[i]->submit(std::move(commands_[i].bytes), *this, i);
  }
  flow_.park(frame);
  return true;
}

Result<std::vector<RedisReply>> RedisCall::await_resume() {
  if (failed_) {
    return sent_ ? Problem::store_lost : Problem::store_down;
  }
  return std::move(replies_);
}

void RedisCall::on_reply(std::size_t index, RedisReply&& reply) noexcept {
  sent_ = sent_ || reply.kind != RedisReply::Kind::error;
  replies_[index] = std::move(reply);
  settle(index);
}

void RedisCall::on_failure(std::size_t index, bool written) noexcept {
  sent_ = sent_ || written;
  failed_ = true;
  settle(index);
}

void RedisCall::settle(std::size_t index) noexcept {
  tickets_[index] = nullptr;
  if (--open_ == 0) {
    flow_.wake();
  }
}

}  // namespace oauth
