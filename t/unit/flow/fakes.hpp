// Fake ports: a store in memory that can be told to fail, a provider's network that answers by URL
// and remembers what it was asked, documents in memory, a clock that is set by hand, randomness
// that is none. All write into one list of events: tests assert what happened in which order.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "oauth/base/secret.hpp"
#include "oauth/flow/ports.hpp"

namespace oauth::test {

using Events = std::vector<std::string>;

// Coroutines that wait until the test lets the first of them go on. One that dies meanwhile leaves.
class Line {
 public:
  class Turn {
   public:
    explicit Turn(Line& line) : line_(line) {}
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;
    ~Turn() { std::erase(line_.waiting_, self_); }
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> self) {
      self_ = self;
      line_.waiting_.push_back(self);
    }
    void await_resume() const noexcept {}

   private:
    Line& line_;
    std::coroutine_handle<> self_;
  };

  std::size_t size() const { return waiting_.size(); }
  void resume_first() {
    if (waiting_.empty()) {
      ADD_FAILURE() << "nobody waits";
      return;
    }
    const auto first = waiting_.front();
    waiting_.pop_front();
    first.resume();
  }

 private:
  std::deque<std::coroutine_handle<>> waiting_;
};

// A pause takes no time but advances the clock; with `parks` it also waits for the test.
class FakeClock final : public Clock {
 public:
  FakeClock(Events& events, std::int64_t now) : milliseconds(now * 1000), events_(events) {}
  std::int64_t now() const noexcept override { return milliseconds / 1000; }
  std::int64_t now_ms() const noexcept override { return milliseconds; }
  Task<Done> pause(std::int64_t duration) override {
    events_.emplace_back("pause");
    milliseconds += duration;
    if (parks) {
      Line::Turn turn(line);
      co_await turn;
    }
    co_return kDone;
  }
  void advance(std::int64_t seconds) { milliseconds += seconds * 1000; }

  std::int64_t milliseconds;
  bool parks = false;
  Line line;

 private:
  Events& events_;
};

// Never the same twice, always the same in each run.
class FakeRandom final : public Random {
 public:
  Result<std::string> bytes(std::size_t count) override {
    if (fails) {
      return *fails;
    }
    std::string bytes;
    while (bytes.size() < count) {
      bytes += sha256("random " + std::to_string(blocks_++));
    }
    bytes.resize(count);
    return bytes;
  }

  std::optional<Problem> fails;

 private:
  int blocks_ = 0;
};

class FakeStore final : public Store {
 public:
  struct Entry {
    std::string value;
    std::int64_t expires;
  };
  struct Claim {
    std::int64_t issued;
    std::int64_t expires;
  };

  FakeStore(Events& events, const Clock& clock) : events_(events), clock_(clock) {}

  bool known_down() const noexcept override { return down; }

  Task<Check> claim(std::string_view name, std::int64_t issued, std::int64_t expires) override {
    if (const auto problem = begin("claim")) {
      co_return *problem;
    }
    const bool fresh = claims.emplace(name, Claim{issued, expires}).second;
    co_return end("claim", fresh ? Check(kDone) : Problem::store_taken);
  }

  Task<Result<std::string>> take(Share share, const std::vector<std::string>& names) override {
    if (const auto problem = begin("take")) {
      co_return *problem;
    }
    Result<std::string> taken = Problem::store_absent;
    for (const std::string& name : names) {
      const auto found = entries.find({share, name});
      if (found == entries.end()) {
        continue;
      }
      if (!taken && found->second.expires > clock_.now()) {
        taken = found->second.value;
      }
      entries.erase(found);
    }
    co_return end("take", std::move(taken));
  }

  Task<Check> put(Share share, std::string_view name, std::string_view value,
                  std::int64_t expires) override {
    EXPECT_LE(value.size(), std::size_t{8192}) << "more than a store takes";
    if (const auto problem = begin("put")) {
      co_return *problem;
    }
    entries[{share, std::string(name)}] = {std::string(value), expires};
    co_return end("put", Check(kDone));
  }

