// A form that was accepted is written and read back without a change.
#include "fuzz.hpp"

#include "oauth/base/text.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace oauth;
  const auto form = Form::parse(input(data, size));
  if (!form) {
    return 0;
  }
  FormWriter writer;
  for (const auto& [name, value] : form->fields()) {
    must(is_utf8(name) && is_utf8(value));
    must(form->find(name).count != Form::Count::none || value.empty());
    must(form->repeated({name}) || form->get(name) == value);
    writer.add(name, value);
  }
  must(is_printable_ascii(writer.text()));
  const auto again = Form::parse(writer.text());
  must(again && again->fields() == form->fields());
  return 0;
}
