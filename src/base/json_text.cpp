#include "oauth/base/json_text.hpp"

#include <utility>

#include "base/json_string.hpp"
#include "oauth/base/text.hpp"

namespace oauth {

JsonText& JsonText::set(std::string_view name, std::string_view value) {
  begin(name);
  if (is_utf8(value)) {
    append_json_string(text_, value, JsonPlace::text);
  } else {
    text_ += "null";
  }
  return *this;
}

JsonText& JsonText::set(std::string_view name, std::int64_t value) {
  begin(name);
  text_ += std::to_string(value);
  return *this;
}

JsonText& JsonText::set(std::string_view name, const Json& value) {
  begin(name);
  value.append_to(text_);
  return *this;
}

JsonText& JsonText::set(std::string_view name, JsonText&& value) {
  begin(name);
  text_ += value.take();
  return *this;
}

std::string JsonText::take() {
  text_ += text_.empty() ? "{}" : "}";
  return std::move(text_);
}

void JsonText::begin(std::string_view name) {
  text_ += text_.empty() ? '{' : ',';
  append_json_string(text_, name, JsonPlace::text);
  text_ += ':';
}

}  // namespace oauth
