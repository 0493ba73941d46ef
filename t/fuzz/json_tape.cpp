// The tape accepts what Json accepts, refuses what Json refuses, and reads the same in it.
#include "oauth/base/json_tape.hpp"

#include "fuzz.hpp"

namespace {

using namespace oauth;

void compare(const JsonView& view, const Json& json) {
  must(view.kind() == json.kind() && view.size() == json.size());
  must(view.string() == json.string() && view.integer() == json.integer());
  must(view.number() == json.number() && view.boolean() == json.boolean());
  const auto members = view.members();
  must(members.size() == json.members().size());
  for (const auto& [name, value] : members) {
    must(json.has(name) && view.has(name));
    compare(value, json.get(name));
  }
  const auto elements = view.elements();
  must(elements.size() == (json.is_array() ? json.size() : 0));
  for (std::size_t i = 0; i < elements.size(); ++i) {
    compare(elements[i], json.at(i));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = input(data, size);
  const auto json = Json::parse(text);
  JsonTape tape;
  const Check read = tape.parse(text);
  must(!!read == !!json);
  must(read || read.problem() == json.problem());
  if (json) {
    compare(tape.root(), *json);
  }
  return 0;
}
