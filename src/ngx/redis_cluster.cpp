#include "ngx/redis_cluster.hpp"

#include <algorithm>

namespace oauth {
namespace {

using Kind = RedisReply::Kind;

constexpr ngx_msec_t kSoon = 200;           // ms; two questions are at least so far apart
constexpr ngx_msec_t kLongestAmiss = 1600;  // while a node is away or a slot is missing
constexpr ngx_msec_t kNowAndThen = 30000;
constexpr ngx_msec_t kKept = 60000;        // how long a node is kept that serves nothing
constexpr std::size_t kMaxMembers = 1000;  // more than a cluster can have
constexpr unsigned kDepth = 4;             // of the reply to CLUSTER SLOTS

}  // namespace

RedisCluster::RedisCluster(const RedisOptions& options)
    : options_(options), slots_(kRedisSlots, nullptr), missing_(kRedisSlots) {}

void RedisCluster::start(ngx_log_t* log) {
  log_ = log;
  begin(log);
  ask_for_map();
}

void RedisCluster::stop() noexcept {
  halt();
  log_ = nullptr;
  std::fill(slots_.begin(), slots_.end(), nullptr);
  members_.clear();
}

RedisNode* RedisCluster::node_for(std::string_view key) noexcept {
  const Member* found = owner(key);
  if (found == nullptr) {
    want();
    return nullptr;
  }
  return found->node.get();
}

bool RedisCluster::known_down() const noexcept {
  if (!mapped_ && vain_ > 2) {
    return true;
  }
  return std::all_of(members_.begin(), members_.end(), [this](const auto& member) {
    return (mapped_ && !member->serves) || member->node->known_down();
  });
}

RedisTopology::Advice RedisCluster::advise(std::string_view key, const RedisReply& error) {
  const std::string code = redis_error_code(error);
  Advice advice;
  if (code == "TRYAGAIN" || code == "CLUSTERDOWN") {
    want();
    advice.kind = Advice::Kind::later;
    return advice;
  }
  if (code != "MOVED" && code != "ASK") {
    return advice;
  }
  auto redirect = read_redirect(error.text);
  const std::size_t slot = redis_slot(key);
  if (!redirect || redirect->slot != slot) {
    return advice;
  }
  if (redirect->to.host.empty() && slots_[slot] != nullptr) {
    redirect->to.host = slots_[slot]->node->server().host;
  }
  Member* to = redirect->to.host.empty() ? nullptr : member(redirect->to);
  if (code == "MOVED") {
    want();
  }
  if (to == nullptr) {
    advice.kind = Advice::Kind::later;
    return advice;
  }
  if (code == "MOVED") {
    missing_ -= slots_[slot] == nullptr ? 1U : 0U;
    slots_[slot] = to;
    to->serves = true;
  }
  to->used = ngx_current_msec;
  advice.kind = code == "MOVED" ? Advice::Kind::again : Advice::Kind::asking;
  advice.node = to->node.get();
  return advice;
}

// ---- asking for the map ---------------------------------------------------------------------

void RedisCluster::on_answer(const RedisReply& reply) {
  vain_++;
  take(reply);
  drop_unused();
  rest();
}

void RedisCluster::on_silence() {
  vain_++;
  drop_unused();
  rest();
}

void RedisCluster::on_exception() noexcept {
  vain_++;
  rest();
}

// One after the other, so that one node alone, which may be cut off from the rest, never is the
// only witness.
void RedisCluster::ask_for_map() {
  last_ = ngx_current_msec;
  wanted_ = false;
  RedisConnection* connection = nullptr;
  for (std::size_t i = 0; i < members_.size(); i++) {
    Member& candidate = *members_[(turn_ + i) % members_.size()];
    RedisConnection* picked = candidate.node->pick();
    const bool better =
        picked != nullptr && (connection == nullptr || (picked->ready() && !connection->ready()));
    if (better) {
      connection = picked;
      asked_ = &candidate;
    }
  }
  turn_++;
  for (const RedisServer& server : options_.servers) {
    if (connection == nullptr) {
      asked_ = member(server);
      connection = asked_ == nullptr ? nullptr : asked_->node->pick();
    } else if (!mapped_) {
      (void)member(server);
    }
  }
  if (connection == nullptr) {
    vain_++;
    rest();
    return;
  }
  ask(*connection, redis_command({"CLUSTER", "SLOTS"}));
}

void RedisCluster::take(const RedisReply& reply) {
  RedisNode& node = *asked_->node;
  if (reply.kind == Kind::error) {
    const bool standalone = redis_error_code(reply) == "ERR";
    node.tell(NGX_LOG_ERR,
              redis_refusal("CLUSTER", reply) +
                  (standalone ? ": is it a node of a cluster? If not, write redis://" : ""));
    return;
  }
  const RedisSlotMap map = read_slot_map(reply, node.server());
  if (!map.error.empty()) {
    node.tell(NGX_LOG_ERR, "CLUSTER SLOTS has an unexpected answer: " + map.error);
    return;
  }
  apply(map.ranges);
  if (missing_ > 0) {
    const auto first = std::find(slots_.begin(), slots_.end(), nullptr) - slots_.begin();
    node.tell(NGX_LOG_ERR, std::to_string(missing_) + " of 16384 slots are served by no node, " +
                               std::to_string(first) +
                               " is the first: what belongs there is not available");
  }
}

void RedisCluster::apply(const std::vector<RedisSlotRange>& ranges) {
  for (const auto& each : members_) {
    each->serves = false;
  }
  std::fill(slots_.begin(), slots_.end(), nullptr);
  missing_ = kRedisSlots;
  for (const RedisSlotRange& range : ranges) {
    Member* serving = member(range.primary);
    if (serving == nullptr) {
      continue;
    }
    serving->serves = true;
    std::fill(slots_.begin() + static_cast<std::ptrdiff_t>(range.first),
              slots_.begin() + static_cast<std::ptrdiff_t>(range.last + 1), serving);
    missing_ -= range.last + 1 - range.first;
  }
  mapped_ = true;
  if (!is_amiss()) {
    vain_ = 0;
  }
}

// ---- the nodes ------------------------------------------------------------------------------

RedisCluster::Member* RedisCluster::find(const RedisServer& server) const noexcept {
  for (const auto& each : members_) {
    if (each->node->server() == server) {
      return each.get();
    }
  }
  return nullptr;
}

// Null when there are too many.
RedisCluster::Member* RedisCluster::member(const RedisServer& server) {
  if (Member* found = find(server)) {
    return found;
  }
  if (members_.size() >= kMaxMembers) {
    return nullptr;
  }
  RedisNode::Role role;
  role.reply_depth = kDepth;
  auto made = std::make_unique<Member>();
  made->node = std::make_unique<RedisNode>(options_, server, role);
  made->node->on_trouble = [this] { want(); };
  made->used = ngx_current_msec;
  members_.push_back(std::move(made));
  members_.back()->node->start(log_);
  return members_.back().get();
}

// What serves nothing any more goes once nobody waits for it. While nothing is mapped, all stay.
void RedisCluster::drop_unused() {
  const auto useless = [this](const std::unique_ptr<Member>& each) {
    return mapped_ && !each->serves && ngx_current_msec - each->used > kKept && each->node->idle();
  };
  members_.erase(std::remove_if(members_.begin(), members_.end(), useless), members_.end());
}

bool RedisCluster::is_amiss() const noexcept {
  return missing_ > 0 || std::any_of(members_.begin(), members_.end(), [](const auto& each) {
           return each->serves && each->node->known_down();
         });
}

// ---- when to ask ----------------------------------------------------------------------------

// The map is to be asked for as soon as may be.
void RedisCluster::want() noexcept {
  wanted_ = true;
  if (!is_busy() && log_ != nullptr) {
    rest();
  }
}

void RedisCluster::rest() noexcept {
  ngx_msec_t length = kNowAndThen;
  if (wanted_) {
    length = kSoon;
  } else if (is_amiss()) {
    length = std::min(kLongestAmiss, kSoon << std::min(vain_, 10U));
  }
  // Workers are not to ask in step.
  length -= static_cast<ngx_msec_t>(ngx_random()) % (length / 4);
  const auto left = static_cast<ngx_msec_int_t>(last_ + length - ngx_current_msec);
  pause(left > 0 ? static_cast<ngx_msec_t>(left) : 0);
}

}  // namespace oauth
