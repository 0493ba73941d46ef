// Sign in with Apple (OpenID Connect with a client_secret that we sign):
// https://developer.apple.com/documentation/signinwithapplerestapi
#include <algorithm>

#include "oauth/base/text.hpp"
#include "oauth/proto/preset.hpp"

namespace oauth {
namespace {

constexpr std::size_t kMaxName = 256;

std::string settle(Provider& provider) {
  provider.issuer = "https://appleid.apple.com";
  if (!provider.client_secret.empty()) {
    return "needs no client_secret: it is signed with \"private_key\" anew for each sign-in";
  }
  if (provider.team_id.empty() || !provider.client_key || provider.client_key->kid().empty()) {
    return "needs \"team_id\", \"key_id\" and \"private_key FILE;\", the .p8 that Apple gave";
  }
  if (!provider.client_key->algs().has(Alg::es256)) {
    return "has a \"private_key\" that is not P-256: Apple's .p8 is";
  }
  provider.client_alg = Alg::es256;
  return {};
}

// {"name":{"firstName":…,"lastName":…}}, in the first callback only and through the browser: good
// enough to greet somebody, and for nothing else.
std::string name_of(const Json& user) {
  const Json name = user.get("name");
  std::string text(name.string("firstName").value_or(""));
  const std::string_view last = name.string("lastName").value_or("");
  text += text.empty() || last.empty() ? "" : " ";
  text += last;
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; };
  const bool is_plain = std::none_of(text.begin(), text.end(), is_control);
  return is_plain && text.size() <= kMaxName ? text : std::string();
}

Json claims(const Statement& said, const Provider&) {
  Json claims = Json::object();
  claims.set("sub", said.id_token.get("sub"));
  claims.set("email", said.id_token.get("email"));
  claims.set("email_verified", is_true(said.id_token.get("email_verified")));
  const std::string name = name_of(said.user);
  if (said.id_token.has("name")) {
    claims.set("name", said.id_token.get("name"));
  } else if (!name.empty()) {
    claims.set("name", std::string_view(name));
  }
  return claims;
}

}  // namespace

const Preset kApple{
    .type = "apple",
    .display_name = "Apple",
    .dexie_type = "apple",
    .scope = "openid name email",
    .token_auth = TokenAuth::post,
    .form_post = true,
    .userinfo = false,
    .settle = settle,
    .claims = claims,
};

}  // namespace oauth
