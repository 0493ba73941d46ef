// JsonText: the text of an object, written member by member as Json::dump() would spell it, without
// a tree in between: for what every sign-in is answered with.
//
//     JsonText().set("type", "tokens").set("expires", 3600).take()
//
// No name may be set twice.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "oauth/base/json.hpp"

namespace oauth {

class JsonText {
 public:
  explicit JsonText(std::size_t room = 512) { text_.reserve(room); }  // bytes; more will grow

  JsonText& set(std::string_view name, std::string_view value);  // must be UTF-8; else null
  JsonText& set(std::string_view name, const char* value) {
    return set(name, std::string_view(value));
  }
  JsonText& set(std::string_view name, std::int64_t value);
  JsonText& set(std::string_view name, const Json& value);
  JsonText& set(std::string_view name, JsonText&& value);

  std::string take();  // and no more

 private:
  void begin(std::string_view name);
  std::string text_;
};

}  // namespace oauth
