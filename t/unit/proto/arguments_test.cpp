#include "oauth/proto/arguments.hpp"

#include <gtest/gtest.h>

#include "proto/support.hpp"

namespace oauth {
namespace {

using test::outcome;

using Names = std::vector<std::string>;
using Values = std::vector<std::string_view>;

TEST(ArgumentName, IsPlain) {
  EXPECT_TRUE(is_argument_name("token"));
  EXPECT_TRUE(is_argument_name("Access_Token-2"));
  EXPECT_TRUE(is_argument_name(std::string(64, 'a')));
  for (const std::string_view name :
       {"", "a b", "a=b", "a&b", "a%20", "a:any", "a.b", "\xC3\xA4"}) {
    EXPECT_FALSE(is_argument_name(name)) << name;
  }
  EXPECT_FALSE(is_argument_name(std::string(65, 'a')));
}

TEST(ArgumentsNamed, AreAllOfThemAsTheyStand) {
  EXPECT_EQ(arguments_named("v=3&token=a.b.c&x", "token"), (Values{"a.b.c"}));
  EXPECT_EQ(arguments_named("token=a&x=1&token=%62", "token"), (Values{"a", "%62"}));
  EXPECT_EQ(arguments_named("token", "token"), (Values{""}));
  EXPECT_EQ(arguments_named("token=", "token"), (Values{""}));
  EXPECT_EQ(arguments_named("token=a=b==", "token"), (Values{"a=b=="}));
  EXPECT_EQ(arguments_named("&&token=a&&", "token"), (Values{"a"}));
}

TEST(ArgumentsNamed, CountInEveryPercentEncoding) {
  EXPECT_EQ(arguments_named("to%6ben=a", "token"), (Values{"a"}));
  EXPECT_EQ(arguments_named("%74%6F%6B%65%6E=a&token=b", "token"), (Values{"a", "b"}));
}

TEST(ArgumentsNamed, AreNoOthers) {
  for (const std::string_view query :
       {"", "Token=a", "token2=a", "xtoken=a", "x=token=a", "x=1;token=a", "token%=a", "+token=a",
        "to%256ben=a", "token%00=a", "%FF=a"}) {
    EXPECT_EQ(arguments_named(query, "token"), Values{}) << query;
    EXPECT_FALSE(has_argument(query, {"token"})) << query;
  }
}

TEST(WithoutArguments, LeavesEveryOtherByte) {
  const Names names{"token", "key"};
  EXPECT_EQ(without_arguments("v=3&token=a&w=%zz&&x", names), "v=3&w=%zz&&x");
  EXPECT_EQ(without_arguments("token=a", names), "");
  EXPECT_EQ(without_arguments("token=a&x", names), "x");
  EXPECT_EQ(without_arguments("x&token", names), "x");
  EXPECT_EQ(without_arguments("token=a&token=b&k%65y=c&x=1", names), "x=1");
  EXPECT_EQ(without_arguments("&token=a&", names), "&");
  EXPECT_EQ(without_arguments("a=1", names), "a=1");
  EXPECT_EQ(without_arguments("", names), "");
}

TEST(ArgumentToken, IsAB64TokenInAnyEncoding) {
  const auto token = argument_token("a.b%2Dc%3d");
  ASSERT_TRUE(token);
  EXPECT_EQ(*token, "a.b-c=");
  for (const std::string_view value : {"", "a b", "a%20b", "a%", "a%zz", "a,b", "a%00", "%C3%A4"}) {
    EXPECT_EQ(outcome(argument_token(value)), "token_malformed") << value;
  }
}

}  // namespace
}  // namespace oauth
