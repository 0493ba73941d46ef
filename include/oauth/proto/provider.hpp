// Provider: an identity provider as `oauth_provider NAME { … }` describes it, completed by the
// Preset of its type. Pure data; read-only after load.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "oauth/base/json.hpp"
#include "oauth/base/result.hpp"
#include "oauth/base/secret.hpp"
#include "oauth/jose/jwk.hpp"

namespace oauth {

// What brings defaults and quirks along: one Preset each (preset.hpp).
enum class ProviderType : std::uint8_t {
  google,
  github,
  microsoft,
  apple,
  cognito,
  oidc,
  oauth2,
  demo,
};

// How the broker authenticates at the token endpoint (RFC 6749 2.3.1, OpenID Connect Core 9).
enum class TokenAuth : std::uint8_t { basic, post, private_key_jwt, none };

struct DemoUser {
  std::string email;
  std::string name;
};

// `claim FROM=TO`: a member name, or a JSON Pointer (RFC 6901), of what the provider says, and
// which of ours it is: sub, email, email_verified, name, picture.
struct ClaimRule {
  std::string from;
  std::string to;
};

// Where a provider is asked. Empty: its metadata says.
struct Endpoints {
  std::string authorization;
  std::string token;
  std::string userinfo;
  std::string emails;  // GitHub's list of addresses; no metadata knows it
  std::string jwks;
};

struct Provider {
  std::string name;
  ProviderType type = ProviderType::oidc;
  std::string client_id;
  Secret client_secret;
  std::string issuer;
  std::string scope;
  std::string display_name;
  std::string icon;
  bool enabled = true;
  bool pkce = true;
  bool require_verified_email = true;
  TokenAuth token_auth = TokenAuth::basic;
  std::optional<Key> client_key;  // private_key_jwt, and what Apple's client_secret is signed with
  Alg client_alg = Alg::es256;
  Endpoints endpoints;
  std::vector<ClaimRule> claims;
  std::vector<std::pair<std::string, std::string>> authorization_params;
  std::vector<std::string> email_domains;    // lower case; empty: any
  std::string host;                          // github
  std::string tenant;                        // microsoft: common, organizations, consumers or one
  std::vector<std::string> tenants;          // microsoft: GUIDs in lower case; empty: any
  std::string team_id;                       // apple
  std::string region, user_pool_id, domain;  // cognito
  std::vector<DemoUser> users;               // demo
  std::string fetch_location;                // the user's own; empty: the broker's

  bool is_openid() const noexcept {
    return type != ProviderType::oauth2 && type != ProviderType::github &&
           type != ProviderType::demo;
  }
};

// RFC names that may serve as a provider's: they prefix `sub`, so none may collide (DESIGN 2).
// [a-z0-9][a-z0-9_-]{0,31} and not otp, email, client, or (but for type demo) demo.
bool is_provider_name(std::string_view name) noexcept;
bool is_reserved_provider_name(std::string_view name) noexcept;

}  // namespace oauth
