// Both steps of grant_type otp, through the token endpoint's flow (dexie-contract 4.3).
#include "oauth/flow/otp.hpp"

#include "flow/stage.hpp"
#include "oauth/proto/otp.hpp"

namespace oauth::test {
namespace {

const std::string kMail = "ann@example.com";

struct OtpStage : Stage {
  OtpStage() {
    broker.otp.emplace();
    broker.otp->send_via = "/mail";
    broker.otp->attempts = 3;
    broker.otp->sends = 20;
  }

  Request post(const Json& body, std::string_view origin = "https://app.example.com") {
    Request post = request("POST", "/token");
    post.content_type = "application/json";
    if (!origin.empty()) {
      post.origins = {std::string(origin)};
    }
    post.body = body.dump();
    return post;
  }

  Verdict ask(std::string_view email = kMail, std::string_view changes = "{}") {
    events.clear();
    const Json good = Json::object().set("grant_type", "otp").set("email", email);
    return call_token(post(changed(good, changes)));
  }

  // Another address each time, or a pause: else a second mail comes too soon.
  Json mail_to(std::string_view email = kMail) {
    const std::size_t before = hook.told.size();
    ask(email);
    EXPECT_EQ(hook.told.size(), before + 1) << "no mail to " << email;
    return hook.told.empty() ? Json() : hook.told.back();
  }

