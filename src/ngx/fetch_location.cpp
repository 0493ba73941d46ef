// The internal location of a broker's fetches: its directives, its variables, and the three places
// in nginx that keep everything else out of it.
#include <sys/socket.h>
#include <unistd.h>

#include "ngx/fetch_call.hpp"
#include "ngx/made_location.hpp"
#include "ngx/trust_store.hpp"
#include "oauth/base/text.hpp"

namespace oauth {
namespace {

constexpr std::string_view kIgnoredHeaders =
    "proxy_ignore_headers X-Accel-Redirect X-Accel-Expires X-Accel-Limit-Rate X-Accel-Buffering "
    "X-Accel-Charset Expires Cache-Control Set-Cookie Vary";

// Directives of modules that nginx was built without are left out. What a server block could impose
// by inheritance stands here even where it is nginx's default.
constexpr std::string_view kDirectives[] = {
    "internal",
    "proxy_pass $oauth_fetch_url",
    "proxy_method $oauth_fetch_method",
    "proxy_http_version 1.1",
    "proxy_pass_request_headers off",
    "proxy_pass_request_body off",
    "proxy_set_body $oauth_fetch_body",
    "proxy_set_header Host $oauth_fetch_host",
    "proxy_set_header Content-Length $oauth_fetch_length",
    "proxy_set_header Connection close",
    "proxy_ssl_server_name on",
    "proxy_ssl_name $oauth_fetch_name",
    "proxy_ssl_protocols TLSv1.2 TLSv1.3",
    "proxy_ssl_ciphers DEFAULT",
    "proxy_ssl_conf_command MinProtocol TLSv1.2",
    "proxy_ssl_session_reuse off",
    "proxy_ssl_certificate $oauth_fetch_nothing",
    "proxy_ssl_certificate_key $oauth_fetch_nothing",
    "proxy_ssl_crl \"\"",
    "proxy_connect_timeout 5s",
    "proxy_send_timeout 5s",
    "proxy_read_timeout 10s",
    "resolver_timeout 5s",
    "proxy_next_upstream off",
    "proxy_intercept_errors off",
    "proxy_redirect off",
    "proxy_ignore_client_abort off",
    kIgnoredHeaders,
    "proxy_cache off",
    "proxy_store off",
    "proxy_bind off",
    "proxy_limit_rate 0",
    "proxy_force_ranges off",
    "proxy_buffering off",  // the reply is collected piece by piece, and never on disk
    "proxy_buffer_size 16k",
    "proxy_buffers 4 16k",
    "proxy_busy_buffers_size 32k",
    "proxy_temp_file_write_size 32k",
    "proxy_max_temp_file_size 0",
    "proxy_headers_hash_max_size 1024",
    "proxy_headers_hash_bucket_size 128",
    "auth_basic off",
    "auth_request off",
    "oauth_protect off",
    "mirror off",
    "gzip off",
    "ssi off",
    "access_log off",
    "log_subrequest off",
    // Any list of one's own ends the inheritance of error_page; 599 never happens.
    "error_page 599 /",
};

// What each variable says of the call that asks. Headers follow under their own names.
using Field = std::string_view (*)(const FetchCall& call);
struct Variable {
  std::string_view name;
  Field field;
};
constexpr Variable kVariables[] = {
    {"url", [](const FetchCall& call) -> std::string_view { return call.target().url; }},
    {"uri", [](const FetchCall& call) -> std::string_view { return call.target().uri; }},
    {"method", [](const FetchCall& call) -> std::string_view { return call.request().method; }},
    {"host", [](const FetchCall& call) -> std::string_view { return call.target().host; }},
    {"name", [](const FetchCall& call) -> std::string_view { return call.target().name; }},
    {"length", [](const FetchCall& call) -> std::string_view { return call.target().length; }},
    {"body", [](const FetchCall& call) -> std::string_view { return call.request().body; }},
    {"nothing", [](const FetchCall&) -> std::string_view { return ""; }},
};

std::string header_variable(std::string_view header) {
  std::string text = "oauth_fetch_header_" + ascii_lower(header);
  for (char& c : text) {
    c = c == '-' ? '_' : c;
  }
  return text;
}

std::string quoted(std::string_view path) {
  std::string text = "\"";
  for (char c : path) {
    if (c == '"' || c == '\\') {
      text += '\\';
    }
    text += c;
  }
  return text + '"';
}

std::string location_text(ngx_conf_t* cf, const std::string& trust_store) {
  std::string text;
  const auto add = [&](std::string_view directive) {
    if (has_directive(cf, directive.substr(0, directive.find(' ')))) {
      text += directive;
      text += "; ";
    }
  };
  for (std::string_view directive : kDirectives) {
    add(directive);
  }
  for (std::string_view header : kFetchHeaders) {
    add("proxy_set_header " + std::string(header) + " $" + header_variable(header));
  }
  if (trust_store.empty()) {
    add("proxy_ssl_verify off");  // https is refused before it comes here
  } else {
    add("proxy_ssl_verify on");
    add("proxy_ssl_verify_depth 5");
    add("proxy_ssl_trusted_certificate " + quoted(trust_store));
  }
  return text;
}

// In place of proxy_pass's own: 404 to whoever is not a call that has yet to send.
ngx_int_t enter_location(ngx_http_request_t* r) noexcept {
  FetchCall* call = FetchCall::of(r);
  if (call == nullptr || !call->start_sending()) {
    return NGX_HTTP_NOT_FOUND;
  }
  return call->route().proxy(r);
}

void answer(ngx_http_variable_value_t* v, std::string_view value) {
  v->data = reinterpret_cast<u_char*>(const_cast<char*>(value.data()));
  v->len = static_cast<unsigned>(value.size()) & 0xFFFFFFFU;
  v->valid = 1;
  v->no_cacheable = 1;
  v->not_found = 0;
}

const FetchCall* sending_call(const ngx_http_request_t* r) noexcept {
  const FetchCall* call = FetchCall::of(r);
  return call != nullptr && call->is_sending() ? call : nullptr;
}

ngx_int_t get_field(ngx_http_request_t* r, ngx_http_variable_value_t* v, uintptr_t index) noexcept {
  const FetchCall* call = sending_call(r);
  if (call == nullptr) {
    v->not_found = 1;
  } else {
    answer(v, kVariables[index].field(*call));
  }
  return NGX_OK;
}

ngx_int_t get_header(ngx_http_request_t* r, ngx_http_variable_value_t* v,
                     uintptr_t index) noexcept {
  const FetchCall* call = sending_call(r);
  v->not_found = 1;
  if (call == nullptr) {
    return NGX_OK;
  }
  for (const Header& header : call->request().headers) {
    if (iequals_ascii(header.name, kFetchHeaders[index])) {
      answer(v, header.value);
    }
  }
  return NGX_OK;
}

ngx_int_t add_variable(ngx_conf_t* cf, std::string_view name, ngx_http_get_variable_pt get,
                       std::size_t index) {
  ngx_str_t text = pool_copy(cf->pool, name);
  if (text.data == nullptr) {
    return NGX_ERROR;
  }
  ngx_http_variable_t* variable = ngx_http_add_variable(cf, &text, NGX_HTTP_VAR_NOCACHEABLE);
  if (variable == nullptr) {
    return NGX_ERROR;
  }
  variable->get_handler = get;
  variable->data = index;
  return NGX_OK;
}

// Whether this machine has a way to IPv4 addresses at all; nothing is sent.
bool has_ipv4() {
  sockaddr_in anywhere{};
  anywhere.sin_family = AF_INET;
  anywhere.sin_port = htons(53);
  anywhere.sin_addr.s_addr = htonl(0xC0000201);  // RFC 5737: 192.0.2.1
  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) {
    return false;
  }
  const bool connected =
      connect(fd, reinterpret_cast<const sockaddr*>(&anywhere), sizeof(anywhere)) == 0;
  close(fd);
  return connected;
}

}  // namespace

