// The ports: all that a flow knows of the world. src/ngx implements them, unit tests fake them.
// Times are seconds since the epoch unless a name says otherwise. Everything that may wait is a
// Task; nothing here ever blocks a worker.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "oauth/base/json.hpp"
#include "oauth/base/result.hpp"
#include "oauth/base/task.hpp"
#include "oauth/proto/token_facts.hpp"

namespace oauth {

class Clock {
 public:
  virtual ~Clock() = default;
  virtual std::int64_t now() const noexcept = 0;     // s
  virtual std::int64_t now_ms() const noexcept = 0;  // ms
  virtual Task<Done> pause(std::int64_t milliseconds) = 0;
};

class Random {
 public:
  virtual ~Random() = default;
  virtual Result<std::string> bytes(std::size_t count) = 0;
};

// What is kept apart, so that one kind running full harms no other (DESIGN section 3).
enum class Share : std::uint8_t { codes, grants, counters };

// Single-use and revocable things. Names are HMACs made in proto (they tell nothing, and
// those of one broker mean nothing at another); values are opaque bytes, at most 8 KiB.
// Every verb may end in: store_down (nothing was done), store_lost (sent, but no answer came: it
// may or may not have been done), store_full (put, swap and count: this share has no room),
// keyset_mismatch (this node's keys are not those of the others).
class Store {
 public:
  virtual ~Store() = default;

  // True while a round trip is known to be hopeless: a login need not begin.
  virtual bool known_down() const noexcept = 0;

  // Set if absent, until `expires`: store_taken for everyone but the first. `issued` is when the
  // claimed thing was made; a store that forgets old claims refuses what is as old as those it
  // forgot with store_too_old.
  virtual Task<Check> claim(std::string_view name, std::int64_t issued, std::int64_t expires) = 0;

  // Get and delete, atomically over all callers: the value of the first of `names` that has one,
  // all of them deleted; store_absent when none has. Exactly one of many parallel callers gets it.
  virtual Task<Result<std::string>> take(Share share, const std::vector<std::string>& names) = 0;

  virtual Task<Check> put(Share share, std::string_view name, std::string_view value,
                          std::int64_t expires) = 0;
  virtual Task<Result<std::string>> get(Share share, std::string_view name) = 0;  // store_absent
  virtual Task<Check> drop(Share share, std::string_view name) = 0;  // absent is success
  // Compare and set: store_taken when the value is not `expected`, store_absent when there is none.
  virtual Task<Check> swap(Share share, std::string_view name, std::string_view expected,
                           std::string_view value, std::int64_t expires) = 0;

  // Adds one to each, atomically over all callers: how often each was counted, this time included.
  // A counter ends at the `expires` of its first count.
  struct Counter {
    std::string name;
    std::int64_t expires;
  };
  virtual Task<Result<std::vector<std::int64_t>>> count(const std::vector<Counter>& counters) = 0;

  // Puts a mark on the list of the revoked, until `expires`, for all who share the store; this
  // machine's `Revocations` has it as soon as this ends. A list that is full refuses
  // (revocations_full) rather than forget one; revocations_unsaved: it would not outlive a restart.
  virtual Task<Check> revoke(const RevocationMark& mark, std::int64_t expires) = 0;
};

struct Header {
  std::string name;
  std::string value;
};

struct FetchRequest {
  std::string provider;  // whose limit counts it, and what the log calls it
  std::string location;  // fetch_location of the user; empty: the broker's own
  std::string method = "GET";
  std::string url;              // absolute http(s)
  std::vector<Header> headers;  // all that is sent beside Host, Content-Length and Connection
  std::string body;
};

struct FetchReply {
  int status = 0;
  std::string content_type;  // as sent
  std::string body;          // at most 1 MiB
};

// One HTTP request to a provider. Redirects are answers, not followed. Ends in fetch_failed,
// fetch_timeout, fetch_diverted, fetch_too_large, fetch_busy or fetch_untrusted.
class Fetch {
 public:
  virtual ~Fetch() = default;
  virtual Task<Result<FetchReply>> send(const FetchRequest& request) = 0;

