#include "ngx/redis_store.hpp"

#include <algorithm>
#include <numeric>
#include <optional>

#include "ngx/redis_call.hpp"
#include "ngx/revocations.hpp"
#include "ngx/status.hpp"

namespace oauth {
namespace {

using Kind = RedisReply::Kind;

// Compare and set, in one step at the server: 1 done, 0 another value, -1 no value.
constexpr std::string_view kSwap =
    "local v = redis.call('GET', KEYS[1]) "
    "if not v then return -1 end "
    "if v ~= ARGV[1] then return 0 end "
    "if ARGV[3] == '0' then redis.call('DEL', KEYS[1]) "
    "else redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3]) end "
    "return 1";

// The key's lifetime is that of its first count.
constexpr std::string_view kCount =
    "local n = (tonumber(redis.call('GET', KEYS[1])) or 0) + 1 "
    "if n > 1 then redis.call('SET', KEYS[1], n, 'KEEPTTL') "
    "elseif ARGV[1] ~= '0' then redis.call('SET', KEYS[1], n, 'PX', ARGV[1]) end "
    "return n";

constexpr std::string_view kClaim = "claim:";
constexpr std::string_view kShares[] = {"code:", "grant:", "count:"};

constexpr std::int64_t kLongest = std::int64_t{100} * 366 * 24 * 3600;  // s; Redis has a limit

std::int64_t milliseconds_until(std::int64_t expires) noexcept {
  const std::int64_t left = expires - ngx_time();
  return std::clamp<std::int64_t>(left, 0, kLongest) * 1000;
}

// nginx's own clock has milliseconds, in which Redis answers several times.
std::uint64_t now_micros() noexcept {
  timespec now{};
  (void)clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000 +
         static_cast<std::uint64_t>(now.tv_nsec) / 1'000;
}

void count_commands(std::size_t asked, std::uint64_t micros,
                    const Result<std::vector<RedisReply>>& replies) {
  const auto is_error = [](const RedisReply& reply) {
    return reply.kind == Kind::error && redis_error_code(reply) != "NOSCRIPT";
  };
  count(Shared::store_commands, asked);
  count(Shared::store_micros, micros);
  const auto errors = replies ? std::count_if(replies->begin(), replies->end(), is_error)
                              : static_cast<std::ptrdiff_t>(asked);
  if (errors != 0) {
    count(Shared::store_errors, static_cast<std::uint64_t>(errors));
  }
}

bool is_status(const RedisReply& reply) noexcept {
  return reply.kind == Kind::status;
}

class RedisStore final : public Store {
 public:
  RedisStore(const RedisBackend& backend, Flow& flow, RedisTopology& topology,
             const RedisOptions& options, RedisScripts& scripts,
             const RevocationZone* revocations) noexcept
      : backend_(backend),
        flow_(flow),
        topology_(topology),
        options_(options),
        scripts_(scripts),
        revocations_(revocations) {}

  bool known_down() const noexcept override { return topology_.known_down(); }
  Task<Check> claim(std::string_view name, std::int64_t issued, std::int64_t expires) override;
  Task<Result<std::string>> take(Share share, const std::vector<std::string>& names) override;
  Task<Check> put(Share share, std::string_view name, std::string_view value,
                  std::int64_t expires) override;
  Task<Result<std::string>> get(Share share, std::string_view name) override;
  Task<Check> drop(Share share, std::string_view name) override;
  Task<Check> swap(Share share, std::string_view name, std::string_view expected,
                   std::string_view value, std::int64_t expires) override;
  Task<Result<std::vector<std::int64_t>>> count(const std::vector<Counter>& counters) override;
  Task<Check> revoke(const RevocationMark& mark, std::int64_t expires) override;

