#include "oauth/base/json.hpp"

#include <jansson.h>

#include <array>
#include <cstdint>
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

void append_unit(std::string& out, std::uint32_t unit) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  out += "\\u";
  for (int shift = 12; shift >= 0; shift -= 4) {
    out += kDigits[unit >> shift & 0xF];
  }
}

// The character of valid UTF-8 at `text`, as one unit or two (RFC 8259 7): how many bytes it takes.
std::size_t append_character(std::string& out, const char* text) {
  const auto byte = [text](std::size_t i) {
    return std::uint32_t{static_cast<unsigned char>(text[i])};
  };
  const std::size_t size = byte(0) < 0xE0 ? 2 : byte(0) < 0xF0 ? 3 : 4;
  std::uint32_t character = byte(0) & (0x7FU >> size);
  for (std::size_t i = 1; i < size; ++i) {
    character = character << 6 | (byte(i) & 0x3F);
  }
  if (character >= 0x10000) {
    append_unit(out, 0xD800 + ((character - 0x10000) >> 10));
    append_unit(out, 0xDC00 + ((character - 0x10000) & 0x3FF));
  } else {
    append_unit(out, character);
  }
  return size;
}

// The byte at `text`, or the character that begins there, which does not stand for itself.
std::size_t append_special(std::string& out, const char* text) {
  constexpr std::string_view kValues = "\"\\\b\f\n\r\t";
  constexpr std::string_view kNames = "\"\\bfnrt";
  const auto byte = static_cast<unsigned char>(*text);
  if (byte >= 0x80) {
    return append_character(out, text);
  }
  if (const std::size_t at = kValues.find(*text); at != kValues.npos) {
    out += '\\';
    out += kNames[at];
  } else {
    append_unit(out, byte);
  }
  return 1;
}

// Writes values as jansson would with JSON_COMPACT | JSON_ENSURE_ASCII, and `escaped` characters as
// \u00XX; it takes a tenth of the time.
class Writer {
 public:
  explicit Writer(std::string_view escaped) {
    for (std::size_t c = 0; c < plain_.size(); ++c) {
      const char character = static_cast<char>(c);
      plain_[c] = c >= 0x20 && c < 0x80 && character != '"' && character != '\\' &&
                  escaped.find(character) == escaped.npos;
    }
  }
  void write(const json_t* value);
  std::string take() { return std::move(out_); }

 private:
  void write_string(const char* text, std::size_t size);
  void write_object(json_t* object);
  void write_array(const json_t* array);

  std::array<bool, 256> plain_{};
  std::string out_;
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
      return write_string(json_string_value(value), json_string_length(value));
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

void Writer::write_string(const char* text, std::size_t size) {
  out_ += '"';
  const char* const end = text + size;
  while (text != end) {
    const char* run = text;
    while (run != end && plain_[static_cast<unsigned char>(*run)]) {
      ++run;
    }
    out_.append(text, run);
    text = run == end ? run : run + append_special(out_, run);
  }
  out_ += '"';
}

// NOLINTNEXTLINE(misc-no-recursion)
void Writer::write_object(json_t* object) {
  char before = '{';
  for (void* at = json_object_iter(object); at != nullptr;
       at = json_object_iter_next(object, at), before = ',') {
    out_ += before;
    write_string(json_object_iter_key(at), json_object_iter_key_len(at));
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

std::string dump_escaping(const json_t* value, std::string_view characters) {
  Writer writer(characters);
  writer.write(value);
  return writer.take();
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
