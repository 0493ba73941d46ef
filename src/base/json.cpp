#include "oauth/base/json.hpp"

#include <jansson.h>

#include <cstdint>
#include <cstdlib>
#include <memory>

#include "base/json_string.hpp"
#include "oauth/base/json_pointer.hpp"
#include "oauth/base/text.hpp"

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

// Writes values as jansson would with JSON_COMPACT | JSON_ENSURE_ASCII, and what `place` wants
// escaped as \u00XX; it takes a tenth of the time.
class Writer {
 public:
  Writer(std::string& out, JsonPlace place) : out_(out), place_(place) {}
  void write(const json_t* value);

 private:
  void write_object(json_t* object);
  void write_array(const json_t* array);

  std::string& out_;
  JsonPlace place_;
};

// As deep as what was parsed or built.
// NOLINTNEXTLINE(misc-no-recursion)
void Writer::write(const json_t* value) {
  switch (value == nullptr ? JSON_NULL : json_typeof(value)) {
    case JSON_OBJECT:
      return write_object(const_cast<json_t*>(value));
    case JSON_ARRAY:
      return write_array(value);
    case JSON_STRING:
      append_json_string(out_, {json_string_value(value), json_string_length(value)}, place_);
      return;
    case JSON_INTEGER:
      out_ += std::to_string(json_integer_value(value));
      return;
    case JSON_REAL: {
      const std::unique_ptr<char, decltype(&std::free)> text(
          json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY), &std::free);
      out_ += text ? text.get() : "null";
      return;
    }
    case JSON_TRUE:
      out_ += "true";
      return;
    case JSON_FALSE:
      out_ += "false";
      return;
    case JSON_NULL:
      out_ += "null";
      return;
  }
}

// NOLINTNEXTLINE(misc-no-recursion)
void Writer::write_object(json_t* object) {
  char before = '{';
  for (void* at = json_object_iter(object); at != nullptr;
       at = json_object_iter_next(object, at), before = ',') {
    out_ += before;
    append_json_string(out_, {json_object_iter_key(at), json_object_iter_key_len(at)}, place_);
    out_ += ':';
    write(json_object_iter_value(at));
  }
  out_ += before == '{' ? "{}" : "}";
}

// NOLINTNEXTLINE(misc-no-recursion)
void Writer::write_array(const json_t* array) {
  const std::size_t size = json_array_size(array);
  for (std::size_t i = 0; i < size; ++i) {
    out_ += i == 0 ? '[' : ',';
    write(json_array_get(array, i));
  }
  out_ += size == 0 ? "[]" : "]";
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
  // jansson's own check is slow. A view of nothing has a null pointer, which it takes for an error.
  return is_utf8(value)
             ? Json(json_stringn_nocheck(value.empty() ? "" : value.data(), value.size()))
             : Json();
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
  all.reserve(json_object_size(value_));
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

void Json::append_to(std::string& text) const {
  Writer(text, JsonPlace::text).write(value_);
}
std::string Json::dump() const {
  std::string text;
  append_to(text);
  return text;
}
std::string Json::dump_for_html() const {
  std::string text;
  Writer(text, JsonPlace::html).write(value_);
  return text;
}

}  // namespace oauth