 private:
  // One run of a script, for one key, or for two that are always together: in one slot.
  struct Run {
    std::string key;
    std::string second_key;
    std::vector<std::string> arguments;
    bool consumes = false;
  };
  std::string key(std::string_view kind, std::string_view name) const;
  std::string key(Share share, std::string_view name) const {
    return key(kShares[static_cast<std::size_t>(share)], name);
  }
  Task<Result<RedisReply>> ask(std::string key, std::vector<std::string_view> arguments);
  Task<Result<std::vector<RedisReply>>> send(std::vector<RedisCommand> commands);
  Task<Result<std::vector<std::int64_t>>> run_script(RedisScript& script, std::vector<Run> runs);
  static RedisCommand command_of(const RedisScript& script, const Run& run, bool load);
  Task<Check> load_script(RedisScript& script, const std::string& key);
  Problem refused(std::string_view verb, std::string_view key, const RedisReply& reply);

  const RedisBackend& backend_;
  Flow& flow_;
  RedisTopology& topology_;
  const RedisOptions& options_;
  RedisScripts& scripts_;
  const RevocationZone* revocations_;
};

Task<Check> RedisStore::claim(std::string_view name, std::int64_t, std::int64_t expires) {
  const std::string milliseconds = std::to_string(milliseconds_until(expires));
  if (milliseconds == "0") {
    co_return Problem::store_too_old;
  }
  const std::string at = key(kClaim, name);
  std::vector<RedisCommand> commands(1);
  commands[0].key = at;
  commands[0].bytes = redis_command({"SET", at, "1", "NX", "PX", milliseconds});
  commands[0].consumes = true;
  auto replies = co_await send(std::move(commands));
  if (!replies) {
    co_return replies.problem();
  }
  const RedisReply& reply = replies->front();
  if (reply.kind == Kind::nil) {
    co_return Problem::store_taken;
  }
  co_return is_status(reply) ? Check(kDone) : Check(refused("SET", at, reply));
}

Task<Result<std::string>> RedisStore::take(Share share, const std::vector<std::string>& names) {
  std::vector<RedisCommand> commands;
  commands.reserve(names.size());
  for (const std::string& name : names) {
    RedisCommand& command = commands.emplace_back();
    command.key = key(share, name);
    command.bytes = redis_command({"GETDEL", command.key});
    command.consumes = true;
  }
  auto replies = co_await send(std::move(commands));
  if (!replies) {
    co_return replies.problem();
  }
  std::optional<std::string> value;
  std::optional<Problem> refusal;
  for (std::size_t i = 0; i < names.size(); i++) {
    RedisReply& reply = (*replies)[i];
    if (reply.kind == Kind::text) {
      if (!value) {
        value = std::move(reply.text);
      }
    } else if (reply.kind != Kind::nil) {
      const std::string at = key(share, names[i]);
      refusal = refused("GETDEL", at, reply);
    }
  }
  if (refusal) {
    // A value that was taken while another name may keep one: the promise of `take` is broken.
    co_return value ? Problem::store_lost : *refusal;
  }
  if (!value) {
    co_return Problem::store_absent;
  }
  co_return std::move(*value);
}

Task<Check> RedisStore::put(Share share, std::string_view name, std::string_view value,
                            std::int64_t expires) {
  if (value.size() > kMaxStoreValue) {
    co_return Problem::internal;
  }
  const std::string milliseconds = std::to_string(milliseconds_until(expires));
  if (milliseconds == "0") {
    co_return co_await drop(share, name);
  }
  const std::string at = key(share, name);
  std::vector<std::string_view> arguments{"SET", at, value, "PX", milliseconds};
  auto reply = co_await ask(at, std::move(arguments));
  if (!reply) {
    co_return reply.problem();
  }
  co_return is_status(*reply) ? Check(kDone) : Check(refused("SET", at, *reply));
}

Task<Result<std::string>> RedisStore::get(Share share, std::string_view name) {
  const std::string at = key(share, name);
  std::vector<std::string_view> arguments{"GET", at};
  auto reply = co_await ask(at, std::move(arguments));
  if (!reply) {
    co_return reply.problem();
  }
  if (reply->kind == Kind::nil) {
    co_return Problem::store_absent;
  }
  if (reply->kind != Kind::text) {
    co_return refused("GET", at, *reply);
  }
  co_return std::move(reply->text);
}

Task<Check> RedisStore::drop(Share share, std::string_view name) {
  const std::string at = key(share, name);
  std::vector<std::string_view> arguments{"DEL", at};
  auto reply = co_await ask(at, std::move(arguments));
  if (!reply) {
    co_return reply.problem();
  }
  co_return reply->kind == Kind::integer ? Check(kDone) : Check(refused("DEL", at, *reply));
}

Task<Check> RedisStore::swap(Share share, std::string_view name, std::string_view expected,
                             std::string_view value, std::int64_t expires) {
  if (value.size() > kMaxStoreValue) {
    co_return Problem::internal;
  }
  std::vector<Run> runs(1);
  runs[0].key = key(share, name);
  runs[0].arguments = {std::string(expected), std::string(value),
                       std::to_string(milliseconds_until(expires))};
  runs[0].consumes = true;
  auto results = co_await run_script(scripts_.swap, std::move(runs));
  if (!results) {
    co_return results.problem();
  }
  const std::int64_t result = results->front();
  co_return result == 1 ? Check(kDone)
  : result == 0         ? Check(Problem::store_taken)
                        : Check(Problem::store_absent);
}

Task<Result<std::vector<std::int64_t>>> RedisStore::count(const std::vector<Counter>& counters) {
  std::vector<Run> runs;
  for (const Counter& counter : counters) {
    Run run;
    run.key = key(Share::counters, counter.name);
    run.arguments = {std::to_string(milliseconds_until(counter.expires))};
    runs.push_back(std::move(run));
  }
  auto counts = co_await run_script(scripts_.count, std::move(runs));
  co_return counts;
}

Task<Check> RedisStore::revoke(const RevocationMark& mark, std::int64_t expires) {
  std::vector<Run> runs(1);
  runs[0].key = revoked_key(options_.prefix);
  runs[0].second_key = revoked_until_key(options_.prefix);
  runs[0].arguments = {revoked_entry(mark, expires), std::to_string(milliseconds_until(expires)),
                       std::to_string(RevocationList::kLimit)};
  runs[0].consumes = true;
  auto results = co_await run_script(scripts_.revoke, std::move(runs));
  if (!results) {
    co_return results.problem();
  }
  const bool known = results->front() == 1 && revocations_->learn(mark, expires);
  co_return known ? Check(kDone) : Check(revocations_->full());
}

// The runs' integers. What a server that does not know the script (it was restarted or flushed, or
// is another one) did not run is sent once more, with the script ahead of it; what it did run never
// is.
Task<Result<std::vector<std::int64_t>>> RedisStore::run_script(RedisScript& script,
                                                               std::vector<Run> runs) {
  std::vector<std::int64_t> results(runs.size());
  std::vector<std::size_t> open(runs.size());
  std::iota(open.begin(), open.end(), std::size_t{0});
  if (script.sha.empty()) {
    const std::string& any = runs.front().key;
    auto loaded = co_await load_script(script, any);
    if (!loaded) {
      co_return loaded.problem();
    }
  }
  for (int attempt = 0; attempt < 2 && !open.empty(); attempt++) {
    std::vector<RedisCommand> commands;
    commands.reserve(open.size());
    for (const std::size_t i : open) {
      commands.push_back(command_of(script, runs[i], attempt > 0));
    }
    auto replies = co_await send(std::move(commands));
    if (!replies) {
      co_return replies.problem();
    }
    std::vector<std::size_t> unknown;
    for (std::size_t n = 0; n < open.size(); n++) {
      const RedisReply& reply = (*replies)[n];
      if (reply.kind == Kind::integer) {
        results[open[n]] = reply.integer;
      } else if (attempt == 0 && reply.kind == Kind::error &&
                 redis_error_code(reply) == "NOSCRIPT") {
        unknown.push_back(open[n]);
      } else {
        co_return refused("EVALSHA", runs[open[n]].key, reply);
      }
    }
    open = std::move(unknown);
  }
  co_return results;
}

RedisCommand RedisStore::command_of(const RedisScript& script, const Run& run, bool load) {
  std::vector<std::string_view> words{"EVALSHA", script.sha, "1", run.key};
  if (!run.second_key.empty()) {
    words[2] = "2";
    words.emplace_back(run.second_key);
  }
  words.insert(words.end(), run.arguments.begin(), run.arguments.end());
  RedisCommand command;
  command.key = run.key;
  command.bytes = redis_command(words);
  command.consumes = run.consumes;
  if (load) {
    command.before = redis_command({"SCRIPT", "LOAD", script.text});
  }
  return command;
}

Task<Check> RedisStore::load_script(RedisScript& script, const std::string& key) {
  const std::string_view text = script.text;
  std::vector<std::string_view> arguments{"SCRIPT", "LOAD", text};
  auto reply = co_await ask(key, std::move(arguments));
  if (!reply) {
    co_return reply.problem();
  }
  if (reply->kind != Kind::text) {
    co_return refused("SCRIPT", key, *reply);
  }
  script.sha = std::move(reply->text);
  co_return kDone;
}

std::string RedisStore::key(std::string_view kind, std::string_view name) const {
  std::string key = options_.prefix;
  key += kind;
  key += name;
  return key;
}

Task<Result<RedisReply>> RedisStore::ask(std::string key, std::vector<std::string_view> arguments) {
  std::vector<RedisCommand> commands(1);
  commands[0].key = std::move(key);
  commands[0].bytes = redis_command(arguments);
  auto replies = co_await send(std::move(commands));
  if (!replies) {
    co_return replies.problem();
  }
  co_return std::move(replies->front());
}

Task<Result<std::vector<RedisReply>>> RedisStore::send(std::vector<RedisCommand> commands) {
  if (!backend_.has_shared_keys()) {
    co_return Problem::keyset_mismatch;  // a flow that began before that was known
  }
  const std::size_t asked = commands.size();
  const std::uint64_t begun = now_micros();
  auto replies = co_await redis_call(flow_, topology_, options_, std::move(commands));
  count_commands(asked, now_micros() - begun, replies);
  co_return replies;
}

// An answer that is not the verb's own: nothing was done, and the operator must know why.
Problem RedisStore::refused(std::string_view verb, std::string_view key, const RedisReply& reply) {
  RedisNode* node = topology_.node_for(key);
  if (node != nullptr) {
    node->tell(NGX_LOG_ERR, reply.kind == Kind::error
                                ? redis_refusal(verb, reply)
                                : std::string(verb) + " has an unexpected answer");
  }
  return Problem::store_down;
}

}  // namespace

RedisScripts::RedisScripts() : swap{kSwap, {}}, count{kCount, {}}, revoke{kRevokeScript, {}} {}

RedisBackend::RedisBackend(RedisOptions options)
    : options_(std::move(options)), topology_(make_topology(options_)) {}

std::unique_ptr<Store> RedisBackend::open(Flow& flow) {
  return std::make_unique<RedisStore>(*this, flow, *topology_, options_, scripts_, revocations());
}

ngx_int_t RedisBackend::init_worker(ngx_cycle_t* cycle) {
  if (ngx_process == NGX_PROCESS_WORKER || ngx_process == NGX_PROCESS_SINGLE) {
    topology_->start(cycle->log);
    if (revocations() != nullptr) {
      feed_ = std::make_unique<RedisRevocations>(*topology_, options_, *revocations());
      feed_->start(cycle->log);
    }
    if (keyring() != nullptr && signing() != nullptr) {
      keyset_ = std::make_unique<RedisKeyset>(*topology_, options_, node_, *keyring(), *signing());
      keyset_->start(cycle->log);
    }
  }
  return NGX_OK;
}

void RedisBackend::exit_worker(ngx_cycle_t*) {
  feed_.reset();
  if (keyset_) {
    keyset_->leave();
    keyset_.reset();
  }
  topology_->stop();
}

}  // namespace oauth
