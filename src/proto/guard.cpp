#include "oauth/proto/guard.hpp"

#include <algorithm>

#include "oauth/base/text.hpp"

namespace oauth {
namespace {

// RFC 9110 11.1: in any case. `scheme` is lower case. A tab ends it for lenient readers behind us,
// so it does here, and is refused by who reads what follows.
bool has_scheme(std::string_view authorization, std::string_view scheme) noexcept {
  if (!iequals_ascii(authorization.substr(0, scheme.size()), scheme)) {
    return false;
  }
  const char next = authorization.size() > scheme.size() ? authorization[scheme.size()] : ' ';
  return next == ' ' || next == '\t';
}

}  // namespace

bool allows_origins(const Guard& guard, const std::vector<std::string_view>& origins) {
  return origins.empty() || (origins.size() == 1 && guard.origins.allows_origin(origins.front()));
}

std::string challenge(const Guard& guard, Problem problem) {
  std::string text = "Bearer realm=\"" + guard.realm + "\"";
  const ProblemRow& why = row(problem);
  if (!why.oauth_error.empty()) {
    text += ", error=\"" + std::string(why.oauth_error) + "\"";
    text += ", error_description=\"" + std::string(why.text) + "\"";
  }
  if (problem == Problem::scope_insufficient) {
    text += ", scope=\"" + required_scope(guard.requirements) + "\"";
  }
  return text;
}

Result<std::string_view> read_bearer(std::string_view authorization) {
  constexpr std::string_view kScheme = "bearer";
  if (!has_scheme(authorization, kScheme)) {
    return std::string_view{};
  }
  std::string_view token = authorization.substr(kScheme.size());
  while (!token.empty() && token.front() == ' ') {
    token.remove_prefix(1);
  }
  return token.empty() ? Problem::token_malformed : Result<std::string_view>(token);
}

bool is_b64token(std::string_view text) noexcept {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~' || c == '+' || c == '/' || c == '=';
  });
}

}  // namespace oauth
