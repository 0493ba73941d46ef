#include "oauth/flow/choose.hpp"

#include "flow/stage.hpp"

namespace oauth {
namespace {

using test::contains;
using test::header;
using test::location;
using test::reason;
using test::run;
using test::Stage;
using test::status;

const std::string kTarget = "redirect_uri=https%3A%2F%2Fapp.example.com%2F";

struct ChooseStage : Stage {
  Verdict ask(std::string_view query, bool local = false) {
    Request in = request("GET", "/oauth/login", query);
    in.local = local;
    return run(choose(in, io));
  }
};

std::string link_of(std::string_view name, std::string_view query) {
  return "<a href=\"https://auth.example.com/oauth/login/" + std::string(name) + "?" +
         html_escape(query) + "\">";
}

TEST(Choose, LinksToTheLoginOfEachProviderWithTheSameWish) {
  ChooseStage stage;
  const Verdict verdict = stage.ask(kTarget + "&state=a%22%26b&at=home");
  EXPECT_EQ(reason(verdict), "");
  EXPECT_EQ(status(verdict), 200);
  const std::string& html = verdict.reply->body;
  EXPECT_TRUE(contains(html, link_of("acme", kTarget + "&state=a%22%26b"))) << html;
  EXPECT_TRUE(contains(html, "<span>Sign in with Acme ID</span>"));
  EXPECT_TRUE(
      contains(html, "<img src=\"https://auth.example.com/oauth/icons/acme.svg\" alt=\"\""));
  EXPECT_TRUE(contains(html, "You will return to https://app.example.com<"));
  EXPECT_TRUE(
      contains(header(verdict, "Content-Security-Policy"), "; img-src https://auth.example.com; "));
  EXPECT_EQ(header(verdict, "Cache-Control"), "no-store");
  EXPECT_EQ(location(verdict), "") << "one provider is no reason to choose for the user";
  EXPECT_EQ(header(verdict, "Set-Cookie"), "");
  EXPECT_TRUE(stage.untouched());
}

TEST(Choose, ListsNeitherADisabledProviderNorADemoForStrangers) {
  ChooseStage stage;
  Provider off = test::provider("off");
  off.enabled = false;
  stage.broker.providers.push_back(&off);
  EXPECT_FALSE(contains(stage.ask(kTarget).reply->body, "/oauth/login/off"));
  EXPECT_FALSE(contains(stage.ask(kTarget).reply->body, "/oauth/login/demo"));
  EXPECT_TRUE(contains(stage.ask(kTarget, true).reply->body, link_of("demo", kTarget)));
}

TEST(Choose, WithNobodyToListIsAnErrorPage) {
  ChooseStage stage;
  stage.acme.enabled = false;
  EXPECT_EQ(reason(stage.ask(kTarget)), "provider_unknown");
}

TEST(Choose, RefusesWhatALoginWouldRefuse) {
  const std::string_view queries[] = {"",
                                      "redirect_uri=https%3A%2F%2Fevil.example%2F",
                                      "redirect_uri=javascript%3Aalert(1)",
                                      "redirect_uri=https%3A%2F%2Fapp.example.com%2F&delivery=x",
                                      "redirect_uri=https%3A%2F%2Fapp.example.com%2F&state=%0A",
                                      "redirect_uri=%ff",
                                      "redirect_uri=a&redirect_uri=b"};
  for (const std::string_view query : queries) {
    ChooseStage stage;
    const Verdict verdict = stage.ask(query);
    EXPECT_EQ(reason(verdict), reason(stage.call_login(stage.login_request(query)))) << query;
    EXPECT_GE(status(verdict), 400) << query;
    EXPECT_FALSE(contains(verdict.reply->body, "<a ")) << query;
    EXPECT_EQ(verdict.flow_id.size(), 32U) << query;
    EXPECT_TRUE(contains(verdict.reply->body, "<br>" + verdict.flow_id + "<")) << query;
  }
  ChooseStage stage;
  stage.broker.require_pkce = true;
  EXPECT_EQ(reason(stage.ask(kTarget)), "challenge_missing");
}

TEST(Choose, TellsADeveloperTheLineThatIsMissing) {
  ChooseStage stage;
  EXPECT_TRUE(contains(stage.ask("redirect_uri=http%3A%2F%2F127.0.0.1%3A3000").reply->body,
                       "<code>oauth_allow_origin http://127.0.0.1:3000;</code>"));
}

TEST(Choose, WhileTheStoreIsDownNobodyIsSentAnywhere) {
  ChooseStage stage;
  stage.store.down = true;
  EXPECT_EQ(reason(stage.ask(kTarget)), "store_down");
}

TEST(Choose, LeavesAPopupItsOpener) {
  ChooseStage stage;
  EXPECT_EQ(header(stage.ask(kTarget), "Cross-Origin-Opener-Policy"), "same-origin");
  EXPECT_EQ(header(stage.ask(kTarget + "&delivery=popup"), "Cross-Origin-Opener-Policy"), "");
  stage.store.down = true;
  EXPECT_EQ(header(stage.ask(kTarget + "&delivery=popup"), "Cross-Origin-Opener-Policy"), "");
}

}  // namespace
}  // namespace oauth
