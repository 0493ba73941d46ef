// Identity: who a provider says the user is, in the broker's own terms.
// Keyed by (provider, id), never by e-mail (OpenID Connect Core 5.7).
#pragma once

#include <string>
#include <string_view>

#include "oauth/base/json.hpp"
#include "oauth/base/result.hpp"
#include "oauth/proto/preset.hpp"

namespace oauth {

struct Identity {
  std::string provider;
  std::string id;  // the provider's `sub`
  std::string email;
  bool email_verified = false;
  std::string name;
  std::string picture;
  Json said;  // all that the provider said of the user: for the operator's rules, never shown

  std::string sub() const { return provider + ":" + id; }
  // {sub, email, email_verified, name, picture} as far as known: what a code carries and what
  // both kinds of client get to see.
  Json claims() const;
};

// What the provider said, by the preset of its type and the block's `claim`s, whose members of
// another JSON type than OpenID Connect Core 5.1 gives them count as absent; `email_verified` only
// as the boolean true. A `sub` may be an integer. token_subject_wrong without a usable one;
// claims_too_large beyond 1 KiB each or 4 KiB together, as the JSON that is kept.
Result<Identity> identity_of(const Statement& said, const Provider& provider);

// An account of `type demo` by its e-mail, or demo_user_unknown.
Result<Identity> demo_identity(const Provider& provider, std::string_view email);

// Whom the provider's own block lets in: email_unverified where a verified address is required and
// not there, email_not_allowed where it is of none of `allow_email_domain`'s.
// An address with more than one `@`, a control or a non-ASCII character never counts as verified.
Check admit(const Identity& identity, const Provider& provider);

}  // namespace oauth
