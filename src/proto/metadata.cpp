#include "oauth/proto/metadata.hpp"

#include <algorithm>

#include "oauth/base/text.hpp"
#include "oauth/base/uri.hpp"
#include "oauth/proto/preset.hpp"
#include "oauth/proto/tenant.hpp"

namespace oauth {
namespace {

constexpr Json::Limits kMetadataLimits{256 * 1024, 16};

// RFC 8414 6.2: metadata must not lead the broker to places that the operator did not name.
bool is_acceptable_endpoint(const Uri& endpoint, const Uri& issuer) {
  if (endpoint.scheme() == "http") {
    return issuer.scheme() == "http" && issuer.is_loopback() && endpoint.is_loopback();
  }
  if (endpoint.scheme() != "https") {
    return false;
  }
  const bool names_a_machine = endpoint.is_ip_literal() || endpoint.is_loopback();
  return !names_a_machine || endpoint.host() == issuer.host();
}

// What the configuration names, else what the metadata says; empty when it is absent or not
// acceptable.
std::string endpoint(const Json& metadata, std::string_view name, const std::string& given,
                     const Uri& issuer) {
  if (!given.empty()) {
    return given;
  }
  const auto text = metadata.string(name);
  if (!text) {
    return {};
  }
  const auto uri = Uri::parse(*text);
  if (!uri || uri->fragment() || !is_acceptable_endpoint(*uri, issuer)) {
    return {};
  }
  return uri->text();
}

// OpenID Connect Discovery 3: id_token_signing_alg_values_supported; RS256 must be in it.
AlgSet id_token_algs(const Json& metadata) {
  const Json names = metadata.get("id_token_signing_alg_values_supported");
  AlgSet algs;
  for (std::size_t i = 0; i < names.size(); ++i) {
    const auto alg = parse_alg(names.at(i).string().value_or(""));
    if (alg && kAsymmetric.has(*alg)) {
      algs.add(*alg);
    }
  }
  return names.is_array() ? algs : AlgSet{Alg::rs256};
}

bool is_issuer(std::string_view issuer, const Provider& provider) {
  const Preset& preset = preset_of(provider.type);
  return preset.is_issuer == nullptr ? issuer == provider.issuer
                                     : preset.is_issuer(issuer, provider);
}

}  // namespace

std::string metadata_url(std::string_view issuer) {
  // Discovery 4.1: a terminating slash is removed before the well-known path is appended.
  if (!issuer.empty() && issuer.back() == '/') {
    issuer.remove_suffix(1);
  }
  return std::string(issuer) + "/.well-known/openid-configuration";
}

Result<std::string> advertised_keys(std::string_view json, const std::string& issuer) {
  const auto parsed = Json::parse_object(json, kMetadataLimits);
  const auto uri = Uri::parse(issuer);
  // Discovery 4.3
  if (!parsed || !uri || parsed->string("issuer") != issuer) {
    return Problem::discovery_refused;
  }
  std::string keys = endpoint(*parsed, "jwks_uri", {}, *uri);
  return keys.empty() ? Result<std::string>(Problem::discovery_refused) : std::move(keys);
}

std::optional<Metadata> configured_metadata(const Provider& provider) {
  const Endpoints& given = provider.endpoints;
  const bool asks = provider.is_openid() &&
                    (given.authorization.empty() || given.token.empty() || given.jwks.empty());
  if (asks) {
    return std::nullopt;
  }
  Metadata metadata;
  metadata.issuer = provider.issuer;
  metadata.authorization_endpoint = given.authorization;
  metadata.token_endpoint = given.token;
  metadata.userinfo_endpoint = given.userinfo;
  metadata.jwks_uri = given.jwks;
  metadata.id_token_algs = kAsymmetric;  // nobody advertised any: the key decides (RFC 8725 3.1)
  return metadata;
}

Result<Metadata> parse_metadata(std::string_view json, const Provider& provider) {
  const auto parsed = Json::parse_object(json, kMetadataLimits);
  const auto issuer = Uri::parse(provider.issuer);
  if (!parsed || !issuer) {
    return Problem::discovery_refused;
  }
  // Discovery 4.3: the issuer returned must be exactly the one that was asked.
  const std::string_view said = parsed->string("issuer").value_or("");
  if (!is_issuer(said, provider)) {
    return Problem::discovery_refused;
  }
  const Endpoints& given = provider.endpoints;
  Metadata metadata;
  metadata.issuer = said;
  metadata.authorization_endpoint =
      endpoint(*parsed, "authorization_endpoint", given.authorization, *issuer);
  metadata.token_endpoint = endpoint(*parsed, "token_endpoint", given.token, *issuer);
  metadata.jwks_uri = endpoint(*parsed, "jwks_uri", given.jwks, *issuer);
  if (metadata.authorization_endpoint.empty() || metadata.token_endpoint.empty() ||
      metadata.jwks_uri.empty()) {
    return Problem::discovery_refused;
  }
  if (parsed->has("userinfo_endpoint") || !given.userinfo.empty()) {
    metadata.userinfo_endpoint = endpoint(*parsed, "userinfo_endpoint", given.userinfo, *issuer);
    if (metadata.userinfo_endpoint.empty()) {
      return Problem::discovery_refused;
    }
  }
  metadata.iss_parameter =
      parsed->boolean("authorization_response_iss_parameter_supported").value_or(false);
  metadata.id_token_algs = id_token_algs(*parsed);
  if (metadata.id_token_algs.empty()) {
    return Problem::discovery_refused;
  }
  return metadata;
}

Result<std::string> expected_issuer(const Json& claims, const Provider& provider,
                                    const Metadata& metadata) {
  const Preset& preset = preset_of(provider.type);
  return preset.issuer_of == nullptr ? Result<std::string>(metadata.issuer)
                                     : preset.issuer_of(claims, provider, metadata);
}

KeySet keys_for(const KeySet& keys, std::string_view issuer) {
  std::vector<Key> fitting;
  for (const Key& key : keys.keys()) {
    if (key.issuer().empty() || names_issuer(key.issuer(), issuer)) {
      fitting.push_back(key);
    }
  }
  return KeySet(std::move(fitting));
}

}  // namespace oauth
