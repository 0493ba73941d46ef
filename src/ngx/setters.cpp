#include "ngx/setters.hpp"

#include <algorithm>

#include "oauth/base/text.hpp"
#include "oauth/proto/scope.hpp"

namespace oauth {
namespace {

char* const kOk = static_cast<char*>(NGX_CONF_OK);

std::vector<std::string> values(ngx_conf_t* cf) {
  std::vector<std::string> list;
  for (std::size_t i = 1; i < cf->args->nelts; ++i) {
    list.emplace_back(conf_arg(cf, i));
  }
  return list;
}

}  // namespace

std::string directive(ngx_conf_t* cf) {
  return "\"" + std::string(conf_arg(cf, 0)) + "\" ";
}

char* twice(ngx_conf_t* cf) {
  return conf_error(cf, directive(cf) + "is given twice");
}

char* set_store(ngx_conf_t* cf, ngx_command_t*, void* conf) noexcept {
  auto& main = *static_cast<MainConf*>(conf);
  if (main.store != nullptr) {
    return twice(cf);
  }
  main.store = make_store(cf, *cf->args);
  return main.store == nullptr ? static_cast<char*>(NGX_CONF_ERROR) : kOk;
}

char* set_cache_zone(ngx_conf_t* cf, ngx_command_t*, void* conf) noexcept {
  auto& main = *static_cast<MainConf*>(conf);
  if (main.cache_zone) {
    return twice(cf);
  }
  ngx_str_t text = static_cast<ngx_str_t*>(cf->args->elts)[1];
  const ssize_t bytes = ngx_parse_size(&text);
  if (bytes < static_cast<ssize_t>(8 * ngx_pagesize)) {
    return conf_error(cf, directive(cf) + "must be a size of at least 32k, e.g. 8m");
  }
  main.cache_zone = static_cast<std::size_t>(bytes);
  return kOk;
}

char* set_signing_key(ngx_conf_t* cf, ngx_command_t*, void* conf) noexcept {
  static_cast<MainConf*>(conf)->signing_keys.push_back(
      {std::string(conf_arg(cf, 1)), place_of(cf)});
  return kOk;
}

char* set_secret(ngx_conf_t* cf, ngx_command_t*, void* conf) noexcept {
  static_cast<MainConf*>(conf)->secrets.push_back({std::string(conf_arg(cf, 1)), place_of(cf)});
  return kOk;
}

char* set_state_dir(ngx_conf_t* cf, ngx_command_t*, void* conf) noexcept {
  auto& main = *static_cast<MainConf*>(conf);
  if (main.state_dir) {
    return twice(cf);
  }
  ngx_str_t path = static_cast<ngx_str_t*>(cf->args->elts)[1];
  if (ngx_conf_full_name(cf->cycle, &path, 0) != NGX_OK) {
    return static_cast<char*>(NGX_CONF_ERROR);
  }
  main.state_dir = NamedFile{std::string(view(path)), place_of(cf)};
  return kOk;
}

char* set_fetch_limit(ngx_conf_t* cf, ngx_command_t*, void* conf) noexcept {
  auto& main = *static_cast<MainConf*>(conf);
  if (main.fetch_limit) {
    return twice(cf);
  }
  const std::string_view text = conf_arg(cf, 1);
  const ngx_int_t limit =
      ngx_atoi(reinterpret_cast<u_char*>(const_cast<char*>(text.data())), text.size());
  if (limit < 1) {
    return conf_error(cf, directive(cf) + "must be a number of requests, at least 1");
  }
  main.fetch_limit = static_cast<ngx_uint_t>(limit);
  return kOk;
}

char* set_use(ngx_conf_t* cf, ngx_command_t*, void* conf) noexcept {
  auto& server = *static_cast<ServerConf*>(conf);
  if (server.use) {
    return twice(cf);
  }
  server.use = values(cf);
  server.use_place = place_of(cf);
  for (auto name = server.use->begin(); name != server.use->end(); ++name) {
    if (std::find(server.use->begin(), name, *name) != name) {
      return conf_error(cf, directive(cf) + "names \"" + *name + "\" twice: once is enough");
    }
  }
  return kOk;
}

char* set_allow_origin(ngx_conf_t* cf, ngx_command_t*, void* conf) noexcept {
  auto& server = *static_cast<ServerConf*>(conf);
  if (!server.origins) {
    server.origins.emplace();
  }
  for (const std::string& text : values(cf)) {
    std::string why;
    auto rule = TargetRule::parse(text, &why);
    if (!rule) {
      return conf_error(cf, directive(cf) + "\"" + text + "\": " + why);
    }
    server.origins->push_back(*std::move(rule));
  }
  return kOk;
}

char* set_allow(ngx_conf_t* cf, ngx_command_t*, void* conf) noexcept {
  auto& server = *static_cast<ServerConf*>(conf);
  server.allow_place = place_of(cf);
  for (const std::string& text : values(cf)) {
    std::string why;
    auto rule = AllowRule::parse(text, &why);
    if (!rule) {
      return conf_error(cf, directive(cf) + "\"" + text + "\": " + why);
    }
    server.allow.push_back(*std::move(rule));
  }
  return kOk;
}

char* set_admit(ngx_conf_t* cf, ngx_command_t*, void* conf) noexcept {
  auto& server = *static_cast<ServerConf*>(conf);
  if (!server.admit.empty()) {
    return twice(cf);
  }
  server.admit = conf_arg(cf, 1);
  server.admit_place = place_of(cf);
  if (server.admit.front() != '/') {
    return conf_error(cf, directive(cf) + "\"" + server.admit +
                              "\": write the path of an internal location, e.g. /admit");
  }
  return kOk;
}

char* set_scope(ngx_conf_t* cf, ngx_command_t*, void* conf) noexcept {
  auto& server = *static_cast<ServerConf*>(conf);
  if (server.scopes) {
    return twice(cf);
  }
  server.scopes = values(cf);
  for (const std::string& scope : *server.scopes) {
    if (!is_scope(scope)) {
      return conf_error(cf, directive(cf) + "\"" + scope +
                                "\": a scope is printable ASCII without "
                                "space, quote and backslash (RFC 6749 3.3)");
    }
  }
  return kOk;
}

char* set_audience(ngx_conf_t* cf, ngx_command_t*, void* conf) noexcept {
  auto& server = *static_cast<ServerConf*>(conf);
  if (server.audiences) {
    return twice(cf);
  }
  server.audiences = values(cf);
  for (const std::string& audience : *server.audiences) {
    if (audience.empty() || !is_printable_ascii(audience)) {
      return conf_error(cf, directive(cf) +
                                "must be one or more non-empty strings, as APIs know "
                                "themselves, e.g. https://api.example.com");
    }
  }
  return kOk;
}

char* set_access_token_alg(ngx_conf_t* cf, ngx_command_t*, void* conf) noexcept {
  auto& server = *static_cast<ServerConf*>(conf);
  if (server.alg) {
    return twice(cf);
  }
  server.alg = parse_alg(conf_arg(cf, 1));
  server.alg_place = place_of(cf);
  if (!server.alg || !kAsymmetric.has(*server.alg)) {
    return conf_error(cf, directive(cf) +
                              "must be one of: ES256, ES384, ES512, RS256, RS384, RS512, "
                              "PS256, PS384, PS512, EdDSA");
  }
  return kOk;
}

char* set_require_pkce(ngx_conf_t* cf, ngx_command_t*, void* conf) noexcept {
  return keep_flag(cf, static_cast<ServerConf*>(conf)->require_pkce);
}

char* set_limit(ngx_conf_t* cf, ngx_command_t*, void* conf) noexcept {
  auto& server = *static_cast<ServerConf*>(conf);
  if (server.limits) {
    return twice(cf);
  }
  std::string why;
  server.limits = Limits::parse(values(cf), &why);
  return server.limits ? kOk : conf_error(cf, directive(cf) + why);
}

char* set_revocation_lag(ngx_conf_t* cf, ngx_command_t*, void* conf) noexcept {
  auto& server = *static_cast<ServerConf*>(conf);
  if (server.revocation_lag) {
    return twice(cf);
  }
  std::optional<std::int64_t> seconds;
  if (keep_seconds(cf, seconds, 1, 600) != kOk) {
    return static_cast<char*>(NGX_CONF_ERROR);
  }
  const std::string_view stale = cf->args->nelts > 2 ? conf_arg(cf, 2) : "stale=deny";
  if (stale != "stale=deny" && stale != "stale=allow") {
    return conf_error(cf,
                      directive(cf) + "takes \"stale=deny\" or \"stale=allow\" behind the time");
  }
  server.revocation_lag = RevocationLag{*seconds, stale == "stale=allow"};
  return kOk;
}

namespace {

// As nginx writes times: 90s, 5m, 24h.
std::string time_text(std::int64_t seconds) {
  if (seconds >= 3600 && seconds % 3600 == 0) {
    return std::to_string(seconds / 3600) + "h";
  }
  return seconds >= 60 && seconds % 60 == 0 ? std::to_string(seconds / 60) + "m"
                                            : std::to_string(seconds) + "s";
}

}  // namespace

std::string keep_url(std::string& slot, std::string_view text, bool query) {
  const auto uri = Uri::parse(text);
  if (!uri || !uri->is_http() || (uri->query() && !query) || uri->fragment()) {
    return "must be an absolute URL, https://host[:port][/path], without user name, fragment and, "
           "for an issuer, query";
  }
  if (uri->scheme() == "http" && !uri->is_loopback()) {
    return "may be plain http only on loopback (localhost, 127.0.0.0/8, [::1]): use https";
  }
  slot = text;
  return {};
}

char* keep_flag(ngx_conf_t* cf, std::optional<bool>& slot) noexcept {
  if (slot) {
    return twice(cf);
  }
  const std::string_view flag = conf_arg(cf, 1);
  if (flag != "on" && flag != "off") {
    return conf_error(cf, directive(cf) + "must be \"on\" or \"off\"");
  }
  slot = flag == "on";
  return kOk;
}

char* keep_seconds(ngx_conf_t* cf, std::optional<std::int64_t>& slot, std::int64_t least,
                   std::int64_t most) noexcept {
  if (slot) {
    return twice(cf);
  }
  ngx_str_t text = static_cast<ngx_str_t*>(cf->args->elts)[1];
  const ngx_int_t seconds = ngx_parse_time(&text, 1);
  if (seconds == NGX_ERROR) {
    return conf_error(cf, directive(cf) + "must be a time, e.g. 30s, 5m, 1h");
  }
  if (seconds < least || seconds > most) {
    return conf_error(
        cf, directive(cf) + "must lie between " + time_text(least) + " and " + time_text(most));
  }
  slot = seconds;
  return kOk;
}

}  // namespace oauth
