// Identity: who a provider says the user is, in the broker's own terms.
// Keyed by (provider, id), never by e-mail (OpenID Connect Core 5.7).
#pragma once

#include <string>
#include <string_view>

#include "oauth/base/json.hpp"
#include "oauth/base/result.hpp"
#include "oauth/proto/provider.hpp"

namespace oauth {

struct Identity {
  std::string provider;
  std::string id;  // the provider's `sub`
  std::string email;
  bool email_verified = false;
  std::string name;
  std::string picture;

  std::string sub() const { return provider + ":" + id; }
  // {sub, email, email_verified, name, picture} as far as known: what a code carries and what
  // both kinds of client get to see.
  Json claims() const;
};

// From claims of an id_token or userinfo (OpenID Connect Core 5.1). Members of another JSON type
// than the standard's count as absent; `email_verified` only as the boolean true.
// token_subject_wrong without a usable `sub`; claims_too_large beyond 1 KiB each or 4 KiB together,
// as the JSON that is kept.
Result<Identity> identity_from(const Json& claims, const Provider& provider);

// Who may sign in: email_unverified where a verified address is required and not there.
// An address with more than one `@`, a control or a non-ASCII character never counts as verified.
Check admit(const Identity& identity, const Provider& provider);

}  // namespace oauth
