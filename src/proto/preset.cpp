#include "oauth/proto/preset.hpp"

#include <algorithm>
#include <array>

#include "oauth/base/text.hpp"

namespace oauth {
namespace {

std::string settle_oidc(Provider& provider) {
  return provider.issuer.empty() ? "needs \"issuer\", e.g. issuer https://id.example.com;" : "";
}

std::string settle_oauth2(Provider& provider) {
  const Endpoints& endpoints = provider.endpoints;
  if (endpoints.authorization.empty() || endpoints.token.empty() || endpoints.userinfo.empty()) {
    return "needs \"authorization_endpoint\", \"token_endpoint\" and \"userinfo_endpoint\"";
  }
  return {};
}

std::string settle_demo(Provider& provider) {
  return provider.users.empty() ? "needs at least one account: user alice@demo.local Alice;" : "";
}

std::string warn_oidc(const Provider& provider) {
  const auto words = split_words(provider.scope);
  return std::find(words.begin(), words.end(), "email") == words.end()
             ? "does not ask for the scope \"email\", so that no address may come"
             : "";
}

std::string warn_oauth2(const Provider& provider) {
  for (const ClaimRule& rule : provider.claims) {
    if (rule.to == "email_verified") {
      return {};
    }
  }
  return "has no \"claim FROM=email_verified\": only a userinfo member of that very name can say "
         "that an address is verified";
}

// OAuth 2.0 knows no ID token: a userinfo in OpenID's words is read as one.
Json oauth2_claims(const Statement& said, const Provider&) {
  return said.userinfo;
}

constexpr std::string_view kCustom = "custom-oauth2";

const Preset kOidc{
    .type = "oidc",
    .display_name = "",
    .dexie_type = kCustom,
    .scope = "openid email profile",
    .settle = settle_oidc,
    .claims = openid_claims,
    .warning = warn_oidc,
};

const Preset kOAuth2{
    .type = "oauth2",
    .display_name = "",
    .dexie_type = kCustom,
    .scope = "",
    .settle = settle_oauth2,
    .claims = oauth2_claims,
    .warning = warn_oauth2,
};

const Preset kDemo{
    .type = "demo",
    .display_name = "",
    .dexie_type = kCustom,
    .scope = "openid email profile",
    .settle = settle_demo,
    .claims = openid_claims,
};

// In the order of ProviderType.
constexpr std::array<const Preset*, 8> kPresets{&kGoogle,  &kGitHub, &kMicrosoft, &kApple,
                                                &kCognito, &kOidc,   &kOAuth2,    &kDemo};
static_assert(kPresets.size() == static_cast<std::size_t>(ProviderType::demo) + 1);

}  // namespace

const Preset& preset_of(ProviderType type) noexcept {
  return *kPresets[static_cast<std::size_t>(type)];
}

std::optional<ProviderType> parse_provider_type(std::string_view word) noexcept {
  for (std::size_t i = 0; i < kPresets.size(); ++i) {
    if (kPresets[i]->type == word) {
      return static_cast<ProviderType>(i);
    }
  }
  return std::nullopt;
}

std::string provider_type_names() {
  std::string names;
  for (const Preset* preset : kPresets) {
    names += names.empty() ? "" : ", ";
    names += preset->type;
  }
  return names;
}

void set_default(std::string& member, std::string value) {
  if (member.empty()) {
    member = std::move(value);
  }
}

Json openid_claims(const Statement& said, const Provider&) {
  const bool signed_email =
      said.id_token.string("email") && said.id_token.boolean("email_verified");
  const bool fetched_email = !signed_email && said.userinfo.string("email");
  const Json& email_source = fetched_email ? said.userinfo : said.id_token;
  Json claims = Json::object();
  claims.set("sub", said.id_token.get("sub"));
  claims.set("email", email_source.get("email"));
  claims.set("email_verified", email_source.get("email_verified"));
  for (const std::string_view name : {"name", "picture"}) {
    claims.set(name, said.id_token.has(name) ? said.id_token.get(name) : said.userinfo.get(name));
  }
  return claims;
}

bool is_true(const Json& flag) {
  return flag.boolean().value_or(false) || flag.string() == "true";
}

}  // namespace oauth
