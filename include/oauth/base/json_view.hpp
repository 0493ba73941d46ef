// JsonView: one value on a JsonTape, asked by the names that Json has. It is only a place: it lives
// as long as the tape, which stays where it is, and as the text that was read.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "oauth/base/json.hpp"

namespace oauth {

class JsonView {
 public:
  using Kind = Json::Kind;

  JsonView() noexcept = default;  // null

  Kind kind() const noexcept;
  bool is_object() const noexcept { return kind() == Kind::object; }
  bool is_array() const noexcept { return kind() == Kind::array; }

  // The value itself; nullopt when it is of another kind.
  std::optional<std::string_view> string() const noexcept;
  std::optional<std::int64_t> integer() const noexcept;
  std::optional<double> number() const noexcept;  // integer or real
  std::optional<bool> boolean() const noexcept;

  // Members of an object: an absent one is a null view, so lookups chain.
  JsonView get(std::string_view name) const noexcept;
  bool has(std::string_view name) const noexcept { return get(name).node_ != nullptr; }
  std::optional<std::string_view> string(std::string_view name) const noexcept {
    return get(name).string();
  }
  std::optional<std::int64_t> integer(std::string_view name) const noexcept {
    return get(name).integer();
  }
  std::optional<bool> boolean(std::string_view name) const noexcept { return get(name).boolean(); }
  std::vector<std::pair<std::string_view, JsonView>> members() const;  // in the order of the text

  std::size_t size() const noexcept;              // elements of an array, members of an object
  JsonView at(std::size_t index) const noexcept;  // null past the end
  JsonView at_pointer(std::string_view pointer) const;  // RFC 6901; null where it leads nowhere
  std::vector<JsonView> elements() const;  // of an array, without the walk that `at` takes

  Json copy() const;
  std::string dump() const { return copy().dump(); }

 private:
  friend class JsonTape;
  // The values in the order of the text. A container is followed by what it holds: an array by its
  // elements, an object by name and value in turn.
  struct Node {
    Kind kind;
    std::uint32_t size;  // of a string: bytes; of others: nodes from here to what comes next
    union {
      const char* text;
      std::int64_t integer;
      double real;
      bool boolean;
      std::size_t count;  // elements or members
    };

    std::string_view string() const noexcept { return {text, size}; }
    const Node* next() const noexcept { return this + (kind == Kind::string ? 1 : size); }
  };
  explicit JsonView(const Node* node) noexcept : node_(node) {}
  const Node* node_ = nullptr;
};

}  // namespace oauth
