#include "ngx/redis_names.hpp"

#include <arpa/inet.h>
#include <sys/un.h>

#include <algorithm>
#include <optional>

#include "oauth/base/text.hpp"

namespace oauth {
namespace {

RedisAddress socket_address(const std::string& path) {
  RedisAddress address;
  sockaddr_un to{};
  to.sun_family = AF_UNIX;
  path.copy(to.sun_path, sizeof(to.sun_path) - 1);
  std::memcpy(&address.bytes, &to, sizeof(to));
  address.size = sizeof(to);
  address.text = path;
  return address;
}

// `host` without brackets.
std::optional<RedisAddress> numeric_address(const std::string& host, unsigned port) {
  RedisAddress address;
  address.text = host;
  sockaddr_in to4{};
  if (inet_pton(AF_INET, host.c_str(), &to4.sin_addr) == 1) {
    to4.sin_family = AF_INET;
    to4.sin_port = htons(static_cast<in_port_t>(port));
    std::memcpy(&address.bytes, &to4, sizeof(to4));
    address.size = sizeof(to4);
    return address;
  }
  sockaddr_in6 to6{};
  if (inet_pton(AF_INET6, host.c_str(), &to6.sin6_addr) == 1) {
    to6.sin6_family = AF_INET6;
    to6.sin6_port = htons(static_cast<in_port_t>(port));
    std::memcpy(&address.bytes, &to6, sizeof(to6));
    address.size = sizeof(to6);
    return address;
  }
  return std::nullopt;
}

}  // namespace

const RedisNames* RedisNames::make(ngx_conf_t* cf) {
  std::vector<ngx_str_t> servers;
  for (const std::string& server : load_nameservers()) {
    servers.push_back(pool_copy(cf->pool, server));
    if (servers.back().data == nullptr) {
      return nullptr;
    }
  }
  const auto* http = static_cast<const ngx_http_core_loc_conf_t*>(
      ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module));
  ngx_resolver_t* own = ngx_resolver_create(cf, servers.data(), servers.size());
  return own == nullptr ? nullptr : make_in<RedisNames>(cf->pool, http, own);
}

std::string RedisNames::known(std::string_view host) const {
  std::string found(hosts_.find(ascii_lower(host)));
  if (!found.empty() && found.front() == '[') {
    found = found.substr(1, found.size() - 2);
  }
  return found;
}

ngx_resolver_t* RedisNames::resolver() const noexcept {
  ngx_resolver_t* said = http_->resolver;
  return said != nullptr && said->connections.nelts != 0 ? said : own_;
}

RedisLookup::State RedisLookup::start(const RedisNames* names, const RedisServer& server) {
  cancel();
  addresses_.clear();
  reason_.clear();
  if (server.host.empty()) {
    addresses_.push_back(socket_address(server.path));
    return State::found;
  }
  const std::string known = names == nullptr ? "" : names->known(server.host);
  if (auto address = numeric_address(known.empty() ? server.host : known, server.port)) {
    addresses_.push_back(std::move(*address));
    return State::found;
  }
  return names == nullptr ? fail("no resolver") : ask(names->resolver(), server);
}

RedisLookup::State RedisLookup::ask(ngx_resolver_t* resolver, const RedisServer& server) {
  ngx_resolver_ctx_t* ctx = ngx_resolve_start(resolver, nullptr);
  if (ctx == nullptr || ctx == NGX_NO_RESOLVER) {
    return fail("out of memory");
  }
  name_ = server.host;
  port_ = server.port;
  ctx_ = ctx;
  // No time limit of its own: whoever connects has one.
  ctx->name = {name_.size(), reinterpret_cast<u_char*>(name_.data())};
  ctx->handler = on_resolved;
  ctx->data = this;
  starting_ = true;
  const ngx_int_t rc = ngx_resolve_name(ctx);  // frees ctx where it fails
  starting_ = false;
  if (rc != NGX_OK) {
    ctx_ = nullptr;
    return fail("the nameserver cannot be asked");
  }
  if (ctx_ != nullptr) {
    return State::waiting;
  }
  return reason_.empty() ? State::found : State::failed;
}

void RedisLookup::cancel() noexcept {
  if (ctx_ != nullptr) {
    ngx_resolve_name_done(std::exchange(ctx_, nullptr));
  }
}

void RedisLookup::on_resolved(ngx_resolver_ctx_t* ctx) noexcept {
  auto& self = *static_cast<RedisLookup*>(ctx->data);
  self.ctx_ = nullptr;
  self.take(*ctx);
  ngx_resolve_name_done(ctx);
  if (!self.starting_) {
    self.done_();
  }
}

// nginx turns the addresses by chance.
void RedisLookup::take(const ngx_resolver_ctx_t& ctx) {
  if (ctx.state != 0 || ctx.naddrs == 0) {
    (void)fail(ctx.state != 0 ? ngx_resolver_strerror(ctx.state) : "no address");
    return;
  }
  for (ngx_uint_t i = 0; i < ctx.naddrs; i++) {
    const ngx_resolver_addr_t& from = ctx.addrs[i];
    RedisAddress to;
    to.size = std::min<socklen_t>(from.socklen, sizeof(to.bytes));
    std::memcpy(&to.bytes, from.sockaddr, to.size);
    ngx_inet_set_port(reinterpret_cast<sockaddr*>(&to.bytes), static_cast<in_port_t>(port_));
    char text[NGX_SOCKADDR_STRLEN];
    const std::size_t size = ngx_sock_ntop(reinterpret_cast<sockaddr*>(&to.bytes), to.size,
                                           reinterpret_cast<u_char*>(text), sizeof(text), 0);
    to.text.assign(text, size);
    addresses_.push_back(std::move(to));
  }
  std::sort(addresses_.begin(), addresses_.end(),
            [](const RedisAddress& a, const RedisAddress& b) { return a.text < b.text; });
}

RedisLookup::State RedisLookup::fail(std::string reason) {
  reason_ = std::move(reason);
  return State::failed;
}

}  // namespace oauth
