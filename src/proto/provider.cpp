#include "oauth/proto/provider.hpp"

#include <algorithm>

namespace oauth {

bool is_provider_name(std::string_view name) noexcept {
  const auto is_word = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  const auto is_inner = [&](char c) { return is_word(c) || c == '_' || c == '-'; };
  return !name.empty() && name.size() <= 32 && is_word(name.front()) &&
         std::all_of(name.begin(), name.end(), is_inner);
}

bool is_reserved_provider_name(std::string_view name) noexcept {
  return name == "otp" || name == "email" || name == "client" || name == "demo";
}

}  // namespace oauth