  Task<Result<std::string>> get(Share share, std::string_view name) override {
    if (const auto problem = begin("get")) {
      co_return *problem;
    }
    const auto found = entries.find({share, std::string(name)});
    co_return found == entries.end() ? Result<std::string>(Problem::store_absent)
                                     : found->second.value;
  }

  Task<Check> drop(Share share, std::string_view name) override {
    if (const auto problem = begin("drop")) {
      co_return *problem;
    }
    entries.erase({share, std::string(name)});
    co_return end("drop", Check(kDone));
  }

  Task<Check> swap(Share share, std::string_view name, std::string_view expected,
                   std::string_view value, std::int64_t expires) override {
    if (const auto problem = begin("swap")) {
      co_return *problem;
    }
    const auto found = entries.find({share, std::string(name)});
    if (found == entries.end()) {
      co_return Problem::store_absent;
    }
    if (found->second.value != expected) {
      co_return Problem::store_taken;
    }
    found->second = {std::string(value), expires};
    co_return end("swap", Check(kDone));
  }

  Task<Result<std::vector<std::int64_t>>> count(const std::vector<Counter>& counters) override {
    if (const auto problem = begin("count")) {
      co_return *problem;
    }
    std::vector<std::int64_t> values;
    for (const Counter& counter : counters) {
      Count& kept = counts[counter.name];
      if (kept.expires <= clock_.now()) {
        kept = {0, counter.expires};
      }
      values.push_back(++kept.value);
    }
    co_return end("count", Result<std::vector<std::int64_t>>(std::move(values)));
  }

  Task<Check> revoke(const RevocationMark& mark, std::int64_t expires) override {
    if (const auto problem = begin("revoke")) {
      co_return *problem;
    }
    revoked[mark] = expires;
    co_return end("revoke", Check(kDone));
  }

  struct Count {
    std::int64_t value = 0;
    std::int64_t expires = 0;
  };
  std::map<std::string, Count> counts;
  std::map<RevocationMark, std::int64_t> revoked;  // and until when
  bool down = false;                               // known to be
  std::map<std::string, Problem> fails;            // by verb; nothing was done, but for store_lost
  std::map<std::string, Claim> claims;
  std::map<std::pair<Share, std::string>, Entry> entries;

 private:
  std::optional<Problem> begin(const std::string& verb) {
    events_.push_back(verb);
    const auto told = fails.find(verb);
    if (told == fails.end() || told->second == Problem::store_lost) {
      return std::nullopt;
    }
    return told->second;
  }
  // A lost answer: it was done, and nobody learns of it.
  template <class T>
  Result<T> end(const std::string& verb, Result<T> result) {
    return fails.count(verb) != 0 ? Result<T>(Problem::store_lost) : std::move(result);
  }

  Events& events_;
  const Clock& clock_;
};

// What the store was told to revoke, known at once.
class FakeRevocations final : public Revocations {
 public:
  explicit FakeRevocations(const FakeStore& store) : store_(store) {}
  Check check(const RevocationMark& token, const RevocationMark& family) const noexcept override {
    if (store_.revoked.count(token) + store_.revoked.count(family) != 0) {
      return Problem::token_revoked;
    }
    return current ? Check(kDone) : Problem::revocations_stale;
  }

  bool current = true;

 private:
  const FakeStore& store_;
};

// Answers by URL; nobody else can be reached. With `parks` a request waits for the test.
class FakeFetch final : public Fetch {
 public:
  using Answer = std::function<Result<FetchReply>(const FetchRequest&)>;

  explicit FakeFetch(Events& events) : events_(events) {}

  Task<Result<FetchReply>> send(const FetchRequest& request) override {
    requests.push_back(request);
    events_.push_back(request.method + " " + request.url);
    if (parks) {
      Line::Turn turn(line);
      co_await turn;
    }
    const auto answer = answers.find(request.url);
    if (answer == answers.end()) {
      co_return Problem::fetch_failed;
    }
    co_return answer->second(request);
  }

