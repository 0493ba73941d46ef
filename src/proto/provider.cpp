#include "oauth/proto/provider.hpp"

#include <algorithm>

#include "oauth/base/uri.hpp"

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

// A required endpoint; empty when it is absent or not acceptable.
std::string endpoint(const Json& metadata, std::string_view name, const Uri& issuer) {
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

}  // namespace

bool is_provider_name(std::string_view name) noexcept {
  const auto is_word = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  const auto is_inner = [&](char c) { return is_word(c) || c == '_' || c == '-'; };
  return !name.empty() && name.size() <= 32 && is_word(name.front()) &&
         std::all_of(name.begin(), name.end(), is_inner);
}

bool is_reserved_provider_name(std::string_view name) noexcept {
  return name == "otp" || name == "email" || name == "client" || name == "demo";
}

std::string metadata_url(const Provider& provider) {
  std::string_view issuer = provider.issuer;
  // Discovery 4.1: a terminating slash is removed before the well-known path is appended.
  if (!issuer.empty() && issuer.back() == '/') {
    issuer.remove_suffix(1);
  }
  return std::string(issuer) + "/.well-known/openid-configuration";
}

Result<Metadata> parse_metadata(std::string_view json, const Provider& provider) {
  const auto parsed = Json::parse_object(json, kMetadataLimits);
  const auto issuer = Uri::parse(provider.issuer);
  if (!parsed || !issuer) {
    return Problem::discovery_refused;
  }
  // Discovery 4.3: the issuer returned must be exactly the one that was asked.
  if (parsed->string("issuer") != provider.issuer) {
    return Problem::discovery_refused;
  }
  Metadata metadata;
  metadata.issuer = provider.issuer;
  metadata.authorization_endpoint = endpoint(*parsed, "authorization_endpoint", *issuer);
  metadata.token_endpoint = endpoint(*parsed, "token_endpoint", *issuer);
  metadata.jwks_uri = endpoint(*parsed, "jwks_uri", *issuer);
  if (metadata.authorization_endpoint.empty() || metadata.token_endpoint.empty() ||
      metadata.jwks_uri.empty()) {
    return Problem::discovery_refused;
  }
  if (parsed->has("userinfo_endpoint")) {
    metadata.userinfo_endpoint = endpoint(*parsed, "userinfo_endpoint", *issuer);
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

}  // namespace oauth
