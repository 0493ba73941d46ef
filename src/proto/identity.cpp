#include "oauth/proto/identity.hpp"

#include <algorithm>

#include "oauth/base/text.hpp"

namespace oauth {
namespace {

constexpr std::size_t kMaxClaim = 1024;
constexpr std::size_t kMaxClaims = 4096;
constexpr std::size_t kMaxSubject = 255;  // OpenID Connect Core 2

constexpr std::string_view kClaims[] = {"sub", "email", "email_verified", "name", "picture"};

bool names(const std::vector<ClaimRule>& rules, std::string_view claim) {
  return std::any_of(rules.begin(), rules.end(),
                     [claim](const ClaimRule& rule) { return rule.to == claim; });
}

// One plain address: anything that two readers could take for two addresses is none.
bool is_plain_address(std::string_view email) {
  const auto at = email.find('@');
  const auto is_plain = [](char c) {
    return c > 0x20 && c < 0x7F && c != '"' && c != ',' && c != ';' && c != '<' && c != '>';
  };
  return at != std::string_view::npos && at > 0 && at + 1 < email.size() &&
         email.find('@', at + 1) == std::string_view::npos &&
         std::all_of(email.begin(), email.end(), is_plain);
}

// GitHub and others number their users; OpenID Connect Core 2 knows strings alone.
std::string subject_of(const Json& claim, const Provider& provider) {
  const auto number = provider.is_openid() ? std::nullopt : claim.integer();
  return number ? std::to_string(*number) : std::string(claim.string().value_or(""));
}

// What was signed goes before what was fetched.
Json everything(const Statement& said) {
  Json all = Json::object();
  for (const Json* part : {&said.id_token, &said.userinfo}) {
    for (const auto& [name, value] : part->members()) {
      if (!all.has(name)) {
        all.set(name, value);
      }
    }
  }
  return all;
}

// `claim FROM=TO`. An address that is taken from elsewhere is verified only where that is said of
// it too.
Json mapped(const Json& claims, const Json& all, const Provider& provider) {
  Json result = Json::object();
  for (const std::string_view name : kClaims) {
    const bool replaced = names(provider.claims, name) ||
                          (name == "email_verified" && names(provider.claims, "email"));
    result.set(name, replaced ? Json() : claims.get(name));
  }
  for (const ClaimRule& rule : provider.claims) {
    const bool is_pointer = rule.from.starts_with('/');
    result.set(rule.to, is_pointer ? all.at_pointer(rule.from) : all.get(rule.from));
  }
  return result;
}

}  // namespace

Json Identity::claims() const {
  Json claims = Json::object();
  claims.set("sub", std::string_view(sub()));
  if (!email.empty()) {
    claims.set("email", std::string_view(email));
    claims.set("email_verified", email_verified);
  }
  if (!name.empty()) {
    claims.set("name", std::string_view(name));
  }
  if (!picture.empty()) {
    claims.set("picture", std::string_view(picture));
  }
  return claims;
}

Result<Identity> identity_of(const Statement& said, const Provider& provider) {
  const Json all = everything(said);
  const Json claims = mapped(preset_of(provider.type).claims(said, provider), all, provider);
  const auto text = [&](std::string_view name) {
    return std::string(claims.string(name).value_or(""));
  };
  Identity identity;
  identity.provider = provider.name;
  identity.id = subject_of(claims.get("sub"), provider);
  if (identity.id.empty() || identity.id.size() > kMaxSubject || !is_printable_ascii(identity.id)) {
    return Problem::token_subject_wrong;
  }
  identity.email = text("email");
  identity.email_verified =
      claims.boolean("email_verified").value_or(false) && is_plain_address(identity.email);
  identity.name = text("name");
  identity.picture = text("picture");
  identity.said = all;
  for (const std::string* claim : {&identity.email, &identity.name, &identity.picture}) {
    if (claim->size() > kMaxClaim) {
      return Problem::claims_too_large;
    }
  }
  // As they are kept: JSON writes one byte as up to six, and a store takes 8 KiB.
  if (identity.claims().dump().size() > kMaxClaims) {
    return Problem::claims_too_large;
  }
  return identity;
}

Result<Identity> demo_identity(const Provider& provider, std::string_view email) {
  for (const DemoUser& user : provider.users) {
    if (user.email == email) {
      Statement said;
      said.id_token = Json::object()
                          .set("sub", std::string_view(user.email))
                          .set("email", std::string_view(user.email))
                          .set("email_verified", true)
                          .set("name", std::string_view(user.name));
      return identity_of(said, provider);
    }
  }
  return Problem::demo_user_unknown;
}

Check admit(const Identity& identity, const Provider& provider) {
  if (provider.require_verified_email && !identity.email_verified) {
    return Problem::email_unverified;
  }
  const auto& domains = provider.email_domains;
  if (domains.empty()) {
    return kDone;
  }
  const std::string domain = ascii_lower(identity.email.substr(identity.email.find('@') + 1));
  const bool is_allowed =
      identity.email_verified && std::find(domains.begin(), domains.end(), domain) != domains.end();
  return is_allowed ? Check(kDone) : Problem::email_not_allowed;
}

}  // namespace oauth
