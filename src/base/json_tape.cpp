#include "oauth/base/json_tape.hpp"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <limits>

#include "base/eight.hpp"
#include "oauth/base/text.hpp"

namespace oauth {

// Reads one text onto the tape. What reads a value stands at its first character, leaves at the one
// behind its last, and says whether it was one. It recurses once a level.
class JsonTape::Reader {
 public:
  Reader(JsonTape& tape, std::string_view text)
      : tape_(tape), text_(text), at_(text.data()), end_(text.data() + text.size()) {}

  bool read_text(std::size_t levels) {
    skip_space();
    if (!read_value(levels)) {
      return false;
    }
    skip_space();
    return at_ == end_;
  }

 private:
  bool read_value(std::size_t levels);
  bool read_object(std::size_t levels);
  bool read_members(std::size_t levels, std::size_t& count);
  bool read_array(std::size_t levels);
  bool read_elements(std::size_t levels, std::size_t& count);
  bool read_word(std::string_view word, Node node);
  bool read_number();
  bool read_integer(std::string_view digits);
  bool read_real(std::string_view digits);
  bool skip_digits();
  bool read_string();
  bool find_quote();
  bool unescape(std::string_view spelled);
  bool unescape_unit(std::string_view& rest, std::uint32_t& unit);
  bool unescape_character(std::string_view& rest);
  void put_utf8(std::uint32_t character);

  // NUL, which can stand nowhere, is also what stands behind the end.
  char peek() const { return at_ == end_ ? '\0' : *at_; }
  bool take(char wanted) {
    if (peek() != wanted) {
      return false;
    }
    ++at_;
    return true;
  }
  void skip_space() {
    while (at_ != end_ && (*at_ == ' ' || *at_ == '\t' || *at_ == '\n' || *at_ == '\r')) {
      ++at_;
    }
  }

  std::size_t put(const Node& node) {
    if (tape_.used_ == tape_.room_) {
      grow();
    }
    tape_.nodes_[tape_.used_] = node;
    return tape_.used_++;
  }
  void grow();
  std::size_t open(Json::Kind kind) { return put({kind, 1, {.count = 0}}); }
  Node& close(std::size_t container, std::size_t count) {
    Node& node = tape_.nodes_[container];
    node.size = static_cast<std::uint32_t>(tape_.used_ - container);
    node.count = count;
    return node;
  }
  static bool has_twins(const Node& object);

