#include "ngx/vars.hpp"

#include <algorithm>

#include "ngx/conf.hpp"
#include "ngx/guard.hpp"
#include "ngx/setters.hpp"
#include "oauth/base/text.hpp"
#include "oauth/proto/claim_path.hpp"
#include "oauth/proto/scope.hpp"

namespace oauth {
namespace {

std::string text_of(const JsonView& value) {
  switch (value.kind()) {
    case Json::Kind::null:
      return {};
    case Json::Kind::string:
      return header_encode(value.string().value_or(""));
    default:
      return header_encode(value.dump());
  }
}

std::string claim(ngx_http_request_t* r, std::string_view name) {
  const Outcome* outcome = outcome_for(r);
  return outcome != nullptr ? text_of(outcome->claims().get(name)) : std::string();
}

// Whom the token was believed of; null where there is none.
const Trust* trust_of(ngx_http_request_t* r) noexcept {
  const Outcome* outcome = outcome_for(r);
  return outcome != nullptr && outcome->admission ? outcome->admission->trust : nullptr;
}

// DESIGN 2: user names do not collide.
std::string sub(ngx_http_request_t* r) {
  const Trust* trust = trust_of(r);
  return trust != nullptr ? header_encode(subject_of(outcome_for(r)->claims(), *trust))
                          : std::string();
}
std::string user_name(ngx_http_request_t* r) {
  return claim(r, "name");
}
// Where its issuer says them, and a list as a string would say it.
std::string scope(ngx_http_request_t* r) {
  const Trust* trust = trust_of(r);
  if (trust == nullptr) {
    return {};
  }
  const JsonView said = claim_at(outcome_for(r)->claims(), trust->scope_claim);
  std::string scopes;
  for (const std::string_view scope : scopes_in(said)) {
    scopes += (scopes.empty() ? "" : " ") + std::string(scope);
  }
  return header_encode(scopes);
}
std::string jti(ngx_http_request_t* r) {
  return claim(r, "jti");
}

// DESIGN 2: empty unless verified.
std::string email(ngx_http_request_t* r) {
  const Outcome* outcome = outcome_for(r);
  const bool verified =
      outcome != nullptr && outcome->claims().boolean("email_verified").value_or(false);
  return verified ? claim(r, "email") : std::string();
}

std::string issuer(ngx_http_request_t* r) {
  const Trust* trust = trust_of(r);
  return trust != nullptr ? header_encode(trust->expect.issuer) : std::string();
}

// `sub` is provider:id, and no provider's name has a colon in it. What another issuer writes there,
// where it has no prefix, names none.
std::string provider(ngx_http_request_t* r) {
  const Trust* trust = trust_of(r);
  if (trust == nullptr || (!trust->is_own && trust->subject_prefix.empty())) {
    return {};
  }
  const std::string subject = sub(r);
  const auto colon = subject.find(':');
  return colon == std::string::npos ? std::string() : subject.substr(0, colon);
}

std::string error(ngx_http_request_t* r) {
  const Outcome* outcome = outcome_for(r);
  return outcome != nullptr && outcome->problem ? std::string(name(*outcome->problem))
                                                : std::string();
}

std::string flow_id(ngx_http_request_t* r) {
  const Memo* memo = find_memo(r);
  return memo != nullptr ? memo->rest().flow_id : std::string();
}

struct Variable {
  std::string_view name;
  std::string (*value)(ngx_http_request_t* r);
};

constexpr Variable kVariables[] = {
    {"oauth_sub", sub},     {"oauth_email", email},       {"oauth_name", user_name},
    {"oauth_scope", scope}, {"oauth_provider", provider}, {"oauth_issuer", issuer},
    {"oauth_jti", jti},     {"oauth_error", error},       {"oauth_flow_id", flow_id},
};

constexpr std::string_view kClaimPrefix = "oauth_claim_";

ngx_int_t set_value(ngx_http_request_t* r, ngx_http_variable_value_t* v,
                    const std::string& text) noexcept {
  const ngx_str_t copy = pool_copy(r->pool, text);
  if (copy.data == nullptr) {
    return NGX_ERROR;
  }
  v->data = copy.data;
  v->len = static_cast<unsigned>(copy.len) & 0x0FFFFFFFU;
  v->valid = 1;
  v->no_cacheable = 0;
  v->not_found = 0;
  return NGX_OK;
}

ngx_int_t get_variable(ngx_http_request_t* r, ngx_http_variable_value_t* v, uintptr_t data) noexcept
    try {
  return set_value(r, v, kVariables[data].value(r));
} catch (...) {
  return NGX_ERROR;
}

// nginx lower-cases names of variables: `_` stands for any one character.
bool fits(std::string_view pattern, std::string_view name) noexcept {
  if (pattern.size() != name.size()) {
    return false;
  }
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] != '_' && ascii_lower(name.substr(i, 1))[0] != pattern[i]) {
      return false;
    }
  }
  return true;
}

