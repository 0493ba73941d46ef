// Preset: what the `type` of a provider brings along, so that client_id and client_secret suffice.
// Two functions at heart: where the browser is sent (`settle`, at load) and how what the provider
// said becomes an identity (`claims`). One file each in src/proto/providers; what needs nothing
// special is data.
#pragma once

#include <string>
#include <string_view>

#include "oauth/base/json.hpp"
#include "oauth/base/result.hpp"
#include "oauth/proto/metadata.hpp"
#include "oauth/proto/provider.hpp"

namespace oauth {

// All that a provider said of one user. What was not said is a null Json.
struct Statement {
  Json id_token;  // verified
  Json userinfo;  // of the same subject
  Json emails;    // GitHub's list
  Json user;      // Apple's, by way of the browser: nobody vouches for it
};

struct Preset {
  std::string_view type;          // as written in the configuration
  std::string_view display_name;  // empty: the provider's name
  std::string_view dexie_type;    // `type` in /auth-providers (dexie-contract 1)
  std::string_view scope;
  TokenAuth token_auth = TokenAuth::basic;  // of a client that has a secret
  bool form_post = false;                   // OAuth 2.0 Form Post Response Mode
  bool userinfo = true;                     // its userinfo says more than its ID token

  // Issuer and endpoints, as far as they are not given, from the other members. What is missing or
  // wrong, to stand behind the provider's name; empty: nothing.
  std::string (*settle)(Provider& provider);
  // In the words of OpenID Connect Core 5.1: sub, email, email_verified, name, picture.
  Json (*claims)(const Statement& said, const Provider& provider);
  // Whether metadata that names this issuer is the provider's. Null: it is, byte for byte.
  bool (*is_issuer)(std::string_view issuer, const Provider& provider) = nullptr;
  // expected_issuer (metadata.hpp), where it is not the metadata's. Null: it is.
  Result<std::string> (*issuer_of)(const Json& claims, const Provider& provider,
                                   const Metadata& metadata) = nullptr;
  // What may be wrong although it can work, for a warning. Null: nothing.
  std::string (*warning)(const Provider& provider) = nullptr;
};

const Preset& preset_of(ProviderType type) noexcept;
// By the word in `type`, or a provider's name; nullopt when there is none.
std::optional<ProviderType> parse_provider_type(std::string_view word) noexcept;
std::string provider_type_names();  // "google, github, …"

// For `settle`: what was not given.
void set_default(std::string& member, std::string value);
// What most providers mean by their ID token and userinfo. An address and its being verified come
// from the same statement.
Json openid_claims(const Statement& said, const Provider& provider);
// A flag that some providers write as text ("true").
bool is_true(const Json& flag);

extern const Preset kGoogle, kGitHub, kMicrosoft, kApple, kCognito;

}  // namespace oauth
