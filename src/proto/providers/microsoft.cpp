// Microsoft Entra ID and personal accounts (OpenID Connect), where every tenant is an issuer:
// https://learn.microsoft.com/entra/identity-platform/id-tokens
#include <algorithm>

#include "oauth/base/text.hpp"
#include "oauth/proto/preset.hpp"
#include "oauth/proto/tenant.hpp"

namespace oauth {
namespace {

constexpr std::string_view kPersonal = "9188040d-6c67-4c5b-b112-36a304b66dad";

bool is_shared(std::string_view tenant) {
  return tenant == "common" || tenant == "organizations";
}

std::string settle(Provider& provider) {
  if (provider.tenant.empty()) {
    provider.tenant = "common";
  }
  if (provider.issuer.empty()) {
    const std::string_view tenant = provider.tenant == "consumers" ? kPersonal : provider.tenant;
    provider.issuer = "https://login.microsoftonline.com/" + std::string(tenant) + "/v2.0";
  }
  const bool is_domain = provider.tenant.find('.') != std::string::npos;
  if (is_domain && configured_metadata(provider)) {
    return "needs its tenant's id, a GUID, for \"tenant\": nobody is asked which one the domain is";
  }
  return {};
}

// The issuer with something in the tenant's place: scheme://host/HERE/v2.0
std::string with_tenant(std::string_view issuer, std::string_view tenant) {
  const auto end = issuer.rfind('/');
  const auto start = issuer.rfind('/', end - 1);
  if (end == std::string_view::npos || start == std::string_view::npos) {
    return {};
  }
  return std::string(issuer.substr(0, start + 1)) + std::string(tenant) +
         std::string(issuer.substr(end));
}

// Metadata of all tenants names a template; that of one names the tenant by its id, though it may
// have been asked for by a domain.
bool is_issuer(std::string_view issuer, const Provider& provider) {
  if (issuer == provider.issuer) {
    return !is_shared(provider.tenant);
  }
  if (is_shared(provider.tenant)) {
    return issuer == with_tenant(provider.issuer, kTenantTemplate);
  }
  const auto end = issuer.rfind('/');
  const auto start = end == std::string_view::npos ? end : issuer.rfind('/', end - 1);
  return start != std::string_view::npos && !is_tenant_id(provider.tenant) &&
         is_tenant_id(issuer.substr(start + 1, end - start - 1)) &&
         issuer == with_tenant(provider.issuer, issuer.substr(start + 1, end - start - 1));
}

Result<std::string> issuer_of(const Json& claims, const Provider& provider,
                              const Metadata& metadata) {
  const std::string_view tenant = claims.string("tid").value_or("");
  if (!is_tenant_id(tenant)) {
    return Problem::tenant_refused;
  }
  const auto& allowed = provider.tenants;
  if (!allowed.empty() && std::find(allowed.begin(), allowed.end(), tenant) == allowed.end()) {
    return Problem::tenant_refused;
  }
  if (provider.tenant == "organizations" && tenant == kPersonal) {
    return Problem::tenant_refused;
  }
  // "iss" is the metadata's with the token's own "tid" put in, also where there is one tenant only.
  const std::string issuer = with_tenant(metadata.issuer, tenant);
  if (!is_shared(provider.tenant) && issuer != metadata.issuer) {
    return Problem::tenant_refused;
  }
  return issuer;
}

// The optional claim xms_edov: whether the owner of the address's domain vouches for it.
bool is_vouched_for(const Json& flag) {
  return is_true(flag) || flag.integer() == 1 || flag.string() == "1";
}

// (tid, oid) is the account; an address is none: tenants write into it what they like.
Json claims(const Statement& said, const Provider&) {
  const Json& token = said.id_token;
  const auto account = token.string("oid") ? token.string("oid") : token.string("sub");
  const std::string id =
      std::string(token.string("tid").value_or("")) + "." + std::string(account.value_or(""));
  Json claims = Json::object();
  claims.set("sub", std::string_view(id));
  claims.set("email", token.get("email"));
  claims.set("email_verified", is_vouched_for(token.get("xms_edov")));
  claims.set("name", token.get("name"));
  return claims;
}

std::string warning(const Provider&) {
  return "is Microsoft, which says that an address is verified only in the optional claim "
         "xms_edov: add it to the application's ID token, or nobody is let in; "
         "\"require_verified_email on;\" says that this was done";
}

}  // namespace

const Preset kMicrosoft{
    .type = "microsoft",
    .display_name = "Microsoft",
    .dexie_type = "microsoft",
    .scope = "openid email profile",
    .token_auth = TokenAuth::post,
    .userinfo = false,
    .settle = settle,
    .claims = claims,
    .is_issuer = is_issuer,
    .issuer_of = issuer_of,
    .warning = warning,
};

}  // namespace oauth
