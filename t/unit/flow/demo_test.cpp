#include "oauth/flow/demo.hpp"

#include "flow/stage.hpp"

namespace oauth {
namespace {

using test::contains;
using test::header;
using test::reason;
using test::run;
using test::Stage;
using test::status;

struct DemoStage : Stage {
  DemoStage() {
    Attempt of = test::attempt();
    of.provider = "demo";
    state = *seal_attempt(of, broker);
  }
  Verdict ask(const std::string& query, std::string_view name = "demo", bool local = true) {
    Request in = request("GET", "/oauth/demo/" + std::string(name), query);
    in.local = local;
    return run(oauth::demo(in, io));
  }
  std::string state;
};

TEST(Demo, OffersEachAccountAndAWayOut) {
  DemoStage stage;
  const Verdict verdict = stage.ask("state=" + stage.state);
  EXPECT_EQ(reason(verdict), "");
  EXPECT_EQ(status(verdict), 200);
  EXPECT_EQ(verdict.provider, "demo");
  EXPECT_EQ(verdict.flow_id, test::attempt().flow_id);
  const std::string callback = "<a href=\"https://auth.example.com/oauth/callback/demo?";
  const std::string& html = verdict.reply->body;
  EXPECT_TRUE(contains(html, callback + "code=ann%40demo.local&amp;state=" + stage.state +
                                 "\"><span>Ann<small>ann@demo.local</small>"))
      << html;
  EXPECT_TRUE(contains(html, callback + "code=bob%40demo.local&amp;state=" + stage.state));
  EXPECT_TRUE(contains(html, callback + "error=access_denied&amp;state=" + stage.state +
                                 "\"><span>Cancel</span></a>"));
  EXPECT_TRUE(stage.untouched());
}

TEST(Demo, EveryChoiceEndsTheLogin) {
  for (const std::string_view choice : {"code=ann%40demo.local", "error=access_denied"}) {
    DemoStage stage;
    Request in =
        stage.request("GET", "/oauth/callback/demo", std::string(choice) + "&state=" + stage.state);
    in.cookies = {stage.broker.cookie_name + "=browser"};
    in.local = true;
    EXPECT_EQ(status(stage.call_callback(in)), 302) << choice;
  }
}

TEST(Demo, DoesNotCutAPopupFromItsOpener) {
  DemoStage stage;
  EXPECT_EQ(header(stage.ask("state=" + stage.state), "Cross-Origin-Opener-Policy"), "");
}

TEST(Demo, IsNoPageOfAnotherProvider) {
  DemoStage stage;
  for (const std::string_view name : {"acme", "other", ""}) {
    const Verdict verdict = stage.ask("state=" + stage.state, name);
    EXPECT_EQ(reason(verdict), "provider_unknown") << name;
    EXPECT_EQ(status(verdict), 404) << name;
  }
}

TEST(Demo, IsOnlyForThisMachine) {
  DemoStage stage;
  const Verdict verdict = stage.ask("state=" + stage.state, "demo", false);
  EXPECT_EQ(reason(verdict), "demo_not_local");
  EXPECT_EQ(status(verdict), 403);
  EXPECT_FALSE(contains(verdict.reply->body, "ann@demo.local"));
}

TEST(Demo, NeedsAStateThatLives) {
  DemoStage stage;
  const std::vector<std::pair<std::string, std::string>> table{
      {"", "state_missing"},
      {"state=", "state_missing"},
      {"state=%zz", "state_missing"},
      {"state=" + stage.state + "&state=" + stage.state, "state_missing"},
      {"state=forged", "state_refused"},
  };
  for (const auto& [query, why] : table) {
    const Verdict verdict = stage.ask(query);
    EXPECT_EQ(reason(verdict), why);
    EXPECT_EQ(verdict.reply->body, error_page(Problem::state_refused, "").html) << query;
  }
  stage.clock.advance(1800 + 31);
  EXPECT_EQ(reason(stage.ask("state=" + stage.state)), "state_expired");
}

}  // namespace
}  // namespace oauth