char* make_fetch_location(ngx_conf_t* cf, std::string_view broker_path, FetchPlan& plan) {
  if (!has_directive(cf, "proxy_pass")) {
    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "\"%V\" needs nginx's proxy module, which is not built in",
                       static_cast<ngx_str_t*>(cf->args->elts));
    return static_cast<char*>(NGX_CONF_ERROR);
  }
  const std::string trust_store = has_directive(cf, "proxy_ssl_verify") ? find_trust_store() : "";
  plan.trust_store = !trust_store.empty();
  if (!plan.trust_store) {
    ngx_conf_log_error(NGX_LOG_WARN, cf, 0,
                       "no file of trusted certificates was found, so providers cannot be reached "
                       "over https: install ca-certificates, or set SSL_CERT_FILE");
  }
  const std::string uri = std::string(broker_path) + "/oauth/fetch";
  plan.made.location = pool_copy(cf->pool, uri);
  plan.hosts = make_in<Hosts>(cf->pool, Hosts::load());
  plan.made.location_conf = make_location(cf, "=", uri, location_text(cf, trust_store));
  if (plan.made.location.data == nullptr || plan.hosts == nullptr ||
      plan.made.location_conf == nullptr) {
    return static_cast<char*>(NGX_CONF_ERROR);
  }
  plan.made.proxy = std::exchange(plan.made.location_conf->handler, enter_location);
  return NGX_CONF_OK;
}

