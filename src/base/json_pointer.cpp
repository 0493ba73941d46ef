#include "oauth/base/json_pointer.hpp"

namespace oauth {

std::optional<std::string> unescape_reference(std::string_view token) {
  std::string name;
  for (std::size_t i = 0; i < token.size(); ++i) {
    if (token[i] != '~') {
      name += token[i];
      continue;
    }
    if (++i == token.size() || (token[i] != '0' && token[i] != '1')) {
      return std::nullopt;
    }
    name += token[i] == '0' ? '~' : '/';
  }
  return name;
}

std::optional<std::size_t> array_index(std::string_view token) noexcept {
  if (token.empty() || token.size() > 9 || (token.size() > 1 && token[0] == '0')) {
    return std::nullopt;
  }
  std::size_t index = 0;
  for (const char c : token) {
    if (c < '0' || c > '9') {
      return std::nullopt;
    }
    index = index * 10 + static_cast<std::size_t>(c - '0');
  }
  return index;
}

}  // namespace oauth
