#include "ngx/redis_sentinel.hpp"

#include <algorithm>
#include <charconv>

namespace oauth {
namespace {

using Kind = RedisReply::Kind;

constexpr ngx_msec_t kEvery = 1000;  // ms, between questions while all is well
constexpr ngx_msec_t kSoon = 400;    // while no primary serves
constexpr ngx_msec_t kBreath = 50;   // the least, however much trouble there is
constexpr std::size_t kMaxHost = 255;

bool is_host(std::string_view text) noexcept {
  return !text.empty() && text.size() <= kMaxHost &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '.' || c == '-' || c == '_' || c == ':';
         });
}

// Sentinels have rights of their own; one connection is enough for a question a second.
RedisOptions options_of_sentinels(const RedisOptions& options) {
  RedisOptions watching;
  watching.kind = options.kind;
  watching.servers = options.servers;
  watching.master = options.master;
  watching.tls = options.tls;
  watching.sentinel_user = options.sentinel_user;
  watching.sentinel_password = Secret(options.sentinel_password.bytes());
  watching.timeout = options.timeout;
  watching.connections = 1;
  watching.names = options.names;
  watching.tls_context = options.tls_context;
  return watching;
}

// The server that an answer names; nothing where it names none.
std::optional<RedisServer> primary_of(const RedisReply& reply) {
  if (reply.kind != Kind::array || reply.elements.size() != 2 ||
      reply.elements[0].kind != Kind::text || reply.elements[1].kind != Kind::text ||
      !is_host(reply.elements[0].text)) {
    return std::nullopt;
  }
  const std::string& port = reply.elements[1].text;
  RedisServer server;
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), server.port);
  if (error != std::errc() || end != port.data() + port.size() || server.port == 0 ||
      server.port > 65535) {
    return std::nullopt;
  }
  server.host = reply.elements[0].text;
  return server;
}

// What a sentinel said instead of naming a primary.
std::string useless(const std::string& master, const RedisReply& reply) {
  if (reply.kind == Kind::nil) {
    return "no master of that name: \"" + master + "\": write the one of its `sentinel monitor`";
  }
  if (reply.kind != Kind::error) {
    return "SENTINEL has an unexpected answer";
  }
  return redis_error_code(reply) == "ERR unknown command"
             ? "SENTINEL is refused: this is no sentinel"
             : redis_refusal("SENTINEL", reply);
}

}  // namespace

RedisSentinel::RedisSentinel(const RedisOptions& options)
    : options_(options), watching_(options_of_sentinels(options)) {
  RedisNode::Role role;
  role.sentinel = true;
  for (const RedisServer& server : watching_.servers) {
    watchers_.emplace_back().node = std::make_unique<RedisNode>(watching_, server, role);
  }
}

void RedisSentinel::start(ngx_log_t* log) {
  log_ = log;
  begin(log);
  ask_next();
}

// The question first: a connection that is closed tells whoever waits, who would ask again.
void RedisSentinel::stop() noexcept {
  halt();
  log_ = nullptr;
  for (Watcher& watcher : watchers_) {
    watcher.node->stop();
    watcher.started = false;
    watcher.said.reset();
  }
  if (primary_ != nullptr) {
    primary_->stop();
  }
}

bool RedisSentinel::known_down() const noexcept {
  return primary_ == nullptr ? in_vain_ : primary_->known_down();
}

// Nothing was carried out; where the next primary is, a sentinel will say in a moment.
RedisTopology::Advice RedisSentinel::advise(std::string_view, const RedisReply& error) {
  Advice advice;
  const std::string code = redis_error_code(error);
  if (code == "READONLY" || code == "MASTERDOWN" || code == "LOADING" || code == "NOREPLICAS") {
    on_trouble();
    advice.kind = Advice::Kind::later;
  }
  return advice;
}

// ---- what happens ---------------------------------------------------------------------------

// Also called while a reply is being given out: only marks.
void RedisSentinel::on_trouble() noexcept {
  trouble_ = true;
  if (log_ == nullptr || is_busy()) {
    return;  // the answer that is to come, or to be taken, is asked again if it brings nothing new
  }
  const ngx_msec_t wait = breath();
  if (wait < pause_left()) {
    pause(wait);
  }
}

