// A form post's callback (Apple): sealed, handed over, finished by a GET with the browser's cookie.
#include "flow/stage.hpp"
#include "oauth/flow/callback.hpp"
#include "oauth/proto/response.hpp"

namespace oauth {
namespace {

using test::attempt;
using test::contains;
using test::delivered;
using test::header;
using test::kNow;
using test::kTokenUrl;
using test::location;
using test::parameter;
using test::reason;
using test::Stage;
using test::status;

struct FormPostStage : Stage {
  FormPostStage() {
    acme.type = ProviderType::apple;
    acme.team_id = "TEAM";
    acme.token_auth = TokenAuth::post;
    acme.client_key = test::keys().p256.with_kid("KEY");
  }
  // The provider's page posts across sites: no cookie comes.
  Request post(const Attempt& of, std::string_view more = "code=provider-code") {
    Request in = request("POST", "/oauth/callback/" + of.provider);
    in.content_type = "application/x-www-form-urlencoded";
    in.body = "state=" + *seal_attempt(of, broker) + "&" + std::string(more);
    return in;
  }
  // Where the 303 leads, with the cookie that the browser sends there.
  Request follow(const Verdict& verdict) {
    Request in =
        request("GET", "/oauth/callback/acme", *Uri::parse(location(verdict), 16384)->query());
    in.cookies = {broker.cookie_name + "=browser"};
    return in;
  }
};

void expect_unbelieved(FormPostStage& stage, const Request& in, std::string_view why) {
  const Verdict verdict = stage.call_callback(in);
  EXPECT_EQ(reason(verdict), why);
  EXPECT_EQ(status(verdict), 400) << why;
  EXPECT_EQ(location(verdict), "") << why;
  EXPECT_TRUE(stage.untouched()) << why;
}

TEST(FormPost, IsAnsweredWithARedirectAndNothingElse) {
  FormPostStage stage;
  const Verdict verdict = stage.call_callback(stage.post(attempt()));
  EXPECT_EQ(reason(verdict), "");
  EXPECT_EQ(status(verdict), 303);
  EXPECT_TRUE(
      location(verdict).starts_with("https://auth.example.com/oauth/callback/acme?answer="));
  EXPECT_EQ(header(verdict, "Set-Cookie"), "");
  EXPECT_FALSE(contains(location(verdict), "provider-code"));
  EXPECT_TRUE(stage.untouched());
}

TEST(FormPost, EndsInACode) {
  FormPostStage stage;
  const Verdict posted = stage.call_callback(stage.post(
      attempt(),
      "code=provider-code&user=%7B%22name%22%3A%7B%22firstName%22%3A%22Browser%22%7D%7D"));
  stage.fetch.say_json(kTokenUrl,
                       test::token_reply(test::id_token(test::id_claims(R"({"name":null})"))));
  const Verdict verdict = stage.call_callback(stage.follow(posted));
  EXPECT_EQ(reason(verdict), "");
  EXPECT_TRUE(is_code(delivered(verdict).string("code").value_or("")));
  EXPECT_EQ(stage.count("POST " + kTokenUrl), 1);
  const auto& [key, entry] = *stage.store.entries.begin();
  const auto grant = open_code(entry.value, stage.broker, {key.second}, kNow);
  ASSERT_TRUE(grant);
  EXPECT_EQ(grant->claims.string("name"), "Browser");
}

// What makes the hand-over worth while: req 058.
TEST(FormPost, NeedsTheBrowserThatWasSentOut) {
  FormPostStage stage;
  const Verdict posted = stage.call_callback(stage.post(attempt()));
  Request other = stage.follow(posted);
  other.cookies = {stage.broker.cookie_name + "=another"};
  EXPECT_EQ(reason(stage.call_callback(other)), "browser_mismatch");
  other.cookies = {};
  EXPECT_EQ(reason(stage.call_callback(other)), "browser_mismatch");
  EXPECT_EQ(stage.count("POST " + kTokenUrl), 0);
}

TEST(FormPost, ACancelledSignInIsToldToTheApplication) {
  FormPostStage stage;
  const Verdict posted =
      stage.call_callback(stage.post(attempt(), "error=user_cancelled_authorize"));
  const Verdict verdict = stage.call_callback(stage.follow(posted));
  EXPECT_EQ(reason(verdict), "access_denied");
  EXPECT_TRUE(delivered(verdict).string("error").value_or("").starts_with("access_denied"));
}

TEST(FormPost, WithoutAStateOfOursGoesNoFurther) {
  FormPostStage stage;
  Request in = stage.post(attempt());
  in.body = "state=x&code=c";
  expect_unbelieved(stage, in, "state_refused");
  in.body = "code=c";
  expect_unbelieved(stage, in, "state_missing");
  in.body = stage.post(attempt()).body + "&code=another";
  expect_unbelieved(stage, in, "request_repeated");
  in.body = stage.post(attempt()).body;
  in.content_type = "application/json";
  expect_unbelieved(stage, in, "request_malformed");
  in.content_type = "application/x-www-form-urlencoded";
  stage.clock.milliseconds = 1000 * (attempt().expires + stage.broker.skew + 1);
  expect_unbelieved(stage, in, "state_expired");
}

TEST(FormPost, OfAnotherProvidersStateIsAMixUp) {
  FormPostStage stage;
  Attempt other = attempt();
  other.provider = "demo";
  Request in = stage.post(other);
  in.name = "acme";
  expect_unbelieved(stage, in, "state_other_provider");
}

TEST(FormPost, IsTakenOnlyWhereTheProviderHasIt) {
  FormPostStage stage;
  stage.acme.type = ProviderType::oidc;
  const Verdict verdict = stage.call_callback(stage.post(attempt()));
  EXPECT_EQ(status(verdict), 405);
  EXPECT_EQ(header(verdict, "Allow"), "GET");
  EXPECT_TRUE(stage.untouched());
}

TEST(FormPost, AnAnswerIsOneOfOursAndAMinuteOld) {
  FormPostStage stage;
  Request in = stage.follow(stage.call_callback(stage.post(attempt())));
  stage.clock.milliseconds += 1000 * (kHandover + stage.broker.skew + 1);
  expect_unbelieved(stage, in, "state_refused");
  in.query = "answer=x";
  expect_unbelieved(stage, in, "state_refused");
  in.query = "answer=" + *seal_attempt(attempt(), stage.broker);
  expect_unbelieved(stage, in, "state_refused");
}

}  // namespace
}  // namespace oauth
