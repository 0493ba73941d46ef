// Text that comes from anywhere (cookies, claims, headers) is made safe without a loss.
#include "fuzz.hpp"

#include "oauth/base/json.hpp"
#include "oauth/base/text.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace oauth;
  const std::string_view text = input(data, size);
  for (const std::string_view pair : split_words(text, ';')) {
    for (const std::string_view word : split_words(pair)) {
      must(!word.empty() && word.find_first_of("; ") == std::string_view::npos);
    }
  }
  const std::string header = header_encode(text);
  must(is_printable_ascii(header) && percent_decode(header) == text);
  must(percent_decode(percent_encode(text)) == text);
  must(html_escape(text).find_first_of("<>\"'") == std::string::npos);
  must(iequals_ascii(ascii_lower(text), text));
  must(is_utf8(text) == Json::of(text).string().has_value());
  return 0;
}
