#include "oauth/flow/demo_grant.hpp"

#include "flow/stage.hpp"

namespace oauth {
namespace {

using test::body;
using test::Events;
using test::reason;
using test::Stage;
using test::status;

// What the real client posts for an address in demo.local.
Request demo_request(Stage& stage, std::string_view user = "ann@demo.local") {
  Request post = stage.request("POST", "/token");
  post.content_type = "application/json";
  post.origins = {"https://app.example.com"};
  post.local = true;
  post.body = Json::object()
                  .set("demo_user", user)
                  .set("grant_type", "demo")
                  .set("scopes", Json::array().push(Json::of("ACCESS_DB")))
                  .set("public_key", std::string_view(test::client_pem()))
                  .dump();
  return post;
}

TEST(DemoGrant, GivesTokensForAnAccount) {
  Stage stage;
  const Verdict verdict = stage.call_token(demo_request(stage));
  ASSERT_EQ(reason(verdict), "");
  EXPECT_EQ(verdict.provider, "demo");
  EXPECT_EQ(verdict.flow_id.size(), 32U);
  EXPECT_TRUE(stage.untouched()) << "nothing is stored";
  const Json tokens = body(verdict);
  EXPECT_EQ(tokens.get("claims").string("sub"), "demo:ann@demo.local");
  EXPECT_EQ(tokens.get("claims").string("name"), "Ann");
  EXPECT_EQ(tokens.string("userType"), "demo");
  EXPECT_TRUE(tokens.has("refreshToken"));
}

TEST(DemoGrant, IsForThisMachineOnly) {
  Stage stage;
  Request in = demo_request(stage);
  in.local = false;
  const Verdict verdict = stage.call_token(in);
  EXPECT_EQ(reason(verdict), "demo_not_local");
  EXPECT_EQ(status(verdict), 403);
}

TEST(DemoGrant, KnowsItsAccountsOnly) {
  Stage stage;
  for (const std::string_view user :
       {"eve@demo.local", "", "ANN@demo.local", "demo:ann@demo.local"}) {
    EXPECT_EQ(reason(stage.call_token(demo_request(stage, user))), "demo_user_unknown") << user;
  }
}

TEST(DemoGrant, IsNotThereWithoutADemoProvider) {
  Stage stage;
  stage.demo.enabled = false;
  EXPECT_EQ(reason(stage.call_token(demo_request(stage))), "grant_unsupported");
  stage.broker.providers = {&stage.acme};
  EXPECT_EQ(reason(stage.call_token(demo_request(stage))), "grant_unsupported");
}

TEST(DemoGrant, ObeysWhoMaySignIn) {
  Stage stage;
  std::string why;
  stage.broker.allow = AllowRules({*AllowRule::parse("email=bob@demo.local", &why)});
  const Verdict verdict = stage.call_token(demo_request(stage));
  EXPECT_EQ(reason(verdict), "email_not_allowed");
  EXPECT_EQ(body(verdict).string("code"), "USER_NOT_ACCEPTED");
  EXPECT_EQ(reason(stage.call_token(demo_request(stage, "bob@demo.local"))), "");
  stage.broker.admit = "/admit";
  stage.hook.reply = FetchReply{403, "application/json", R"({"code":"NO_SEATS_AVAILABLE"})"};
  EXPECT_EQ(reason(stage.call_token(demo_request(stage, "bob@demo.local"))), "no_seats_available");
}

TEST(DemoGrant, GrantsOnlyWhatIsAllowed) {
  Stage stage;
  stage.broker.scopes = {"read"};
  EXPECT_EQ(reason(stage.call_token(demo_request(stage))), "scope_refused");
}

}  // namespace
}  // namespace oauth
