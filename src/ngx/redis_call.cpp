#include "ngx/redis_call.hpp"

#include <algorithm>
#include <optional>

#include "ngx/pause.hpp"

namespace oauth {
namespace {

using Advice = RedisTopology::Advice;
using Kind = RedisReply::Kind;

constexpr unsigned kMaxRounds = 6;      // the first, and five that follow an advice
constexpr ngx_msec_t kFirstPause = 20;  // ms

// A command on its way.
struct Part {
  RedisCommand command;
  RedisNode* node = nullptr;  // where an advice sends it; null: node_for(key)
  RedisConnection* connection = nullptr;
  bool asking = false;
  bool open = true;                 // to be sent (again)
  std::size_t acknowledged_by = 0;  // index of the WAIT behind it; 0: none is needed
  std::optional<RedisReply> reply;
};

// Awaits what was submitted through it: replies by index, nothing where none came.
class Round final : private RedisWaiter {
 public:
  Round(Flow& flow, std::size_t size) : flow_(flow), tickets_(size, nullptr), replies_(size) {}
  ~Round() {
    for (RedisTicket* ticket : tickets_) {
      if (ticket != nullptr) {
        ticket->waiter = nullptr;
      }
    }
  }
  Round(const Round&) = delete;
  Round& operator=(const Round&) = delete;

  void submit(RedisConnection& connection, std::string bytes, std::size_t index) {
    tickets_[index] = connection.submit(std::move(bytes), *this, index);
    open_++;
  }
  std::optional<RedisReply>& reply(std::size_t index) noexcept { return replies_[index]; }
  bool written() const noexcept { return written_; }  // one without a reply had left

  bool await_ready() const noexcept { return open_ == 0; }
  void await_suspend(std::coroutine_handle<> frame) noexcept { flow_.park(frame); }
  void await_resume() const noexcept {}

 private:
  void on_reply(std::size_t index, RedisReply&& reply) noexcept override {
    replies_[index] = std::move(reply);
    settle(index);
  }
  void on_failure(std::size_t index, bool written) noexcept override {
    written_ = written_ || written;
    settle(index);
  }
  void settle(std::size_t index) noexcept {
    tickets_[index] = nullptr;
    if (--open_ == 0) {
      flow_.wake();
    }
  }

  Flow& flow_;
  std::vector<RedisTicket*> tickets_;  // null once settled
  std::vector<std::optional<RedisReply>> replies_;
  std::size_t open_ = 0;
  bool written_ = false;
};

// What is known of all parts between two rounds.
class Effort {
 public:
  enum class Next : std::uint8_t { send, pause, end };

  Effort(RedisTopology& topology, const RedisOptions& options, std::vector<RedisCommand> commands)
      : topology_(topology),
        replicas_(options.replicas),
        deadline_(ngx_current_msec + options.timeout) {
    parts_.reserve(commands.size());
    for (RedisCommand& command : commands) {
      parts_.emplace_back().command = std::move(command);
    }
  }

  std::size_t size() const noexcept { return parts_.size(); }
  // What comes next; before `send` every open part has a connection.
  Next next();
  ngx_msec_t pause() noexcept;
  void send(Round& round);
  void take(Round& round);
  Result<std::vector<RedisReply>> result();

 private:
  Next wait() noexcept;
  void acknowledge(Round& round);
  void take_reply(Part& part, RedisReply&& reply);
  bool is_acknowledged(const Part& part, const std::optional<RedisReply>& acknowledgement);

