// Provider: an identity provider as `oauth_provider NAME { … }` describes it, and Metadata: what it
// says of itself (OpenID Connect Discovery 1.0 3, RFC 8414 2). Pure data; read-only after load.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "oauth/base/json.hpp"
#include "oauth/base/result.hpp"
#include "oauth/base/secret.hpp"
#include "oauth/jose/jwk.hpp"

namespace oauth {

enum class ProviderType : std::uint8_t { oidc, demo };

// How the broker authenticates at the token endpoint (RFC 6749 2.3.1, OpenID Connect Core 9).
enum class TokenAuth : std::uint8_t { basic, post, none };

struct DemoUser {
  std::string email;
  std::string name;
};

struct Provider {
  std::string name;
  ProviderType type = ProviderType::oidc;
  std::string client_id;
  Secret client_secret;
  std::string issuer;
  std::string scope = "openid email profile";
  std::string display_name;
  std::string icon;
  bool enabled = true;
  bool pkce = true;
  bool require_verified_email = true;
  TokenAuth token_auth = TokenAuth::basic;
  std::vector<DemoUser> users;  // demo only
  std::string fetch_location;   // the user's own; empty: the broker's

  // `type` in /auth-providers (dexie-contract 1).
  std::string_view dexie_type() const noexcept { return "custom-oauth2"; }
  bool is_openid() const noexcept { return type == ProviderType::oidc; }
};

// RFC names that may serve as a provider's: they prefix `sub`, so none may collide (DESIGN 2).
// [a-z0-9][a-z0-9_-]{0,31} and not otp, email, client, or (but for type demo) demo.
bool is_provider_name(std::string_view name) noexcept;
bool is_reserved_provider_name(std::string_view name) noexcept;

struct Metadata {
  std::string issuer;
  std::string authorization_endpoint;
  std::string token_endpoint;
  std::string userinfo_endpoint;  // empty when there is none
  std::string jwks_uri;
  bool iss_parameter = false;  // RFC 9207 3: authorization_response_iss_parameter_supported
  AlgSet id_token_algs;        // advertised and usable; RS256 where it says nothing
};

// Where the provider's metadata is: issuer + /.well-known/openid-configuration (Discovery 4.1).
std::string metadata_url(const Provider& provider);

// Discovery 4.3: `issuer` must be the configured one, byte for byte. Endpoints must be https, or
// http on loopback where the issuer is that too; an IP literal only where it is the issuer's own
// host. Anything else is discovery_refused.
Result<Metadata> parse_metadata(std::string_view json, const Provider& provider);

}  // namespace oauth
