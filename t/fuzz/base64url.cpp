// Every value has one spelling in base64url, base64 and hex; every spelling but that is refused.
#include "fuzz.hpp"

#include "oauth/base/text.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace oauth;
  const std::string_view text = input(data, size);
  if (const auto bytes = base64url_decode(text); bytes) {
    must(base64url_encode(*bytes) == text);
  }
  if (const auto bytes = base64_decode(text); bytes) {
    must(base64_encode(*bytes) == text);
  }
  if (const auto bytes = hex_decode(text); bytes) {
    must(hex_encode(*bytes) == ascii_lower(text));
  }
  must(base64url_decode(base64url_encode(text)) == text);
  must(base64_decode(base64_encode(text)) == text);
  must(hex_decode(hex_encode(text)) == text);
  return 0;
}
