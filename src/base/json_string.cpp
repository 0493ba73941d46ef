#include "base/json_string.hpp"

#include <array>
#include <bit>

#include "base/eight.hpp"

namespace oauth {
namespace {

using Plain = std::array<bool, 256>;

// Which bytes stand for themselves.
constexpr Plain plain_but(std::string_view escaped) {
  Plain plain{};
  for (std::size_t c = 0x20; c < 0x7F; ++c) {
    plain[c] = escaped.find(static_cast<char>(c)) == escaped.npos;
  }
  return plain;
}

constexpr Plain kPlainText = plain_but("\"\\");
constexpr Plain kPlainHtml = plain_but("\"\\<>&");

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

// Goes on to the first character that may not stand for itself, at most seven before the end.
const char* skip_plain(const char* text, const char* end) {
  for (; end - text >= 8; text += 8) {
    const std::uint64_t eight = load_eight(text);
    const std::uint64_t special = which_is_not_ascii(eight) | which_below(eight, 0x20) |
                                  which_is(eight, '"') | which_is(eight, '\\') |
                                  which_is(eight, '\x7F');
    if (special != 0) {
      return text + std::countr_zero(special) / 8;
    }
  }
  return text;
}

}  // namespace

void append_json_string(std::string& out, std::string_view value, JsonPlace place) {
  const Plain& plain = place == JsonPlace::html ? kPlainHtml : kPlainText;
  const char* text = value.data();
  const char* const end = text + value.size();
  out += '"';
  while (text != end) {
    const char* run = place == JsonPlace::text ? skip_plain(text, end) : text;
    while (run != end && plain[static_cast<unsigned char>(*run)]) {
      ++run;
    }
    out.append(text, run);
    text = run == end ? run : run + append_special(out, run);
  }
  out += '"';
}

}  // namespace oauth
