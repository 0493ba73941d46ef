// Tenant: Microsoft's way to be many issuers at once. Metadata and keys name a template with
// "{tenantid}" in it; the token names its tenant, a GUID, in `tid`.
#pragma once

#include <string>
#include <string_view>

namespace oauth {

inline constexpr std::string_view kTenantTemplate = "{tenantid}";

// 8-4-4-4-12 lower-case hex digits.
bool is_tenant_id(std::string_view text) noexcept;

// The template with `tenant` put in; as it is when it is no template.
std::string in_tenant(std::string_view issuer, std::string_view tenant);

// Whether `pattern` is `issuer`, or a template that some tenant turns into it.
bool names_issuer(std::string_view pattern, std::string_view issuer) noexcept;

}  // namespace oauth
