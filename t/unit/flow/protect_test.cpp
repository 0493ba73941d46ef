#include "oauth/flow/protect.hpp"

#include "flow/protect_support.hpp"

namespace oauth {
namespace {

using test::claims_of;
using test::foreign_token;
using test::keys;
using test::kNow;
using test::own_claims;
using test::own_token;
using test::ProtectStage;
using test::reason;

TEST(Protect, LetsInTheBrokersOwnTokenWithItsClaims) {
  ProtectStage stage;
  const Verdict verdict = stage.ask({"Bearer " + own_token()});
  ASSERT_TRUE(verdict.admission) << reason(verdict);
  EXPECT_EQ(claims_of(verdict).dump(), own_claims().dump());
  EXPECT_EQ(verdict.admission->trust->expect.issuer, "https://auth.example.com");
}

TEST(Protect, LetsInATrustedIssuersToken) {
  ProtectStage stage;
  const Verdict verdict = stage.ask({"bearer " + foreign_token()});
  ASSERT_TRUE(verdict.admission) << reason(verdict);
  EXPECT_EQ(verdict.admission->trust->expect.issuer, "https://foreign.example");
}

TEST(Protect, WithoutATokenNobodyEnters) {
  ProtectStage stage;
  EXPECT_EQ(reason(stage.ask({})), "token_missing");
  EXPECT_EQ(reason(stage.ask({""})), "token_missing");
  EXPECT_EQ(reason(stage.ask({"Basic YTpi"})), "token_missing");
}

TEST(Protect, WhereItIsOptionalOnlyTheAnonymousEnterWithoutAToken) {
  ProtectStage stage;
  stage.guard.optional = true;
  for (const auto& authorization : {std::vector<std::string>{}, {""}, {"Basic YTpi"}}) {
    const Verdict verdict = stage.ask(authorization);
    ASSERT_TRUE(verdict.admission);
    EXPECT_EQ(claims_of(verdict).kind(), Json::Kind::null);
    EXPECT_EQ(verdict.admission->trust, nullptr);
  }
  EXPECT_EQ(stage.judge(own_token()), "entered");
  EXPECT_EQ(stage.judge(own_token(R"({"exp":1600000000})")), "token_expired");
  EXPECT_EQ(stage.judge("x"), "token_malformed");
  EXPECT_EQ(reason(stage.ask({"Bearer"})), "token_malformed");
  EXPECT_EQ(reason(stage.ask({"", ""})), "token_repeated");
}

// req 116
TEST(Protect, WhoDoesNotMeetWhatIsRequiredIsRefused) {
  ProtectStage stage;
  std::string why;
  stage.guard.requirements = {*Requirement::parse("scope=admin", nullptr, &why),
                              *Requirement::parse("claim:role=x", nullptr, &why)};
  EXPECT_EQ(stage.judge(own_token(R"({"scope":"a admin","role":"x"})")), "entered");
  EXPECT_EQ(stage.judge(own_token(R"({"scope":"administrator","role":"x"})")),
            "scope_insufficient");
  EXPECT_EQ(stage.judge(own_token(R"({"scope":"admin"})")), "claim_insufficient");
  EXPECT_EQ(stage.judge(own_token(R"({"scope":"admin","role":"x","exp":1600000000})")),
            "token_expired")
      << "a bad token is a bad token first";
}

TEST(Protect, TheScopesAreThoseOfTheTokensIssuer) {
  ProtectStage stage;
  std::string why;
  stage.guard.requirements = {*Requirement::parse("scope=admin", nullptr, &why)};
  stage.guard.trusts.back().scope_claim = "scp";
  EXPECT_EQ(stage.judge(foreign_token(R"({"scp":["admin"]})")), "entered");
  EXPECT_EQ(stage.judge(foreign_token(R"({"scope":"admin"})")), "scope_insufficient");
  EXPECT_EQ(stage.judge(own_token(R"({"scp":"admin"})")), "scope_insufficient");
}

TEST(Protect, TheAnonymousMeetNoRequirement) {
  ProtectStage stage;
  std::string why;
  stage.guard.optional = true;
  stage.guard.requirements = {*Requirement::parse("scope=admin", nullptr, &why)};
  EXPECT_EQ(reason(stage.ask({})), "token_missing");
}

TEST(Protect, TwoAuthorizationHeadersAreRefused) {
  ProtectStage stage;
  EXPECT_EQ(reason(stage.ask({"Bearer " + own_token(), "Bearer " + own_token()})),
            "token_repeated");
  EXPECT_EQ(reason(stage.ask({"Bearer " + own_token(), "Basic YTpi"})), "token_repeated");
}

TEST(Protect, WhatIsNoTokenIsRefused) {
  ProtectStage stage;
  EXPECT_EQ(stage.judge(""), "token_malformed");
  const std::string token = own_token();
  const std::vector<std::string> table{"a b",        "a,b",
                                       "\"a\"",      token + "\t",
                                       token + " ",  token + ", Bearer " + token,
                                       token + ",x", token + std::string(1, '\0'),
                                       "\t" + token, token + "\xC3\xA4"};
  for (const std::string& mangled : table) {
    EXPECT_EQ(stage.judge(mangled), "token_malformed") << mangled;
  }
  EXPECT_EQ(stage.judge("a.b"), "token_malformed");
  EXPECT_EQ(stage.judge(own_token() + "="), "token_malformed");
  EXPECT_EQ(stage.judge(std::string(kMaxToken + 1, 'a')), "token_too_large");
  EXPECT_EQ(stage.judge(test::signing_input(R"({"alg":"none"})", own_claims().dump()) + "."),
            "token_alg_refused");
}

TEST(Protect, TheIssuerIsOneThatIsTrusted) {
  ProtectStage stage;
  EXPECT_EQ(stage.judge(own_token(R"({"iss":"https://evil.example"})")), "token_issuer_wrong");
  EXPECT_EQ(stage.judge(own_token(R"({"iss":"https://auth.example.com/"})")), "token_issuer_wrong");
  EXPECT_EQ(stage.judge(own_token(R"({"iss":null})")), "token_issuer_wrong");
  EXPECT_EQ(stage.judge(own_token(R"({"iss":["https://auth.example.com"]})")),
            "token_issuer_wrong");
  stage.guard.trusts.clear();
  EXPECT_EQ(stage.judge(own_token()), "token_issuer_wrong");
}

TEST(Protect, AnotherBrokersTokenIsNotTrustedThoughItsKeysAreTheSame) {
  ProtectStage stage;
  Broker other = test::broker("https://other.example.com");
  stage.guard.trusts = {own_trust(other)};
  EXPECT_EQ(stage.judge(own_token()), "token_issuer_wrong");
  EXPECT_EQ(stage.judge(own_token(R"({"iss":"https://other.example.com"})")),
            "token_audience_wrong");
}

TEST(Protect, KeysAreNeverLookedUpAcrossIssuers) {
  ProtectStage stage;
  EXPECT_EQ(stage.judge(own_token("{}", "at+jwt", keys().p256)), "token_key_unknown");
  EXPECT_EQ(stage.judge(own_token("{}", "at+jwt", keys().p256.with_kid(""))),
            "token_signature_wrong");
  EXPECT_EQ(stage.judge(foreign_token("{}", test::signing()->keys().front())), "token_key_unknown");
}

TEST(Protect, OwnTokensAreAccessTokens) {
  ProtectStage stage;
  EXPECT_EQ(stage.judge(own_token("{}", "application/at+jwt")), "entered");
  for (const std::string_view typ : {"", "JWT", "logout+jwt", "dpop+jwt"}) {
    EXPECT_EQ(stage.judge(own_token("{}", typ)), "token_typ_refused") << typ;
  }
}

TEST(Protect, TheClaimsOfATokenAreChecked) {
  ProtectStage stage;
  const std::vector<std::pair<std::string, std::string>> table{
      {R"({"aud":"other"})", "token_audience_wrong"},
      {R"({"aud":null})", "token_audience_wrong"},
      {R"({"exp":1699999970})", "token_expired"},
      {R"({"exp":null})", "token_time_malformed"},
      {R"({"nbf":1700000031})", "token_not_yet_valid"},
      {R"({"nonce":"n"})", "token_kind_refused"},
      {R"({"events":{}})", "token_kind_refused"},
      {R"({"cnf":{"jkt":"x"}})", "token_kind_refused"},
      {R"({"sub":null})", "token_subject_wrong"},
  };
  for (const auto& [changes, why] : table) {
    EXPECT_EQ(stage.judge(own_token(changes)), why) << changes;
  }
}

TEST(Protect, OfCognitoOnlyAccessTokensOfAllowedClientsEnter) {
  ProtectStage stage;
  expect_cognito(stage.guard.trusts[1]);
  const std::vector<std::pair<std::string, std::string>> table{
      {R"({"aud":null,"token_use":"access","client_id":"api"})", "entered"},
      {R"({"aud":null,"token_use":"access","client_id":"other"})", "token_audience_wrong"},
      {R"({"aud":"api","token_use":"id"})", "token_kind_refused"},
      {R"({"aud":"api"})", "token_kind_refused"},
  };
  for (const auto& [changes, why] : table) {
    EXPECT_EQ(stage.judge(foreign_token(changes)), why) << changes;
    EXPECT_EQ(stage.judge(foreign_token(changes)), why) << changes << " again";
  }
}

TEST(Protect, ATokenExpiresByTheClock) {
  ProtectStage stage;
  const std::string token = own_token();
  stage.clock.advance(600 + 29);
  EXPECT_EQ(stage.judge(token), "entered");
  stage.clock.advance(1);
  EXPECT_EQ(stage.judge(token), "token_expired");
}

TEST(Protect, SaysWhichTokenItWasAndWhenItEnds) {
  ProtectStage stage;
  const std::string token = own_token();
  const Verdict verdict = stage.ask({"Bearer " + token});
  ASSERT_TRUE(verdict.admission);
  EXPECT_EQ(verdict.admission->token, token);
  EXPECT_EQ(verdict.admission->expires, kNow + 600 + 30);
  const Verdict fraction = stage.ask({"Bearer " + own_token(R"({"exp":1700000600.5})")});
  ASSERT_TRUE(fraction.admission);
  EXPECT_EQ(fraction.admission->expires, 1700000601 + 30);
  stage.guard.optional = true;
  EXPECT_EQ(stage.ask({}).admission->token, "");
}

// ---- The token as an argument

struct ArgumentStage : ProtectStage {
  ArgumentStage() {
    guard.argument.name = "token";
    guard.origins = broker.targets;
  }
  // An upgrade to WebSocket with this query.
  Credentials upgrade(const std::string& query) {
    brought.push_back(query);
    Credentials in;
    in.query = brought.back();
    in.is_upgrade = true;
    return in;
  }
};

TEST(ProtectArgument, AWebSocketMayBringTheTokenInTheQuery) {
  ArgumentStage stage;
  const std::string token = own_token();
  const Verdict verdict = stage.ask_with(stage.upgrade("v=3&token=" + token));
  ASSERT_TRUE(verdict.admission) << reason(verdict);
  EXPECT_EQ(claims_of(verdict).dump(), own_claims().dump());
  EXPECT_EQ(verdict.admission->token, token);
}

// req 117
TEST(ProtectArgument, ElsewhereTheArgumentIsNobodysToken) {
  ArgumentStage stage;
  Credentials in = stage.upgrade("token=" + own_token());
  in.is_upgrade = false;
  EXPECT_EQ(reason(stage.ask_with(in)), "token_missing");
  stage.guard.argument.on_any_request = true;
  EXPECT_TRUE(stage.ask_with(in).admission);
  stage.guard.argument.name = "";
  for (const std::string_view query : {in.query, std::string_view("=x"), std::string_view("&&")}) {
    in.query = query;
    EXPECT_EQ(reason(stage.ask_with(in)), "token_missing") << "an argument without a name";
  }
}

// req 120
TEST(ProtectArgument, ABadOneIsNeverAnonymous) {
  ArgumentStage stage;
  stage.guard.optional = true;
  EXPECT_TRUE(stage.ask_with(stage.upgrade("v=3")).admission);
  for (const std::string_view query : {"token=", "token", "token=x", "token=a%20b", "to%6ben=x"}) {
    EXPECT_EQ(reason(stage.ask_with(stage.upgrade(std::string(query)))), "token_malformed")
        << query;
  }
  const std::string old = own_token(R"({"exp":1600000000})");
  EXPECT_EQ(reason(stage.ask_with(stage.upgrade("token=" + old))), "token_expired");
}

// req 116, 118
TEST(ProtectArgument, TwoTokensAreRefusedWhereverTheyAre) {
  ArgumentStage stage;
  const std::string token = own_token();
  EXPECT_EQ(reason(stage.ask_with(stage.upgrade("token=" + token + "&token=" + token))),
            "token_repeated");
  EXPECT_EQ(reason(stage.ask_with(stage.upgrade("token=" + token + "&%74oken=x"))),
            "token_repeated");
  for (const std::string& header : {"Bearer " + token, std::string("Basic YTpi"), std::string()}) {
    Credentials both = stage.upgrade("token=" + token);
    both.authorization = header;
    both.authorizations = 1;
    EXPECT_EQ(reason(stage.ask_with(both)), "token_repeated") << header;
  }
}

// ---- Origins and preflights

TEST(ProtectOrigin, IsCheckedBeforeTheTokenIsLookedAt) {
  ArgumentStage stage;
  stage.guard.optional = true;
  for (const std::string_view token : {"", "token=x"}) {
    Credentials in = stage.upgrade(std::string(token));
    in.origins = {"https://evil.example"};
    EXPECT_EQ(reason(stage.ask_with(in)), "origin_not_allowed") << token;
    in.origins = {"https://app.example.com", "https://app.example.com"};
    EXPECT_EQ(reason(stage.ask_with(in)), "origin_not_allowed") << token;
    in.origins = {"https://app.example.com"};
    EXPECT_NE(reason(stage.ask_with(in)), "origin_not_allowed") << token;
  }
}

TEST(ProtectOrigin, MattersWhereALocationTakesArgumentsOrAnswersForCors) {
  ProtectStage stage;
  Credentials in;
  const std::string header = "Bearer " + own_token();
  in.authorization = header;
  in.authorizations = 1;
  in.origins = {"https://evil.example"};
  EXPECT_TRUE(stage.ask_with(in).admission) << "nothing is said of origins";
  stage.guard.cors = true;
  EXPECT_EQ(reason(stage.ask_with(in)), "origin_not_allowed");
  stage.guard.cors = false;
  stage.guard.argument.name = "token";
  EXPECT_EQ(reason(stage.ask_with(in)), "origin_not_allowed");
}

TEST(ProtectPreflight, IsAnsweredToAnAllowedOriginWithoutAToken) {
  ArgumentStage stage;
  stage.guard.cors = true;
  Credentials in;
  in.is_preflight = true;
  in.origins = {"https://app.example.com"};
  const Verdict verdict = stage.ask_with(in);
  EXPECT_EQ(test::status(verdict), 204);
  EXPECT_FALSE(verdict.admission || verdict.problem);
  in.origins = {"https://evil.example"};
  EXPECT_EQ(reason(stage.ask_with(in)), "origin_not_allowed");
  stage.guard.cors = false;
  in.origins = {"https://app.example.com"};
  EXPECT_EQ(reason(stage.ask_with(in)), "token_missing")
      << "without CORS it is a request like others";
}

// ---- Grace

TEST(ProtectGrace, IsForOwnTokensAndNoLongerThanItIs) {
  ProtectStage stage;
  stage.guard.trusts[0] = own_trust(stage.broker, 120);
  const std::string own = own_token();
  const std::string foreign = foreign_token();
  stage.clock.advance(600 + 30);
  EXPECT_EQ(stage.judge(foreign), "token_expired");
  stage.clock.advance(119);
  EXPECT_EQ(stage.judge(own), "entered");
  EXPECT_EQ(stage.ask({"Bearer " + own}).admission->expires, kNow + 600 + 30 + 120);
  stage.clock.advance(1);
  EXPECT_EQ(stage.judge(own), "token_expired");
}

}  // namespace
}  // namespace oauth
