#include "oauth/proto/identity.hpp"

#include <algorithm>

#include "oauth/base/text.hpp"

namespace oauth {
namespace {

constexpr std::size_t kMaxClaim = 1024;
constexpr std::size_t kMaxClaims = 4096;
constexpr std::size_t kMaxSubject = 255;  // OpenID Connect Core 2

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

Result<Identity> identity_from(const Json& claims, const Provider& provider) {
  const auto text = [&](std::string_view name) {
    return std::string(claims.string(name).value_or(""));
  };
  Identity identity;
  identity.provider = provider.name;
  identity.id = text("sub");
  if (identity.id.empty() || identity.id.size() > kMaxSubject || !is_printable_ascii(identity.id)) {
    return Problem::token_subject_wrong;
  }
  identity.email = text("email");
  identity.email_verified =
      claims.boolean("email_verified").value_or(false) && is_plain_address(identity.email);
  identity.name = text("name");
  identity.picture = text("picture");
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

Check admit(const Identity& identity, const Provider& provider) {
  if (provider.require_verified_email && !identity.email_verified) {
    return Problem::email_unverified;
  }
  return kDone;
}

}  // namespace oauth
