#include "oauth/base/json_tape.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <limits>
#include <memory>
#include <string>

namespace oauth {
namespace {

using Kind = Json::Kind;

constexpr Json::Limits kWide{.bytes = 1 << 20, .depth = 64};

// "" for success, else the name of the problem.
std::string outcome(std::string_view text, Json::Limits limits = {}) {
  JsonTape tape;
  const Check read = tape.parse(text, limits);
  return read ? std::string() : std::string(name(read.problem()));
}

// Whether both are the same value, asked every way there is to ask.
bool is_same(const JsonView& view, const Json& json) {
  if (view.kind() != json.kind() || view.size() != json.size() ||
      view.is_object() != json.is_object() || view.is_array() != json.is_array() ||
      view.string() != json.string() || view.integer() != json.integer() ||
      view.number() != json.number() || view.boolean() != json.boolean()) {
    return false;
  }
  for (const auto& [name, value] : json.members()) {
    if (!view.has(name) || !is_same(view.get(name), value) ||
        view.string(name) != json.string(name) || view.integer(name) != json.integer(name) ||
        view.boolean(name) != json.boolean(name)) {
      return false;
    }
  }
  const std::vector<JsonView> elements = view.elements();
  for (std::size_t i = 0; i < elements.size(); ++i) {
    if (!is_same(view.at(i), json.at(i)) || !is_same(elements[i], json.at(i))) {
      return false;
    }
  }
  return view.members().size() == json.members().size() &&
         elements.size() == (json.is_array() ? json.size() : 0U);
}

// The tape says of `text` what Json says, and reads the same in it.
bool agrees(std::string_view text, Json::Limits limits = {}) {
  JsonTape tape;
  const Check read = tape.parse(text, limits);
  const Result<Json> json = Json::parse(text, limits);
  if (!read || !json) {
    return !read && !json && read.problem() == json.problem() && tape.root().kind() == Kind::null;
  }
  return is_same(tape.root(), *json);
}

TEST(JsonTape, ReadsWhatATokenSays) {
  JsonTape tape;
  ASSERT_TRUE(tape.parse(R"( {"iss":"https://i.example","aud":["a","b"],"exp":1700000000,
      "half":0.5,"ok":true,"no":false,"none":null,"cnf":{"jkt":"x"},"":"empty"} )"));
  const JsonView claims = tape.root();
  EXPECT_TRUE(claims.is_object());
  EXPECT_EQ(claims.size(), 9U);
  EXPECT_EQ(claims.string("iss"), "https://i.example");
  EXPECT_EQ(claims.integer("exp"), 1'700'000'000);
  EXPECT_EQ(claims.get("exp").number(), 1'700'000'000.0);
  EXPECT_EQ(claims.get("half").number(), 0.5);
  EXPECT_EQ(claims.get("half").integer(), std::nullopt);
  EXPECT_EQ(claims.boolean("ok"), true);
  EXPECT_EQ(claims.boolean("no"), false);
  EXPECT_EQ(claims.get("none").kind(), Kind::null);
  EXPECT_TRUE(claims.has("none"));
  EXPECT_FALSE(claims.has("nobody"));
  EXPECT_EQ(claims.string(""), "empty");
  EXPECT_EQ(claims.get("aud").size(), 2U);
  EXPECT_EQ(claims.get("aud").at(1).string(), "b");
  EXPECT_EQ(claims.get("aud").at(2).kind(), Kind::null);
  EXPECT_EQ(claims.get("cnf").string("jkt"), "x");
  EXPECT_EQ(claims.members().front().first, "iss");
  EXPECT_EQ(claims.members().back().first, "");
}

TEST(JsonTape, AnswersWhatIsNotThereWithNothing) {
  JsonTape tape;
  EXPECT_EQ(tape.root().kind(), Kind::null);
  EXPECT_FALSE(tape.root().has("x"));
  EXPECT_EQ(tape.root().get("x").at(3).string("y"), std::nullopt);
  EXPECT_TRUE(tape.root().members().empty());
  EXPECT_TRUE(tape.root().elements().empty());
  EXPECT_EQ(tape.root().size(), 0U);
  ASSERT_TRUE(tape.parse(R"(["x"])"));
  EXPECT_FALSE(tape.root().has("x"));
  EXPECT_EQ(tape.root().at(0).at(0).kind(), Kind::null);
  EXPECT_TRUE(tape.root().members().empty());
}

TEST(JsonTape, AgreesWithJsonAboutEveryValue) {
  for (const std::string_view text : {"",
                                      " ",
                                      "null",
                                      "nul",
                                      "nulll",
                                      "true",
                                      "tru",
                                      "truex",
                                      "false",
                                      "fals",
                                      "x",
                                      "\"\"",
                                      "\"",
                                      "[]",
                                      "[",
                                      "]",
                                      "{}",
                                      "{",
                                      "}",
                                      "[1,]",
                                      "[,1]",
                                      "[1 2]",
                                      "[1,,2]",
                                      "{,}",
                                      "{\"a\"}",
                                      "{\"a\":}",
                                      "{\"a\":1,}",
                                      "{\"a\":1 \"b\":2}",
                                      "{1:2}",
                                      "{\"a\"1}",
                                      "{a:1}",
                                      "{\"a\":1]",
                                      "[1}",
                                      "[[]",
                                      "{}{}",
                                      "{} x",
                                      "\t\r\n {} \t\r\n",
                                      "\f{}",
                                      "\xEF\xBB\xBF{}",
                                      "\xC2\xA0{}",
                                      "/**/{}",
                                      "'a'",
                                      "NaN",
                                      "Infinity",
                                      "[[],[[]],{}]",
                                      R"({"a":{"b":[{"c":null}]},"d":1})"}) {
    EXPECT_TRUE(agrees(text)) << text;
  }
  EXPECT_TRUE(agrees(std::string_view("{}\0", 3)));
  EXPECT_TRUE(agrees(std::string_view("1\0", 2)));
  EXPECT_TRUE(agrees(std::string_view("\0", 1)));
}

TEST(JsonView, IsCopiedAsJsonWouldReadIt) {
  for (const std::string_view text : {"null", "true", "-7", "1.5", "1e300", "\"\\u00e4\"", "[]",
                                      "{}", R"({"a":[1,2.0,{"b":null}],"c":"x","":false})"}) {
    JsonTape tape;
    ASSERT_TRUE(tape.parse(text)) << text;
    EXPECT_EQ(tape.root().copy().dump(), Json::parse(text)->dump()) << text;
  }
  EXPECT_EQ(JsonView().copy().kind(), Json::Kind::null);
}

TEST(JsonView, IsFoundByAPointer) {
  JsonTape tape;
  ASSERT_TRUE(tape.parse(R"({"a":{"b":[1,{"c":"x"}]},"a/b":2})"));
  EXPECT_EQ(tape.root().at_pointer("/a/b/1/c").string(), "x");
  EXPECT_EQ(tape.root().at_pointer("/a~1b").integer(), 2);
  for (const std::string_view pointer : {"a", "/b", "/a/b/2", "/a/b/-", "/a/b/01", "/a~b"}) {
    EXPECT_EQ(tape.root().at_pointer(pointer).kind(), Json::Kind::null) << pointer;
  }
}

TEST(JsonTape, AgreesWithJsonAboutEveryNumber) {
  for (const std::string_view text : {"0",
                                      "-0",
                                      "1",
                                      "-1",
                                      "+1",
                                      "00",
                                      "01",
                                      "-01",
                                      "-",
                                      "--1",
                                      "1a",
                                      "0x1",
                                      ".5",
                                      "5.",
                                      "5.e1",
                                      "-.5",
                                      "1.5",
                                      "-1.5",
                                      "0.0",
                                      "-0.0",
                                      "1e1",
                                      "1E1",
                                      "1e+1",
                                      "1e-1",
                                      "1e",
                                      "1e+",
                                      "1e1.5",
                                      "0e0",
                                      "0E+00",
                                      "1.0",
                                      "9223372036854775807",
                                      "9223372036854775808",
                                      "-9223372036854775808",
                                      "-9223372036854775809",
                                      "99999999999999999999999",
                                      "0.1",
                                      "2.5e-1",
                                      "123456.789e3",
                                      "1e308",
                                      "1.7976931348623157e308",
                                      "1.7976931348623158e308",
                                      "1.7976931348623159e308",
                                      "1e309",
                                      "-1e309",
                                      "1e999999999999",
                                      "1e-308",
                                      "5e-324",
                                      "2e-324",
                                      "1e-400",
                                      "-1e-400",
                                      "1e-999999999999",
                                      "0e999999999999",
                                      "0.000000000000000000000000000000001e340",
                                      "9007199254740993",
                                      "9007199254740993.0",
                                      "3.141592653589793238462643383279502884197"}) {
    EXPECT_TRUE(agrees(text)) << text;
    EXPECT_TRUE(agrees('[' + std::string(text) + ",1]")) << text;
  }
  EXPECT_TRUE(agrees(std::string(400, '9') + ".5e-100"));
  EXPECT_TRUE(agrees(std::string(400, '9') + ".5"));
  EXPECT_TRUE(agrees("0." + std::string(400, '0') + "1"));
}

TEST(JsonTape, AgreesWithJsonAboutEveryEscape) {
  for (int c = 0; c < 256; ++c) {
    const std::string byte(1, static_cast<char>(c));
    for (const std::string& inside :
         {byte, "plain and longer" + byte + "and more of it", '\\' + byte, '\\' + byte + "0041",
          "\\u004" + byte, "\\uD83D\\uDE0" + byte, byte + '\\'}) {
      EXPECT_TRUE(agrees('"' + inside + '"')) << c << ' ' << inside;
      EXPECT_TRUE(agrees("{\"" + inside + "\":1}")) << c << ' ' << inside;
    }
  }
  for (const std::string_view inside : {R"(\u0000)",
                                        R"(\u0001)",
                                        R"(\u007f)",
                                        R"(\u0080)",
                                        R"(\u07FF)",
                                        R"(\u0800)",
                                        R"(\uFFFF)",
                                        R"(\ud800)",
                                        R"(\uD800x)",
                                        R"(\uD800\n)",
                                        R"(\uD800\uD800)",
                                        R"(\uD800\u0041)",
                                        R"(\uDC00)",
                                        R"(\uDC00\uD800)",
                                        R"(\uD800\uDC00)",
                                        R"(\uDBFF\uDFFF)",
                                        R"(\uD83D\uDE00)",
                                        R"(\uD83D\uDE0)",
                                        R"(\uD83D\u)",
                                        R"(\uD83D\)",
                                        R"(\u)",
                                        R"(\u1)",
                                        R"(\u12)",
                                        R"(\u123)",
                                        R"(\U0041)",
                                        R"(\u 041)",
                                        R"(\u+041)",
                                        R"(\u00e9\n\"\\\/\b\f\r\t)",
                                        R"(\\u0041)",
                                        R"(J\u00fcrgen and M\u00fcller)",
                                        "\xC3\xBC\\u00fc\xF0\x9F\x98\x80",
                                        "\xC3\\u00fc",
                                        "\xC3",
                                        "\xC0\x80",
                                        "\xED\xA0\x80",
                                        "\xF4\x90\x80\x80",
                                        "\xEF\xBF\xBE",
                                        "\xFF",
                                        "\x7F"}) {
    EXPECT_TRUE(agrees('"' + std::string(inside) + '"')) << inside;
    EXPECT_TRUE(agrees("[\"" + std::string(inside) + "\",\"after\"]")) << inside;
    EXPECT_TRUE(agrees("{\"" + std::string(inside) + "\":1}")) << inside;
  }
}

TEST(JsonTape, KeepsEveryEscapedStringApart) {
  JsonTape tape;
  ASSERT_TRUE(tape.parse(R"({"a\n":"\u00fc","plain":"x\ty","\u0061":"\uD83D\uDE00"})"));
  EXPECT_EQ(tape.root().string("a\n"), "\xC3\xBC");
  EXPECT_EQ(tape.root().string("plain"), "x\ty");
  EXPECT_EQ(tape.root().string("a"), "\xF0\x9F\x98\x80");
}

TEST(JsonTape, RefusesDuplicateMembersHoweverManyThereAreAndHoweverTheyAreSpelled) {
  EXPECT_EQ(outcome(R"({"a":1,"a":1})"), "json_invalid");
  EXPECT_EQ(outcome(R"({"a":1,"\u0061":1})"), "json_invalid");
  EXPECT_EQ(outcome(R"({"":1,"":1})"), "json_invalid");
  EXPECT_EQ(outcome(R"({"x":[{"a":1,"b":2,"a":3}]})"), "json_invalid");
  EXPECT_EQ(outcome(R"({"a":{"a":{"a":1}},"b":[{"a":1},{"a":2}]})"), "");
  for (const int count : {2, 15, 16, 17, 18, 64, 65, 500}) {
    std::string text = "{";
    for (int i = 0; i < count; ++i) {
      text += "\"m" + std::to_string(i) + "\":{\"m0\":0},";
    }
    const std::string last = "\"m" + std::to_string(count) + "\":0}";
    EXPECT_TRUE(agrees(text + last)) << count;
    EXPECT_EQ(outcome(text + last), "") << count;
    EXPECT_EQ(outcome(text + "\"m0\":0}"), "json_invalid") << count;
    EXPECT_EQ(outcome(text + "\"m" + std::to_string(count - 1) + "\":0}"), "json_invalid") << count;
  }
}

TEST(JsonTape, ReadsMoreValuesThanItHasRoomFor) {
  for (std::size_t count = JsonTape::kInline - 3; count < 4 * JsonTape::kInline + 3; ++count) {
    std::string text = R"({"first":"\u0031","all":[)";
    for (std::size_t i = 0; i < count; ++i) {
      text += i == 0 ? "" : ",";
      text += i % 3 == 0 ? "[7]" : i % 3 == 1 ? "\"\\u0041b\"" : "-1.5";
    }
    EXPECT_TRUE(agrees(text + R"(],"last":"l"})")) << count;
  }
}

TEST(JsonTape, IsAsDeepAndAsLongAsItIsTold) {
  for (const auto depth : std::initializer_list<std::size_t>{0, 1, 2, 15, 16, 17, 30}) {
    for (const auto limit : std::initializer_list<std::size_t>{0, 1, 16, 29}) {
      const std::string arrays = std::string(depth, '[') + std::string(depth, ']');
      EXPECT_TRUE(agrees(arrays, {.bytes = 100, .depth = limit})) << depth << ' ' << limit;
      std::string objects = "1";
      for (std::size_t i = 0; i < depth; ++i) {
        objects = "{\"[\":" + objects + '}';
      }
      EXPECT_TRUE(agrees(objects, {.bytes = 1000, .depth = limit})) << depth << ' ' << limit;
    }
  }
  EXPECT_EQ(outcome("[1]", {.bytes = 3, .depth = 1}), "");
  EXPECT_EQ(outcome("[1]", {.bytes = 2, .depth = 1}), "json_too_large");
  EXPECT_EQ(outcome("[[1]]", {.bytes = 9, .depth = 1}), "json_invalid");
  EXPECT_EQ(outcome(std::string(60'000, '[')), "json_invalid");
}

TEST(JsonTape, ForgetsWhatItReadBefore) {
  JsonTape tape;
  ASSERT_TRUE(tape.parse(R"({"a":"\u0061"})"));
  EXPECT_FALSE(tape.parse("{"));
  EXPECT_EQ(tape.root().kind(), Kind::null);
  EXPECT_FALSE(tape.parse("[1]", {.bytes = 1, .depth = 1}));
  EXPECT_EQ(tape.root().kind(), Kind::null);
  ASSERT_TRUE(tape.parse(R"({"b":"\u0062"})"));
  EXPECT_FALSE(tape.root().has("a"));
  EXPECT_EQ(tape.root().string("b"), "b");
}

// What is cut off is seen to end, not read on: the copy has no byte behind it (ASan watches).
TEST(JsonTape, ReadsNotAByteBehindTheText) {
  constexpr std::string_view kText =
      R"({"a":[1,-2.5e3,true,null,"plain","esc\u00e4\n\uD83D\uDE00"],"b":{"c":false}})";
  for (std::size_t size = 0; size <= kText.size(); ++size) {
    const auto copy = std::make_unique<char[]>(size);
    std::copy_n(kText.data(), size, copy.get());
    EXPECT_TRUE(agrees(std::string_view(copy.get(), size))) << size;
    EXPECT_EQ(outcome(std::string_view(copy.get(), size)).empty(), size == kText.size()) << size;
  }
}

// github.com/nst/JSONTestSuite, kept outside the repository.
TEST(JsonTape, AgreesWithJsonAboutTheJsonTestSuite) {
  const char* const path = std::getenv("OAUTH_SHARED");
  const auto shared =
      path != nullptr ? std::filesystem::path(path)
                      : std::filesystem::absolute(__FILE__).parent_path() / "../../../../shared";
  const auto folder = shared / "vectors/json-test-suite/test_parsing";
  if (!std::filesystem::is_directory(folder)) {
    GTEST_SKIP() << "json-test-suite is not there: " << folder;
  }
  int accepted = 0;
  int refused = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    std::ifstream file(entry.path(), std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    const std::string file_name = entry.path().filename();
    EXPECT_TRUE(agrees(text, kWide)) << file_name;
    const bool ok = outcome(text, kWide).empty();
    EXPECT_FALSE(ok && file_name.starts_with("n_")) << file_name;
    ++(ok ? accepted : refused);
  }
  std::cout << "[ tape     ] json-test-suite: accepted " << accepted << ", refused " << refused
            << ", as Json does\n";
  EXPECT_GT(accepted, 90);
  EXPECT_GT(refused, 180);
}

}  // namespace
}  // namespace oauth
