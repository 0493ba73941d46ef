// RedisConnection: one pipelined connection of a worker to a server. It looks up the server's name,
// connects, secures and greets by itself, answers commands in their order, and after a failure
// comes back with growing, jittered pauses. A connection that breaks or lets a command wait too
// long is closed: what was never written was not done, what was written may have been.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "ngx/nginx.hpp"
#include "ngx/redis_codec.hpp"
#include "ngx/redis_greeting.hpp"
#include "ngx/redis_names.hpp"
#include "ngx/redis_tls.hpp"

namespace oauth {

class RedisNode;

// Whoever waits for replies. Its member functions only record and mark; they never resume anything.
class RedisWaiter {
 public:
  virtual void on_reply(std::size_t index, RedisReply&& reply) noexcept = 0;
  // `written`: all of the command was handed to the kernel, so it may have been carried out.
  virtual void on_failure(std::size_t index, bool written) noexcept = 0;

 protected:
  ~RedisWaiter() = default;
};

// A command's claim to its reply. The queue owns it; a waiter that dies empties it, and the late
// reply then frees it.
struct RedisTicket {
  RedisWaiter* waiter;
  std::size_t index;
};

class RedisConnection {
 public:
  static constexpr std::size_t kMaxPending = 512;

  RedisConnection(RedisNode& node, ngx_log_t* log);
  ~RedisConnection();
  RedisConnection(const RedisConnection&) = delete;
  RedisConnection& operator=(const RedisConnection&) = delete;

  void connect();
  // Another connection to the server waited in vain: an idle one connects anew before it is used.
  void distrust();
  // The node has another server now: answers what was sent to the old one, then connects anew.
  void renew();
  // For good: the worker ends. Whoever waits is told that the answer is lost.
  void close() noexcept;

  bool ready() const noexcept { return state_ == State::ready && !retiring_; }
  // The last attempt failed, and none has succeeded since.
  bool down() const noexcept { return down_; }
  // Commands may be handed over: they are sent at once, or as soon as a first attempt has
  // succeeded.
  bool usable() const noexcept;
  std::size_t pending() const noexcept { return pending_.size(); }

  // Only while usable. The ticket stays valid until its waiter was told or emptied it.
  RedisTicket* submit(std::string command, RedisWaiter& waiter, std::size_t index);
  // The same for a command whose reply nobody needs.
  void submit_unheard(std::string command);
  // The worker ends: sent at once or not at all, and nobody hears the answer.
  void send_last(std::string_view command);

 private:
  enum class State : std::uint8_t { closed, resolving, connecting, securing, greeting, ready };
  struct Pending {
    std::unique_ptr<RedisTicket> ticket;
    std::string bytes;      // until they are sent
    std::uint64_t end = 0;  // where it ends in `queued_`; 0: not yet in out_
    ngx_msec_t deadline = 0;
  };

  static void on_read(ngx_event_t* event) noexcept;
  static void on_write(ngx_event_t* event) noexcept;
  static void on_handshake(ngx_connection_t* connection) noexcept;
  static void on_timer(ngx_event_t* event) noexcept;

  RedisTicket* add(std::string command, RedisTicket ticket);
  void on_resolved();
  std::string where() const;
  void on_connected();
  void secure(const RedisTlsContext& context);
  void on_secured();
  void greet();
  bool on_greeted(const RedisReply& reply);
  void become_ready();
  void read();
  bool parse(std::string_view bytes);
  bool take(RedisReply&& reply);
  void enqueue(Pending& pending);
  void flush();
  void post_flush() noexcept;
  void expire();
  std::string late() const;
  std::string broken(const std::string& what) const;
  void on_closed();
  bool fail(const std::string& reason);
  void disconnect() noexcept;
  void pause() noexcept;
  ngx_msec_t starting_deadline() const noexcept;
  void arm(ngx_msec_t deadline) noexcept;

  RedisNode& node_;
  ngx_log_t log_;  // quieter than the worker's: what happens to a connection is told by us, once
  ngx_event_t timer_{};
  RedisLookup lookup_;
  RedisAddress address_;  // where it connects or is connected to
  ngx_str_t address_text_{};
  ngx_peer_connection_t peer_{};
  ngx_connection_t* connection_ = nullptr;
  std::optional<RedisTlsLink> tls_;
  State state_ = State::closed;
  bool down_ = false;
  bool retiring_ = false;  // answers what is pending, takes no more, then connects anew:
  bool renewing_ = false;  // at once
  unsigned failures_ = 0;  // in a row
  std::size_t attempts_ = 0;
  ngx_msec_t deadline_ = 0;  // of all that comes before ready
  ngx_msec_t ready_since_ = 0;

  std::unique_ptr<RedisParser> parser_;
  std::optional<RedisGreeting> greeting_;
  std::deque<Pending> pending_;
  std::string out_;           // being sent
  std::uint64_t queued_ = 0;  // bytes put into out_ since it connected
  std::uint64_t sent_ = 0;    // and taken by the kernel
};

}  // namespace oauth
