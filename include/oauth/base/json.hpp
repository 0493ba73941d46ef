// Json: the one door for JSON text, in and out; the only file that sees jansson.
// RFC 8259 in UTF-8, narrowed: duplicate members, U+0000, lone surrogates, numbers outside the
// range of their C type, more than `depth` levels and more than `bytes` bytes are refused.
// Values are immutable once parsed and cheap to copy (they share the tree).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "oauth/base/result.hpp"

struct json_t;

namespace oauth {

class Json {
 public:
  struct Limits {
    std::size_t bytes = 64 * 1024;
    std::size_t depth = 16;
  };
  enum class Kind { null, boolean, integer, real, string, array, object };

  Json() noexcept = default;  // null
  Json(const Json& other) noexcept;
  Json(Json&& other) noexcept;
  Json& operator=(Json other) noexcept;
  ~Json();

  // Problem::json_invalid for anything refused, json_too_large for the size bound.
  static Result<Json> parse(std::string_view text, Limits limits);
  static Result<Json> parse(std::string_view text) { return parse(text, Limits{}); }
  // The same, and the outermost value must be an object.
  static Result<Json> parse_object(std::string_view text, Limits limits);
  static Result<Json> parse_object(std::string_view text) { return parse_object(text, Limits{}); }

  static Json object();
  static Json array();
  static Json of(std::string_view value);  // must be UTF-8; else the value is null
  static Json of(std::int64_t value);
  static Json of(int value) { return of(std::int64_t{value}); }
  static Json of(double value);  // finite; else the value is null
  static Json of(bool value);
  static Json of(const char* value) { return of(std::string_view(value)); }

  Kind kind() const noexcept;
  bool is_object() const noexcept { return kind() == Kind::object; }
  bool is_array() const noexcept { return kind() == Kind::array; }

  // The value itself; nullopt when it is of another kind. Views live as long as any Json of the
  // tree.
  std::optional<std::string_view> string() const noexcept;
  std::optional<std::int64_t> integer() const noexcept;
  std::optional<double> number() const noexcept;  // integer or real
  std::optional<bool> boolean() const noexcept;

  // Members of an object: an absent one is a null Json, so lookups chain.
  Json get(std::string_view name) const;
  bool has(std::string_view name) const noexcept;
  std::optional<std::string_view> string(std::string_view name) const { return get(name).string(); }
  std::optional<std::int64_t> integer(std::string_view name) const { return get(name).integer(); }
  std::optional<bool> boolean(std::string_view name) const { return get(name).boolean(); }
  // RFC 6901; null where it leads nowhere.
  Json at_pointer(std::string_view pointer) const;
  std::vector<std::pair<std::string_view, Json>> members() const;  // in order of insertion

  std::size_t size() const noexcept;  // elements of an array, members of an object
  Json at(std::size_t index) const;   // null past the end

  // Building. Only on trees made by object() and array(), before they are shared.
  Json& set(std::string_view name, Json value);
  Json& set(std::string_view name, std::string_view value) { return set(name, of(value)); }
  Json& set(std::string_view name, const char* value) { return set(name, of(value)); }
  Json& set(std::string_view name, std::int64_t value) { return set(name, of(value)); }
  Json& set(std::string_view name, int value) { return set(name, of(value)); }
  Json& set(std::string_view name, bool value) { return set(name, of(value)); }
  Json& push(Json value);

  // Compact, members in order of insertion, pure ASCII (RFC 8259 7: `\u`): safe for the real Dexie
  // client, which decodes with atob() (dexie-contract 3), and for HTTP headers.
  std::string dump() const;
  void append_to(std::string& text) const;  // the same, behind what is there
  // The same with `<`, `>`, `&` also escaped: for a <script type="application/json"> block.
  std::string dump_for_html() const;

 private:
  explicit Json(json_t* owned) noexcept : value_(owned) {}
  json_t* value_ = nullptr;
};

}  // namespace oauth
