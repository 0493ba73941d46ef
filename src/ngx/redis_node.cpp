#include "ngx/redis_node.hpp"

#include <algorithm>

#include "ngx/status.hpp"

namespace oauth {
namespace {

constexpr time_t kTellEvery = 60;      // s
constexpr std::size_t kMaxLines = 16;  // different ones within that time

}  // namespace

RedisNode::RedisNode(const RedisOptions& options, RedisServer server, Role role)
    : options_(options), server_(std::move(server)), role_(role) {
  trouble_.handler = on_event;
  trouble_.data = this;
  trouble_.log = ngx_cycle->log;
}

void RedisNode::start(ngx_log_t* log) {
  trouble_.log = log;
  for (unsigned i = 0; i < options_.connections; i++) {
    connections_.push_back(std::make_unique<RedisConnection>(*this, log));
    connections_.back()->connect();
  }
}

void RedisNode::stop() noexcept {
  if (trouble_.posted) {
    ngx_delete_posted_event(&trouble_);
  }
  connections_.clear();
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

void RedisNode::move(RedisServer server) {
  if (server == server_) {
    return;
  }
  server_ = std::move(server);
  confirmed_ = true;
  for (const auto& connection : connections_) {
    connection->renew();
  }
}

ngx_msec_t RedisNode::patience() const noexcept {
  return std::max<ngx_msec_t>(options_.timeout / (confirmed_ ? 2 : 10), 1);
}

void RedisNode::note_trouble() noexcept {
  if (on_trouble && !trouble_.posted) {
    ngx_post_event(&trouble_, &ngx_posted_events);
  }
}

void RedisNode::on_event(ngx_event_t* event) noexcept {
  const auto& self = *static_cast<RedisNode*>(event->data);
  const std::function<void()> call = self.on_trouble;  // the node may be gone before it returns
  if (call) {
    call();
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

bool RedisNode::idle() const noexcept {
  for (const auto& connection : connections_) {
    if (connection->pending() > 0) {
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
  const std::string line = server_.text() + ": " + what;
  if (told_.size() < kMaxLines && told_.emplace(line, now).second) {
    ngx_log_error(level, ngx_cycle->log, 0, "oauth: redis %s", line.c_str());
  }
}

void RedisNode::tell_once(ngx_uint_t level, const std::string& what) {
  const std::string line = server_.text() + ": " + what;
  if (told_for_good_.size() < kMaxLines && told_for_good_.insert(line).second) {
    ngx_log_error(level, ngx_cycle->log, 0, "oauth: redis %s", line.c_str());
  }
}

}  // namespace oauth
