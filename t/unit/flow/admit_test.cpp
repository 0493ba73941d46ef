#include "oauth/flow/admit.hpp"

#include "flow/stage.hpp"

namespace oauth {
namespace {

using test::delivered;
using test::Events;
using test::location;
using test::reason;
using test::run;
using test::Stage;
using test::status;

struct AdmitStage : Stage {
  AdmitStage() {
    broker.admit = "/admit";
    who.provider = "acme";
    who.id = "u1";
    who.email = "ann@example.com";
    who.email_verified = true;
  }
  void allow(std::string_view rule) {
    std::string why;
    broker.allow = AllowRules({*AllowRule::parse(rule, &why)});
  }
  std::string ask() {
    const auto claims = run(admit_user(broker, who, io));
    return claims ? claims->dump() : std::string(name(claims.problem()));
  }
  Identity who;
};

const std::string kClaims = R"({"sub":"acme:u1","email":"ann@example.com","email_verified":true})";

TEST(AdmitUser, WithoutRulesAndWithoutAServiceEverybodyIsLetIn) {
  AdmitStage stage;
  stage.broker.admit.clear();
  EXPECT_EQ(stage.ask(), kClaims);
  EXPECT_TRUE(stage.untouched());
}

TEST(AdmitUser, WhomTheRulesRefuseIsNobodyToAskAbout) {
  AdmitStage stage;
  stage.allow("email=bob@example.com");
  EXPECT_EQ(stage.ask(), "email_not_allowed");
  EXPECT_TRUE(stage.untouched());
}

TEST(AdmitUser, AsksTheOperatorsServiceAboutWhomTheRulesAdmit) {
  AdmitStage stage;
  stage.allow("domain=example.com");
  EXPECT_EQ(stage.ask(), kClaims);
  EXPECT_EQ(stage.events, Events{"ask /admit"});
  EXPECT_EQ(stage.hook.questions.front().dump(), admission_question(stage.who).dump());
}

TEST(AdmitUser, AServiceThatFailsAdmitsNobody) {
  AdmitStage stage;
  for (const Problem problem : {Problem::fetch_failed, Problem::fetch_timeout,
                                Problem::fetch_diverted, Problem::fetch_too_large}) {
    stage.hook.reply = problem;
    EXPECT_EQ(stage.ask(), "admit_failed") << name(problem);
  }
  stage.hook.reply = FetchReply{500, "application/json", "{}"};
  EXPECT_EQ(stage.ask(), "admit_failed");
}

TEST(AdmitUser, AfterTheClaimAndBeforeACodeExists) {
  Stage stage;
  stage.broker.admit = "/admit";
  const Verdict verdict = stage.call_callback(stage.callback_request(test::attempt()));
  EXPECT_EQ(reason(verdict), "");
  const auto at = [&](const std::string& event) {
    return std::find(stage.events.begin(), stage.events.end(), event) - stage.events.begin();
  };
  EXPECT_LT(at("claim"), at("ask /admit"));
  EXPECT_LT(at("ask /admit"), at("put"));
  EXPECT_EQ(at("put"), static_cast<std::ptrdiff_t>(stage.events.size()) - 1);
}

TEST(AdmitUser, ARefusalReachesTheApplicationAndLeavesNoCode) {
  Stage stage;
  stage.broker.admit = "/admit";
  stage.hook.reply = FetchReply{403, "application/json", R"({"code":"USER_NOT_REGISTERED"})"};
  const Verdict verdict = stage.call_callback(stage.callback_request(test::attempt()));
  EXPECT_EQ(reason(verdict), "user_not_registered");
  EXPECT_EQ(delivered(verdict).string("error"), row(Problem::user_not_registered).text);
  EXPECT_TRUE(row(Problem::user_not_registered).text.starts_with("access_denied: "));
  EXPECT_EQ(stage.count("put"), 0);
}

TEST(AdmitUser, AFailureIsAPageAndLeavesNoCode) {
  Stage stage;
  stage.broker.admit = "/admit";
  stage.hook.reply = Problem::fetch_timeout;
  const Verdict verdict = stage.call_callback(stage.callback_request(test::attempt()));
  EXPECT_EQ(reason(verdict), "admit_failed");
  EXPECT_EQ(status(verdict), 502);
  EXPECT_EQ(location(verdict), "");
  EXPECT_EQ(stage.count("put"), 0);
}

TEST(AdmitUser, WhatTheServiceAddsIsInTheTokens) {
  Stage stage;
  stage.broker.admit = "/admit";
  stage.hook.reply = FetchReply{200, "application/json", R"({"claims":{"tenant":"t1"}})"};
  const std::string code = stage.code_for(test::attempt());
  const Json tokens = test::body(stage.call_token(stage.token_request(code)));
  EXPECT_EQ(tokens.get("claims").string("tenant"), "t1");
  const std::string token(tokens.string("accessToken").value_or(""));
  const auto from = token.find('.') + 1;
  const auto payload = base64url_decode(token.substr(from, token.rfind('.') - from));
  ASSERT_TRUE(payload);
  EXPECT_EQ(test::json(*payload).string("tenant"), "t1");
}

}  // namespace
}  // namespace oauth