char* add_fetch_route(ngx_conf_t* cf, FetchPlan& plan, std::string_view location,
                      std::string_view directive) {
  if (plan.route(location) != nullptr) {
    return NGX_CONF_OK;
  }
  ngx_http_core_loc_conf_t* conf = find_exact_location(cf, location);
  if (conf == nullptr || conf->internal == 0 || conf->handler == nullptr) {
    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "\"%*s %*s\" needs a location of this server that is exact, internal and "
                       "proxied: location = %*s { internal; proxy_pass …; }",
                       directive.size(), directive.data(), location.size(), location.data(),
                       location.size(), location.data());
    return static_cast<char*>(NGX_CONF_ERROR);
  }
  plan.users.push_back({conf->name, conf, std::exchange(conf->handler, enter_location), true});
  return NGX_CONF_OK;
}

char* finish_fetch_location(ngx_conf_t* cf, FetchPlan& plan) {
  const ngx_resolver_t* inherited = plan.made.location_conf->resolver;
  if (inherited != nullptr && inherited->connections.nelts != 0) {
    return NGX_CONF_OK;
  }
  std::vector<std::string> words = load_nameservers();
  // nginx tries the addresses of a name in any order, and a fetch is tried once.
  if (has_ipv4()) {
    words.emplace_back("ipv6=off");
  }
  std::vector<ngx_str_t> names;
  for (const std::string& word : words) {
    names.push_back(pool_copy(cf->pool, word));
    if (names.back().data == nullptr) {
      return static_cast<char*>(NGX_CONF_ERROR);
    }
  }
  plan.made.location_conf->resolver = ngx_resolver_create(cf, names.data(), names.size());
  return plan.made.location_conf->resolver == nullptr ? static_cast<char*>(NGX_CONF_ERROR)
                                                      : NGX_CONF_OK;
}

ngx_int_t add_fetch_variables(ngx_conf_t* cf) {
  for (std::size_t i = 0; i < std::size(kVariables); i++) {
    const std::string name = "oauth_fetch_" + std::string(kVariables[i].name);
    if (add_variable(cf, name, get_field, i) != NGX_OK) {
      return NGX_ERROR;
    }
  }
  for (std::size_t i = 0; i < kFetchHeaders.size(); i++) {
    if (add_variable(cf, header_variable(kFetchHeaders[i]), get_header, i) != NGX_OK) {
      return NGX_ERROR;
    }
  }
  return NGX_OK;
}

}  // namespace oauth
