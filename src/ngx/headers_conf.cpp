#include "ngx/headers_conf.hpp"

#include <algorithm>
#include <array>

#include "ngx/conf.hpp"
#include "ngx/setters.hpp"
#include "oauth/base/text.hpp"

namespace oauth {
namespace {

char* const kOk = static_cast<char*>(NGX_CONF_OK);

// nginx itself goes by them, and this module by Origin: they say how the request is framed, where
// it goes, and who asks.
constexpr std::array<std::string_view, 13> kReserved{"host",
                                                     "content-length",
                                                     "transfer-encoding",
                                                     "connection",
                                                     "keep-alive",
                                                     "te",
                                                     "trailer",
                                                     "upgrade",
                                                     "expect",
                                                     "proxy-connection",
                                                     "http2-settings",
                                                     "origin",
                                                     "proxy-authorization"};

bool is_header_name(std::string_view name) noexcept {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_';
  });
}

std::string mistake_in(std::string_view name) {
  if (!is_header_name(name)) {
    return "a header's name has letters, digits, \"-\" and \"_\", e.g. X-User";
  }
  if (is_spelling_of(name, "authorization")) {
    return "\"oauth_pass_token off;\" keeps the token from the upstream, and \"proxy_set_header\" "
           "says another Authorization";
  }
  const auto is_name = [name](std::string_view reserved) { return is_spelling_of(name, reserved); };
  if (std::any_of(kReserved.begin(), kReserved.end(), is_name)) {
    return "NGINX needs this header as the client sent it: write \"proxy_set_header\" (or what "
           "else speaks to your upstream)";
  }
  return {};
}

// `$http_x_user`, so that it can be read anew once the header is another.
ngx_int_t variable_of(ngx_conf_t* cf, std::string_view name) {
  std::string text = "http_" + ascii_lower(name);
  std::replace(text.begin(), text.end(), '-', '_');
  ngx_str_t variable = pool_copy(cf->pool, text);
  return variable.data == nullptr ? NGX_ERROR : ngx_http_get_variable_index(cf, &variable);
}

ngx_http_complex_value_t* compile(ngx_conf_t* cf, ngx_str_t* text) noexcept {
  auto* value = static_cast<ngx_http_complex_value_t*>(
      ngx_pcalloc(cf->pool, sizeof(ngx_http_complex_value_t)));
  ngx_http_compile_complex_value_t compiling{};
  compiling.cf = cf;
  compiling.value = text;
  compiling.complex_value = value;
  return value != nullptr && ngx_http_compile_complex_value(&compiling) == NGX_OK ? value : nullptr;
}

const HeaderRule* find_rule(const std::vector<HeaderRule>& rules, std::string_view name) noexcept {
  for (const HeaderRule& rule : rules) {
    if (is_spelling_of(name, rule.name)) {
      return &rule;
    }
  }
  return nullptr;
}

}  // namespace

char* set_header(ngx_conf_t* cf, ngx_command_t*, void* conf) noexcept {
  auto& rules = static_cast<LocationConf*>(conf)->headers;
  auto* args = static_cast<ngx_str_t*>(cf->args->elts);
  const bool is_cleared = view(args[0]) == "oauth_clear_header";
  const std::size_t names = is_cleared ? cf->args->nelts : 2;
  for (std::size_t i = 1; i < names; ++i) {
    HeaderRule rule{std::string(view(args[i])), nullptr, 0};
    const std::string why = mistake_in(rule.name);
    if (!why.empty()) {
      return conf_error(cf, directive(cf) + "\"" + rule.name + "\": " + why);
    }
    if (const HeaderRule* twin = find_rule(rules, rule.name)) {
      return conf_error(cf, directive(cf) + "\"" + rule.name + "\": \"" + twin->name +
                                "\" is set or cleared at this level already, and is the same to "
                                "many an upstream: once is enough");
    }
    if (!is_cleared && !is_field_value(view(args[2]))) {
      return conf_error(cf, directive(cf) + "\"" + rule.name +
                                "\": its value has a control character, which no header can carry");
    }
    rule.variable = variable_of(cf, rule.name);
    rule.value = is_cleared ? nullptr : compile(cf, &args[2]);
    if (rule.variable == NGX_ERROR || (!is_cleared && rule.value == nullptr)) {
      return static_cast<char*>(NGX_CONF_ERROR);
    }
    rules.push_back(std::move(rule));
  }
  main_conf(cf).sets_headers = true;
  return kOk;
}

void inherit_headers(const std::vector<HeaderRule>& outer, std::vector<HeaderRule>& inner) {
  const std::vector<HeaderRule> own = std::move(inner);
  inner.clear();
  for (const HeaderRule& rule : outer) {
    if (find_rule(own, rule.name) == nullptr) {
      inner.push_back(rule);
    }
  }
  inner.insert(inner.end(), own.begin(), own.end());
}

}  // namespace oauth
