// Encodings of the wire: base64url (RFC 7515 2), base64 (RFC 4648 4), hex, percent (RFC 3986 2.1),
// application/x-www-form-urlencoded (WHATWG URL 5.1) and HTML text.
// Decoders are strict: what a conforming encoder would not have produced is std::nullopt.
// Nothing here logs or allocates more than its result.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace oauth {

// Unpadded, alphabet A-Za-z0-9-_; unused bits must be zero, padding and white space are refused.
std::string base64url_encode(std::string_view bytes);
std::optional<std::string> base64url_decode(std::string_view text);
// The same into `to`, which has room for decoded_size(text.size()) bytes: how many there are. What
// a refused text leaves there is of no use.
std::optional<std::size_t> base64url_decode(std::string_view text, char* to);
constexpr std::size_t decoded_size(std::size_t digits) {
  return digits / 4 * 3 + digits % 4 * 3 / 4;
}

// Standard alphabet; padding is required and unused bits must be zero.
std::string base64_encode(std::string_view bytes);
std::optional<std::string> base64_decode(std::string_view text);

// Lower-case out, either case in; an odd length is refused.
std::string hex_encode(std::string_view bytes);
std::optional<std::string> hex_decode(std::string_view text);

// Everything but RFC 3986 unreserved characters becomes %XX (upper-case hex).
std::string percent_encode(std::string_view bytes);
// %XX only; `+` stays `+`. A `%` that is not followed by two hex digits is refused.
std::optional<std::string> percent_decode(std::string_view text);

// Printable ASCII but `%` as it is, everything else as %XX: how a claim becomes a header value.
std::string header_encode(std::string_view bytes);

// & < > " ' as character references; for text and for quoted attribute values.
std::string html_escape(std::string_view text);

bool is_printable_ascii(std::string_view text) noexcept;  // 0x20..0x7E only
bool is_utf8(std::string_view bytes) noexcept;            // RFC 3629: no surrogates, no overlongs
std::string ascii_lower(std::string_view text);
bool iequals_ascii(std::string_view a, std::string_view b) noexcept;

// RFC 9110 8.3.1: the media type of a Content-Type without its parameters, in lower case.
std::string media_type(std::string_view content_type);

// The members between the separators, empty ones left out ("a  b" has two).
std::vector<std::string_view> split_words(std::string_view text, char separator = ' ');

// A decoded query or form body. Members keep their order; names and values are decoded bytes.
class Form {
 public:
  enum class Count { none, one, many };
  struct Field {
    Count count = Count::none;
    std::string_view value;  // of the only occurrence; empty unless count is `one`
  };

  // RFC 6749 appendix B: refuses a bad percent sequence, NUL, bytes that are not UTF-8, and more
  // than `max_fields` members. Empty members ("&&") are skipped.
  static std::optional<Form> parse(std::string_view text, std::size_t max_fields = 64);

  // A member without a value counts as absent (RFC 6749 3.1).
  Field find(std::string_view name) const noexcept;
  // The only value, or empty when there is none; ask `repeated` first.
  std::string_view get(std::string_view name) const noexcept { return find(name).value; }
  // True when any of the names occurs more than once, empty values included (RFC 6749 3.1).
  bool repeated(std::initializer_list<std::string_view> names) const noexcept;
  const std::vector<std::pair<std::string, std::string>>& fields() const noexcept {
    return fields_;
  }

 private:
  std::vector<std::pair<std::string, std::string>> fields_;
};

// Writes application/x-www-form-urlencoded, in the order of the calls. Space becomes %20, which
// every form decoder reads and which is also right inside a URI query.
class FormWriter {
 public:
  FormWriter& add(std::string_view name, std::string_view value);
  const std::string& text() const noexcept { return text_; }

 private:
  std::string text_;
};

}  // namespace oauth
