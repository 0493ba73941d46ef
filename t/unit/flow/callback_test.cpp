// The checks of a callback, all of which come before anything is spent, and what it delivers. What
// happens when a port fails stands in callback_broken_test.cpp.
#include "oauth/flow/callback.hpp"

#include "flow/stage.hpp"

namespace oauth {
namespace {

using test::attempt;
using test::between;
using test::cause;
using test::contains;
using test::delivered;
using test::Events;
using test::header;
using test::id_claims;
using test::id_token;
using test::keyring;
using test::kJwksUrl;
using test::kMetadataUrl;
using test::kNow;
using test::kTokenUrl;
using test::kUserinfoUrl;
using test::location;
using test::parameter;
using test::reason;
using test::Stage;
using test::status;
using test::token_reply;

// Refused, for the reason given to the log and none to the user, and nothing was spent or asked.
void expect_unbelieved(Stage& stage, const Request& in, std::string_view why) {
  const Verdict verdict = stage.call_callback(in);
  EXPECT_EQ(reason(verdict), why);
  EXPECT_EQ(status(verdict), 400) << why;
  EXPECT_EQ(verdict.reply->body, error_page(Problem::state_refused, "").html) << why;
  EXPECT_EQ(location(verdict), "") << why;
  EXPECT_EQ(header(verdict, "Set-Cookie"), "") << why;
  EXPECT_EQ(stage.count("claim"), 0) << why;
  EXPECT_EQ(stage.count("put"), 0) << why;
  EXPECT_EQ(stage.count("POST " + kTokenUrl), 0) << why;
}

TEST(Callback, ClaimsTheStateThenAsksTheProviderThenKeepsTheCode) {
  Stage stage;
  const Verdict verdict = stage.call_callback(stage.callback_request(attempt()));
  EXPECT_EQ(reason(verdict), "");
  EXPECT_EQ(stage.events, (Events{"GET " + kMetadataUrl, "claim", "POST " + kTokenUrl,
                                  "GET " + kJwksUrl, "put"}));
}

TEST(Callback, DeliversACodeThatHoldsWhoItIs) {
  Stage stage;
  const Verdict verdict = stage.call_callback(stage.callback_request(attempt()));
  EXPECT_EQ(status(verdict), 302);
  EXPECT_EQ(verdict.flow_id, attempt().flow_id);
  EXPECT_EQ(verdict.provider, "acme");
  const Json message = delivered(verdict);
  const std::string code(message.string("code").value_or(""));
  EXPECT_TRUE(is_code(code));
  EXPECT_EQ(message.string("provider"), "acme");
  EXPECT_EQ(message.string("state"), attempt().flow_id);

  ASSERT_EQ(stage.store.entries.size(), 1U);
  const auto& [key, entry] = *stage.store.entries.begin();
  EXPECT_EQ(key.first, Share::codes);
  EXPECT_EQ(key.second, code_name(stage.broker, code, "https://app.example.com"));
  EXPECT_EQ(entry.expires, kNow + 300);
  const auto grant = open_code(entry.value, stage.broker, {key.second}, kNow);
  ASSERT_TRUE(grant);
  EXPECT_EQ(grant->claims.dump(), R"({"sub":"acme:u1","email":"ann@example.com",)"
                                  R"("email_verified":true,"name":"Ann"})");
  EXPECT_EQ(grant->provider, "acme");
  EXPECT_EQ(grant->flow_id, attempt().flow_id);
  EXPECT_EQ(grant->challenge, "");
}

// req 028
TEST(Callback, WhoComesTooOftenIsNotListenedTo) {
  Stage stage;
  stage.throttle.closed = {Throttle::Gate::callback};
  Request posted = stage.callback_request(attempt());
  posted.method = "POST";
  for (const Request& in : {stage.callback_request(attempt()), posted}) {
    const Verdict verdict = stage.call_callback(in);
    EXPECT_EQ(reason(verdict), "too_many_requests");
    EXPECT_EQ(status(verdict), 429);
    EXPECT_EQ(header(verdict, "Retry-After"), std::to_string(kRetryAfter));
    EXPECT_EQ(header(verdict, "Cross-Origin-Opener-Policy"), "") << "it may be a popup";
    EXPECT_EQ(location(verdict), "");
    EXPECT_TRUE(stage.untouched());
    EXPECT_TRUE(stage.throttle.spent.empty()) << "a refusal is no try";
  }
  stage.throttle.closed.clear();
  EXPECT_EQ(status(stage.call_callback(stage.callback_request(attempt()))), 302)
      << "the same may be tried again";
}

TEST(Callback, EachCountsAsATry) {
  Stage stage;
  stage.throttle.closed = {Throttle::Gate::token};  // another gate's
  stage.call_callback(stage.callback_request(attempt()));
  EXPECT_EQ(stage.throttle.spent[Throttle::Gate::callback], 1);
  stage.call_callback(stage.request("GET", "/oauth/callback/acme", "state=forged&code=x"));
  stage.call_callback(stage.request("POST", "/oauth/callback/acme"));
  EXPECT_EQ(stage.throttle.spent[Throttle::Gate::callback], 3);
  EXPECT_EQ(stage.throttle.spent.size(), 1U);
}

TEST(Callback, WhatTheStoreHoldsTellsNothing) {
  Stage stage;
  const std::string code = stage.code_for(attempt());
  for (const auto& [key, entry] : stage.store.entries) {
    EXPECT_FALSE(contains(key.second, code));
    EXPECT_FALSE(contains(entry.value, code));
    EXPECT_FALSE(contains(entry.value, "ann@example.com"));
  }
}

TEST(Callback, NoTwoCodesAreTheSame) {
  Stage stage;
  Attempt second = attempt();
  second.id = sha256("second").substr(0, 16);
  EXPECT_NE(stage.code_for(attempt()), stage.code_for(second));
}

TEST(Callback, ACodeWithPkceIsBoundByItAndLivesAMinute) {
  Stage stage;
  Attempt bound = attempt();
  bound.challenge = pkce_challenge("v");
  const std::string code = stage.code_for(bound);
  const auto& [key, entry] = *stage.store.entries.begin();
  EXPECT_EQ(key.second, code_name(stage.broker, code, "-"));
  EXPECT_EQ(entry.expires, kNow + 60);
  EXPECT_EQ(open_code(entry.value, stage.broker, {key.second}, kNow)->challenge, bound.challenge);
}

TEST(Callback, ClaimsUntilNoClockCanOpenTheState) {
  Stage stage;
  (void)stage.code_for(attempt());
  ASSERT_EQ(stage.store.claims.size(), 1U);
  const auto& [name, claim] = *stage.store.claims.begin();
  EXPECT_EQ(name, claim_name(attempt(), stage.broker));
  EXPECT_EQ(claim.issued, attempt().issued);
  EXPECT_EQ(claim.expires, attempt().expires + 60);
}

TEST(Callback, SpendsAStateOnce) {
  Stage stage;
  const Request in = stage.callback_request(attempt());
  EXPECT_EQ(reason(stage.call_callback(in)), "");
  stage.events.clear();
  const Verdict second = stage.call_callback(in);
  EXPECT_EQ(reason(second), "state_spent");
  EXPECT_EQ(status(second), 400);
  EXPECT_EQ(second.reply->body, error_page(Problem::state_refused, "").html);
  EXPECT_EQ(stage.events, Events{"claim"}) << "the provider is not asked again";
}

TEST(Callback, OfManyAtOnceOneAsksTheProvider) {
  Stage stage;
  (void)test::run(metadata_of(stage.acme, stage.io));
  stage.fetch.parks = true;
  stage.events.clear();
  const Request in = stage.callback_request(attempt());
  std::vector<std::unique_ptr<Task<Verdict>>> tasks;
  for (int i = 0; i < 8; ++i) {
    tasks.push_back(std::make_unique<Task<Verdict>>(callback(in, stage.io)));
    tasks.back()->start();
  }
  while (stage.fetch.line.size() > 0) {
    stage.fetch.line.resume_first();
  }
  int codes = 0;
  for (const auto& task : tasks) {
    ASSERT_TRUE(task->done());
    codes += reason(task->result()).empty() ? 1 : 0;
  }
  EXPECT_EQ(codes, 1);
  EXPECT_EQ(stage.count("POST " + kTokenUrl), 1);
  EXPECT_EQ(stage.count("put"), 1);
}

// ---- What cannot be an answer

TEST(Callback, AQueryThatIsNoAnswerIsRefused) {
  Stage stage;
  const std::string state = "state=" + *seal_attempt(attempt(), stage.broker);
  const std::vector<std::pair<std::string, std::string>> table{
      {"", "state_missing"},
      {"code=c", "state_missing"},
      {"state=&code=c", "state_missing"},
      {state + "&code=%zz", "request_malformed"},
      {state + "&code=%00", "request_malformed"},
      {state + "&code=%ff", "request_malformed"},
      {state + "&" + state + "&code=c", "request_repeated"},
      {state + "&code=c&code=c", "request_repeated"},
      {state + "&code=c&code=", "request_repeated"},
      {state + "&error=x&error=y", "request_repeated"},
      {state + "&code=c&iss=a&iss=b", "request_repeated"},
      {state + "&error=x&error_description=a&error_description=b", "request_repeated"},
      {state, "code_missing"},
      {state + "&code=", "code_missing"},
      {state + "&code=c&error=access_denied", "code_missing"},
      {state + "&code=a%0Ab", "code_malformed"},
      {state + "&code=%C3%A4", "code_malformed"},
      {state + "&code=" + std::string(2049, 'c'), "code_malformed"},
      {"state=forged&code=c", "state_refused"},
      {"state=" + std::string(4097, 'A') + "&code=c", "state_refused"},
  };
  for (const auto& [query, why] : table) {
    Request in = stage.callback_request(attempt());
    in.query = query;
    expect_unbelieved(stage, in, why);
    EXPECT_TRUE(stage.untouched()) << why;
  }
  EXPECT_EQ(reason(stage.call_callback(
                stage.callback_request(attempt(), "code=" + std::string(2048, 'c')))),
            "");
}

// ---- Who may come back

TEST(Callback, AStateOfAnotherBrokerIsUnknownAndStaysUnspentAtItsOwn) {
  Stage stage;
  Stage other;
  other.broker.set_url(*Uri::parse("https://other.example.com"));
  Request in = stage.callback_request(attempt());
  Request elsewhere = other.callback_request(attempt());
  elsewhere.query = in.query;
  expect_unbelieved(other, elsewhere, "state_refused");
  EXPECT_TRUE(other.untouched());
  EXPECT_EQ(reason(stage.call_callback(in)), "");
}

TEST(Callback, AStateOfAnotherSecretIsUnknown) {
  Stage stage;
  const Request in = stage.callback_request(attempt());
  stage.broker.keyring = keyring({"other"});
  expect_unbelieved(stage, in, "state_unknown_key");
  EXPECT_TRUE(stage.untouched());
}

TEST(Callback, AStateThatHasExpiredIsRefused) {
  Stage stage;
  const Request in = stage.callback_request(attempt());
  stage.clock.advance(1800 + 31);
  expect_unbelieved(stage, in, "state_expired");
  EXPECT_TRUE(stage.untouched());
}

TEST(Callback, AStateOfAnotherProviderIsAMixUp) {
  Stage stage;
  Provider second = test::provider("second");
  stage.broker.providers.push_back(&second);
  Request in = stage.callback_request(attempt());
  in.name = "second";
  expect_unbelieved(stage, in, "state_other_provider");
  in.name = "";
  expect_unbelieved(stage, in, "state_other_provider");
  EXPECT_TRUE(stage.untouched());
}

TEST(Callback, AProviderThatWasSwitchedOffIsRefused) {
  Stage stage;
  stage.acme.enabled = false;
  expect_unbelieved(stage, stage.callback_request(attempt()), "state_other_provider");
  EXPECT_TRUE(stage.untouched());
}

TEST(Callback, OnlyTheBrowserThatWasSentOutMayComeBack) {
  Stage stage;
  const std::string name = stage.broker.cookie_name;
  const std::vector<std::vector<std::string>> table{
      {},
      {""},
      {name + "="},
      {name + "=another"},
      {name + "=Browser"},
      {name + "=browser; " + name + "=browser"},
      {name + "=browser", name + "=planted"},
      {"oauth-00000000=browser"},
      {name.substr(7) + "=browser"},
  };
  for (const auto& cookies : table) {
    Request in = stage.callback_request(attempt());
    in.cookies = cookies;
    expect_unbelieved(stage, in, "browser_mismatch");
    EXPECT_TRUE(stage.untouched());
  }
  Request in = stage.callback_request(attempt());
  in.cookies = {"a=b", "c=d; " + name + "=browser"};
  EXPECT_EQ(reason(stage.call_callback(in)), "") << "and nothing was spent before";
}

TEST(Callback, ATargetThatIsNoLongerAllowedGetsNoCode) {
  Stage stage;
  const Request in = stage.callback_request(attempt());
  stage.broker.targets = test::rules({"https://other.example.com"});
  expect_unbelieved(stage, in, "redirect_not_allowed");
  EXPECT_TRUE(stage.untouched());
  Attempt odd = attempt();
  odd.target = "not a uri";
  expect_unbelieved(stage, stage.callback_request(odd), "redirect_not_allowed");
  EXPECT_TRUE(stage.untouched());
}

TEST(Callback, TheIssuerOfTheAnswerIsTheProviders) {
  Stage stage;
  for (const std::string_view iss :
       {"https://evil.example", "https://op.example/", "HTTPS://op.example", "x"}) {
    const std::string more = FormWriter().add("code", "c").add("iss", iss).text();
    expect_unbelieved(stage, stage.callback_request(attempt(), more), "issuer_mismatch");
  }
  EXPECT_EQ(stage.events, Events{"GET " + kMetadataUrl});
  const std::string good = FormWriter().add("code", "c").add("iss", "https://op.example").text();
  EXPECT_EQ(reason(stage.call_callback(stage.callback_request(attempt(), good))), "");
}

TEST(Callback, AnErrorOfAnotherIssuerIsNotBelievedEither) {
  Stage stage;
  const std::string more =
      FormWriter().add("error", "access_denied").add("iss", "https://evil.example").text();
  expect_unbelieved(stage, stage.callback_request(attempt(), more), "issuer_mismatch");
}

TEST(Callback, WhereTheProviderSaysThatItSendsItsIssuerItMustBeThere) {
  Stage stage;
  stage.fetch.say_json(kMetadataUrl,
                       test::changed(test::json(test::metadata_text()),
                                     R"({"authorization_response_iss_parameter_supported":true})")
                           .dump());
  expect_unbelieved(stage, stage.callback_request(attempt()), "issuer_mismatch");
  expect_unbelieved(stage, stage.callback_request(attempt(), "code=c&iss="), "issuer_mismatch");
  const std::string good = FormWriter().add("code", "c").add("iss", "https://op.example").text();
  EXPECT_EQ(reason(stage.call_callback(stage.callback_request(attempt(), good))), "");
}

// ---- What the provider, or the broker, refuses once the attempt is believed

TEST(Callback, AUserWhoCancelsIsSentBackAndTheStateIsSpent) {
  Stage stage;
  const Request in = stage.callback_request(attempt(), "error=access_denied");
  const Verdict verdict = stage.call_callback(in);
  EXPECT_EQ(reason(verdict), "access_denied");
  EXPECT_EQ(status(verdict), 302);
  EXPECT_EQ(delivered(verdict).string("error"), row(Problem::access_denied).text);
  EXPECT_FALSE(delivered(verdict).has("code"));
  EXPECT_EQ(stage.events, (Events{"GET " + kMetadataUrl, "claim"}));
  EXPECT_EQ(reason(stage.call_callback(in)), "state_spent");
}

TEST(Callback, AnyOtherErrorOfTheProviderIsToldInOurWords) {
  Stage stage;
  const Verdict verdict = stage.call_callback(stage.callback_request(
      attempt(), "error=%3Cscript%3E&error_description=%3Cscript%3E&error_uri=https://evil/"));
  EXPECT_EQ(reason(verdict), "provider_refused");
  EXPECT_EQ(status(verdict), 302);
  EXPECT_EQ(delivered(verdict).string("error"), row(Problem::provider_refused).text);
  EXPECT_FALSE(contains(delivered(verdict).dump(), "script"));
  EXPECT_EQ(stage.count("POST " + kTokenUrl), 0);
}

TEST(Callback, AnAddressThatIsNotVerifiedIsNotAdmitted) {
  Stage stage;
  stage.fetch.say_json(kTokenUrl, token_reply(id_token(id_claims(R"({"email_verified":false})"))));
  const Verdict verdict = stage.call_callback(stage.callback_request(attempt()));
  EXPECT_EQ(reason(verdict), "email_unverified");
  EXPECT_EQ(cause(verdict), "email_unverified");
  EXPECT_EQ(status(verdict), 302);
  EXPECT_EQ(delivered(verdict).string("error"), row(Problem::email_unverified).text);
  EXPECT_EQ(stage.count("put"), 0);
}

TEST(Callback, WhereTheProviderDoesNotDemandItAnAddressNeedsNoVerification) {
  Stage stage;
  stage.acme.require_verified_email = false;
  stage.fetch.say_json(kTokenUrl, token_reply(id_token(id_claims(R"({"email_verified":false})"))));
  EXPECT_EQ(reason(stage.call_callback(stage.callback_request(attempt()))), "");
}

TEST(Callback, WhatIsWrongWithAnIdTokenIsForTheLogOnly) {
  const std::vector<std::pair<std::string, std::string>> table{
      {R"({"nonce":"other"})", "token_nonce_wrong"},
      {R"({"iss":"https://evil.example"})", "token_issuer_wrong"},
      {R"({"aud":"other"})", "token_audience_wrong"},
      {R"({"azp":"other"})", "token_azp_wrong"},
      {R"({"exp":1600000000})", "token_expired"},
      {R"({"exp":null})", "token_time_malformed"},
      {R"({"iat":1800000000})", "token_not_yet_valid"},
      {R"({"sub":""})", "token_subject_wrong"},
      {R"({"at_hash":"x"})", "token_hash_wrong"},
  };
  for (const auto& [changes, why] : table) {
    Stage stage;
    stage.fetch.say_json(kTokenUrl, token_reply(id_token(id_claims(changes))));
    const Verdict verdict = stage.call_callback(stage.callback_request(attempt()));
    EXPECT_EQ(reason(verdict), "id_token_refused") << why;
    EXPECT_EQ(cause(verdict), why);
    EXPECT_EQ(status(verdict), 502) << why;
    EXPECT_FALSE(contains(verdict.reply->body, why));
    EXPECT_EQ(stage.count("put"), 0) << why;
    EXPECT_EQ(stage.count("POST " + kTokenUrl), 1) << why;
  }
}

// ---- How it is delivered (DESIGN 5)

TEST(Callback, DeliversAsTheApplicationAsked) {
  struct Row {
    Delivery delivery;
    std::string more;
    int status;
    bool redirect;
    std::string reason;
  };
  const std::vector<Row> table{
      {Delivery::redirect, "code=c", 302, true, ""},
      {Delivery::query, "code=c", 302, true, ""},
      {Delivery::popup, "code=c", 200, false, ""},
      {Delivery::redirect, "error=access_denied", 302, true, "access_denied"},
      {Delivery::query, "error=access_denied", 302, true, "access_denied"},
      {Delivery::popup, "error=access_denied", 403, false, "access_denied"},
      {Delivery::redirect, "code=bad", 502, false, "exchange_refused"},
      {Delivery::query, "code=bad", 502, false, "exchange_refused"},
      {Delivery::popup, "code=bad", 502, false, "exchange_refused"},
  };
  for (const Row& row : table) {
    Stage stage;
    Attempt of = attempt();
    of.delivery = row.delivery;
    of.client_state = "client";
    if (row.reason == "exchange_refused") {
      stage.fetch.say(kTokenUrl, FetchReply{400, "application/json", "{}"});
    }
    const Verdict verdict = stage.call_callback(stage.callback_request(of, row.more));
    EXPECT_EQ(reason(verdict), row.reason) << row.more;
    EXPECT_EQ(status(verdict), row.status) << row.more;
    EXPECT_EQ(!location(verdict).empty(), row.redirect) << row.more;
    if (row.delivery == Delivery::query && row.redirect) {
      EXPECT_EQ(parameter(location(verdict), "state"), "client");
      EXPECT_EQ(parameter(location(verdict), "code").empty(), !row.reason.empty());
      EXPECT_EQ(parameter(location(verdict), "error").empty(), row.reason.empty());
    }
    if (row.delivery == Delivery::popup) {
      const Json data = test::json(between(
          verdict.reply->body, "<script type=\"application/json\" id=\"data\">", "</script>"));
      EXPECT_EQ(data.string("origin"), "https://app.example.com");
      EXPECT_EQ(data.get("message").string("state"), "client");
      EXPECT_EQ(data.get("message").has("code"), row.reason.empty());
      EXPECT_EQ(data.get("message").has("error"), !row.reason.empty());
    }
  }
}

// ---- type demo

TEST(CallbackOfDemo, NeedsNobodyElse) {
  Stage stage;
  Attempt of = attempt();
  of.provider = "demo";
  Request in = stage.callback_request(of, "code=ann%40demo.local");
  in.local = true;
  const Verdict verdict = stage.call_callback(in);
  EXPECT_EQ(reason(verdict), "");
  EXPECT_EQ(stage.events, (Events{"claim", "put"}));
}

TEST(CallbackOfDemo, IsOnlyForThisMachine) {
  Stage stage;
  Attempt of = attempt();
  of.provider = "demo";
  expect_unbelieved(stage, stage.callback_request(of, "code=ann%40demo.local"), "demo_not_local");
  EXPECT_TRUE(stage.untouched());
}

TEST(CallbackOfDemo, AnAccountThatIsNotThereIsRefused) {
  Stage stage;
  Attempt of = attempt();
  of.provider = "demo";
  Request in = stage.callback_request(of, "code=eve%40demo.local");
  in.local = true;
  EXPECT_EQ(reason(stage.call_callback(in)), "exchange_refused");
  EXPECT_EQ(stage.events, Events{"claim"});
}

}  // namespace
}  // namespace oauth
