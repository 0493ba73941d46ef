// Accepted JSON is written as printable ASCII that reads back to the same text.
#include "fuzz.hpp"

#include "oauth/base/json.hpp"
#include "oauth/base/text.hpp"

namespace {

using namespace oauth;

void walk(const Json& json) {
  if (const auto text = json.string(); text) {
    must(is_utf8(*text) && text->find('\0') == std::string_view::npos);
  }
  for (const auto& [name, value] : json.members()) {
    must(is_utf8(name) && json.has(name));
    walk(value);
  }
  for (std::size_t i = 0; i < json.size() && json.is_array(); ++i) {
    walk(json.at(i));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = input(data, size);
  const auto json = Json::parse(text);
  if (!json) {
    return 0;
  }
  walk(*json);
  for (const std::string& dump : {json->dump(), json->dump_for_html()}) {
    must(is_printable_ascii(dump));
    const auto again = Json::parse(dump, {dump.size(), 16});
    must(again && again->dump() == json->dump());
  }
  must(json->dump_for_html().find_first_of("<>&") == std::string::npos);
  (void)json->at_pointer(text);
  return 0;
}
