#include "oauth/flow/token.hpp"

#include "flow/stage.hpp"
#include "oauth/flow/protect.hpp"
#include "oauth/proto/guard.hpp"
#include "oauth/proto/token_reply.hpp"

namespace oauth {
namespace {

using test::attempt;
using test::body;
using test::claims_of;
using test::contains;
using test::Events;
using test::header;
using test::keys;
using test::kNow;
using test::reason;
using test::Stage;
using test::status;

const std::string kOrigin = "https://app.example.com";
const std::string kVerifier(43, 'v');

std::string told(Problem problem) {
  return error_body(Shape::dexie, problem, kNow * 1000).text;
}

// Refused with Dexie's error, and the store saw no command.
void expect_refused(Stage& stage, const Request& in, Problem why) {
  const Verdict verdict = stage.call_token(in);
  EXPECT_EQ(reason(verdict), name(why)) << in.body;
  EXPECT_EQ(status(verdict), row(why).status) << in.body;
  EXPECT_EQ(verdict.reply->body, told(why)) << in.body;
  EXPECT_TRUE(stage.untouched()) << in.body;
}

Attempt bound() {
  Attempt of = attempt();
  of.challenge = pkce_challenge(kVerifier);
  return of;
}
std::string with_verifier(std::string_view verifier) {
  return Json::object().set("code_verifier", verifier).dump();
}

TEST(Token, GivesTokensForACode) {
  Stage stage;
  const std::string code = stage.code_for(attempt());
  stage.clock.advance(100);
  const Verdict verdict = stage.call_token(stage.token_request(code));
  EXPECT_EQ(reason(verdict), "");
  EXPECT_EQ(status(verdict), 200);
  EXPECT_EQ(stage.events, Events{"take"});
  EXPECT_EQ(verdict.flow_id, attempt().flow_id);
  EXPECT_EQ(verdict.provider, "acme");
  EXPECT_EQ(header(verdict, "Access-Control-Allow-Origin"), kOrigin);
  EXPECT_EQ(header(verdict, "Vary"), "Origin");
  EXPECT_EQ(header(verdict, "Cache-Control"), "no-store");
  EXPECT_EQ(header(verdict, "Set-Cookie"), "");
  const Json tokens = body(verdict);
  EXPECT_EQ(tokens.string("type"), "tokens");
  EXPECT_EQ(tokens.get("claims").string("sub"), "acme:u1");
  EXPECT_EQ(tokens.get("claims").string("license"), "ok");
  EXPECT_EQ(tokens.integer("accessTokenExpiration"), (kNow + 100 + 3600) * 1000);
  EXPECT_EQ(tokens.integer("refreshTokenExpiration"), (kNow + 100 + 30 * 86400) * 1000);
}

TEST(Token, TheAccessTokenEntersALocationThatTrustsTheBroker) {
  Stage stage;
  const std::string code = stage.code_for(attempt());
  const Json tokens = body(stage.call_token(stage.token_request(code)));
  Guard guard;
  guard.trusts.push_back(own_trust(stage.broker));
  Credentials credentials;
  const std::string header = "Bearer " + std::string(tokens.string("accessToken").value_or(""));
  credentials.authorization = header;
  credentials.authorizations = 1;
  const Verdict verdict = test::run(protect(credentials, guard, stage.io));
  ASSERT_TRUE(verdict.admission) << reason(verdict);
  const Json claims = claims_of(verdict);
  EXPECT_EQ(claims.string("sub"), "acme:u1");
  EXPECT_EQ(claims.string("client_id"), "dexie");
  EXPECT_EQ(claims.string("scope"), "ACCESS_DB");
  EXPECT_EQ(claims.integer("iat"), kNow);
  EXPECT_EQ(claims.string("sid")->size(), 22U);
  EXPECT_EQ(claims.string("jti")->size(), 22U);
  EXPECT_NE(claims.string("sid"), claims.string("jti"));
}

TEST(Token, TheAccessTokenIsKnownFromBirthWhereItIsBelieved) {
  Stage stage;
  const PolicyId policy{7, 8};
  stage.broker.judged_by = {{{1, 2}, 0}, {policy, 3}};
  const std::string code = stage.code_for(attempt());
  const Json tokens = body(stage.call_token(stage.token_request(code)));
  const std::string access(tokens.string("accessToken").value_or(""));
  ASSERT_EQ(stage.tokens.kept.size(), 2U);
  const TokenFacts born = stage.tokens.kept.at({access, policy});
  EXPECT_EQ(born.trust, 3U);
  EXPECT_EQ(stage.tokens.kept.at({access, {1, 2}}).trust, 0U);

  // What is known is what a verification would have found.
  Guard guard;
  guard.policy = {5, 5};
  guard.trusts.push_back(own_trust(stage.broker));
  const std::string header = "Bearer " + access;
  Credentials credentials;
  credentials.authorization = header;
  credentials.authorizations = 1;
  ASSERT_TRUE(test::run(protect(credentials, guard, stage.io)).admission);
  const TokenFacts found = stage.tokens.kept.at({access, {5, 5}});
  EXPECT_EQ(born.expires, found.expires);
  EXPECT_EQ(born.valid_from, found.valid_from);
  EXPECT_EQ(born.keys, found.keys);
  EXPECT_EQ(born.token, found.token);
  EXPECT_EQ(born.family, found.family);
  EXPECT_NE(born.family, kNoMark);
}

TEST(Token, TheRefreshTokenKnowsTheKeyTheOriginAndTheFamily) {
  Stage stage;
  const std::string code = stage.code_for(attempt());
  const Json tokens = body(stage.call_token(stage.token_request(code)));
  const auto jwt = split(*tokens.string("accessToken"));
  ASSERT_TRUE(jwt);
  const auto opened =
      open_refresh_token(*tokens.string("refreshToken"), stage.broker, stage.clock.now());
  ASSERT_TRUE(opened);
  EXPECT_EQ(opened->family, jwt->claims.string("sid"));
  EXPECT_EQ(opened->claims.string("sub"), "acme:u1");
  EXPECT_EQ(opened->origin, kOrigin);
  EXPECT_EQ(opened->scopes, std::vector<std::string>{"ACCESS_DB"});
  EXPECT_EQ(opened->public_key, keys().rsa.public_der());
  EXPECT_EQ(opened->flow_id, attempt().flow_id);
  EXPECT_EQ(opened->provider, "acme");
}

TEST(Token, NoTwoLoginsShareAFamilyOrATokensName) {
  Stage stage;
  Attempt second = attempt();
  second.id = sha256("second").substr(0, 16);
  const auto claims = [&stage](const Attempt& of) {
    const std::string code = stage.code_for(of);
    const Json tokens = body(stage.call_token(stage.token_request(code)));
    return *Json::parse(split(*tokens.string("accessToken"))->payload);
  };
  const Json one = claims(attempt());
  const Json two = claims(second);
  EXPECT_NE(one.string("sid"), two.string("sid"));
  EXPECT_NE(one.string("jti"), two.string("jti"));
}

// ---- Before anything is taken

TEST(Token, ARequestThatCannotBeGrantedTakesNothing) {
  Stage stage;
  const std::string code = stage.code_for(attempt());
  const auto refuse = [&](std::string_view changes, Problem why) {
    expect_refused(stage, stage.token_request(code, changes), why);
  };
  refuse(R"({"grant_type":null})", Problem::request_malformed);
  refuse(R"({"grant_type":"password"})", Problem::grant_unsupported);
  refuse(R"({"code":"short"})", Problem::code_invalid);
  refuse(R"({"public_key":null})", Problem::public_key_refused);
  refuse(R"({"public_key":7})", Problem::request_malformed);
  refuse(R"({"scopes":7})", Problem::request_malformed);
  refuse(R"({"scopes":[]})", Problem::scope_refused);
  refuse(R"({"scopes":["admin"]})", Problem::scope_refused);
  refuse(R"({"code_verifier":7})", Problem::request_malformed);
  Request in = stage.token_request(code);
  in.body = "{";
  expect_refused(stage, in, Problem::json_invalid);
  in.body = std::string(64 * 1024 + 1, ' ');
  expect_refused(stage, in, Problem::json_too_large);
  EXPECT_EQ(reason(stage.call_token(stage.token_request(code))), "") << "the code is still there";
}

TEST(Token, MustBeSentAsJson) {
  Stage stage;
  const std::string code = stage.code_for(attempt());
  Request in = stage.token_request(code);
  for (const std::string_view type :
       {"", ";", "text/plain", "multipart/form-data", "application/json-patch+json",
        "application/jsonx", "text/plain;application/json", "xapplication/json", "application"}) {
    in.content_type = type;
    expect_refused(stage, in, Problem::content_type_refused);
  }
  in.content_type = "Application/JSON ; charset=utf-8";
  EXPECT_EQ(reason(stage.call_token(in)), "");
}

TEST(Token, AForeignOriginIsRefusedAndTakesNothing) {
  Stage stage;
  const std::string code = stage.code_for(attempt());
  Request in = stage.token_request(code);
  const std::vector<std::vector<std::string>> table{
      {"https://evil.example"},     {"null"},           {""},
      {"https://app.example.com/"}, {kOrigin, kOrigin}, {kOrigin, "https://evil.example"},
  };
  for (const auto& origins : table) {
    in.origins = origins;
    expect_refused(stage, in, Problem::origin_not_allowed);
    EXPECT_EQ(header(stage.call_token(in), "Access-Control-Allow-Origin"), "");
  }
}

TEST(Token, AnErrorCanBeReadByWhoMayCall) {
  Stage stage;
  const Verdict verdict =
      stage.call_token(stage.token_request(std::string(64, 'x'), R"({"scopes":["admin"]})"));
  EXPECT_EQ(header(verdict, "Access-Control-Allow-Origin"), kOrigin);
  EXPECT_EQ(header(verdict, "Vary"), "Origin");
  EXPECT_EQ(verdict.reply->content_type, "application/json");
}

TEST(Token, APreflightIsAnsweredByOriginAlone) {
  Stage stage;
  Request in = stage.request("OPTIONS", "/token");
  in.origins = {kOrigin};
  const Verdict yes = stage.call_token(in);
  EXPECT_EQ(status(yes), 204);
  EXPECT_EQ(header(yes, "Access-Control-Allow-Origin"), kOrigin);
  EXPECT_EQ(header(yes, "Access-Control-Allow-Methods"), "POST");
  EXPECT_EQ(header(yes, "Access-Control-Allow-Headers"), "content-type");
  in.origins = {"https://evil.example"};
  const Verdict no = stage.call_token(in);
  EXPECT_EQ(reason(no), "origin_not_allowed");
  EXPECT_EQ(header(no, "Access-Control-Allow-Origin"), "");
  EXPECT_TRUE(stage.untouched());
}

TEST(Token, WithoutRandomnessNothingIsTaken) {
  Stage stage;
  const std::string code = stage.code_for(attempt());
  stage.random.fails = Problem::internal;
  expect_refused(stage, stage.token_request(code), Problem::internal);
}

// ---- Taking it

TEST(Token, ACodeIsRedeemedOnce) {
  Stage stage;
  const std::string code = stage.code_for(attempt());
  EXPECT_EQ(reason(stage.call_token(stage.token_request(code))), "");
  const Verdict second = stage.call_token(stage.token_request(code));
  EXPECT_EQ(reason(second), "code_invalid");
  EXPECT_EQ(status(second), 401);
  EXPECT_EQ(second.reply->body, told(Problem::code_invalid));
}

TEST(Token, ACodeThatNeverWasIsInvalid) {
  Stage stage;
  const Verdict verdict = stage.call_token(stage.token_request(std::string(64, 'x')));
  EXPECT_EQ(reason(verdict), "code_invalid");
  EXPECT_EQ(status(verdict), 401);
  EXPECT_EQ(stage.events, Events{"take"});
}

TEST(Token, ACodeExpires) {
  Stage stage;
  const std::string code = stage.code_for(attempt());
  stage.clock.advance(300);
  EXPECT_EQ(reason(stage.call_token(stage.token_request(code))), "code_invalid");
}

// A store that keeps it too long, or forgets when it ends.
TEST(Token, ACodeExpiresWhateverTheStoreSays) {
  Stage stage;
  const std::string code = stage.code_for(attempt());
  stage.store.entries.begin()->second.expires = kNow + 86400;
  stage.clock.advance(300 + 31);
  EXPECT_EQ(reason(stage.call_token(stage.token_request(code))), "code_invalid");
}

TEST(Token, WhatTheStoreGivesMustBeOurs) {
  Stage stage;
  const std::string code = stage.code_for(attempt());
  stage.store.entries.begin()->second.value = "forged";
  EXPECT_EQ(reason(stage.call_token(stage.token_request(code))), "code_invalid");
}

TEST(Token, ACodeOfAnotherBrokerIsUnknownAndStaysUnspent) {
  Stage stage;
  const std::string code = stage.code_for(attempt());
  Broker own = stage.broker;
  stage.broker.set_url(*Uri::parse("https://other.example.com"));
  EXPECT_EQ(reason(stage.call_token(stage.token_request(code))), "code_invalid");
  stage.broker = own;
  EXPECT_EQ(reason(stage.call_token(stage.token_request(code))), "");
}

TEST(Token, AnOlderSecretsCodeIsRedeemedAfterARotation) {
  Stage stage;
  const std::string code = stage.code_for(attempt());
  stage.broker.keyring = test::keyring({"new", "s"});
  EXPECT_EQ(reason(stage.call_token(stage.token_request(code))), "");
}

// ---- The origin

TEST(Token, AForeignButAllowedOriginNeitherGetsNorBurnsACode) {
  Stage stage;
  stage.broker.targets =
      test::rules({"https://app.example.com", "https://other.example.com", "myapp://"});
  const std::string code = stage.code_for(attempt());
  Request in = stage.token_request(code);
  in.origins = {"https://other.example.com"};
  EXPECT_EQ(reason(stage.call_token(in)), "code_invalid");
  in.origins = {};
  EXPECT_EQ(reason(stage.call_token(in)), "code_invalid") << "no Origin is no proof either";
  in.origins = {kOrigin};
  EXPECT_EQ(reason(stage.call_token(in)), "");
}

TEST(Token, TheCodeOfAnAppIsRedeemedFromWhereverItsViewLives) {
  for (const auto& origins : {std::vector<std::string>{}, {kOrigin}, {"http://localhost"}}) {
    Stage stage;
    stage.broker.targets = test::rules({"https://app.example.com", "http://localhost", "myapp://"});
    Attempt of = attempt();
    of.target = "myapp://callback";
    const std::string code = stage.code_for(of);
    Request in = stage.token_request(code);
    in.origins = origins;
    EXPECT_EQ(reason(stage.call_token(in)), "");
  }
}

TEST(Token, WithoutAnOriginNobodyIsAllowedToReadTheAnswer) {
  Stage stage;
  Attempt of = attempt();
  of.target = "myapp://callback";
  const std::string code = stage.code_for(of);
  Request in = stage.token_request(code);
  in.origins = {};
  const Verdict verdict = stage.call_token(in);
  EXPECT_EQ(status(verdict), 200);
  EXPECT_EQ(header(verdict, "Access-Control-Allow-Origin"), "");
}

// ---- PKCE

TEST(TokenWithPkce, NeedsTheVerifier) {
  Stage stage;
  const std::string code = stage.code_for(bound());
  EXPECT_EQ(reason(stage.call_token(stage.token_request(code, with_verifier(kVerifier)))), "");
}

TEST(TokenWithPkce, AWrongVerifierIsRefusedAndTheCodeIsGone) {
  for (const std::string& wrong :
       {std::string(), std::string(43, 'w'), kVerifier + "v", std::string(42, 'v'),
        pkce_challenge(kVerifier), std::string("short")}) {
    Stage stage;
    const std::string code = stage.code_for(bound());
    const Verdict verdict = stage.call_token(stage.token_request(code, with_verifier(wrong)));
    EXPECT_EQ(reason(verdict), "verifier_refused") << wrong;
    EXPECT_EQ(status(verdict), 401) << wrong;
    EXPECT_EQ(verdict.flow_id, attempt().flow_id) << wrong;
    EXPECT_EQ(verdict.reply->body, told(Problem::code_invalid)) << "one answer for all";
    EXPECT_EQ(reason(stage.call_token(stage.token_request(code, with_verifier(kVerifier)))),
              "code_invalid")
        << wrong;
  }
}

TEST(TokenWithPkce, AMissingVerifierIsRefused) {
  Stage stage;
  const std::string code = stage.code_for(bound());
  EXPECT_EQ(reason(stage.call_token(stage.token_request(code))), "verifier_refused");
}

// 43 characters that hash to the challenge, but are no verifier (RFC 7636 4.1).
TEST(TokenWithPkce, AVerifierOfOtherCharactersIsNone) {
  Stage stage;
  Attempt of = attempt();
  const std::string odd(43, '+');
  of.challenge = pkce_challenge(odd);
  const std::string code = stage.code_for(of);
  EXPECT_EQ(reason(stage.call_token(stage.token_request(code, with_verifier(odd)))),
            "verifier_refused");
}

TEST(TokenWithPkce, AVerifierForACodeThatHasNoChallengeIsRefused) {
  Stage stage;
  const std::string code = stage.code_for(attempt());
  EXPECT_EQ(reason(stage.call_token(stage.token_request(code, with_verifier(kVerifier)))),
            "verifier_refused");
}

TEST(TokenWithPkce, BindsInsteadOfTheOrigin) {
  Stage stage;
  stage.broker.targets = test::rules({"https://app.example.com", "https://other.example.com"});
  const std::string code = stage.code_for(bound());
  Request in = stage.token_request(code, with_verifier(kVerifier));
  in.origins = {"https://other.example.com"};
  EXPECT_EQ(reason(stage.call_token(in)), "");
}

// ---- Scopes

TEST(Token, GrantsWhatWasAskedForOfWhatIsAllowed) {
  Stage stage;
  stage.broker.scopes = {"ACCESS_DB", "read"};
  const std::string code = stage.code_for(attempt());
  const Json tokens =
      body(stage.call_token(stage.token_request(code, R"({"scopes":["read","admin","read"]})")));
  EXPECT_EQ(split(*tokens.string("accessToken"))->claims.string("scope"), "read");
}

// ---- What is broken

TEST(Token, AStoreThatFailsIsSaidWithTheTimeToTryAgain) {
  for (const Problem problem :
       {Problem::store_down, Problem::store_lost, Problem::keyset_mismatch}) {
    Stage stage;
    const std::string code = stage.code_for(attempt());
    stage.store.fails = {{"take", problem}};
    const Verdict verdict = stage.call_token(stage.token_request(code));
    EXPECT_EQ(reason(verdict), name(problem));
    EXPECT_EQ(status(verdict), 503);
    EXPECT_EQ(header(verdict, "Retry-After"), "5");
    EXPECT_EQ(header(verdict, "Access-Control-Allow-Origin"), kOrigin);
    EXPECT_EQ(verdict.reply->body, told(problem));
    stage.store.fails.clear();
    EXPECT_EQ(reason(stage.call_token(stage.token_request(code))),
              problem == Problem::store_lost ? "code_invalid" : "");
  }
}

TEST(Token, WithoutASigningKeyNothingIsIssued) {
  Stage stage;
  const std::string code = stage.code_for(attempt());
  stage.broker.alg = Alg::rs256;
  const Verdict verdict = stage.call_token(stage.token_request(code));
  EXPECT_EQ(reason(verdict), "internal");
  EXPECT_EQ(status(verdict), 500);
  EXPECT_EQ(verdict.flow_id, attempt().flow_id);
}

TEST(TokenError, IsWhatTheClientReadsWithCorsForWhoMayCall) {
  Stage stage;
  Request in = stage.token_request("");
  const Verdict allowed = token_error(in, Problem::request_too_large);
  EXPECT_EQ(status(allowed), 413);
  EXPECT_EQ(reason(allowed), "request_too_large");
  EXPECT_EQ(allowed.reply->body, told(Problem::request_too_large));
  EXPECT_EQ(header(allowed, "Access-Control-Allow-Origin"), kOrigin);
  in.origins = {"https://evil.example"};
  EXPECT_EQ(header(token_error(in, Problem::internal), "Access-Control-Allow-Origin"), "");
}

}  // namespace
}  // namespace oauth
