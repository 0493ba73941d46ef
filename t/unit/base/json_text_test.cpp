#include "oauth/base/json_text.hpp"

#include <gtest/gtest.h>

namespace oauth {
namespace {

TEST(JsonText, IsSpelledAsATreeWouldBe) {
  const Json list = Json::array().push(Json::of(1)).push(Json::of("<\xC3\xA6>"));
  const auto build = [&list](auto object, auto inner) {
    object.set("text", "a \"quoted\" \\ \x7F \n \xF0\x9F\x98\x80")
        .set("na\"me", std::string_view())
        .set("number", std::int64_t{-5})
        .set("list", list)
        .set("null", Json())
        .set("broken", "\xC3(")
        .set("inner", std::move(inner.set("a", "b")));
    return object;
  };
  const std::string tree = build(Json::object(), Json::object()).dump();
  EXPECT_EQ(build(JsonText(), JsonText()).take(), tree);
  EXPECT_NE(tree.find(R"("broken":null)"), std::string::npos);
}

TEST(JsonText, MayBeOfNothing) {
  EXPECT_EQ(JsonText().take(), "{}");
  EXPECT_EQ(JsonText().set("inner", JsonText()).take(), R"({"inner":{}})");
}

TEST(JsonText, EscapesWhereverACharacterStands) {
  for (int c = 1; c < 0x80; ++c) {
    for (std::size_t at = 0; at < 20; ++at) {
      std::string value(20, 'x');
      value[at] = static_cast<char>(c);
      const std::string text = JsonText().set("v", value).take();
      const auto read = Json::parse(text);
      ASSERT_TRUE(read) << text;
      ASSERT_EQ(read->string("v"), value) << text;
      const bool plain = c >= 0x20 && c != '"' && c != '\\' && c != 0x7F;
      ASSERT_EQ(text.find('\\') == std::string::npos, plain) << text;
    }
  }
}

}  // namespace
}  // namespace oauth
