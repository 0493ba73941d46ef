#include "oauth/proto/guard.hpp"

#include <algorithm>

#include "oauth/base/text.hpp"

namespace oauth {

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

Result<std::string_view> bearer_token(std::string_view authorization) {
  constexpr std::string_view kScheme = "Bearer";
  // A tab ends the scheme for lenient readers behind us, so it does here, and is refused below.
  const bool is_other =
      !iequals_ascii(authorization.substr(0, kScheme.size()), kScheme) ||
      (authorization.size() > kScheme.size() && authorization[kScheme.size()] != ' ' &&
       authorization[kScheme.size()] != '\t');
  if (is_other) {
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
