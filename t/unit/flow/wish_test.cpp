// What read_wish refuses is told in login_test.cpp, by the login that it is refused to.
#include "oauth/flow/wish.hpp"

#include "flow/stage.hpp"

namespace oauth {
namespace {

using test::Stage;

TEST(Wish, ReadsWhatTheApplicationAsks) {
  Stage stage;
  const std::string challenge = pkce_challenge("v");
  const auto wish = read_wish(stage.login_request(
      "redirect_uri=https%3A%2F%2Fapp.example.com%2Fa%3Fdxc-auth%3Dold&state=s&delivery=query&"
      "code_challenge=" +
      challenge + "&code_challenge_method=S256"));
  ASSERT_TRUE(wish);
  EXPECT_EQ(wish->target.text(), "https://app.example.com/a");
  EXPECT_EQ(wish->client_state, "s");
  EXPECT_EQ(wish->challenge, challenge);
  EXPECT_EQ(wish->delivery, Delivery::query);
}

TEST(Wish, IsWrittenAnewForAnotherAddress) {
  Stage stage;
  EXPECT_EQ(rewrite_wish(stage.login_request("b=%61+%26%3D%22&at=home&a=%C3%A9&&at=x&c")),
            "b=a%20%26%3D%22&a=%C3%A9&c=");
}

}  // namespace
}  // namespace oauth
