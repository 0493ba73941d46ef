#include "oauth/proto/revocation.hpp"

#include <gtest/gtest.h>

#include "oauth/base/text.hpp"
#include "proto/support.hpp"

namespace oauth {
namespace {

using test::outcome;

TEST(Mark, IsTheBytesOfAnIdOfOurs) {
  const std::string id = base64url_encode("0123456789abcdef");
  const RevocationMark mark = token_mark(id);
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(mark.data()), sizeof(mark)),
            "0123456789abcdef");
  EXPECT_EQ(token_mark(id), mark);
}

TEST(Mark, OfATokenIsNotThatOfASignIn) {
  for (const std::string& bytes : {std::string("0123456789abcdef"), std::string(16, '\xff')}) {
    const std::string id = base64url_encode(bytes);
    EXPECT_NE(token_mark(id), family_mark(id));
    EXPECT_NE(family_mark(id), kNoMark);
  }
}

TEST(Mark, IsNoneForAnyOtherId) {
  const std::string id = base64url_encode("0123456789abcdef");
  for (const std::string& other :
       {std::string(), id.substr(1), id + "A", std::string(22, '*'), std::string(21, 'A') + "B",
        base64url_encode(std::string(16, '\0'))}) {
    EXPECT_EQ(token_mark(other), kNoMark) << other;
    EXPECT_EQ(family_mark(other), kNoMark) << other;
  }
}

TEST(RevocationRequest, IsAFormOrJson) {
  const auto form = parse_revocation("application/x-www-form-urlencoded",
                                     "token=a%2Bb&client_id=c&client_secret=d&more=1", {});
  const auto json = parse_revocation("application/json",
                                     R"({"token":"a+b","client_id":"c","client_secret":"d"})", {});
  for (const auto& request : {form, json}) {
    ASSERT_TRUE(request);
    EXPECT_EQ(request->token, "a+b");
    EXPECT_EQ(request->credentials.id, "c");
    EXPECT_EQ(request->credentials.secret, "d");
    EXPECT_FALSE(request->credentials.basic);
  }
  const auto basic =
      parse_revocation("application/json", R"({"token":"a"})", {"Basic " + base64_encode("c:d")});
  ASSERT_TRUE(basic);
  EXPECT_TRUE(basic->credentials.basic);
  EXPECT_EQ(outcome(parse_revocation("text/html", "token=a", {})), "content_type_refused");
}

}  // namespace
}  // namespace oauth
