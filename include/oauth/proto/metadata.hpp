// Metadata: what an OpenID Provider says of itself (OpenID Connect Discovery 1.0 3, RFC 8414 2), or
// what its block in the configuration says in its place.
#pragma once

#include <string>
#include <string_view>

#include "oauth/base/result.hpp"
#include "oauth/jose/alg.hpp"
#include "oauth/jose/jwk.hpp"
#include "oauth/proto/provider.hpp"

namespace oauth {

struct Metadata {
  std::string issuer;  // with "{tenantid}" in it where each tenant is an issuer (Microsoft)
  std::string authorization_endpoint;
  std::string token_endpoint;
  std::string userinfo_endpoint;  // empty when there is none
  std::string jwks_uri;
  bool iss_parameter = false;  // RFC 9207 3: authorization_response_iss_parameter_supported
  AlgSet id_token_algs;        // advertised and usable; RS256 where it says nothing
};

// Where an issuer's metadata is: issuer + /.well-known/openid-configuration (Discovery 4.1).
std::string metadata_url(std::string_view issuer);

// Where the keys of an issuer are that is no provider here: `jwks_uri` of its metadata, under the
// rules of parse_metadata for `issuer` and endpoints, or discovery_refused.
Result<std::string> advertised_keys(std::string_view json, const std::string& issuer);

// What the configuration says alone; nullopt where the provider has to be asked.
std::optional<Metadata> configured_metadata(const Provider& provider);

// Discovery 4.3: `issuer` must be the configured one, byte for byte (for Microsoft: the tenant's,
// or the template of all tenants). Endpoints must be https, or http on loopback where the issuer is
// that too; an IP literal only where it is the issuer's own host. Anything else is
// discovery_refused. What the configuration names stands in place of what the provider says.
Result<Metadata> parse_metadata(std::string_view json, const Provider& provider);

// The issuer that an ID token with these (unverified) claims must have: the metadata's, but for
// Google's second spelling and for Microsoft, where the tenant that the token names is put in.
// token_issuer_wrong when no issuer could fit.
Result<std::string> expected_issuer(const Json& claims, const Provider& provider,
                                    const Metadata& metadata);

// The keys that may sign for `issuer`: a JWK that names an issuer of its own (Microsoft) signs for
// no other.
KeySet keys_for(const KeySet& keys, std::string_view issuer);

}  // namespace oauth