  // The same without waiting, behind the request that is at work. `heard` learns how it ended, once
  // and perhaps at once; where that request ends before, it is destroyed unheard.
  using Heard = std::function<void(const Result<FetchReply>& reply)>;
  virtual void refresh(const FetchRequest& request, Heard heard) = 0;
};

// A question to the operator's own service, behind an internal location of the same server: POST of
// JSON. Nothing of the client's request goes there. The reply is what that location answered, at
// most 64 KiB, or fetch_failed, fetch_timeout, fetch_diverted, fetch_too_large.
// `tell` waits for nothing and has no answer: what is told goes out behind the reply to the client,
// and a failure (no 2xx) is a line in the log.
class Hook {
 public:
  virtual ~Hook() = default;
  virtual Task<Result<FetchReply>> ask(const std::string& location, const Json& question) = 0;
  virtual void tell(const std::string& location, const Json& message) = 0;
};

// What providers publish (metadata, JWKS), shared by all workers of this machine. Never waits.
// `lease` is single flight and throttle at once: true for exactly one caller, who must end it with
// `keep` or `fail`; false while another holds it (until `now + hold`), or until `fail`'s cool-down
// is over.
class Documents {
 public:
  struct Document {
    std::string body;
    std::int64_t fetched = 0;
  };
  enum class Lease : std::uint8_t { granted, held, cooling };

  virtual ~Documents() = default;
  virtual std::optional<Document> find(std::string_view url) = 0;
  // When the one that find() would give was fetched: the cheap question whether it is another.
  virtual std::optional<std::int64_t> fetched(std::string_view url) = 0;
  virtual Lease lease(std::string_view url, std::int64_t now, std::int64_t hold) = 0;
  virtual void keep(std::string_view url, std::string_view body, std::int64_t now) = 0;
  virtual void fail(std::string_view url, std::int64_t until) = 0;
};

// How often the address that this request comes from may still try (`oauth_limit`). Kept by this
// machine alone, in bounded memory; never waits. IPv6 counts by /64.
class Throttle {
 public:
  enum class Gate : std::uint8_t { token, callback };

  virtual ~Throttle() = default;
  virtual bool open(Gate gate) = 0;
  virtual void spend(Gate gate) = 0;  // one try
};

// What is known of tokens that were verified before, by this machine's workers. Bounded: the oldest
// are forgotten. Never waits; a hit takes no lock.
class TokenCache {
 public:
  virtual ~TokenCache() = default;
  // The facts of exactly this token under exactly this policy; false where there are none.
  virtual bool find(std::string_view token, const PolicyId& policy, TokenFacts& facts) noexcept = 0;
  virtual void keep(std::string_view token, const PolicyId& policy,
                    const TokenFacts& facts) noexcept = 0;
};

// The deny list as this machine knows it (`oauth_revocation_lag`). Never waits.
class Revocations {
 public:
  virtual ~Revocations() = default;
  // Whether a token or a sign-in with these marks may still be used: token_revoked, or
  // revocations_stale where the list is older than the lag allows and so nobody knows. kNoMark is
  // never on it.
  virtual Check check(const RevocationMark& token, const RevocationMark& family) const noexcept = 0;
};

// What this worker knows.
class TrustKeys;    // of keys that were fetched (trust_keys.hpp)
class SplitTokens;  // of what stands in tokens (jose/split_tokens.hpp)

struct Ports {
  Store& store;
  Fetch& fetch;
  Hook& hook;
  Documents& documents;
  Throttle& throttle;
  TokenCache& tokens;
  TrustKeys& trust_keys;
  Revocations& revocations;
  SplitTokens& split_tokens;
  Clock& clock;
  Random& random;
};

}  // namespace oauth
