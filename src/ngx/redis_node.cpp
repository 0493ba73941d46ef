#include "ngx/redis_node.hpp"

#include "ngx/status.hpp"

namespace oauth {
namespace {

constexpr time_t kTellEvery = 60;      // s
constexpr std::size_t kMaxLines = 16;  // different ones within that time

}  // namespace

void RedisNode::start(ngx_log_t* log) {
  for (unsigned i = 0; i < options_.connections; i++) {
    connections_.push_back(std::make_unique<RedisConnection>(*this, log));
    connections_.back()->connect();
  }
}

RedisConnection* RedisNode::pick() const noexcept {
  RedisConnection* best = nullptr;
  bool is_full = false;
  for (const auto& connection : connections_) {
    const bool has_room = connection->pending() < RedisConnection::kMaxPending;
    if (!connection->usable() || !has_room) {
      is_full = is_full || !has_room;
      continue;
    }
    const bool better =
        best == nullptr || (connection->ready() && !best->ready()) ||
        (connection->ready() == best->ready() && connection->pending() < best->pending());
    if (better) {
      best = connection.get();
    }
  }
  if (best == nullptr && is_full) {
    count(Shared::store_refused);
  }
  return best;
}

void RedisNode::distrust() {
  for (const auto& connection : connections_) {
    connection->distrust();
  }
}

bool RedisNode::known_down() const noexcept {
  for (const auto& connection : connections_) {
    if (!connection->down()) {
      return false;
    }
  }
  return true;
}

void RedisNode::tell(ngx_uint_t level, const std::string& what) {
  const time_t now = ngx_time();
  for (auto it = told_.begin(); it != told_.end();) {
    it = now - it->second >= kTellEvery ? told_.erase(it) : std::next(it);
  }
  if (told_.size() >= kMaxLines || !told_.emplace(what, now).second) {
    return;
  }
  ngx_log_error(level, ngx_cycle->log, 0, "oauth: redis %s: %s", options_.address.c_str(),
                what.c_str());
}

}  // namespace oauth
