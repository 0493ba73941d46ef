// JSON Pointer (RFC 6901), for Json and JsonView alike.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace oauth {

// RFC 6901 4: a reference token without its escapes; nullopt for a `~` that escapes nothing.
std::optional<std::string> unescape_reference(std::string_view token);

// RFC 6901 4: digits without a leading zero. `-`, past the end, leads nowhere when reading.
std::optional<std::size_t> array_index(std::string_view token) noexcept;

// What `pointer` leads to from `value`; null where it leads nowhere.
template <class Value>
Value follow_pointer(Value value, std::string_view pointer) {
  while (!pointer.empty()) {
    if (pointer[0] != '/') {
      return {};
    }
    pointer.remove_prefix(1);
    const std::string_view token = pointer.substr(0, pointer.find('/'));
    pointer.remove_prefix(token.size());
    const auto name = unescape_reference(token);
    if (!name) {
      return {};
    }
    if (value.is_array()) {
      const auto index = array_index(*name);
      value = index ? value.at(*index) : Value{};
    } else {
      value = value.get(*name);
    }
  }
  return value;
}

}  // namespace oauth
