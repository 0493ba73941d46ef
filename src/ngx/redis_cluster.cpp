#include "ngx/redis_cluster.hpp"

#include <algorithm>

namespace oauth {
namespace {

using Kind = RedisReply::Kind;

constexpr ngx_msec_t kSoon = 200;           // ms; two questions are at least so far apart
constexpr ngx_msec_t kLongestAmiss = 1600;  // while a node is away or a slot is missing
constexpr ngx_msec_t kUnreplicated = 5000;  // a replica may come, and then has a say
constexpr ngx_msec_t kNowAndThen = 30000;
constexpr ngx_msec_t kKept = 60000;        // how long a node is kept that serves nothing
constexpr std::size_t kMaxMembers = 1000;  // more than a cluster can have
constexpr unsigned kDepth = 4;             // of the reply to CLUSTER SLOTS

}  // namespace

RedisCluster::RedisCluster(const RedisOptions& options)
    : options_(options), slots_(kRedisSlots, nullptr), missing_(kRedisSlots) {}

void RedisCluster::start(ngx_log_t* log) {
  log_ = log;
  timer_.data = this;
  timer_.handler = on_timer;
  timer_.log = log;
  timer_.cancelable = 1;  // a worker that ends does not wait for it
  ask();
}

void RedisCluster::stop() noexcept {
  if (ticket_ != nullptr) {
    ticket_->waiter = nullptr;
    ticket_ = nullptr;
  }
  if (timer_.timer_set) {
    ngx_del_timer(&timer_);
  }
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

bool RedisCluster::acknowledges(const RedisNode&) const noexcept {
  return replicated_ || !mapped_;
}

RedisTopology::Alone RedisCluster::is_alone(const RedisServer& server, ngx_msec_t then) noexcept {
  if (static_cast<ngx_msec_int_t>(mapped_at_ - then) <= 0) {
    want();
    return Alone::unknown;
  }
  const Member* found = find(server);
  return found != nullptr && found->serves && !found->replicated ? Alone::yes : Alone::no;
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
    to->replicated = to->replicated || !to->serves;
    to->serves = true;
  }
  to->used = ngx_current_msec;
  advice.kind = code == "MOVED" ? Advice::Kind::again : Advice::Kind::asking;
  advice.node = to->node.get();
  return advice;
}

// ---- asking for the map
// --------------------------------------------------------------------------------

void RedisCluster::on_timer(ngx_event_t* event) noexcept {
  auto& self = *static_cast<RedisCluster*>(event->data);
  try {
    self.step();
  } catch (...) {
    self.asking_ = self.ticket_ != nullptr;
    self.vain_++;
    self.rest();
  }
}

// They are called from within a connection of one of the nodes: what may drop nodes comes later.
void RedisCluster::on_reply(std::size_t, RedisReply&& reply) noexcept {
  ticket_ = nullptr;
  reply_ = std::move(reply);
  arm(0);
}

void RedisCluster::on_failure(std::size_t, bool) noexcept {
  ticket_ = nullptr;
  arm(0);
}

void RedisCluster::step() {
  if (ticket_ != nullptr) {
    return;
  }
  if (!asking_) {
    ask();
    return;
  }
  asking_ = false;
  vain_++;
  if (reply_) {
    const RedisReply reply = *std::exchange(reply_, std::nullopt);
    take(reply);
  }
  drop_unused();
  rest();
}

// One after the other, so that one node alone, which may be cut off from the rest, never is the
// only witness.
void RedisCluster::ask() {
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
  ticket_ = connection->submit(redis_command({"CLUSTER", "SLOTS"}), *this, 0);
  asking_ = true;
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
    serving->replicated = range.replicated || (serving->serves && serving->replicated);
    serving->serves = true;
    replicated_ = replicated_ || range.replicated;
    std::fill(slots_.begin() + static_cast<std::ptrdiff_t>(range.first),
              slots_.begin() + static_cast<std::ptrdiff_t>(range.last + 1), serving);
    missing_ -= range.last + 1 - range.first;
  }
  mapped_ = true;
  mapped_at_ = last_;
  if (!is_amiss()) {
    vain_ = 0;
  }
}

// ---- the nodes
// -----------------------------------------------------------------------------------------

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

// ---- when to ask
// ---------------------------------------------------------------------------------------

// The map is to be asked for as soon as may be.
void RedisCluster::want() noexcept {
  wanted_ = true;
  if (!asking_ && log_ != nullptr) {
    rest();
  }
}

void RedisCluster::rest() noexcept {
  ngx_msec_t pause = kNowAndThen;
  if (wanted_) {
    pause = kSoon;
  } else if (is_amiss()) {
    pause = std::min(kLongestAmiss, kSoon << std::min(vain_, 10U));
  } else if (std::any_of(members_.begin(), members_.end(),
                         [](const auto& each) { return each->serves && !each->replicated; })) {
    pause = kUnreplicated;
  }
  // Workers are not to ask in step.
  pause -= static_cast<ngx_msec_t>(ngx_random()) % (pause / 4);
  const auto left = static_cast<ngx_msec_int_t>(last_ + pause - ngx_current_msec);
  arm(left > 0 ? static_cast<ngx_msec_t>(left) : 0);
}

void RedisCluster::arm(ngx_msec_t pause) noexcept {
  if (timer_.timer_set) {
    ngx_del_timer(&timer_);
  }
  ngx_add_timer(&timer_, pause);
}

}  // namespace oauth
