#include "oauth/proto/scope.hpp"

#include <gtest/gtest.h>

#include "proto/support.hpp"

namespace oauth {
namespace {

using test::Taped;
using Names = std::vector<std::string_view>;

TEST(Scope, IsPrintableAsciiWithoutSpaceQuoteAndBackslash) {
  for (const std::string_view name : {"ACCESS_DB", "a", "https://x.example/y", "!#[]~"}) {
    EXPECT_TRUE(is_scope(name)) << name;
  }
  for (const std::string_view name : {"", "a b", "a\"b", "a\\b", "\xC3\xA4", "a\tb", "a\x7F"}) {
    EXPECT_FALSE(is_scope(name)) << name;
  }
}

// req 127
TEST(Scopes, AreTheWholeWordsOfAString) {
  const Taped claims(R"({"s":"read administrator  x:y"})");
  const JsonView said = claims.get("s");
  EXPECT_EQ(scopes_in(said), (Names{"read", "administrator", "x:y"}));
  EXPECT_TRUE(has_scope(said, "read"));
  for (const std::string_view other :
       {"admin", "READ", "rea", "read administrator", "x", "y", ""}) {
    EXPECT_FALSE(has_scope(said, other)) << other;
  }
}

TEST(Scopes, AreSeparatedBySpacesAlone) {
  const Taped claims(R"({"s":"a\tb,c a\nd"})");
  for (const std::string_view other : {"a", "b", "c", "d"}) {
    EXPECT_FALSE(has_scope(claims.get("s"), other)) << other;
  }
  EXPECT_EQ(scopes_in(claims.get("s")), Names{}) << "what is no scope is none";
}

TEST(Scopes, OfAListAreItsElements) {
  const Taped claims(R"({"l":["read","write now",7,null,["deep"],"\u00e4",""]})");
  const JsonView said = claims.get("l");
  EXPECT_EQ(scopes_in(said), (Names{"read"}));
  for (const std::string_view other : {"write", "now", "7", "deep", ""}) {
    EXPECT_FALSE(has_scope(said, other)) << other;
  }
}

TEST(Scopes, OfAnythingElseAreNone) {
  const Taped claims(R"({"n":7,"b":true,"o":{"read":"read"},"z":null})");
  for (const std::string_view name : {"n", "b", "o", "z", "absent"}) {
    EXPECT_EQ(scopes_in(claims.get(name)), Names{}) << name;
  }
}

}  // namespace
}  // namespace oauth
