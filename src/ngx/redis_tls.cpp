#include "ngx/redis_tls.hpp"

#include <arpa/inet.h>

#include "ngx/conf.hpp"
#include "ngx/trust_store.hpp"

namespace oauth {

#if (NGX_HTTP_SSL)
namespace {

constexpr std::size_t kMaxFile = std::size_t{64} * 1024;
constexpr ngx_int_t kMaxDepth = 5;

struct Meaning {
  std::string_view text;  // within what OpenSSL or nginx says
  std::string_view line;
};

constexpr std::string_view kNoTls = "it does not speak TLS: write redis:// in place of rediss://";
constexpr std::string_view kNoVersion = "no TLS version in common, 1.2 or later is needed";
constexpr std::string_view kWanted = "it wants a client certificate: give tls_cert= and tls_key=";
constexpr std::string_view kOurs =
    "it refuses our certificate: tls_cert= is not one that it trusts";
constexpr Meaning kMeanings[] = {
    {"wrong version number", kNoTls},
    {"packet length too long", kNoTls},
    {"http request", kNoTls},
    {"alert certificate required", kWanted},
    {"alert unknown ca", kOurs},
    {"alert bad certificate", kOurs},
    {"alert certificate unknown", kOurs},
    {"alert certificate expired", kOurs},
    {"alert certificate revoked", kOurs},
    {"alert unsupported certificate", kOurs},
    {"alert decrypt error", kOurs},
    {"alert protocol version", kNoVersion},
    {"unsupported protocol", kNoVersion},
    {"peer closed connection", "the server closed the connection during the TLS handshake"},
};

ngx_str_t c_string(std::string& text) noexcept {
  return {text.size(), reinterpret_cast<u_char*>(text.data())};
}

bool is_address(const std::string& host) noexcept {
  in6_addr bytes;
  return inet_pton(AF_INET, host.c_str(), &bytes) == 1 ||
         inet_pton(AF_INET6, host.c_str(), &bytes) == 1;
}

// As nginx takes paths: relative to the configuration's folder.
ngx_str_t full_name(ngx_conf_t* cf, const std::string& path) {
  ngx_str_t name = pool_copy(cf->pool, path);
  if (name.data == nullptr || ngx_conf_full_name(cf->cycle, &name, 1) != NGX_OK) {
    return {0, nullptr};
  }
  return name;
}

bool complain(ngx_conf_t* cf, const std::string& what) {
  conf_error(cf, "oauth_store: " + what);
  return false;
}

}  // namespace

const RedisTlsContext* RedisTlsContext::make(ngx_conf_t* cf, const RedisTls& said) {
  auto* context = make_in<RedisTlsContext>(cf->pool);
  const bool good = context != nullptr && context->load(cf, said);
  ERR_clear_error();
  return good ? context : nullptr;
}

RedisTlsContext::~RedisTlsContext() {
  if (ssl_.ctx != nullptr) {
    ngx_ssl_cleanup_ctx(&ssl_);
  }
}

bool RedisTlsContext::load(ngx_conf_t* cf, const RedisTls& said) {
  ssl_.log = cf->log;
  if (ngx_ssl_create(&ssl_, NGX_SSL_TLSv1_2 | NGX_SSL_TLSv1_3, nullptr) != NGX_OK) {
    return complain(cf, "no TLS context");
  }
  // A record that could not be sent is tried again from a buffer that has grown.
  SSL_CTX_set_mode(ssl_.ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_client_cert_cb(ssl_.ctx, RedisTlsLink::on_request);
  own_ca_ = !said.ca.empty();
  return load_ca(cf, own_ca_ ? said.ca : find_trust_store()) && load_certificate(cf, said);
}

bool RedisTlsContext::load_ca(ngx_conf_t* cf, const std::string& file) {
  if (file.empty()) {
    return complain(cf,
                    "no file of trusted certificates was found: give tls_ca=PATH, or install "
                    "ca-certificates");
  }
  ngx_str_t name = full_name(cf, file);
  if (name.data == nullptr || ngx_ssl_trusted_certificate(cf, &ssl_, &name, kMaxDepth) != NGX_OK) {
    return complain(cf, "\"" + file + "\" has to be a file of certificates in PEM: see tls_ca=");
  }
  return true;
}

bool RedisTlsContext::load_certificate(ngx_conf_t* cf, const RedisTls& said) {
  if (said.cert.empty()) {
    return true;
  }
  const std::optional<std::string> pem = read_small_file(cf, said.key, kMaxFile);
  if (!pem) {
    return false;
  }
  if (pem->find("ENCRYPTED") != pem->npos) {
    return complain(cf, "the key \"" + said.key +
                            "\" is encrypted, and nobody is there to say its password: keep it in "
                            "the clear, with mode 600");
  }
  // An empty password, lest OpenSSL asks the terminal for one.
  ngx_array_t passwords;
  if (ngx_array_init(&passwords, cf->pool, 1, sizeof(ngx_str_t)) != NGX_OK) {
    return false;
  }
  auto* none = static_cast<ngx_str_t*>(ngx_array_push(&passwords));
  *none = pool_copy(cf->pool, "");
  ngx_str_t cert = full_name(cf, said.cert);
  ngx_str_t key = full_name(cf, said.key);
  if (cert.data == nullptr || key.data == nullptr ||
      ngx_ssl_certificate(cf, &ssl_, &cert, &key, &passwords) != NGX_OK) {
    return complain(cf, "tls_cert= \"" + said.cert + "\" and tls_key= \"" + said.key +
                            "\" have to be a certificate and its key, in PEM");
  }
  return true;
}

RedisTlsLink::RedisTlsLink(const RedisTlsContext& context, ngx_connection_t* connection)
    : context_(context), connection_(connection), outer_log_(connection->log) {
  log_.log_level = NGX_LOG_INFO;
  log_.writer = on_line;
  log_.wdata = this;
  connection_->pool = ngx_create_pool(512, outer_log_);
  set_log(&log_);
}

// Without a word: a connection is only ended when nothing more is to be said.
RedisTlsLink::~RedisTlsLink() {
  if (connection_->ssl != nullptr) {
    SSL_set_quiet_shutdown(connection_->ssl->connection, 1);
    SSL_free(connection_->ssl->connection);
    connection_->ssl = nullptr;
  }
  ERR_clear_error();
  set_log(outer_log_);
  if (connection_->pool != nullptr) {
    ngx_destroy_pool(std::exchange(connection_->pool, nullptr));
  }
}

ngx_int_t RedisTlsLink::handshake(const RedisServer& server, void (*done)(ngx_connection_t*)) {
  if (connection_->pool == nullptr ||
      ngx_ssl_create_connection(context_.ssl(), connection_, NGX_SSL_CLIENT) != NGX_OK) {
    return NGX_ERROR;
  }
  ngx_ssl_conn_t* ssl = connection_->ssl->connection;
  if (!is_address(server.host) && SSL_set_tlsext_host_name(ssl, server.host.c_str()) != 1) {
    return NGX_ERROR;
  }
  connection_->ssl->handler = done;
  return ngx_ssl_handshake(connection_);
}

// Called only where tls_cert= gave none.
int RedisTlsLink::on_request(ngx_ssl_conn_t* ssl, X509**, EVP_PKEY**) noexcept {
  const auto* connection = static_cast<const ngx_connection_t*>(ngx_ssl_get_connection(ssl));
  static_cast<RedisTlsLink*>(connection->log->wdata)->wants_certificate_ = true;
  return 0;
}

std::string RedisTlsLink::objection(const RedisServer& server) {
  if (connection_->ssl == nullptr || connection_->ssl->handshaked == 0) {
    return reason();
  }
  const long verdict = SSL_get_verify_result(connection_->ssl->connection);
  if (verdict != X509_V_OK) {
    return certificate_problem(verdict);
  }
  return is_named(server.host)
             ? ""
             : "its certificate is not for \"" + server.host + "\", by which it is named here";
}

std::string RedisTlsLink::certificate_problem(long verdict) const {
  switch (verdict) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return "its certificate, or one above it, has expired";
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return "its certificate, or one above it, is not valid yet";
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
      return context_.has_own_ca()
                 ? "its certificate does not come from one in tls_ca="
                 : "its certificate comes from nobody whom this machine trusts: give tls_ca=";
    default:
      return std::string("its certificate is refused: ") + X509_verify_cert_error_string(verdict);
  }
}

bool RedisTlsLink::is_named(const std::string& host) {
  std::string copy = host;
  ngx_str_t name = c_string(copy);
  bool named = false;
  if (!is_address(host)) {
    named = ngx_ssl_check_host(connection_, &name) == NGX_OK;
  } else if (X509* certificate = SSL_get_peer_certificate(connection_->ssl->connection)) {
    named = X509_check_ip_asc(certificate, host.c_str(), 0) == 1;
    X509_free(certificate);
  }
  ERR_clear_error();
  return named;
}

std::string RedisTlsLink::reason() const {
  // TLS 1.2 has no alert of its own for it.
  if (wants_certificate_ && said_.find("alert handshake failure") != said_.npos) {
    return std::string(kWanted);
  }
  for (const Meaning& meaning : kMeanings) {
    if (said_.find(meaning.text) != said_.npos) {
      return std::string(meaning.line);
    }
  }
  const std::size_t begin = said_.find("SSL_");
  const std::size_t end = said_.rfind(')');
  return begin == said_.npos || end == said_.npos || end < begin
             ? "TLS failed"
             : "TLS failed: " + said_.substr(begin, end + 1 - begin);
}

#else

const RedisTlsContext* RedisTlsContext::make(ngx_conf_t* cf, const RedisTls&) {
  conf_error(cf,
             "oauth_store: this nginx is built without SSL (--with-http_ssl_module): TLS to Redis "
             "needs it");
  return nullptr;
}

RedisTlsContext::~RedisTlsContext() = default;

RedisTlsLink::RedisTlsLink(const RedisTlsContext& context, ngx_connection_t* connection)
    : context_(context), connection_(connection), outer_log_(connection->log) {}

RedisTlsLink::~RedisTlsLink() = default;

ngx_int_t RedisTlsLink::handshake(const RedisServer&, void (*)(ngx_connection_t*)) {
  return NGX_ERROR;
}

std::string RedisTlsLink::objection(const RedisServer&) {
  return reason();
}

std::string RedisTlsLink::reason() const {
  return "no TLS";
}

#endif

void RedisTlsLink::on_line(ngx_log_t* log, ngx_uint_t, u_char* text, std::size_t size) noexcept {
  static_cast<RedisTlsLink*>(log->wdata)->said_.assign(reinterpret_cast<char*>(text), size);
}

void RedisTlsLink::set_log(ngx_log_t* log) noexcept {
  connection_->log = log;
  connection_->read->log = log;
  connection_->write->log = log;
}

}  // namespace oauth
