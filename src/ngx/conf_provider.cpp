// The block `oauth_provider NAME { … }`: one row a member, one check a mistake.
#include <algorithm>
#include <array>
#include <set>

#include "ngx/conf.hpp"
#include "oauth/base/text.hpp"
#include "oauth/base/uri.hpp"

namespace oauth {
namespace {

using Words = std::vector<std::string_view>;  // the member's values

// What went wrong with a member, to stand behind its name; empty: nothing.
using Setter = std::string (*)(ngx_conf_t* cf, Provider& provider, const Words& words);

struct Member {
  std::string_view name;
  std::size_t min;
  std::size_t max;
  bool repeatable;
  Setter set;
};

struct Block {
  Provider provider;
  std::set<std::string, std::less<>> seen;
};

extern const std::array<Member, 12> kMembers;

std::string set_flag(bool& flag, std::string_view word) {
  if (word != "on" && word != "off") {
    return "must be \"on\" or \"off\"";
  }
  flag = word == "on";
  return {};
}

std::string set_type(ngx_conf_t*, Provider& provider, const Words& words) {
  if (words[0] == "oidc") {
    provider.type = ProviderType::oidc;
  } else if (words[0] == "demo") {
    provider.type = ProviderType::demo;
  } else {
    return "must be one of: oidc, demo";
  }
  return {};
}

std::string set_client_id(ngx_conf_t*, Provider& provider, const Words& words) {
  provider.client_id = words[0];
  return is_printable_ascii(words[0]) ? "" : "must be printable ASCII";
}

std::string set_client_secret(ngx_conf_t* cf, Provider& provider, const Words& words) {
  constexpr std::string_view kFile = "file:";
  if (words[0].substr(0, kFile.size()) != kFile) {
    provider.client_secret = Secret(words[0]);
    return words[0].empty() ? "is empty: leave it out for a public client" : "";
  }
  std::string why;
  const auto content = read_small_file(cf, words[0].substr(kFile.size()), why);
  if (!content) {
    return "cannot be read: " + why;
  }
  provider.client_secret = Secret(*content);
  return {};
}

std::string set_issuer(ngx_conf_t*, Provider& provider, const Words& words) {
  const auto uri = Uri::parse(words[0]);
  if (!uri || !uri->is_http() || uri->query() || uri->fragment()) {
    return "must be the issuer's URL, https://host[:port][/path], exactly as its metadata says it";
  }
  if (uri->scheme() == "http" && !uri->is_loopback()) {
    return "may be plain http only on loopback (localhost, 127.0.0.0/8, [::1]): use https";
  }
  provider.issuer = words[0];
  return {};
}

std::string set_scope(ngx_conf_t*, Provider& provider, const Words& words) {
  provider.scope.clear();
  for (const std::string_view word : words) {
    if (!is_printable_ascii(word) || word.find_first_of("\"\\") != std::string_view::npos) {
      return "must be names of printable ASCII (RFC 6749 3.3)";
    }
    provider.scope += provider.scope.empty() ? "" : " ";
    provider.scope += word;
  }
  return {};
}

std::string set_display_name(ngx_conf_t*, Provider& provider, const Words& words) {
  provider.display_name = words[0];
  return is_utf8(words[0]) ? "" : "must be UTF-8";
}

std::string set_icon(ngx_conf_t*, Provider& provider, const Words& words) {
  // dexie-contract 1: a relative icon would be looked for at the application.
  const auto uri = Uri::parse(words[0], std::size_t{8} * 1024);
  if (!uri || (uri->scheme() != "data" && !uri->is_http())) {
    return "must be an absolute URL (https://… or data:image/…)";
  }
  provider.icon = words[0];
  return {};
}

std::string set_enabled(ngx_conf_t*, Provider& provider, const Words& words) {
  return set_flag(provider.enabled, words[0]);
}

std::string set_pkce(ngx_conf_t*, Provider& provider, const Words& words) {
  return set_flag(provider.pkce, words[0]);
}

std::string set_verified(ngx_conf_t*, Provider& provider, const Words& words) {
  return set_flag(provider.require_verified_email, words[0]);
}

std::string set_token_auth(ngx_conf_t*, Provider& provider, const Words& words) {
  if (words[0] == "basic") {
    provider.token_auth = TokenAuth::basic;
  } else if (words[0] == "post") {
    provider.token_auth = TokenAuth::post;
  } else if (words[0] == "none") {
    provider.token_auth = TokenAuth::none;
  } else {
    return "must be one of: basic, post, none";
  }
  return {};
}

std::string set_user(ngx_conf_t*, Provider& provider, const Words& words) {
  DemoUser user{std::string(words[0]), std::string(words.size() > 1 ? words[1] : words[0])};
  if (user.email.find('@') == std::string::npos || !is_printable_ascii(user.email)) {
    return "must be an e-mail address, and may be followed by a name: user alice@demo.local Alice;";
  }
  provider.users.push_back(std::move(user));
  return {};
}

const std::array<Member, 12> kMembers{{
    {"type", 1, 1, false, set_type},
    {"client_id", 1, 1, false, set_client_id},
    {"client_secret", 1, 1, false, set_client_secret},
    {"issuer", 1, 1, false, set_issuer},
    {"scope", 1, 32, false, set_scope},
    {"display_name", 1, 1, false, set_display_name},
    {"icon", 1, 1, false, set_icon},
    {"enabled", 1, 1, false, set_enabled},
    {"pkce", 1, 1, false, set_pkce},
    {"require_verified_email", 1, 1, false, set_verified},
    {"token_auth", 1, 1, false, set_token_auth},
    {"user", 1, 2, true, set_user},
}};

std::string member_names() {
  std::string names;
  for (const Member& member : kMembers) {
    names += (names.empty() ? "" : ", ") + std::string(member.name);
  }
  return names;
}

char* set_member(ngx_conf_t* cf, ngx_command_t*, void* conf) {
  auto& block = *static_cast<Block*>(conf);
  const std::string name(conf_arg(cf, 0));
  const std::string where = "\"" + name + "\" in oauth_provider \"" + block.provider.name + "\" ";
  const auto* member = std::find_if(kMembers.begin(), kMembers.end(),
                                    [&](const Member& row) { return row.name == name; });
  if (member == kMembers.end()) {
    return conf_error(cf, where + "is unknown; possible are: " + member_names());
  }
  if (!block.seen.insert(name).second && !member->repeatable) {
    return conf_error(cf, where + "is given twice");
  }
  Words words;
  for (std::size_t i = 1; i < cf->args->nelts; ++i) {
    words.push_back(conf_arg(cf, i));
  }
  if (words.size() < member->min || words.size() > member->max) {
    return conf_error(cf, where + "has the wrong number of values");
  }
  const std::string wrong = member->set(cf, block.provider, words);
  return wrong.empty() ? static_cast<char*>(NGX_CONF_OK) : conf_error(cf, where + wrong);
}

// What only shows when the whole block is known; empty: nothing is missing.
std::string what_is_missing(const Block& block) {
  const Provider& provider = block.provider;
  const bool has_secret = !provider.client_secret.empty();
  if (provider.type == ProviderType::demo) {
    return provider.users.empty() ? "needs at least one account: user alice@demo.local Alice;" : "";
  }
  if (provider.client_id.empty()) {
    return "needs \"client_id\", as registered at the provider";
  }
  if (provider.issuer.empty()) {
    return "needs \"issuer\", e.g. issuer https://id.example.com;";
  }
  if (!provider.users.empty()) {
    return "has a \"user\", which belongs to type demo only";
  }
  if (!has_secret && !provider.pkce) {
    return "is a public client (no client_secret), so \"pkce off\" is not possible";
  }
  if (!has_secret && provider.token_auth != TokenAuth::none) {
    return "has no client_secret: write \"token_auth none;\" for a public client";
  }
  if (has_secret && provider.token_auth == TokenAuth::none) {
    return "has a client_secret that \"token_auth none\" would not send: remove one of them";
  }
  if ((" " + provider.scope + " ").find(" openid ") == std::string::npos) {
    return "needs the scope \"openid\" (OpenID Connect Core 3.1.2.1)";
  }
  return {};
}

std::string wrong_name(const MainConf& main, std::string_view name, ProviderType type) {
  if (!is_provider_name(name)) {
    return "must be named [a-z0-9][a-z0-9_-]{0,31}";
  }
  if (is_reserved_provider_name(name) && !(name == "demo" && type == ProviderType::demo)) {
    return "has a reserved name: choose another";
  }
  for (const Provider& other : main.providers) {
    if (other.name == name) {
      return "is defined twice";
    }
  }
  return {};
}

char* parse_block(ngx_conf_t* cf, Block& block) {
  ngx_conf_t saved = *cf;
  cf->handler = set_member;
  cf->handler_conf = reinterpret_cast<char*>(&block);
  char* parsed = ngx_conf_parse(cf, nullptr);
  // The args array is the parser's own and has moved on; everything else is as before.
  cf->handler = saved.handler;
  cf->handler_conf = saved.handler_conf;
  return parsed;
}

}  // namespace

char* set_provider(ngx_conf_t* cf, ngx_command_t*, void* conf) noexcept {
  auto& main = *static_cast<MainConf*>(conf);
  const Place place = place_of(cf);
  Block block;
  block.provider.name = conf_arg(cf, 1);
  if (block.provider.name == "demo") {
    block.provider.type = ProviderType::demo;
  }
  const std::string where = "oauth_provider \"" + block.provider.name + "\" ";
  char* parsed = parse_block(cf, block);
  if (parsed != NGX_CONF_OK) {
    return parsed;
  }
  if (block.provider.client_secret.empty() && block.seen.count("token_auth") == 0) {
    block.provider.token_auth = TokenAuth::none;
  }
  std::string wrong = wrong_name(main, block.provider.name, block.provider.type);
  wrong = wrong.empty() ? what_is_missing(block) : wrong;
  if (!wrong.empty()) {
    const PointingTo opening_line(cf, place);
    return conf_error(cf, where + wrong);
  }
  if (block.provider.display_name.empty()) {
    block.provider.display_name = block.provider.name;
  }
  main.providers.push_back(std::move(block.provider));
  return static_cast<char*>(NGX_CONF_OK);
}

}  // namespace oauth
