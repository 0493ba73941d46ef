#include "oauth/base/json.hpp"

#include <jansson.h>

#include <cstdlib>
#include <memory>

#include "oauth/base/json_pointer.hpp"

namespace oauth {
namespace {

// jansson recurses once a level and bounds that only at 2048, so the bound is checked before it
// sees the text. Text that is not JSON may be counted wrongly here; jansson refuses it anyway, and
// never opens a level that was not counted.
bool is_deeper_than(std::string_view text, std::size_t limit) noexcept {
  std::size_t depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') {
        ++i;
      } else if (c == '"') {
        in_string = false;
      }
    } else if (c == '"') {
      in_string = true;
    } else if (c == '[' || c == '{') {
      if (++depth > limit) {
        return true;
      }
    } else if ((c == ']' || c == '}') && depth > 0) {
      --depth;
    }
  }
  return false;
}

// Each of `characters` as \u00XX. They can only stand inside strings, where that is the same.
std::string escape(std::string_view json, std::string_view characters) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  out.reserve(json.size());
  for (const char c : json) {
    if (characters.find(c) == std::string_view::npos) {
      out += c;
    } else {
      out += "\\u00";
      out += kDigits[static_cast<unsigned char>(c) >> 4];
      out += kDigits[static_cast<unsigned char>(c) & 0xF];
    }
  }
  return out;
}

std::string dump_escaping(const json_t* value, std::string_view characters) {
  if (value == nullptr) {
    return "null";
  }
  const std::unique_ptr<char, decltype(&std::free)> text(
      json_dumps(value, JSON_COMPACT | JSON_ENSURE_ASCII | JSON_ENCODE_ANY), &std::free);
  return text ? escape(text.get(), characters) : "null";
}

}  // namespace

Json::Json(const Json& other) noexcept : value_(json_incref(other.value_)) {}
Json::Json(Json&& other) noexcept : value_(std::exchange(other.value_, nullptr)) {}
Json& Json::operator=(Json other) noexcept {
  std::swap(value_, other.value_);
  return *this;
}
Json::~Json() {
  json_decref(value_);
}

Result<Json> Json::parse(std::string_view text, Limits limits) {
  if (text.size() > limits.bytes) {
    return Problem::json_too_large;
  }
  // jansson takes a NUL after a number for the end of the text.
  if (text.find('\0') != std::string_view::npos || is_deeper_than(text, limits.depth)) {
    return Problem::json_invalid;
  }
  json_error_t error;
  Json value(
      json_loadb(text.data(), text.size(), JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error));
  if (value.value_ == nullptr) {
    return Problem::json_invalid;
  }
  return value;
}

Result<Json> Json::parse_object(std::string_view text, Limits limits) {
  auto value = parse(text, limits);
  if (value && !value->is_object()) {
    return Problem::json_invalid;
  }
  return value;
}

Json Json::object() {
  return Json(json_object());
}
Json Json::array() {
  return Json(json_array());
}
Json Json::of(std::string_view value) {
  // A view of nothing has a null pointer, which jansson takes for an error.
  return Json(json_stringn(value.empty() ? "" : value.data(), value.size()));
}
Json Json::of(std::int64_t value) {
  return Json(json_integer(value));
}
Json Json::of(double value) {
  return Json(json_real(value));
}
Json Json::of(bool value) {
  return Json(json_boolean(value));
}

Json::Kind Json::kind() const noexcept {
  if (value_ == nullptr) {
    return Kind::null;
  }
  switch (json_typeof(value_)) {
    case JSON_OBJECT:
      return Kind::object;
    case JSON_ARRAY:
      return Kind::array;
    case JSON_STRING:
      return Kind::string;
    case JSON_INTEGER:
      return Kind::integer;
    case JSON_REAL:
      return Kind::real;
    case JSON_TRUE:
    case JSON_FALSE:
      return Kind::boolean;
    case JSON_NULL:
      break;
  }
  return Kind::null;
}

std::optional<std::string_view> Json::string() const noexcept {
  if (kind() != Kind::string) {
    return std::nullopt;
  }
  return std::string_view(json_string_value(value_), json_string_length(value_));
}

std::optional<std::int64_t> Json::integer() const noexcept {
  if (kind() != Kind::integer) {
    return std::nullopt;
  }
  return json_integer_value(value_);
}

std::optional<double> Json::number() const noexcept {
  if (kind() != Kind::integer && kind() != Kind::real) {
    return std::nullopt;
  }
  return json_number_value(value_);
}

std::optional<bool> Json::boolean() const noexcept {
  if (kind() != Kind::boolean) {
    return std::nullopt;
  }
  return json_is_true(value_);
}

Json Json::get(std::string_view name) const {
  return Json(json_incref(json_object_getn(value_, name.data(), name.size())));
}

bool Json::has(std::string_view name) const noexcept {
  return json_object_getn(value_, name.data(), name.size()) != nullptr;
}

Json Json::at_pointer(std::string_view pointer) const {
  return follow_pointer(*this, pointer);
}

std::vector<std::pair<std::string_view, Json>> Json::members() const {
  std::vector<std::pair<std::string_view, Json>> all;
  for (void* at = json_object_iter(value_); at != nullptr; at = json_object_iter_next(value_, at)) {
    all.emplace_back(std::string_view(json_object_iter_key(at), json_object_iter_key_len(at)),
                     Json(json_incref(json_object_iter_value(at))));
  }
  return all;
}

std::size_t Json::size() const noexcept {
  return is_array() ? json_array_size(value_) : json_object_size(value_);
}

Json Json::at(std::size_t index) const {
  return Json(json_incref(json_array_get(value_, index)));
}

Json& Json::set(std::string_view name, Json value) {
  json_t* owned = std::exchange(value.value_, nullptr);
  json_object_setn_new(value_, name.empty() ? "" : name.data(), name.size(),
                       owned != nullptr ? owned : json_null());
  return *this;
}

Json& Json::push(Json value) {
  json_t* owned = std::exchange(value.value_, nullptr);
  json_array_append_new(value_, owned != nullptr ? owned : json_null());
  return *this;
}

// jansson leaves DEL as it is; RFC 9110 5.5 does not let it into a header.
std::string Json::dump() const {
  return dump_escaping(value_, "\x7F");
}
std::string Json::dump_for_html() const {
  return dump_escaping(value_, "\x7F<>&");
}

}  // namespace oauth