  JsonTape& tape_;
  std::string_view text_;
  const char* at_;
  const char* end_;
  char* unescaped_ = nullptr;  // where the next such string goes
};

// ---- values ---------------------------------------------------------------------------------

bool JsonTape::Reader::read_value(std::size_t levels) {
  switch (peek()) {
    case '{':
      return read_object(levels);
    case '[':
      return read_array(levels);
    case '"':
      return read_string();
    case 't':
      return read_word("true", {Json::Kind::boolean, 1, {.boolean = true}});
    case 'f':
      return read_word("false", {Json::Kind::boolean, 1, {.boolean = false}});
    case 'n':
      return read_word("null", {Json::Kind::null, 1, {.count = 0}});
    default:
      return read_number();
  }
}

bool JsonTape::Reader::read_object(std::size_t levels) {
  if (levels == 0) {
    return false;
  }
  ++at_;
  const std::size_t object = open(Json::Kind::object);
  std::size_t count = 0;
  skip_space();
  if (!take('}') && !(read_members(levels - 1, count) && take('}'))) {
    return false;
  }
  return !has_twins(close(object, count));
}

bool JsonTape::Reader::read_members(std::size_t levels, std::size_t& count) {
  do {
    skip_space();
    if (peek() != '"' || !read_string()) {
      return false;
    }
    skip_space();
    if (!take(':')) {
      return false;
    }
    skip_space();
    if (!read_value(levels)) {
      return false;
    }
    ++count;
    skip_space();
  } while (take(','));
  return true;
}

bool JsonTape::Reader::read_array(std::size_t levels) {
  if (levels == 0) {
    return false;
  }
  ++at_;
  const std::size_t array = open(Json::Kind::array);
  std::size_t count = 0;
  skip_space();
  if (!take(']') && !(read_elements(levels - 1, count) && take(']'))) {
    return false;
  }
  close(array, count);
  return true;
}

bool JsonTape::Reader::read_elements(std::size_t levels, std::size_t& count) {
  do {
    skip_space();
    if (!read_value(levels)) {
      return false;
    }
    ++count;
    skip_space();
  } while (take(','));
  return true;
}

bool JsonTape::Reader::read_word(std::string_view word, Node node) {
  if (!std::string_view(at_, static_cast<std::size_t>(end_ - at_)).starts_with(word)) {
    return false;
  }
  at_ += word.size();
  put(node);
  return true;
}

// RFC 8259 4: names should be unique; readers that differ about which one counts are how a token
// is two tokens. Whoever sends thousands of members gets a sort, not a square.
bool JsonTape::Reader::has_twins(const Node& object) {
  constexpr std::size_t kFew = 16;
  const Node* name = &object + 1;
  if (object.count <= kFew) {
    std::array<std::string_view, kFew> seen;
    const auto begin = seen.begin();
    for (auto end = begin; end != begin + object.count; name = name[1].next()) {
      if (std::find(begin, end, name->string()) != end) {
        return true;
      }
      *end++ = name->string();
    }
    return false;
  }
  std::vector<std::string_view> names;
  names.reserve(object.count);
  for (; names.size() < object.count; name = name[1].next()) {
    names.push_back(name->string());
  }
  std::sort(names.begin(), names.end());
  return std::adjacent_find(names.begin(), names.end()) != names.end();
}

void JsonTape::Reader::grow() {
  std::vector<Node> wider(2 * tape_.room_);
  std::copy(tape_.nodes_, tape_.nodes_ + tape_.used_, wider.begin());
  tape_.grown_ = std::move(wider);
  tape_.nodes_ = tape_.grown_.data();
  tape_.room_ = tape_.grown_.size();
}

// ---- numbers --------------------------------------------------------------------------------

// RFC 8259 6
bool JsonTape::Reader::read_number() {
  const char* const start = at_;
  take('-');
  if (!take('0') && !skip_digits()) {
    return false;
  }
  bool is_real = false;
  if (take('.')) {
    is_real = true;
    if (!skip_digits()) {
      return false;
    }
  }
  if (take('e') || take('E')) {
    is_real = true;
    if (!take('+')) {
      take('-');
    }
    if (!skip_digits()) {
      return false;
    }
  }
  const std::string_view digits(start, static_cast<std::size_t>(at_ - start));
  return is_real ? read_real(digits) : read_integer(digits);
}

bool JsonTape::Reader::skip_digits() {
  const char* const start = at_;
  while (at_ != end_ && *at_ >= '0' && *at_ <= '9') {
    ++at_;
  }
  return at_ != start;
}

bool JsonTape::Reader::read_integer(std::string_view digits) {
  Node node{Json::Kind::integer, 1, {.integer = 0}};
  const char* const end = digits.data() + digits.size();
  if (std::from_chars(digits.data(), end, node.integer).ec != std::errc()) {
    return false;
  }
  put(node);
  return true;
}

bool JsonTape::Reader::read_real(std::string_view digits) {
  Node node{Json::Kind::real, 1, {.real = 0}};
  const char* const end = digits.data() + digits.size();
  if (std::from_chars(digits.data(), end, node.real).ec != std::errc()) {
    // Too large or too small, which is not said; too small is read as what is nearest.
    const Result<Json> number = Json::parse(digits, {.bytes = digits.size(), .depth = 0});
    if (!number) {
      return false;
    }
    node.real = number->number().value_or(0);
  }
  if (std::isinf(node.real)) {
    return false;
  }
  put(node);
  return true;
}

// ---- strings --------------------------------------------------------------------------------

namespace {

// Of eight characters, those that do not stand for themselves inside a string: a quote, a
// backslash, a control character, or a byte that is not ASCII.
std::uint64_t find_special(const char* text) {
  const std::uint64_t eight = load_eight(text);
  return which_is_not_ascii(eight) | which_below(eight, 0x20) | which_is(eight, '"') |
         which_is(eight, '\\');
}

int hex_value(char c) {
  if (c >= '0' && c <= '9') {
    return c - '0';
  }
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

}  // namespace

bool JsonTape::Reader::read_string() {
  const char* const start = ++at_;
  bool is_ascii = true;
  bool has_escape = false;
  while (find_quote() && *at_ != '"') {
    if (*at_ == '\\') {
      has_escape = true;
      // What is escaped is not looked at yet, only not taken for the end.
      if (++at_ == end_) {
        return false;
      }
    }
    is_ascii = is_ascii && static_cast<unsigned char>(*at_) < 0x80;
    ++at_;
  }
  if (peek() != '"') {
    return false;
  }
  const std::string_view spelled(start, static_cast<std::size_t>(at_ - start));
  ++at_;
  if (!is_ascii && !is_utf8(spelled)) {
    return false;
  }
  if (has_escape) {
    return unescape(spelled);
  }
  put({Json::Kind::string, static_cast<std::uint32_t>(spelled.size()), {.text = spelled.data()}});
  return true;
}

// Goes on to the next quote, backslash or byte that is not ASCII; false at the end and at a control
// character (RFC 8259 7).
bool JsonTape::Reader::find_quote() {
  while (end_ - at_ >= 8) {
    if (const std::uint64_t special = find_special(at_)) {
      at_ += std::countr_zero(special) / 8;
      return static_cast<unsigned char>(*at_) >= 0x20;
    }
    at_ += 8;
  }
  while (at_ != end_ && *at_ >= 0x20 && *at_ != '"' && *at_ != '\\') {
    ++at_;
  }
  return at_ != end_ && static_cast<unsigned char>(*at_) >= 0x20;
}

bool JsonTape::Reader::unescape(std::string_view spelled) {
  if (unescaped_ == nullptr) {
    // No string is longer than its spelling: this is room for all of them.
    tape_.unescaped_ = std::make_unique_for_overwrite<char[]>(text_.size());
    unescaped_ = tape_.unescaped_.get();
  }
  const char* const start = unescaped_;
  while (!spelled.empty()) {
    const std::size_t run = std::min(spelled.find('\\'), spelled.size());
    unescaped_ = std::copy_n(spelled.data(), run, unescaped_);
    spelled.remove_prefix(run);
    if (!spelled.empty() && !unescape_character(spelled)) {
      return false;
    }
  }
  put({Json::Kind::string, static_cast<std::uint32_t>(unescaped_ - start), {.text = start}});
  return true;
}

// `rest` starts at the backslash; what read_string() saw lets one more character follow.
bool JsonTape::Reader::unescape_character(std::string_view& rest) {
  constexpr std::string_view kNames = "\"\\/bfnrt";
  constexpr std::string_view kValues = "\"\\/\b\f\n\r\t";
  if (rest[1] != 'u') {
    const std::size_t name = kNames.find(rest[1]);
    rest.remove_prefix(2);
    if (name == kNames.npos) {
      return false;
    }
    *unescaped_++ = kValues[name];
    return true;
  }
  std::uint32_t character = 0;
  if (!unescape_unit(rest, character)) {
    return false;
  }
  if (character >= 0xD800 && character <= 0xDBFF) {
    // RFC 8259 7: two units for what lies beyond the first plane.
    std::uint32_t low = 0;
    if (!unescape_unit(rest, low) || low < 0xDC00 || low > 0xDFFF) {
      return false;
    }
    character = 0x10000 + ((character - 0xD800) << 10) + (low - 0xDC00);
  } else if (character == 0 || (character >= 0xDC00 && character <= 0xDFFF)) {
    return false;
  }
  put_utf8(character);
  return true;
}

bool JsonTape::Reader::unescape_unit(std::string_view& rest, std::uint32_t& unit) {
  constexpr std::size_t kSize = 6;
  if (rest.size() < kSize || !rest.starts_with("\\u")) {
    return false;
  }
  unit = 0;
  for (const char c : rest.substr(2, 4)) {
    const int digit = hex_value(c);
    if (digit < 0) {
      return false;
    }
    unit = unit << 4 | static_cast<std::uint32_t>(digit);
  }
  rest.remove_prefix(kSize);
  return true;
}

// RFC 3629 3
void JsonTape::Reader::put_utf8(std::uint32_t character) {
  const auto put_byte = [this](std::uint32_t byte) { *unescaped_++ = static_cast<char>(byte); };
  if (character < 0x80) {
    put_byte(character);
    return;
  }
  if (character < 0x800) {
    put_byte(0xC0 | character >> 6);
  } else {
    if (character < 0x10000) {
      put_byte(0xE0 | character >> 12);
    } else {
      put_byte(0xF0 | character >> 18);
      put_byte(0x80 | (character >> 12 & 0x3F));
    }
    put_byte(0x80 | (character >> 6 & 0x3F));
  }
  put_byte(0x80 | (character & 0x3F));
}

// ---- the tape -------------------------------------------------------------------------------

Check JsonTape::parse(std::string_view text, Json::Limits limits) {
  used_ = 0;
  // A node counts in 32 bit.
  if (text.size() > limits.bytes || text.size() > std::numeric_limits<std::uint32_t>::max()) {
    return Problem::json_too_large;
  }
  if (!Reader(*this, text).read_text(limits.depth)) {
    used_ = 0;
    return Problem::json_invalid;
  }
  return kDone;
}

Result<Json> read_object(std::string_view text) {
  JsonTape tape;
  const Check read = tape.parse(text);
  if (!read) {
    return read.problem();
  }
  return tape.root().is_object() ? Result<Json>(tape.root().copy()) : Problem::json_invalid;
}

}  // namespace oauth
