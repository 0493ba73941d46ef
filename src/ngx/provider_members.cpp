#include "ngx/provider_members.hpp"

#include <algorithm>
#include <array>

#include "ngx/setters.hpp"
#include "oauth/base/text.hpp"
#include "oauth/base/uri.hpp"
#include "oauth/proto/icon.hpp"
#include "oauth/proto/preset.hpp"
#include "oauth/proto/tenant.hpp"

namespace oauth {
namespace {

using Block = ProviderBlock;

std::string set_flag(bool& flag, std::string_view word) {
  if (word != "on" && word != "off") {
    return "must be \"on\" or \"off\"";
  }
  flag = word == "on";
  return {};
}

bool is_host(std::string_view text) {
  const auto uri = Uri::parse("https://" + std::string(text));
  return uri && uri->path().empty() && !uri->query() && !uri->fragment();
}

// Letters, digits and what else such names are made of.
std::string set_word(std::string& slot, std::string_view text, std::string_view extra) {
  const bool is_word = !text.empty() && std::all_of(text.begin(), text.end(), [extra](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           extra.find(c) != std::string_view::npos;
  });
  slot = text;
  return is_word ? "" : "must be a name, as the provider shows it";
}

std::string set_type(ngx_conf_t*, Block& block, const Words& words) {
  const auto type = parse_provider_type(words[0]);
  block.provider.type = type.value_or(ProviderType::oidc);
  return type ? "" : "must be one of: " + provider_type_names();
}

std::string set_client_id(ngx_conf_t*, Block& block, const Words& words) {
  block.provider.client_id = words[0];
  return is_printable_ascii(words[0]) ? "" : "must be printable ASCII";
}

std::string set_client_secret(ngx_conf_t* cf, Block& block, const Words& words) {
  constexpr std::string_view kFile = "file:";
  if (words[0].substr(0, kFile.size()) != kFile) {
    block.provider.client_secret = Secret(words[0]);
    return words[0].empty() ? "is empty: leave it out for a public client" : "";
  }
  std::string why;
  const auto content = read_small_file(cf, words[0].substr(kFile.size()), why);
  if (!content) {
    return "cannot be read: " + why;
  }
  block.provider.client_secret = Secret(*content);
  return {};
}

std::string set_issuer(ngx_conf_t*, Block& block, const Words& words) {
  return keep_url(block.provider.issuer, words[0], false);
}

template <std::string Endpoints::*slot>
std::string set_endpoint(ngx_conf_t*, Block& block, const Words& words) {
  return keep_url(block.provider.endpoints.*slot, words[0], true);
}

std::string set_scope(ngx_conf_t*, Block& block, const Words& words) {
  std::string& scope = block.provider.scope;
  for (const std::string_view word : words) {
    if (!is_printable_ascii(word) || word.find_first_of("\"\\") != std::string_view::npos) {
      return "must be names of printable ASCII (RFC 6749 3.3)";
    }
    scope += scope.empty() ? "" : " ";
    scope += word;
  }
  return {};
}

std::string set_display_name(ngx_conf_t*, Block& block, const Words& words) {
  block.provider.display_name = words[0];
  return is_utf8(words[0]) ? "" : "must be UTF-8";
}

std::string set_icon(ngx_conf_t*, Block& block, const Words& words) {
  // dexie-contract 1: a relative icon would be looked for at the application.
  if (icon_source(words[0]).empty()) {
    return "must be an absolute URL (https://… or data:image/…)";
  }
  block.provider.icon = words[0];
  return {};
}

template <bool Provider::*flag>
std::string set_switch(ngx_conf_t*, Block& block, const Words& words) {
  return set_flag(block.provider.*flag, words[0]);
}

std::string set_token_auth(ngx_conf_t*, Block& block, const Words& words) {
  constexpr std::array<std::pair<std::string_view, TokenAuth>, 4> kMethods{{
      {"basic", TokenAuth::basic},
      {"post", TokenAuth::post},
      {"private_key_jwt", TokenAuth::private_key_jwt},
      {"none", TokenAuth::none},
  }};
  const auto* method = std::find_if(kMethods.begin(), kMethods.end(),
                                    [&](const auto& row) { return row.first == words[0]; });
  if (method == kMethods.end()) {
    return "must be one of: basic, post, private_key_jwt, none";
  }
  block.provider.token_auth = method->second;
  return {};
}

std::string set_private_key(ngx_conf_t* cf, Block& block, const Words& words) {
  block.private_key = NamedFile{std::string(words[0]), place_of(cf)};
  for (std::size_t i = 1; i < words.size(); ++i) {
    if (words[i].starts_with("kid=") && block.key_id.empty()) {
      block.key_id = words[i].substr(4);
    } else if (words[i].starts_with("alg=") && block.key_alg.empty()) {
      block.key_alg = words[i].substr(4);
    } else {
      return "takes a file and at most once kid= and alg=, not \"" + std::string(words[i]) + "\"";
    }
  }
  return {};
}

std::string set_key_id(ngx_conf_t*, Block& block, const Words& words) {
  return set_word(block.key_id, words[0], "-_");
}

std::string set_team_id(ngx_conf_t*, Block& block, const Words& words) {
  return set_word(block.provider.team_id, words[0], "");
}

std::string set_tenant(ngx_conf_t*, Block& block, const Words& words) {
  return set_word(block.provider.tenant, ascii_lower(words[0]), ".-");
}

std::string set_tenants(ngx_conf_t*, Block& block, const Words& words) {
  for (const std::string_view word : words) {
    block.provider.tenants.push_back(ascii_lower(word));
    if (!is_tenant_id(block.provider.tenants.back())) {
      return "must be tenant ids, each a GUID, not \"" + std::string(word) + "\"";
    }
  }
  return {};
}

template <std::string Provider::*slot>
std::string set_host(ngx_conf_t*, Block& block, const Words& words) {
  block.provider.*slot = words[0];
  return is_host(words[0]) ? "" : "must be a host name, without https:// and path";
}

std::string set_region(ngx_conf_t*, Block& block, const Words& words) {
  return set_word(block.provider.region, words[0], "-");
}

std::string set_user_pool(ngx_conf_t*, Block& block, const Words& words) {
  return set_word(block.provider.user_pool_id, words[0], "-_");
}

std::string set_claim(ngx_conf_t*, Block& block, const Words& words) {
  constexpr std::array<std::string_view, 5> kOurs{"sub", "email", "email_verified", "name",
                                                  "picture"};
  for (const std::string_view word : words) {
    const auto equals = word.rfind('=');
    if (equals == std::string_view::npos || equals == 0) {
      return "must be FROM=TO, e.g. claim id=sub;";
    }
    const std::string_view to = word.substr(equals + 1);
    if (std::find(kOurs.begin(), kOurs.end(), to) == kOurs.end()) {
      return "has no claim \"" + std::string(to) +
             "\" to map to: possible are sub, email, email_verified, name, picture";
    }
    for (const ClaimRule& rule : block.provider.claims) {
      if (rule.to == to) {
        return "maps to \"" + std::string(to) + "\" twice";
      }
    }
    block.provider.claims.push_back({std::string(word.substr(0, equals)), std::string(to)});
  }
  return {};
}

std::string set_email_domains(ngx_conf_t*, Block& block, const Words& words) {
  for (const std::string_view word : words) {
    if (!is_host(word) || word.find('@') != std::string_view::npos ||
        word.find(':') != std::string_view::npos) {
      return "must be domains as they stand behind the @ of an address, not \"" +
             std::string(word) + "\"";
    }
    block.provider.email_domains.push_back(ascii_lower(word));
  }
  return {};
}

std::string set_authorization_param(ngx_conf_t*, Block& block, const Words& words) {
  constexpr std::array<std::string_view, 9> kOurs{
      "response_type", "client_id",      "redirect_uri",         "scope", "state", "nonce",
      "response_mode", "code_challenge", "code_challenge_method"};
  const auto equals = words[0].find('=');
  const std::string_view name = words[0].substr(0, equals);
  if (equals == std::string_view::npos || name.empty() || !is_utf8(words[0])) {
    return "must be NAME=VALUE, e.g. authorization_param prompt=select_account;";
  }
  if (std::find(kOurs.begin(), kOurs.end(), name) != kOurs.end()) {
    return "cannot set \"" + std::string(name) + "\", which the module sets itself";
  }
  block.provider.authorization_params.emplace_back(name, words[0].substr(equals + 1));
  return {};
}

std::string set_fetch_location(ngx_conf_t*, Block& block, const Words& words) {
  block.provider.fetch_location = words[0];
  return words[0].starts_with('/') ? "" : "must be the path of a location, e.g. /to-acme";
}

std::string set_user(ngx_conf_t*, Block& block, const Words& words) {
  DemoUser user{std::string(words[0]), std::string(words.size() > 1 ? words[1] : words[0])};
  if (user.email.find('@') == std::string::npos || !is_printable_ascii(user.email)) {
    return "must be an e-mail address, and may be followed by a name: user alice@demo.local Alice;";
  }
  block.provider.users.push_back(std::move(user));
  return {};
}

constexpr TypeSet kForDemo = type_bit(ProviderType::demo);
constexpr TypeSet kForOAuth2 = type_bit(ProviderType::oauth2);
constexpr TypeSet kForOidc = type_bit(ProviderType::oidc);
constexpr TypeSet kForGitHub = type_bit(ProviderType::github);
constexpr TypeSet kForMicrosoft = type_bit(ProviderType::microsoft);
constexpr TypeSet kForApple = type_bit(ProviderType::apple);
constexpr TypeSet kForCognito = type_bit(ProviderType::cognito);
constexpr TypeSet kForReal = 0xFF & ~kForDemo;
constexpr TypeSet kForAll = 0xFF;
constexpr TypeSet kForOpenId = kForReal & ~kForOAuth2 & ~kForGitHub;

}  // namespace

const std::vector<ProviderMember>& provider_members() noexcept {
  // {name, fewest and most values, repeatable, types, setter}
  // clang-format off
  static const std::vector<ProviderMember> kMembers{
      {"type", 1, 1, false, kForAll, set_type},
      {"client_id", 1, 1, false, kForReal, set_client_id},
      {"client_secret", 1, 1, false, kForReal, set_client_secret},
      {"issuer", 1, 1, false, kForOidc | kForMicrosoft | kForCognito, set_issuer},
      {"scope", 1, 32, false, kForAll, set_scope},
      {"display_name", 1, 1, false, kForAll, set_display_name},
      {"icon", 1, 1, false, kForAll, set_icon},
      {"enabled", 1, 1, false, kForAll, set_switch<&Provider::enabled>},
      {"pkce", 1, 1, false, kForReal, set_switch<&Provider::pkce>},
      {"require_verified_email", 1, 1, false, kForAll, set_switch<&Provider::require_verified_email>},
      {"allow_email_domain", 1, 64, false, kForAll, set_email_domains},
      {"token_auth", 1, 1, false, kForReal & ~kForApple, set_token_auth},
      {"private_key", 1, 3, false, kForReal, set_private_key},
      {"authorization_endpoint", 1, 1, false, kForReal, set_endpoint<&Endpoints::authorization>},
      {"token_endpoint", 1, 1, false, kForReal, set_endpoint<&Endpoints::token>},
      {"userinfo_endpoint", 1, 1, false, kForReal, set_endpoint<&Endpoints::userinfo>},
      {"jwks_uri", 1, 1, false, kForOpenId, set_endpoint<&Endpoints::jwks>},
      {"claim", 1, 5, true, kForReal, set_claim},
      {"authorization_param", 1, 1, true, kForReal, set_authorization_param},
      {"fetch_location", 1, 1, false, kForReal, set_fetch_location},
      {"host", 1, 1, false, kForGitHub, set_host<&Provider::host>},
      {"tenant", 1, 1, false, kForMicrosoft, set_tenant},
      {"tenant_allow", 1, 64, false, kForMicrosoft, set_tenants},
      {"team_id", 1, 1, false, kForApple, set_team_id},
      {"key_id", 1, 1, false, kForApple, set_key_id},
      {"region", 1, 1, false, kForCognito, set_region},
      {"user_pool_id", 1, 1, false, kForCognito, set_user_pool},
      {"domain", 1, 1, false, kForCognito, set_host<&Provider::domain>},
      {"user", 1, 2, true, kForDemo, set_user},
  };
  // clang-format on
  return kMembers;
}

}  // namespace oauth
