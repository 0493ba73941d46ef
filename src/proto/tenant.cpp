#include "oauth/proto/tenant.hpp"

namespace oauth {

bool is_tenant_id(std::string_view text) noexcept {
  constexpr std::string_view kShape = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
  if (text.size() != kShape.size()) {
    return false;
  }
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool is_digit = (text[i] >= '0' && text[i] <= '9') || (text[i] >= 'a' && text[i] <= 'f');
    if (kShape[i] == '-' ? text[i] != '-' : !is_digit) {
      return false;
    }
  }
  return true;
}

std::string in_tenant(std::string_view issuer, std::string_view tenant) {
  std::string text(issuer);
  if (const auto at = text.find(kTenantTemplate); at != std::string::npos) {
    text.replace(at, kTenantTemplate.size(), tenant);
  }
  return text;
}

bool names_issuer(std::string_view pattern, std::string_view issuer) noexcept {
  const auto at = pattern.find(kTenantTemplate);
  if (at == std::string_view::npos) {
    return pattern == issuer;
  }
  const std::string_view behind = pattern.substr(at + kTenantTemplate.size());
  if (issuer.size() < at + behind.size()) {
    return false;
  }
  return issuer.substr(0, at) == pattern.substr(0, at) && issuer.ends_with(behind) &&
         is_tenant_id(issuer.substr(at, issuer.size() - at - behind.size()));
}

}  // namespace oauth