std::string find_claim(const JsonView& claims, std::string_view pattern) {
  if (claims.has(pattern)) {
    return text_of(claims.get(pattern));
  }
  std::string found;
  int count = 0;
  for (const auto& [name, value] : claims.members()) {
    if (fits(pattern, name)) {
      found = text_of(value);
      ++count;
    }
  }
  return count == 1 ? found : std::string();
}

ngx_int_t get_claim(ngx_http_request_t* r, ngx_http_variable_value_t* v, uintptr_t data) noexcept
    try {
  // NOLINTNEXTLINE(performance-no-int-to-ptr): how nginx hands it over
  const std::string_view name = view(*reinterpret_cast<ngx_str_t*>(data));
  const Outcome* outcome = outcome_for(r);
  return set_value(r, v,
                   outcome != nullptr
                       ? find_claim(outcome->claims(), name.substr(kClaimPrefix.size()))
                       : std::string());
} catch (...) {
  return NGX_ERROR;
}

ngx_int_t get_path(ngx_http_request_t* r, ngx_http_variable_value_t* v, uintptr_t data) noexcept
    try {
  // NOLINTNEXTLINE(performance-no-int-to-ptr): how nginx hands it over
  const std::string_view path = view(*reinterpret_cast<ngx_str_t*>(data));
  const Outcome* outcome = outcome_for(r);
  return set_value(r, v,
                   outcome != nullptr ? text_of(claim_at(outcome->claims(), path)) : std::string());
} catch (...) {
  return NGX_ERROR;
}

ngx_http_variable_t* add(ngx_conf_t* cf, std::string_view name, ngx_uint_t flags) noexcept {
  ngx_str_t copy = pool_copy(cf->pool, name);
  return copy.data == nullptr ? nullptr
                              : ngx_http_add_variable(cf, &copy, flags | NGX_HTTP_VAR_NOCACHEABLE);
}

// nginx's variables whose names only begin with these, and ours.
constexpr std::string_view kTakenPrefixes[] = {"http_",
                                               "sent_http_",
                                               "sent_trailer_",
                                               "upstream_http_",
                                               "upstream_trailer_",
                                               "upstream_cookie_",
                                               "cookie_",
                                               "arg_",
                                               "oauth_"};

bool is_variable_name(std::string_view name) noexcept {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  });
}

bool is_taken(ngx_conf_t* cf, std::string_view name) noexcept {
  for (const std::string_view prefix : kTakenPrefixes) {
    if (name.starts_with(prefix)) {
      return true;
    }
  }
  const auto* core = static_cast<ngx_http_core_main_conf_t*>(
      ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module));
  const ngx_array_t& keys = core->variables_keys->keys;
  const auto* first = static_cast<const ngx_hash_key_t*>(keys.elts);
  return std::any_of(first, first + keys.nelts,
                     [name](const ngx_hash_key_t& key) { return view(key.key) == name; });
}

}  // namespace

ngx_int_t add_variables(ngx_conf_t* cf) noexcept {
  for (std::size_t i = 0; i < std::size(kVariables); ++i) {
    ngx_http_variable_t* variable = add(cf, kVariables[i].name, 0);
    if (variable == nullptr) {
      return NGX_ERROR;
    }
    variable->get_handler = get_variable;
    variable->data = i;
  }
  ngx_http_variable_t* claims = add(cf, kClaimPrefix, NGX_HTTP_VAR_PREFIX);
  if (claims == nullptr) {
    return NGX_ERROR;
  }
  claims->get_handler = get_claim;
  return NGX_OK;
}

char* set_claim(ngx_conf_t* cf, ngx_command_t*, void*) noexcept {
  const std::string shown = directive(cf) + "\"" + std::string(conf_arg(cf, 1)) + "\": ";
  const bool is_variable = conf_arg(cf, 1).starts_with('$');
  const std::string name = ascii_lower(conf_arg(cf, 1).substr(is_variable ? 1 : 0));
  if (!is_variable || !is_variable_name(name)) {
    return conf_error(cf, shown + "write a variable of letters, digits and \"_\", e.g. $user_role");
  }
  if (is_taken(cf, name)) {
    return conf_error(cf, shown + "this variable is another's already: choose a name of your own");
  }
  std::string why;
  if (!is_claim_path(conf_arg(cf, 2), &why)) {
    return conf_error(cf, directive(cf) + "\"" + std::string(conf_arg(cf, 2)) + "\" " + why);
  }
  auto* path = make_in<ngx_str_t>(cf->pool, static_cast<ngx_str_t*>(cf->args->elts)[2]);
  ngx_http_variable_t* variable = path == nullptr ? nullptr : add(cf, name, 0);
  if (variable == nullptr) {
    return static_cast<char*>(NGX_CONF_ERROR);
  }
  variable->get_handler = get_path;
  variable->data = reinterpret_cast<uintptr_t>(path);
  return static_cast<char*>(NGX_CONF_OK);
}

}  // namespace oauth
