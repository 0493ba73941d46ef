// GitHub and GitHub Enterprise Server (OAuth 2.0, no OpenID):
// https://docs.github.com/apps/oauth-apps/building-oauth-apps/authorizing-oauth-apps
#include "oauth/base/uri.hpp"
#include "oauth/proto/preset.hpp"

namespace oauth {
namespace {

std::string settle(Provider& provider) {
  const std::string host = provider.host.empty() ? "github.com" : provider.host;
  const std::string web = "https://" + host + "/login/oauth/";
  // Enterprise Server has its API below the same host.
  const std::string api =
      provider.host.empty() ? "https://api.github.com" : "https://" + host + "/api/v3";
  set_default(provider.endpoints.authorization, web + "authorize");
  set_default(provider.endpoints.token, web + "access_token");
  set_default(provider.endpoints.userinfo, api + "/user");
  provider.endpoints.emails = provider.endpoints.userinfo + "/emails";
  return {};
}

// `/user/emails`: the one address that is primary; whether it is verified stands beside it.
Json primary_email(const Json& emails) {
  for (std::size_t i = 0; i < emails.size(); ++i) {
    if (emails.at(i).boolean("primary").value_or(false)) {
      return emails.at(i);
    }
  }
  return {};
}

// The address in /user is what its owner chose to show, and nobody says that it is verified.
Json claims(const Statement& said, const Provider&) {
  const Json email = primary_email(said.emails);
  Json claims = Json::object();
  claims.set("sub", said.userinfo.get("id"));
  claims.set("email", email.get("email"));
  claims.set("email_verified", email.get("verified"));
  const bool has_name = !said.userinfo.string("name").value_or("").empty();
  claims.set("name", said.userinfo.get(has_name ? "name" : "login"));
  claims.set("picture", said.userinfo.get("avatar_url"));
  return claims;
}

}  // namespace

const Preset kGitHub{
    .type = "github",
    .display_name = "GitHub",
    .dexie_type = "github",
    .scope = "read:user user:email",
    .token_auth = TokenAuth::post,
    .settle = settle,
    .claims = claims,
};

}  // namespace oauth