// ---- asking ---------------------------------------------------------------------------------

void RedisSentinel::on_answer(const RedisReply& reply) {
  Watcher& watcher = watchers_[turn_];
  watcher.said.reset();
  if (!take(watcher, reply)) {
    go_on();
    return;
  }
  turn_ = (turn_ + 1) % watchers_.size();
  tries_ = 0;
  in_vain_ = false;
  const bool all_asked = watchers_[turn_].started;
  pause(trouble_ ? breath() : all_asked ? interval() : 0);
}

void RedisSentinel::on_silence() {
  watchers_[turn_].said.reset();
  go_on();
}

void RedisSentinel::go_on() {
  if (next()) {
    ask_next();
  }
}

// The sentinel whose turn it is, or the first behind it that is not known to be down.
void RedisSentinel::ask_next() {
  for (;;) {
    Watcher& watcher = watchers_[turn_];
    if (!watcher.started) {
      watcher.started = true;
      watcher.node->start(log_);
    }
    RedisConnection* connection = watcher.node->pick();
    std::string question = redis_command({"SENTINEL", "GET-MASTER-ADDR-BY-NAME", options_.master});
    if (connection != nullptr && !question.empty()) {
      asked_ = ngx_current_msec;
      // All of them together have the time of one command: so long do requests wait for a primary.
      ask(*connection, std::move(question),
          std::max<ngx_msec_t>(options_.timeout / watchers_.size(), 1));
      return;
    }
    watcher.said.reset();
    if (!next()) {
      return;
    }
  }
}

// False where the others are to be asked at once.
bool RedisSentinel::take(Watcher& watcher, const RedisReply& reply) {
  std::optional<RedisServer> server = primary_of(reply);
  if (!server) {
    watcher.node->tell(NGX_LOG_ERR, useless(options_.master, reply));
    return false;
  }
  watcher.said = server;
  if (primary_ == nullptr) {
    adopt(std::move(*server));
    return true;
  }
  if (primary_->server() == *server) {
    return !trouble_;
  }
  if (votes(*server) + (trouble_ ? 1 : 0) <= votes(primary_->server())) {
    return false;
  }
  trouble_ = false;
  watcher.node->tell(NGX_LOG_NOTICE, "the primary is now " + server->text());
  primary_->move(std::move(*server));
  return true;
}

std::ptrdiff_t RedisSentinel::votes(const RedisServer& server) const noexcept {
  return std::count_if(watchers_.begin(), watchers_.end(),
                       [&](const Watcher& watcher) { return watcher.said == server; });
}

void RedisSentinel::adopt(RedisServer server) {
  trouble_ = false;
  RedisNode::Role role;
  role.must_be_primary = true;
  role.reply_depth = 3;  // ROLE lists replicas
  primary_ = std::make_unique<RedisNode>(options_, std::move(server), role);
  primary_->on_trouble = [this] { on_trouble(); };
  primary_->start(log_);
}

// On to the next sentinel; false when all of them were asked in a row.
bool RedisSentinel::next() noexcept {
  turn_ = (turn_ + 1) % watchers_.size();
  if (++tries_ < watchers_.size()) {
    return true;
  }
  end_round();
  return false;
}

void RedisSentinel::end_round() noexcept {
  tries_ = 0;
  in_vain_ = true;
  trouble_ = false;
  pause(kSoon / 2 + static_cast<ngx_msec_t>(ngx_random()) % kSoon);
}

// A little less at random, so that workers and nodes do not ask in step.
ngx_msec_t RedisSentinel::interval() const noexcept {
  const ngx_msec_t longest = known_down() ? kSoon : kEvery;
  return longest - static_cast<ngx_msec_t>(ngx_random()) % (longest / 4);
}

ngx_msec_t RedisSentinel::breath() const noexcept {
  const auto left = static_cast<ngx_msec_int_t>(asked_ + kBreath - ngx_current_msec);
  return static_cast<ngx_msec_t>(std::max<ngx_msec_int_t>(left, 0)) +
         static_cast<ngx_msec_t>(ngx_random()) % (kBreath / 4);
}

}  // namespace oauth
