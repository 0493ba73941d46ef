#include "oauth/base/text.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <initializer_list>

#include "base/eight.hpp"

namespace oauth {
namespace {

using Alphabet = std::array<char, 64>;
// What a character is worth as the first, second, third and fourth digit of a group of 24 bits; one
// that is no digit sets bits above those.
constexpr std::uint32_t kNoDigit = 0xFF000000;
using Digits = std::array<std::array<std::uint32_t, 256>, 4>;

constexpr Alphabet alphabet_with(char digit62, char digit63) {
  Alphabet alphabet{};
  std::size_t at = 0;
  for (char c = 'A'; c <= 'Z'; ++c) {
    alphabet[at++] = c;
  }
  for (char c = 'a'; c <= 'z'; ++c) {
    alphabet[at++] = c;
  }
  for (char c = '0'; c <= '9'; ++c) {
    alphabet[at++] = c;
  }
  alphabet[at++] = digit62;
  alphabet[at] = digit63;
  return alphabet;
}

constexpr Digits digits_of(const Alphabet& alphabet) {
  Digits digits{};
  for (std::size_t place = 0; place < digits.size(); ++place) {
    digits[place].fill(kNoDigit);
    for (std::size_t i = 0; i < alphabet.size(); ++i) {
      digits[place][static_cast<unsigned char>(alphabet[i])] =
          static_cast<std::uint32_t>(i << (18 - 6 * place));
    }
  }
  return digits;
}

constexpr Alphabet kBase64 = alphabet_with('+', '/');
constexpr Alphabet kBase64Url = alphabet_with('-', '_');
constexpr Digits kBase64Digits = digits_of(kBase64);
constexpr Digits kBase64UrlDigits = digits_of(kBase64Url);

std::string encode64(std::string_view bytes, const Alphabet& alphabet) {
  std::string text((bytes.size() * 8 + 5) / 6, '\0');
  char* to = text.data();
  const auto at = [&](std::size_t i) {
    return static_cast<std::uint32_t>(static_cast<unsigned char>(bytes[i]));
  };
  std::size_t i = 0;
  for (; i + 3 <= bytes.size(); i += 3) {
    const std::uint32_t group = at(i) << 16 | at(i + 1) << 8 | at(i + 2);
    to[0] = alphabet[group >> 18];
    to[1] = alphabet[group >> 12 & 0x3F];
    to[2] = alphabet[group >> 6 & 0x3F];
    to[3] = alphabet[group & 0x3F];
    to += 4;
  }
  const std::size_t rest = bytes.size() - i;
  if (rest > 0) {
    const std::uint32_t group = at(i) << 16 | (rest == 2 ? at(i + 1) << 8 : 0);
    for (int shift = 18; to != text.data() + text.size(); shift -= 6) {
      *to++ = alphabet[group >> shift & 0x3F];
    }
  }
  return text;
}

// `text` without padding, into room for decoded_size(text.size()); nullopt, or how many bytes.
std::optional<std::size_t> decode64(std::string_view text, const Digits& digits, char* to) {
  const char* const start = to;
  const auto digit = [&](std::size_t i) { return digits[i][static_cast<unsigned char>(text[i])]; };
  const auto put = [&to](std::uint32_t group, unsigned shift) {
    *to++ = static_cast<char>(group >> shift & 0xFF);
  };
  std::uint32_t seen = 0;
  for (; text.size() >= 4; text.remove_prefix(4)) {
    const std::uint32_t group = digit(0) | digit(1) | digit(2) | digit(3);
    seen |= group;
    put(group, 16);
    put(group, 8);
    put(group, 0);
  }
  if (text.size() == 1) {
    return std::nullopt;  // not even a byte
  }
  if (!text.empty()) {
    const std::uint32_t group = digit(0) | digit(1) | (text.size() > 2 ? digit(2) : 0);
    // RFC 4648 3.5: unused bits other than zero would give one value several spellings.
    const std::uint32_t unused = text.size() > 2 ? 0xFF : 0xFFFF;
    seen |= group | ((group & unused) != 0 ? kNoDigit : 0);
    put(group, 16);
    if (text.size() > 2) {
      put(group, 8);
    }
  }
  return (seen & kNoDigit) == 0 ? std::optional(static_cast<std::size_t>(to - start))
                                : std::nullopt;
}

std::optional<std::string> decode64(std::string_view text, const Digits& digits) {
  std::string bytes(decoded_size(text.size()), '\0');
  const std::optional<std::size_t> size = decode64(text, digits, bytes.data());
  if (!size) {
    return std::nullopt;
  }
  bytes.resize(*size);
  return bytes;
}

int hex_digit(char c) noexcept {
  if (c >= '0' && c <= '9') {
    return c - '0';
  }
  if (c >= 'a' && c <= 'f') {
    return c - 'a' + 10;
  }
  if (c >= 'A' && c <= 'F') {
    return c - 'A' + 10;
  }
  return -1;
}

// The byte that two hex digits at `at` spell, or -1.
int hex_pair(std::string_view text, std::size_t at) noexcept {
  if (text.size() < 2 || at > text.size() - 2) {
    return -1;
  }
  const int high = hex_digit(text[at]);
  const int low = hex_digit(text[at + 1]);
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

void append_percent(std::string& out, char byte) {
  constexpr std::string_view kUpper = "0123456789ABCDEF";
  const auto value = static_cast<unsigned char>(byte);
  out += '%';
  out += kUpper[value >> 4];
  out += kUpper[value & 0xF];
}

std::optional<std::string> decode_percent(std::string_view text, bool plus_is_space) {
  std::string bytes;
  bytes.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%') {
      const int value = hex_pair(text, i + 1);
      if (value < 0) {
        return std::nullopt;
      }
      bytes += static_cast<char>(value);
      i += 2;
    } else {
      bytes += plus_is_space && text[i] == '+' ? ' ' : text[i];
    }
  }
  return bytes;
}

// RFC 3986 2.3: the base64url digits, and two more.
constexpr auto kUnreserved = [] {
  std::array<bool, 256> unreserved{};
  for (const char c : kBase64Url) {
    unreserved[static_cast<unsigned char>(c)] = true;
  }
  unreserved['.'] = true;
  unreserved['~'] = true;
  return unreserved;
}();

// Whole runs of what may stay: most values are all of that.
void append_encoded(std::string& out, std::string_view bytes) {
  while (!bytes.empty()) {
    std::size_t run = 0;
    while (run < bytes.size() && kUnreserved[static_cast<unsigned char>(bytes[run])]) {
      ++run;
    }
    out += bytes.substr(0, run);
    bytes.remove_prefix(run);
    if (!bytes.empty()) {
      append_percent(out, bytes.front());
      bytes.remove_prefix(1);
    }
  }
}

char lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

// How many bytes at the front are ASCII, in whole eights: most text is nothing else.
std::size_t ascii_run(std::string_view bytes) noexcept {
  std::size_t run = 0;
  while (run + 8 <= bytes.size() && which_is_not_ascii(load_eight(bytes.data() + run)) == 0) {
    run += 8;
  }
  return run;
}

// RFC 3629 4: how many continuation bytes follow `lead`, and the range of the first of them, which
// is what keeps out overlongs, surrogates and code points above U+10FFFF.
struct Sequence {
  std::size_t continuation;
  unsigned char low, high;
};
std::optional<Sequence> sequence_of(unsigned char lead) noexcept {
  if (lead <= 0x7F) {
    return Sequence{0, 0, 0};
  }
  if (lead >= 0xC2 && lead <= 0xDF) {
    return Sequence{1, 0x80, 0xBF};
  }
  if (lead >= 0xE0 && lead <= 0xEF) {
    return Sequence{2, static_cast<unsigned char>(lead == 0xE0 ? 0xA0 : 0x80),
                    static_cast<unsigned char>(lead == 0xED ? 0x9F : 0xBF)};
  }
  if (lead >= 0xF0 && lead <= 0xF4) {
    return Sequence{3, static_cast<unsigned char>(lead == 0xF0 ? 0x90 : 0x80),
                    static_cast<unsigned char>(lead == 0xF4 ? 0x8F : 0xBF)};
  }
  return std::nullopt;
}

// RFC 6749 appendix B: a name or a value is UTF-8; NUL would end it early somewhere behind us.
std::optional<std::string> decode_form_text(std::string_view text) {
  auto decoded = decode_percent(text, true);
  if (!decoded || decoded->find('\0') != std::string::npos || !is_utf8(*decoded)) {
    return std::nullopt;
  }
  return decoded;
}

}  // namespace

