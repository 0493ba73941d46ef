// Where the name of a server leads, without blocking anyone: addresses and what /etc/hosts says at
// once, other names by nginx's resolver, which keeps an answer as long as the nameserver allows.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "ngx/names.hpp"
#include "ngx/nginx.hpp"
#include "ngx/redis_url.hpp"

namespace oauth {

class RedisNames {
 public:
  // In cf->pool; null after an [emerg] line. `cf` is within `http`.
  static const RedisNames* make(ngx_conf_t* cf);

  // The address that this machine knows the host by; empty: the nameserver is asked.
  std::string known(std::string_view host) const;
  // The `resolver` of http, else one of resolv.conf's nameservers.
  ngx_resolver_t* resolver() const noexcept;

  RedisNames(const ngx_http_core_loc_conf_t* http, ngx_resolver_t* own)
      : hosts_(Hosts::load()), http_(http), own_(own) {}

 private:
  Hosts hosts_;
  const ngx_http_core_loc_conf_t* http_;
  ngx_resolver_t* own_;
};

struct RedisAddress {
  sockaddr_storage bytes{};
  socklen_t size = 0;
  std::string text;  // without the port
};

// One look-up at a time.
class RedisLookup {
 public:
  enum class State { found, waiting, failed };
  // `done` is called once after each start that says `waiting`, unless it is cancelled before.
  explicit RedisLookup(std::function<void()> done) : done_(std::move(done)) {}
  ~RedisLookup() { cancel(); }
  RedisLookup(const RedisLookup&) = delete;
  RedisLookup& operator=(const RedisLookup&) = delete;

  State start(const RedisNames* names, const RedisServer& server);
  void cancel() noexcept;

  // In an order of their own, so that whoever counts meets each of them.
  const std::vector<RedisAddress>& addresses() const noexcept { return addresses_; }
  // Empty: found.
  const std::string& reason() const noexcept { return reason_; }

 private:
  static void on_resolved(ngx_resolver_ctx_t* ctx) noexcept;
  State ask(ngx_resolver_t* resolver, const RedisServer& server);
  State fail(std::string reason);
  void take(const ngx_resolver_ctx_t& ctx);

  std::function<void()> done_;
  ngx_resolver_ctx_t* ctx_ = nullptr;
  bool starting_ = false;
  std::string name_;
  unsigned port_ = 0;
  std::vector<RedisAddress> addresses_;
  std::string reason_;
};

}  // namespace oauth
