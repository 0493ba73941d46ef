// Amazon Cognito user pools with their hosted UI (OpenID Connect):
// https://docs.aws.amazon.com/cognito/latest/developerguide/federation-endpoints.html
#include "oauth/proto/preset.hpp"

namespace oauth {
namespace {

std::string settle(Provider& provider) {
  if (provider.issuer.empty()) {
    const auto underscore = provider.user_pool_id.find('_');
    if (underscore == std::string::npos) {
      return "needs \"user_pool_id\", e.g. user_pool_id eu-central-1_Ab12Cd34E;";
    }
    const std::string region =
        provider.region.empty() ? provider.user_pool_id.substr(0, underscore) : provider.region;
    provider.issuer = "https://cognito-idp." + region + ".amazonaws.com/" + provider.user_pool_id;
  }
  if (!provider.domain.empty()) {
    const std::string base = "https://" + provider.domain + "/oauth2/";
    set_default(provider.endpoints.authorization, base + "authorize");
    set_default(provider.endpoints.token, base + "token");
    set_default(provider.endpoints.userinfo, base + "userInfo");
    set_default(provider.endpoints.jwks, provider.issuer + "/.well-known/jwks.json");
  }
  return {};
}

// Its userinfo writes flags as text, its ID token as they are.
Json claims(const Statement& said, const Provider& provider) {
  Json claims = openid_claims(said, provider);
  claims.set("email_verified", is_true(claims.get("email_verified")));
  return claims;
}

}  // namespace

const Preset kCognito{
    .type = "cognito",
    .display_name = "",
    .dexie_type = "custom-oauth2",
    .scope = "openid email profile",
    .settle = settle,
    .claims = claims,
};

}  // namespace oauth