std::string base64url_encode(std::string_view bytes) {
  return encode64(bytes, kBase64Url);
}

std::optional<std::string> base64url_decode(std::string_view text) {
  return decode64(text, kBase64UrlDigits);
}

std::optional<std::size_t> base64url_decode(std::string_view text, char* to) {
  return decode64(text, kBase64UrlDigits, to);
}

std::string base64_encode(std::string_view bytes) {
  std::string text = encode64(bytes, kBase64);
  text.append((4 - text.size() % 4) % 4, '=');
  return text;
}

std::optional<std::string> base64_decode(std::string_view text) {
  if (text.size() % 4 != 0) {
    return std::nullopt;
  }
  for (int padding = 0; padding < 2 && text.ends_with('='); ++padding) {
    text.remove_suffix(1);
  }
  return decode64(text, kBase64Digits);
}

std::string hex_encode(std::string_view bytes) {
  constexpr std::string_view kLower = "0123456789abcdef";
  std::string text;
  text.reserve(bytes.size() * 2);
  for (const char c : bytes) {
    text += kLower[static_cast<unsigned char>(c) >> 4];
    text += kLower[static_cast<unsigned char>(c) & 0xF];
  }
  return text;
}

std::optional<std::string> hex_decode(std::string_view text) {
  std::string bytes;
  bytes.reserve(text.size() / 2);
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const int value = hex_pair(text, i);
    if (value < 0) {
      return std::nullopt;
    }
    bytes += static_cast<char>(value);
  }
  return bytes;
}