  RedisTopology& topology_;
  const unsigned replicas_;
  const ngx_msec_t deadline_;
  std::vector<Part> parts_;
  unsigned rounds_ = 0;
  unsigned pauses_ = 0;
  bool later_ = false;   // an advice was to wait
  bool done_ = false;    // a command was carried out, or may have been
  bool failed_ = false;  // whatever the replies say
  bool late_ = false;    // no time is left for another round
};

Effort::Next Effort::next() {
  const bool open =
      std::any_of(parts_.begin(), parts_.end(), [](const Part& part) { return part.open; });
  if (!open || failed_ || late_ || rounds_ == kMaxRounds) {
    return Next::end;
  }
  if (std::exchange(later_, false)) {
    return wait();
  }
  for (Part& part : parts_) {
    if (!part.open) {
      continue;
    }
    if (part.node == nullptr) {
      part.node = topology_.node_for(part.command.key);
    }
    if (part.node == nullptr && !topology_.known_down()) {
      return wait();
    }
    part.connection = part.node == nullptr ? nullptr : part.node->pick();
    // Who was told to wait for another server also waits until that can be reached.
    if (part.node != nullptr && part.connection == nullptr && pauses_ > 0) {
      return wait();
    }
    if (part.connection == nullptr || part.command.bytes.empty()) {
      failed_ = true;
      return Next::end;
    }
  }
  rounds_++;
  return Next::send;
}

// Nothing that was learnt about servers outlives a pause.
Effort::Next Effort::wait() noexcept {
  for (Part& part : parts_) {
    part.node = nullptr;
    part.connection = nullptr;
    part.asking = false;
  }
  return Next::pause;
}

// Doubles each time, jittered; 0 when it would not end in time: what was answered so far stands.
ngx_msec_t Effort::pause() noexcept {
  const ngx_msec_t whole = kFirstPause << std::min(pauses_++, 5U);
  const ngx_msec_t length = whole / 2 + static_cast<ngx_msec_t>(ngx_random()) % (whole / 2);
  const auto left = static_cast<ngx_msec_int_t>(deadline_ - ngx_current_msec - length);
  late_ = left <= 0;
  return left > 0 ? length : 0;
}

void Effort::send(Round& round) {
  for (std::size_t i = 0; i < parts_.size(); i++) {
    Part& part = parts_[i];
    if (!part.open) {
      continue;
    }
    if (!part.command.before.empty()) {
      part.connection->submit_unheard(part.command.before);
    }
    if (part.asking) {
      part.connection->submit_unheard(redis_command({"ASKING"}));
    }
    round.submit(*part.connection, part.command.bytes, i);
    part.acknowledged_by = 0;
    if (part.command.consumes && replicas_ > 0) {
      part.acknowledged_by = parts_.size() + i;
    }
  }
  acknowledge(round);
}

// The acknowledgement of all that leaves by one connection is asked for once, behind the last.
void Effort::acknowledge(Round& round) {
  std::vector<Part*> waiting;
  for (Part& part : parts_) {
    if (!part.open || part.acknowledged_by == 0) {
      continue;
    }
    const auto same = std::find_if(waiting.begin(), waiting.end(), [&part](const Part* other) {
      return other->connection == part.connection;
    });
    if (same != waiting.end()) {
      part.acknowledged_by = (*same)->acknowledged_by;
      continue;
    }
    const std::string time = std::to_string(part.node->patience());
    round.submit(*part.connection, redis_command({"WAIT", std::to_string(replicas_), time}),
                 part.acknowledged_by);
    waiting.push_back(&part);
  }
}

void Effort::take(Round& round) {
  for (std::size_t i = 0; i < parts_.size(); i++) {
    Part& part = parts_[i];
    if (!part.open) {
      continue;
    }
    std::optional<RedisReply>& reply = round.reply(i);
    part.node = nullptr;
    part.open = false;
    if (!reply) {
      failed_ = true;
      continue;
    }
    const bool given = reply->kind != Kind::nil && reply->kind != Kind::error;
    take_reply(part, std::move(*reply));
    if (given && part.acknowledged_by != 0) {
      failed_ = !is_acknowledged(part, round.reply(part.acknowledged_by)) || failed_;
    }
  }
  done_ = done_ || round.written();
}

void Effort::take_reply(Part& part, RedisReply&& reply) {
  part.reply = std::move(reply);
  if (part.reply->kind != Kind::error) {
    done_ = true;
    return;
  }
  const Advice advice = topology_.advise(part.command.key, *part.reply);
  part.open = advice.kind != Advice::Kind::give_up;
  part.node = advice.node;
  part.asking = advice.kind == Advice::Kind::asking;
  later_ = later_ || advice.kind == Advice::Kind::later;
}

// Notes with the server whether replicas answer, too.
bool Effort::is_acknowledged(const Part& part, const std::optional<RedisReply>& acknowledgement) {
  RedisNode* node = topology_.node_for(part.command.key);
  if (!acknowledgement || node == nullptr) {
    return false;
  }
  const std::string code = redis_error_code(*acknowledgement);
  if (code == "NOPERM" || code == "ERR unknown command") {
    node->tell(NGX_LOG_WARN, redis_refusal("WAIT", *acknowledgement) +
                                 ": what is spent may be accepted again after a failover");
    return true;
  }
  const bool confirmed =
      acknowledgement->kind == Kind::integer && acknowledgement->integer >= replicas_;
  node->note_confirmed(confirmed);
  if (!confirmed) {
    node->tell(NGX_LOG_ERR,
               "no replica has confirmed in time what was spent, so the user signs in anew: is one "
               "of them connected and in step?");
  }
  return confirmed;
}

Result<std::vector<RedisReply>> Effort::result() {
  std::vector<RedisReply> replies;
  replies.reserve(parts_.size());
  for (Part& part : parts_) {
    failed_ = failed_ || !part.reply;
    if (!failed_) {
      replies.push_back(std::move(*part.reply));
    }
  }
  if (failed_) {
    return done_ ? Problem::store_lost : Problem::store_down;
  }
  return replies;
}

}  // namespace

Task<Result<std::vector<RedisReply>>> redis_call(Flow& flow, RedisTopology& topology,
                                                 const RedisOptions& options,
                                                 std::vector<RedisCommand> commands) {
  Effort effort(topology, options, std::move(commands));
  for (;;) {
    const Effort::Next next = effort.next();
    if (next == Effort::Next::end) {
      co_return effort.result();
    }
    if (next == Effort::Next::pause) {
      const ngx_msec_t length = effort.pause();
      if (length > 0) {
        Pause pause(flow, length);
        co_await pause;
      }
      continue;
    }
    Round round(flow, 2 * effort.size());
    effort.send(round);
    co_await round;
    effort.take(round);
  }
}

}  // namespace oauth
