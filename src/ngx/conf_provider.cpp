// The block `oauth_provider NAME { … }`: what its members make of it, and the checks that only the
// whole can fail.
#include <algorithm>

#include "ngx/provider_members.hpp"
#include "oauth/base/text.hpp"
#include "oauth/proto/preset.hpp"

namespace oauth {
namespace {

// A member that another type of provider has.
std::string what_is_foreign(const ProviderBlock& block) {
  for (const ProviderMember& member : provider_members()) {
    if (block.has(member.name) && (member.types & type_bit(block.provider.type)) == 0) {
      return "is of type " + std::string(preset_of(block.provider.type).type) +
             ", which has no \"" + std::string(member.name) + "\"";
    }
  }
  return {};
}

// `private_key`, once its kid and algorithm are known.
std::string read_key(ngx_conf_t* cf, ProviderBlock& block) {
  if (!block.private_key) {
    return {};
  }
  constexpr std::size_t kMaxFile = 16384;
  std::string reason;
  const auto pem = read_small_file(cf, block.private_key->path, reason, kMaxFile);
  if (!pem) {
    return "has a \"private_key\" that cannot be read: " + reason;
  }
  std::string_view why;
  const auto key = Key::from_private_pem(*pem, why);
  if (!key) {
    return "has a \"private_key\" that is not usable: " + std::string(why);
  }
  const std::string kid = block.key_id.empty() && block.provider.type != ProviderType::apple
                              ? key->thumbprint()
                              : block.key_id;
  block.provider.client_key = key->with_kid(kid);
  if (!block.key_alg.empty()) {
    const auto alg = parse_alg(block.key_alg);
    if (!alg || !key->algs().has(*alg)) {
      return "has a \"private_key\" that cannot carry alg=" + block.key_alg;
    }
    block.provider.client_alg = *alg;
    return {};
  }
  for (const Alg alg : kAlgs) {
    if (key->algs().has(alg)) {
      block.provider.client_alg = alg;
      break;
    }
  }
  return {};
}

// How the client proves itself: what was said, else what its type does with what it has.
std::string settle_authentication(ProviderBlock& block) {
  Provider& provider = block.provider;
  if (provider.type == ProviderType::apple) {
    provider.token_auth = TokenAuth::post;
    return {};
  }
  const bool has_secret = !provider.client_secret.empty();
  if (!block.has("token_auth")) {
    provider.token_auth = provider.client_key ? TokenAuth::private_key_jwt
                          : has_secret        ? preset_of(provider.type).token_auth
                                              : TokenAuth::none;
  }
  const bool sends_key = provider.token_auth == TokenAuth::private_key_jwt;
  if (sends_key != provider.client_key.has_value()) {
    return sends_key ? "needs \"private_key FILE;\" for \"token_auth private_key_jwt\""
                     : "has a \"private_key\", which only \"token_auth private_key_jwt\" uses";
  }
  const bool sends_secret = !sends_key && provider.token_auth != TokenAuth::none;
  if (has_secret && !sends_secret) {
    return "has a client_secret that \"token_auth\" would not send: remove one of them";
  }
  if (!has_secret && sends_secret) {
    return "has no client_secret: write \"token_auth none;\" for a public client";
  }
  if (provider.token_auth == TokenAuth::none && !provider.pkce) {
    return "is a public client (no client_secret), so \"pkce off\" is not possible";
  }
  return {};
}

// What only shows when the whole block is known; empty: nothing is missing.
std::string complete(ngx_conf_t* cf, ProviderBlock& block) {
  Provider& provider = block.provider;
  const Preset& preset = preset_of(provider.type);
  if (std::string foreign = what_is_foreign(block); !foreign.empty()) {
    return foreign;
  }
  if (provider.type != ProviderType::demo && provider.client_id.empty()) {
    return "needs \"client_id\", as registered at the provider";
  }
  std::string wrong = read_key(cf, block);
  wrong = wrong.empty() ? preset.settle(provider) : wrong;
  wrong =
      wrong.empty() && provider.type != ProviderType::demo ? settle_authentication(block) : wrong;
  if (!wrong.empty()) {
    return wrong;
  }
  if (!block.has("scope")) {
    provider.scope = preset.scope;
  }
  const auto scopes = split_words(provider.scope);
  if (provider.is_openid() && std::find(scopes.begin(), scopes.end(), "openid") == scopes.end()) {
    return "needs the scope \"openid\" (OpenID Connect Core 3.1.2.1)";
  }
  if (provider.display_name.empty()) {
    provider.display_name = preset.display_name.empty() ? provider.name : preset.display_name;
  }
  return {};
}

// Nobody warns twice: who says `require_verified_email` aloud has thought of it.
void warn(ngx_conf_t* cf, const ProviderBlock& block) {
  const Preset& preset = preset_of(block.provider.type);
  if (preset.warning == nullptr || block.has("require_verified_email")) {
    return;
  }
  if (const std::string text = preset.warning(block.provider); !text.empty()) {
    conf_warning(cf, "oauth_provider \"" + block.provider.name + "\" " + text);
  }
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

}  // namespace

char* set_provider(ngx_conf_t* cf, ngx_command_t*, void* conf) noexcept {
  auto& main = *static_cast<MainConf*>(conf);
  const Place place = place_of(cf);
  ProviderBlock block;
  block.provider.name = conf_arg(cf, 1);
  // A preset's name needs no `type`.
  block.provider.type = parse_provider_type(block.provider.name).value_or(ProviderType::oidc);
  const std::string title = "oauth_provider \"" + block.provider.name + "\"";
  BlockReader<ProviderBlock, ProviderMember> reader(title, block, provider_members());
  if (char* read = reader.read(cf); read != NGX_CONF_OK) {
    return read;
  }
  block.seen = reader.seen();
  const PointingTo opening_line(cf, place);
  std::string wrong = wrong_name(main, block.provider.name, block.provider.type);
  wrong = wrong.empty() ? complete(cf, block) : wrong;
  if (!wrong.empty()) {
    return conf_error(cf, title + " " + wrong);
  }
  warn(cf, block);
  main.providers.push_back(std::move(block.provider));
  return static_cast<char*>(NGX_CONF_OK);
}

}  // namespace oauth
