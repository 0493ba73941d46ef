// TLS to Redis, by nginx's own SSL: a server is who its certificate says, by a chain to tls_ca= or
// to whom this machine trusts, or nothing is said to it.
#pragma once

#include <string>

#include "ngx/nginx.hpp"
#include "ngx/redis_url.hpp"

namespace oauth {

// What all connections share.
class RedisTlsContext {
 public:
  // In cf->pool; null after an [emerg] line.
  static const RedisTlsContext* make(ngx_conf_t* cf, const RedisTls& said);

  RedisTlsContext() = default;
  ~RedisTlsContext();
  RedisTlsContext(const RedisTlsContext&) = delete;
  RedisTlsContext& operator=(const RedisTlsContext&) = delete;

#if (NGX_HTTP_SSL)
  ngx_ssl_t* ssl() const noexcept {
    return &ssl_;
  }
  bool has_own_ca() const noexcept {
    return own_ca_;
  }

 private:
  bool load(ngx_conf_t* cf, const RedisTls& said);
  bool load_ca(ngx_conf_t* cf, const std::string& file);
  bool load_certificate(ngx_conf_t* cf, const RedisTls& said);

  mutable ngx_ssl_t ssl_{};  // nginx's functions know no const
  bool own_ca_ = false;
#endif
};

// TLS on one connection, which it is destroyed before.
class RedisTlsLink {
 public:
  RedisTlsLink(const RedisTlsContext& context, ngx_connection_t* connection);
  ~RedisTlsLink();
  RedisTlsLink(const RedisTlsLink&) = delete;
  RedisTlsLink& operator=(const RedisTlsLink&) = delete;

  // NGX_OK, NGX_ERROR, or NGX_AGAIN: `done` is called later. Leaves the connection's handlers to be
  // set again.
  ngx_int_t handshake(const RedisServer& server, void (*done)(ngx_connection_t*));
  // What is wrong once the handshake has ended: it failed, or the server is not the one that was
  // named. Empty: nothing.
  std::string objection(const RedisServer& server);
  // Why it failed, now or later.
  std::string reason() const;
  // The server asked for a certificate, and there is none.
  bool wants_certificate() const noexcept { return wants_certificate_; }
#if (NGX_HTTP_SSL)
  static int on_request(ngx_ssl_conn_t* ssl, X509** certificate, EVP_PKEY** key) noexcept;
#endif

 private:
  static void on_line(ngx_log_t* log, ngx_uint_t level, u_char* text, std::size_t size) noexcept;
#if (NGX_HTTP_SSL)
  std::string certificate_problem(long verdict) const;
  bool is_named(const std::string& host);
#endif
  void set_log(ngx_log_t* log) noexcept;

  const RedisTlsContext& context_;
  ngx_connection_t* connection_;
  ngx_log_t* outer_log_;
  ngx_log_t log_{};   // what nginx's SSL says: kept, not written
  std::string said_;  // its last line
  bool wants_certificate_ = false;
};

}  // namespace oauth
