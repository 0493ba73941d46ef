// How Json and JsonText spell a string: in pure ASCII, what is not as `\u` (RFC 8259 7), and so
// DEL, which RFC 9110 5.5 does not let into a header; in HTML also `<`, `>` and `&`.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace oauth {

enum class JsonPlace : std::uint8_t { text, html };

// `value` must be UTF-8.
void append_json_string(std::string& out, std::string_view value, JsonPlace place);

}  // namespace oauth