  // What the client sends with what stood in this mail.
  Json answer_to(const Json& mail, std::string_view changes = "{}") {
    return changed(Json::object()
                       .set("grant_type", "otp")
                       .set("email", mail.string("email").value_or(""))
                       .set("otp", mail.string("otp").value_or(""))
                       .set("otp_id", mail.string("otp_id").value_or(""))
                       .set("public_key", std::string_view(client_pem())),
                   changes);
  }
  Verdict redeem(const Json& mail, std::string_view changes = "{}",
                 std::string_view origin = "https://app.example.com") {
    events.clear();
    return call_token(post(answer_to(mail, changes), origin));
  }
};

// The one answer to every wrong guess.
void expect_wrong(const Verdict& verdict, std::string_view why = "") {
  EXPECT_EQ(reason(verdict), "otp_refused") << why;
  EXPECT_EQ(status(verdict), 401) << why;
  EXPECT_EQ(verdict.reply->content_type, "text/plain; charset=utf-8") << why;
  EXPECT_EQ(verdict.reply->body, "The code is wrong or has expired. Please try again.") << why;
}

const Events kAsked{"count", "count", "put"};

TEST(AskOtp, SendsAMailAndTellsItsId) {
  OtpStage stage;
  const Verdict verdict = stage.ask("Ann@Example.com");
  EXPECT_EQ(status(verdict), 200);
  EXPECT_EQ(reason(verdict) + cause(verdict), "");
  EXPECT_TRUE(verdict.reply->parting) << "or the connection would tell when the mail was sent";
  EXPECT_EQ(header(verdict, "Access-Control-Allow-Origin"), "https://app.example.com");
  ASSERT_EQ(stage.hook.told.size(), 1U);
  const Json mail = stage.hook.told.front();
  EXPECT_EQ(body(verdict).dump(), Json::object()
                                      .set("type", "otp-sent")
                                      .set("otp_id", mail.string("otp_id").value_or(""))
                                      .dump());
  EXPECT_EQ(mail.string("email"), "ann@example.com");
  EXPECT_EQ(mail.string("otp").value_or("").size(), 8U);
  EXPECT_EQ(mail.integer("expires"), kNow + 600);
  EXPECT_EQ(stage.events, (Events{"count", "count", "put", "tell /mail"}));
  EXPECT_EQ(verdict.flow_id.size(), 32U);
}

TEST(AskOtp, CodesAreAsLongAsTheRulesSay) {
  OtpStage stage;
  stage.broker.otp->length = 12;
  EXPECT_EQ(stage.mail_to().string("otp").value_or("").size(), 12U);
}

TEST(AskOtp, WithoutOauthOtpIsNotOffered) {
  Stage stage;
  Request in = stage.token_request("");
  for (const std::string_view text :
       {R"({"grant_type":"otp","email":"a@b.example"})",
        R"({"grant_type":"otp","otp":"ABCDEFGH","otp_id":"x","public_key":"KEY"})"}) {
    in.body = changed(json(text), R"({"public_key":null})")
                  .set("public_key", std::string_view(client_pem()))
                  .dump();
    const Verdict verdict = stage.call_token(in);
    EXPECT_EQ(reason(verdict), "grant_unsupported");
  }
  EXPECT_TRUE(stage.untouched());
}

TEST(AskOtp, OnlyAMalformedAddressIsAnError) {
  OtpStage stage;
  for (const std::string_view email :
       {"", "ann", "a@b.example as c@d.example", "a@b.example,c@d.example",
        "a@b.example\r\nBcc: c@d.example"}) {
    const Verdict verdict = stage.ask(email);
    EXPECT_EQ(reason(verdict), "email_refused") << email;
    EXPECT_EQ(status(verdict), 400);
    EXPECT_EQ(body(verdict).string("messageCode"), "INVALID_EMAIL");
    EXPECT_TRUE(stage.untouched());
  }
}

TEST(AskOtp, ForScopesThatCannotBeGrantedSendsNothing) {
  OtpStage stage;
  EXPECT_EQ(reason(stage.ask(kMail, R"({"scopes":["ADMIN"]})")), "scope_refused");
  EXPECT_TRUE(stage.untouched());
}

// Everybody is answered alike, after the same steps of the store.
struct Unsent {
  const char* why;
  const char* email;
  void (*prepare)(OtpStage& stage);
};
const Unsent kUnsent[] = {
    {"otp_too_soon", "ann@example.com", [](OtpStage& stage) { stage.ask(); }},
    {"otp_sends_spent", "ann@example.com",
     [](OtpStage& stage) {
       for (int i = 0; i < 20; ++i) {
         stage.mail_to("a" + std::to_string(i) + "@example.com");
       }
     }},
    {"email_not_allowed", "ann@foreign.example",
     [](OtpStage& stage) { stage.broker.otp->email_domains = {"example.com"}; }},
    {"email_not_allowed", "eve@example.com",
     [](OtpStage& stage) {
       std::string why;
       stage.broker.allow = AllowRules({*AllowRule::parse("email=ann@example.com", &why)});
     }},
};

TEST(AskOtp, WhoGetsNoMailIsAnsweredAlikeAfterTheSameSteps) {
  for (const Unsent& one : kUnsent) {
    OtpStage stage;
    one.prepare(stage);
    const std::size_t mails = stage.hook.told.size();
    const Verdict verdict = stage.ask(one.email);
    EXPECT_EQ(stage.hook.told.size(), mails) << one.why;
    EXPECT_EQ(stage.events, kAsked) << one.why;
    EXPECT_EQ(status(verdict), 200) << one.why;
    EXPECT_EQ(reason(verdict), "") << one.why;
    EXPECT_EQ(cause(verdict), one.why);
    EXPECT_TRUE(verdict.reply->parting) << one.why;
    const Verdict sent = OtpStage().ask(one.email);
    EXPECT_EQ(verdict.reply->body.size(), sent.reply->body.size()) << one.why;
    const Json told = body(verdict);
    EXPECT_TRUE(open_otp_ticket(told.string("otp_id").value_or(""), stage.broker, kNow)) << one.why;
  }
}

TEST(AskOtp, ADecoyTakesNoRoomOfItsOwn) {
  OtpStage stage;
  stage.broker.otp->email_domains = {"example.com"};
  stage.ask("a@foreign.example");
  const auto entries = stage.store.entries.size();
  const auto counts = stage.store.counts.size();
  for (int i = 0; i < 50; ++i) {
    stage.ask("b" + std::to_string(i) + "@foreign.example");
  }
  EXPECT_EQ(stage.store.entries.size(), entries);
  EXPECT_EQ(stage.store.counts.size(), counts);
}

TEST(AskOtp, ADecoyCountsAgainstNobodysMails) {
  OtpStage stage;
  stage.broker.otp->sends = 2;
  stage.mail_to();
  for (int i = 0; i < 5; ++i) {
    stage.ask();  // too soon
  }
  stage.mail_to("bob@example.com");
  EXPECT_EQ(cause(stage.ask("eve@example.com")), "otp_sends_spent");
}

TEST(AskOtp, SendsAgainWhenTheTimeIsOver) {
  OtpStage stage;
  const Json first = stage.mail_to();
  stage.clock.advance(29);
  EXPECT_EQ(cause(stage.ask()), "otp_too_soon");
  stage.clock.advance(1);
  const Json second = stage.mail_to();
  EXPECT_EQ(reason(stage.redeem(first)), "") << "an earlier code stays valid";
  EXPECT_EQ(reason(stage.redeem(second)), "");
}

TEST(AskOtp, AnHourLaterThereAreMailsAgain) {
  OtpStage stage;
  stage.broker.otp->sends = 1;
  stage.mail_to();
  EXPECT_EQ(cause(stage.ask("bob@example.com")), "otp_sends_spent");
  stage.clock.advance(3600);
  stage.mail_to("bob@example.com");
}

TEST(AskOtp, WhoeverAsksIsThrottledWhateverComesOfIt) {
  OtpStage stage;
  stage.broker.otp->email_domains = {"example.com"};
  stage.ask();
  EXPECT_EQ(stage.throttle.spent[Throttle::Gate::token], 1);
  stage.ask("a@foreign.example");
  EXPECT_EQ(stage.throttle.spent[Throttle::Gate::token], 2);
}

TEST(AskOtp, WithTheStoreDownNobodyGetsAMail) {
  for (const char* verb : {"count", "put"}) {
    for (const char* email : {"ann@example.com", "ann@foreign.example"}) {
      OtpStage stage;
      stage.broker.otp->email_domains = {"example.com"};
      stage.store.fails.emplace(verb, Problem::store_down);
      EXPECT_EQ(reason(stage.ask(email)), "store_down") << verb;
      EXPECT_EQ(stage.hook.told.size(), 0U) << verb;
    }
  }
  OtpStage stage;
  stage.random.fails = Problem::internal;
  EXPECT_EQ(reason(stage.ask()), "internal");
  EXPECT_EQ(stage.hook.told.size(), 0U);
}

TEST(AskOtp, TheStoreHoldsNeitherCodeNorAddress) {
  OtpStage stage;
  const Json mail = stage.mail_to();
  std::string all;
  for (const auto& [name, entry] : stage.store.entries) {
    all += name.second + " " + entry.value + "\n";
  }
  for (const auto& [name, count] : stage.store.counts) {
    all += name + "\n";
  }
  EXPECT_FALSE(contains(all, mail.string("otp").value_or("")));
  EXPECT_FALSE(contains(all, "ann"));
}

TEST(RedeemOtp, TheCodeSignsIn) {
  OtpStage stage;
  const Json mail = stage.mail_to();
  const Verdict verdict = stage.redeem(mail);
  EXPECT_EQ(reason(verdict), "");
  const Json tokens = body(verdict);
  EXPECT_EQ(tokens.string("type"), "tokens");
  EXPECT_EQ(tokens.string("userType"), "prod");
  EXPECT_EQ(tokens.get("claims").dump(),
            R"({"sub":"email:ann@example.com","email":"ann@example.com","email_verified":true,)"
            R"("name":"ann@example.com","license":"ok"})");
  EXPECT_TRUE(tokens.string("refreshToken"));
  EXPECT_EQ(stage.events, (Events{"count", "take"}));
  EXPECT_EQ(verdict.provider, "email");
  EXPECT_EQ(verdict.flow_id.size(), 32U);
}

TEST(RedeemOtp, ALinkInTheMailNeedsNoAddressAndLowerCaseWillDo) {
  OtpStage stage;
  const Json mail = stage.mail_to();
  const std::string otp = ascii_lower(mail.string("otp").value_or(""));
  EXPECT_EQ(reason(stage.redeem(mail, R"({"email":null,"otp":")" + otp + R"("})")), "");
}

TEST(RedeemOtp, ACodeSignsInOnce) {
  OtpStage stage;
  const Json mail = stage.mail_to();
  EXPECT_EQ(reason(stage.redeem(mail)), "");
  expect_wrong(stage.redeem(mail));
}

TEST(RedeemOtp, WhatCannotBeRightIsWrongBeforeAnythingIsCounted) {
  OtpStage stage;
  const Json mail = stage.mail_to();
  const Json others = stage.mail_to("bob@example.com");
  for (const std::string& changes : std::vector<std::string>{
           R"({"otp":""})", R"({"otp":"ABCDE"})", R"({"otp":"ABCDEFG0"})", R"({"otp":null})",
           R"({"otp_id":"x"})", R"({"otp_id":null})", R"({"email":"bob@example.com"})",
           R"({"email":"ann@example.com as bob@example.com"})"}) {
    expect_wrong(stage.redeem(mail, changes), changes);
    EXPECT_TRUE(stage.untouched()) << changes;
  }
  expect_wrong(stage.redeem(mail, "{}", ""), "without the origin that asked");
  EXPECT_TRUE(stage.untouched());
  stage.broker.targets = rules({"https://app.example.com", "https://b.example.com"});
  expect_wrong(stage.redeem(mail, "{}", "https://b.example.com"), "from another origin");
  EXPECT_TRUE(stage.untouched());
  EXPECT_EQ(reason(stage.redeem(mail)), "") << "and the code is as good as before";
  EXPECT_EQ(reason(stage.redeem(others)), "");
}

TEST(RedeemOtp, AnotherMailsCodeIsWrong) {
  OtpStage stage;
  const Json mail = stage.mail_to();
  const Json others = stage.mail_to("bob@example.com");
  const std::string otp(others.string("otp").value_or(""));
  expect_wrong(stage.redeem(mail, R"({"otp":")" + otp + R"("})"));
  EXPECT_EQ(reason(stage.redeem(others)), "");
}

TEST(RedeemOtp, AnotherBrokersCodeIsUnknownAndNotConsumed) {
  OtpStage stage;
  const Json mail = stage.mail_to();
  const std::string url = stage.broker.url;
  stage.broker.set_url(*Uri::parse("https://other.example.com"));
  expect_wrong(stage.redeem(mail));
  stage.broker.set_url(*Uri::parse(url));
  EXPECT_EQ(reason(stage.redeem(mail)), "");
}

TEST(RedeemOtp, ADecoysCodeIsNever) {
  OtpStage stage;
  stage.ask();
  const Verdict decoy = stage.ask();
  const Json answer = Json::object()
                          .set("email", std::string_view(kMail))
                          .set("otp", "ABCDEFGH")
                          .set("otp_id", body(decoy).string("otp_id").value_or(""));
  expect_wrong(stage.redeem(answer));
  EXPECT_EQ(stage.events, (Events{"count", "take"})) << "like every wrong guess";
}

TEST(RedeemOtp, AnExpiredCodeIsWrong) {
  OtpStage stage;
  const Json mail = stage.mail_to();
  stage.clock.advance(600);
  expect_wrong(stage.redeem(mail));
  stage.clock.advance(stage.broker.skew + 1);
  const Verdict late = stage.redeem(mail);
  expect_wrong(late);
  EXPECT_EQ(cause(late), "seal_expired");
}

TEST(RedeemOtp, AttemptsAreCountedBeforeTheGuessIsLookedUp) {
  OtpStage stage;
  const Json mail = stage.mail_to();
  for (int i = 0; i < 3; ++i) {
    expect_wrong(stage.redeem(mail, R"({"otp":"ZZZZZZZZ"})"));
    EXPECT_EQ(stage.events, (Events{"count", "take"}));
  }
  const Verdict right = stage.redeem(mail);
  expect_wrong(right, "the right one comes too late");
  EXPECT_EQ(cause(right), "otp_tries_spent");
  EXPECT_EQ(stage.events, (Events{"count"})) << "and is not even looked up";
}

TEST(RedeemOtp, WhoAsksForManyMailsGetsNoMoreAttempts) {
  OtpStage stage;
  std::vector<Json> mails;
  for (int i = 0; i < 8; ++i) {
    mails.push_back(stage.mail_to());
    stage.clock.advance(30);
  }
  int looked_up = 0;
  for (const Json& mail : mails) {
    for (int i = 0; i < 3; ++i) {
      expect_wrong(stage.redeem(mail, R"({"otp":"ZZZZZZZZ"})"));
      looked_up += stage.count("take");
    }
  }
  EXPECT_EQ(looked_up, 12) << "four times the attempts for one mail";
  expect_wrong(stage.redeem(mails.back()));
  const Json others = stage.mail_to("bob@example.com");
  EXPECT_EQ(reason(stage.redeem(others)), "") << "others are not touched";
}

TEST(RedeemOtp, WhoMayNoLongerSignInGetsNoTokens) {
  OtpStage stage;
  const Json mail = stage.mail_to();
  stage.broker.otp->email_domains = {"example.org"};
  const Verdict verdict = stage.redeem(mail);
  EXPECT_EQ(reason(verdict), "email_not_allowed");
  EXPECT_EQ(status(verdict), 403);
  EXPECT_EQ(body(verdict).string("code"), "USER_NOT_ACCEPTED");
}

TEST(RedeemOtp, TheOperatorsServiceDecides) {
  OtpStage stage;
  stage.broker.admit = "/admit";
  const Json mail = stage.mail_to();
  stage.hook.reply = FetchReply{403, "application/json", R"({"code":"USER_DEACTIVATED"})"};
  const Verdict refused = stage.redeem(mail);
  EXPECT_EQ(reason(refused), "user_deactivated");
  EXPECT_EQ(body(refused).string("code"), "USER_DEACTIVATED");
  EXPECT_EQ(stage.events, (Events{"count", "take", "ask /admit"}));
  EXPECT_EQ(stage.hook.questions.back().dump(),
            R"({"provider":"email","sub":"email:ann@example.com","email":"ann@example.com",)"
            R"("email_verified":true,"name":"ann@example.com",)"
            R"("claims":{"email":"ann@example.com","email_verified":true}})");
  stage.hook.reply = FetchReply{200, "application/json", R"({"claims":{"tenant":"t1"}})"};
  const Json second = stage.mail_to("bob@example.com");
  EXPECT_EQ(body(stage.redeem(second)).get("claims").string("tenant"), "t1");
}

TEST(RedeemOtp, WhatCannotBeGrantedOrMadeBurnsNoCode) {
  OtpStage stage;
  const Json mail = stage.mail_to();
  EXPECT_EQ(reason(stage.redeem(mail, R"({"scopes":["ADMIN"]})")), "scope_refused");
  EXPECT_EQ(reason(stage.redeem(mail, R"({"public_key":"x"})")), "public_key_refused");
  stage.random.fails = Problem::internal;
  EXPECT_EQ(reason(stage.redeem(mail)), "internal");
  EXPECT_TRUE(stage.untouched());
  stage.random.fails.reset();
  EXPECT_EQ(reason(stage.redeem(mail)), "");
}

TEST(RedeemOtp, WithTheStoreDownNobodyIsLetIn) {
  OtpStage stage;
  const Json mail = stage.mail_to();
  for (const char* verb : {"count", "take"}) {
    stage.store.fails = {{verb, Problem::store_down}};
    const Verdict verdict = stage.redeem(mail);
    EXPECT_EQ(reason(verdict), "store_down") << verb;
    EXPECT_EQ(status(verdict), 503) << verb;
  }
}

TEST(RedeemOtp, AWrongGuessIsThrottled) {
  OtpStage stage;
  const Json mail = stage.mail_to();
  const int before = stage.throttle.spent[Throttle::Gate::token];
  stage.redeem(mail, R"({"otp":"ZZZZZZZZ"})");
  EXPECT_EQ(stage.throttle.spent[Throttle::Gate::token], before + 1);
  stage.redeem(mail);
  EXPECT_EQ(stage.throttle.spent[Throttle::Gate::token], before + 1) << "a right one is not";
}

TEST(RedeemOtp, ItsTokensAreRefreshedLikeAllOthers) {
  OtpStage stage;
  const Json tokens = body(stage.redeem(stage.mail_to()));
  const auto issue =
      open_refresh_token(tokens.string("refreshToken").value_or(""), stage.broker, kNow);
  ASSERT_TRUE(issue);
  EXPECT_EQ(issue->provider, "email");
  EXPECT_EQ(issue->origin, "https://app.example.com");
  EXPECT_EQ(issue->claims.string("sub"), "email:ann@example.com");
}

}  // namespace
}  // namespace oauth::test
