#include "oauth/proto/scope.hpp"

#include <algorithm>

#include "oauth/base/text.hpp"

namespace oauth {

bool is_scope(std::string_view name) noexcept {
  return !name.empty() && is_printable_ascii(name) &&
         name.find_first_of(" \"\\") == std::string_view::npos;
}

std::vector<std::string_view> scopes_in(const JsonView& claim) {
  std::vector<std::string_view> scopes;
  if (const auto text = claim.string()) {
    scopes = split_words(*text);
  }
  for (const JsonView& element : claim.elements()) {
    scopes.push_back(element.string().value_or(""));
  }
  std::erase_if(scopes, [](std::string_view scope) { return !is_scope(scope); });
  return scopes;
}

bool has_scope(const JsonView& claim, std::string_view scope) {
  const auto scopes = scopes_in(claim);
  return std::find(scopes.begin(), scopes.end(), scope) != scopes.end();
}

}  // namespace oauth