  void refresh(const FetchRequest& request, Heard heard) override {
    requests.push_back(request);
    events_.push_back("behind: " + request.method + " " + request.url);
    behind.emplace_back(request, std::move(heard));
  }
  // What was left behind a request comes to its end.
  void end_refreshes() {
    for (const auto& [request, heard] : std::exchange(behind, {})) {
      const auto answer = answers.find(request.url);
      heard(answer == answers.end() ? Problem::fetch_failed : answer->second(request));
    }
  }

  void say(const std::string& url, const Result<FetchReply>& reply) {
    answers[url] = [reply](const FetchRequest&) { return reply; };
  }
  void say_json(const std::string& url, std::string body) {
    say(url, FetchReply{200, "application/json", std::move(body)});
  }

  std::map<std::string, Answer> answers;
  std::vector<FetchRequest> requests;
  std::vector<std::pair<FetchRequest, Heard>> behind;
  bool parks = false;
  Line line;

 private:
  Events& events_;
};

// What the operator's service would say; by default it admits.
class FakeHook final : public Hook {
 public:
  explicit FakeHook(Events& events) : events_(events) {}

  Task<Result<FetchReply>> ask(const std::string& location, const Json& question) override {
    events_.push_back("ask " + location);
    questions.push_back(question);
    co_return reply;
  }

  void tell(const std::string& location, const Json& message) override {
    events_.push_back("tell " + location);
    told.push_back(message);
  }

  Result<FetchReply> reply = FetchReply{204, "", ""};
  std::vector<Json> questions, told;

 private:
  Events& events_;
};

// Open until the test closes a gate; remembers what was spent.
class FakeThrottle final : public Throttle {
 public:
  bool open(Gate gate) override { return closed.count(gate) == 0; }
  void spend(Gate gate) override { spent[gate]++; }

  std::set<Gate> closed;
  std::map<Gate, int> spent;
};

// Keeps everything, and says what it was asked.
class FakeTokenCache final : public TokenCache {
 public:
  bool find(std::string_view token, const PolicyId& policy, TokenFacts& facts) noexcept override {
    const auto found = kept.find({std::string(token), policy});
    if (found == kept.end()) {
      return false;
    }
    facts = found->second;
    return true;
  }
  void keep(std::string_view token, const PolicyId& policy,
            const TokenFacts& facts) noexcept override {
    kept[{std::string(token), policy}] = facts;
  }
  std::map<std::pair<std::string, PolicyId>, TokenFacts> kept;
};

class FakeDocuments final : public Documents {
 public:
  std::optional<Document> find(std::string_view url) override {
    const auto found = kept.find(std::string(url));
    return found == kept.end() ? std::nullopt : std::optional(found->second);
  }
  std::optional<std::int64_t> fetched(std::string_view url) override {
    ++looks;
    const auto found = kept.find(std::string(url));
    return found == kept.end() ? std::nullopt : std::optional(found->second.fetched);
  }
  Lease lease(std::string_view url, std::int64_t now, std::int64_t hold) override {
    const std::string key(url);
    if (cooling[key] > now) {
      return Lease::cooling;
    }
    if (held[key] > now) {
      return Lease::held;
    }
    held[key] = now + hold;
    return Lease::granted;
  }
  void keep(std::string_view url, std::string_view body, std::int64_t now) override {
    held.erase(std::string(url));
    kept[std::string(url)] = {std::string(body), now};
  }
  void fail(std::string_view url, std::int64_t until) override {
    held.erase(std::string(url));
    cooling[std::string(url)] = until;
  }

  int looks = 0;
  std::map<std::string, Document> kept;
  std::map<std::string, std::int64_t> held, cooling;
};

// What a task that never waits for the test yields.
template <class T>
T run(Task<T> task) {
  task.start();
  if (!task.done()) {
    ADD_FAILURE() << "the task waits";
    std::abort();
  }
  return task.result();
}

}  // namespace oauth::test
