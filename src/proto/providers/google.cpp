// Google (OpenID Connect): https://developers.google.com/identity/openid-connect/openid-connect
#include "oauth/proto/preset.hpp"

namespace oauth {
namespace {

constexpr std::string_view kIssuer = "https://accounts.google.com";
constexpr std::string_view kSpelledShort = "accounts.google.com";

std::string settle(Provider& provider) {
  provider.issuer = kIssuer;
  return {};
}

// Google: `iss` is "always https://accounts.google.com or accounts.google.com".
Result<std::string> issuer_of(const Json& claims, const Provider&, const Metadata& metadata) {
  return claims.string("iss") == kSpelledShort ? std::string(kSpelledShort) : metadata.issuer;
}

}  // namespace

const Preset kGoogle{
    .type = "google",
    .display_name = "Google",
    .dexie_type = "google",
    .scope = "openid email profile",
    .settle = settle,
    .claims = openid_claims,
    .issuer_of = issuer_of,
};

}  // namespace oauth