std::string percent_encode(std::string_view bytes) {
  std::string text;
  text.reserve(bytes.size());
  append_encoded(text, bytes);
  return text;
}

std::optional<std::string> percent_decode(std::string_view text) {
  return decode_percent(text, false);
}

std::string header_encode(std::string_view bytes) {
  std::string text;
  text.reserve(bytes.size());
  for (const char c : bytes) {
    if (c != '%' && c >= 0x20 && c <= 0x7E) {
      text += c;
    } else {
      append_percent(text, c);
    }
  }
  return text;
}

std::string html_escape(std::string_view text) {
  std::string html;
  html.reserve(text.size());
  for (const char c : text) {
    switch (c) {
      case '&':
        html += "&amp;";
        break;
      case '<':
        html += "&lt;";
        break;
      case '>':
        html += "&gt;";
        break;
      case '"':
        html += "&quot;";
        break;
      case '\'':
        html += "&#39;";
        break;
      default:
        html += c;
    }
  }
  return html;
}

bool is_printable_ascii(std::string_view text) noexcept {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c <= 0x7E; });
}

bool is_utf8(std::string_view bytes) noexcept {
  for (std::size_t i = ascii_run(bytes); i < bytes.size();) {
    const auto sequence = sequence_of(static_cast<unsigned char>(bytes[i++]));
    if (!sequence || sequence->continuation > bytes.size() - i) {
      return false;
    }
    unsigned char low = sequence->low;
    unsigned char high = sequence->high;
    for (std::size_t n = 0; n < sequence->continuation; ++n) {
      const auto next = static_cast<unsigned char>(bytes[i++]);
      if (next < low || next > high) {
        return false;
      }
      low = 0x80;
      high = 0xBF;
    }
  }
  return true;
}

std::string ascii_lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), lower);
  return out;
}

bool iequals_ascii(std::string_view a, std::string_view b) noexcept {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return lower(x) == lower(y); });
}

std::string media_type(std::string_view content_type) {
  std::string_view type = content_type.substr(0, content_type.find(';'));
  type = type.substr(0, type.find_last_not_of(" \t") + 1);
  return ascii_lower(type);
}

std::vector<std::string_view> split_words(std::string_view text, char separator) {
  std::vector<std::string_view> words;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(separator), text.size());
    if (end > 0) {
      words.push_back(text.substr(0, end));
    }
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return words;
}

std::optional<Form> Form::parse(std::string_view text, std::size_t max_fields) {
  Form form;
  for (const std::string_view member : split_words(text, '&')) {
    if (form.fields_.size() == max_fields) {
      return std::nullopt;
    }
    const std::size_t equals = std::min(member.find('='), member.size());
    auto name = decode_form_text(member.substr(0, equals));
    auto value = decode_form_text(member.substr(std::min(equals + 1, member.size())));
    if (!name || !value) {
      return std::nullopt;
    }
    form.fields_.emplace_back(std::move(*name), std::move(*value));
  }
  return form;
}

Form::Field Form::find(std::string_view name) const noexcept {
  Field field;
  for (const auto& [key, value] : fields_) {
    if (key != name || value.empty()) {
      continue;
    }
    if (field.count != Count::none) {
      return Field{Count::many, {}};
    }
    field = Field{Count::one, value};
  }
  return field;
}

bool Form::repeated(std::initializer_list<std::string_view> names) const noexcept {
  return std::any_of(names.begin(), names.end(), [this](std::string_view name) {
    return std::count_if(fields_.begin(), fields_.end(),
                         [name](const auto& field) { return field.first == name; }) > 1;
  });
}

FormWriter& FormWriter::add(std::string_view name, std::string_view value) {
  if (!text_.empty()) {
    text_ += '&';
  }
  append_encoded(text_, name);
  text_ += '=';
  append_encoded(text_, value);
  return *this;
}

}  // namespace oauth
