// Whatever a Cookie header holds, the one that is taken out is gone and the others stay; a value is
// only ever found where it stands once.
#include "oauth/proto/cookie.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include "fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace oauth;
  const std::string_view text = input(data, size);
  // The first line is the name, each line after it a header.
  const std::string name(text.substr(0, text.find('\n')));
  std::vector<std::string> headers;
  std::vector<std::string> stripped;
  for (std::size_t at = name.size(); at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at + 1), text.size());
    headers.emplace_back(text.substr(at + 1, end - at - 1));
    stripped.push_back(without_cookie(headers.back(), name));
    at = end;
  }
  const std::string_view value = only_cookie(headers, name);
  bool is_there = value.empty();
  for (const std::string& header : headers) {
    is_there = is_there || header.find(value) != std::string::npos;
  }
  must(is_there);
  must(only_cookie(stripped, name).empty());
  for (std::size_t i = 0; i < headers.size(); ++i) {
    must(stripped[i].size() <= headers[i].size() * 2);
    must(without_cookie(stripped[i], name) == stripped[i]);
  }
  // What no header names is not found, and nobody else's cookie changes with it.
  for (const std::string_view other : {"a", "__Host-oauth-0a1b2c3d"}) {
    if (other != name) {
      must(only_cookie(stripped, other) == only_cookie(headers, other));
    }
  }
  return 0;
}
