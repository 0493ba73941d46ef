#include "oauth/flow/revoke.hpp"

#include "flow/protect_support.hpp"
#include "oauth/jose/jwt.hpp"
#include "oauth/proto/guard.hpp"
#include "oauth/proto/issue.hpp"
#include "oauth/proto/revocation.hpp"

namespace oauth {
namespace {

using test::body;
using test::cause;
using test::changed;
using test::Events;
using test::header;
using test::json;
using test::keys;
using test::kNow;
using test::reason;
using test::Stage;
using test::status;

const std::string kOrigin = "https://app.example.com";
const std::string kBasic = "Basic " + base64_encode("api:a-secret-of-the-api");

// Tokens of the Dexie client and of a registered one, and what clients post.
struct RevokeStage : Stage {
  RevokeStage() {
    Client api{"api", sha256("a-secret-of-the-api"), {"client_credentials"}, {"read"}, false};
    Client other = api;
    other.id = "other";
    other.secret_digest = sha256("a-secret-of-the-other");
    broker.clients = {api, other};
    of_dexie = issued("dexie");
    of_api = issued("api");
    access = *mint_access_token(of_dexie, broker);
    refresh = *seal_refresh_token(of_dexie, broker);
    guard.trusts.push_back(own_trust(broker));
  }

  Issue issued(std::string_view client) {
    Issue issue;
    issue.claims = json(R"({"sub":"acme:u1"})");
    issue.scopes = {"ACCESS_DB"};
    issue.client_id = client;
    issue.public_key = keys().rsa.public_der();
    begin_issue(issue, broker, *random.bytes(kIssueRandom), kNow);
    return issue;
  }
  Request form(std::string_view body, std::vector<std::string> authorization = {}) {
    Request post = request("POST", "/oauth/revoke");
    post.content_type = "application/x-www-form-urlencoded; charset=utf-8";
    post.body = body;
    post.authorization = std::move(authorization);
    return post;
  }
  Verdict call(const Request& in) { return test::run(oauth::revoke(in, io)); }
  Verdict post(std::string_view body, std::vector<std::string> authorization = {}) {
    return call(form(body, std::move(authorization)));
  }
  std::string judge(const std::string& token) {
    Credentials credentials;
    const std::string header = "Bearer " + token;
    credentials.authorization = header;
    credentials.authorizations = 1;
    const Verdict verdict = test::run(protect(credentials, guard, io));
    return verdict.admission ? "entered" : reason(verdict);
  }
  // 200, with nothing in it.
  static void expect_done(const Verdict& verdict) {
    EXPECT_EQ(reason(verdict), "");
    EXPECT_EQ(status(verdict), 200);
    EXPECT_EQ(verdict.reply->body + verdict.reply->content_type, "");
    EXPECT_EQ(header(verdict, "Cache-Control"), "no-store");
  }

  Issue of_dexie, of_api;
  std::string access, refresh;
  Guard guard;
};

// req 050
TEST(Revoke, ARefreshTokenEndsTheWholeSignIn) {
  RevokeStage stage;
  Issue sibling = stage.of_dexie;
  sibling.jti = base64url_encode(std::string(16, 'j'));
  const std::string second = *mint_access_token(sibling, stage.broker);
  EXPECT_EQ(stage.judge(stage.access), "entered");
  const Verdict verdict = stage.post("token=" + stage.refresh);
  RevokeStage::expect_done(verdict);
  EXPECT_EQ(verdict.flow_id, stage.of_dexie.flow_id);
  EXPECT_EQ(stage.events, Events{"revoke"}) << "one round trip";
  EXPECT_EQ(stage.judge(stage.access), "token_revoked");
  EXPECT_EQ(stage.judge(second), "token_revoked");
  EXPECT_EQ(stage.judge(*mint_access_token(stage.of_api, stage.broker)), "entered");
}

TEST(Revoke, AnAccessTokenEndsItselfAlone) {
  RevokeStage stage;
  Issue sibling = stage.of_dexie;
  sibling.jti = base64url_encode(std::string(16, 'j'));
  RevokeStage::expect_done(stage.post("token=" + stage.access));
  EXPECT_EQ(stage.judge(stage.access), "token_revoked");
  EXPECT_EQ(stage.judge(*mint_access_token(sibling, stage.broker)), "entered");
}

// All that it names may be accepted no longer than that, wherever it is.
TEST(Revoke, IsKeptUntilNothingItNamesIsAccepted) {
  RevokeStage stage;
  RevokeStage::expect_done(stage.post("token=" + stage.access));
  RevokeStage::expect_done(stage.post("token=" + stage.refresh));
  EXPECT_EQ(stage.store.revoked[token_mark(stage.of_dexie.jti)], kNow + 3600 + 600 + 600);
  EXPECT_EQ(stage.store.revoked[family_mark(stage.of_dexie.family)],
            kNow + 30 * 86400 + 86400 + 600 + 600);
}

TEST(Revoke, IsKeptForTheSecondInWhichATokenEnds) {
  RevokeStage stage;
  const std::string token =
      test::own_token(R"({"exp":1700000600.5,"client_id":"dexie","jti":"AAAAAAAAAAAAAAAAAAAAAQ"})");
  RevokeStage::expect_done(stage.post("token=" + token));
  EXPECT_EQ(stage.store.revoked[token_mark("AAAAAAAAAAAAAAAAAAAAAQ")], kNow + 601 + 600 + 600);
}

// req 049
TEST(Revoke, FindsTheTokenWhateverTheHintSays) {
  for (const std::string hint : {"access_token", "refresh_token", "pdf", ""}) {
    RevokeStage stage;
    RevokeStage::expect_done(stage.post("token=" + stage.access + "&token_type_hint=" + hint));
    RevokeStage::expect_done(stage.post("token_type_hint=" + hint + "&token=" + stage.refresh));
    EXPECT_EQ(stage.store.revoked.size(), 2U) << hint;
  }
}

TEST(Revoke, TakesJsonOfTheSameMembers) {
  RevokeStage stage;
  Request in = stage.form(Json::object().set("token", std::string_view(stage.refresh)).dump());
  in.content_type = "application/json";
  in.origins = {kOrigin};
  const Verdict verdict = stage.call(in);
  RevokeStage::expect_done(verdict);
  EXPECT_EQ(header(verdict, "Access-Control-Allow-Origin"), kOrigin);
  EXPECT_EQ(stage.store.revoked.size(), 1U);
}

// req 049, RFC 7009 2.2
TEST(Revoke, WhatIsNoTokenIsAsGoodAsRevoked) {
  RevokeStage stage;
  Issue old = stage.of_dexie;
  old.now = kNow - 3600 - 600 - 600 - stage.broker.skew - 1;
  old.refresh_expires = kNow - stage.broker.skew - 1;
  Broker elsewhere = test::broker("https://elsewhere.example");
  const std::string forged =
      stage.access.substr(0, stage.access.rfind('.') + 1) + std::string(86, 'A');
  const std::vector<std::pair<std::string, std::string>> table{
      {"x", "refresh_refused"},
      {"a.b.c", "token_malformed"},
      {"%F0%9F%8D%AA", "refresh_refused"},
      {std::string(20'000, 'a'), "refresh_refused"},
      {std::string(20'000, 'a') + ".b.c", "token_too_large"},
      {forged, "token_signature_wrong"},
      {*mint_access_token(old, stage.broker), "token_expired"},
      {*seal_refresh_token(old, stage.broker), "refresh_expired"},
      {*seal_refresh_token(stage.of_dexie, elsewhere), "refresh_refused"},
  };
  for (const auto& [token, why] : table) {
    const Verdict verdict = stage.post("token=" + token);
    RevokeStage::expect_done(verdict);
    EXPECT_EQ(cause(verdict), why) << token.substr(0, 40);
  }
  EXPECT_TRUE(stage.untouched()) << "the store is not asked";
  EXPECT_TRUE(stage.throttle.spent.empty());
}

// A location with `oauth_expired_grace` would let it in.
TEST(Revoke, ATokenInItsGraceIsRevokedStill) {
  RevokeStage stage;
  stage.clock.advance(3600 + 600 + 599);
  RevokeStage::expect_done(stage.post("token=" + stage.access));
  EXPECT_EQ(stage.store.revoked.size(), 1U);
}

TEST(Revoke, AnIdThatIsNotOursCannotBeRevoked) {
  RevokeStage stage;
  stage.of_dexie.jti = "too-short";
  const Verdict verdict = stage.post("token=" + *mint_access_token(stage.of_dexie, stage.broker));
  RevokeStage::expect_done(verdict);
  EXPECT_TRUE(stage.untouched());
}

// req 049
TEST(Revoke, AClientsTokenNeedsThatClientsAuthentication) {
  RevokeStage stage;
  const std::string access = *mint_access_token(stage.of_api, stage.broker);
  const std::string refresh = *seal_refresh_token(stage.of_api, stage.broker);
  for (const std::string& token : {access, refresh}) {
    stage.store.revoked.clear();
    for (const std::string client :
         {"", "&client_id=dexie", "&client_id=api", "&client_id=api&client_secret=wrong",
          "&client_id=nobody&client_secret=a-secret-of-the-api",
          "&client_secret=a-secret-of-the-api"}) {
      const Verdict verdict = stage.post("token=" + token + client);
      EXPECT_EQ(reason(verdict), "client_refused") << client;
      EXPECT_EQ(status(verdict), 401);
      EXPECT_EQ(body(verdict).string("error"), "invalid_client");
    }
    RevokeStage::expect_done(
        stage.post("token=" + token + "&client_id=other&client_secret=a-secret-of-the-other"));
    EXPECT_TRUE(stage.store.revoked.empty()) << "a foreign one is not revoked";
    RevokeStage::expect_done(stage.post("token=" + token, {kBasic}));
    EXPECT_EQ(stage.store.revoked.size(), 1U);
    RevokeStage::expect_done(
        stage.post("token=" + token + "&client_id=api&client_secret=a-secret-of-the-api"));
  }
}

TEST(Revoke, AuthenticationThatIsWrongIsRefusedWhateverTheTokenIs) {
  RevokeStage stage;
  const std::string wrong = "Basic " + base64_encode("api:wrong");
  for (const std::string& token : {std::string("x"), stage.access}) {
    const Verdict verdict = stage.post("token=" + token, {wrong});
    EXPECT_EQ(reason(verdict), "client_refused");
    EXPECT_EQ(header(verdict, "WWW-Authenticate"), "Basic realm=\"https://auth.example.com\"");
  }
  EXPECT_EQ(stage.throttle.spent[Throttle::Gate::token], 2);
  EXPECT_TRUE(stage.untouched());
}

// Whoever says that he is a client shows it, though the token needs none.
TEST(Revoke, AClientThatSaysSoIsAuthenticated) {
  RevokeStage stage;
  for (const std::string client : {"&client_id=api", "&client_id=nobody", "&client_secret=x",
                                   "&client_id=dexie&client_secret=x"}) {
    EXPECT_EQ(reason(stage.post("token=" + stage.refresh + client)), "client_refused") << client;
  }
  for (const std::string credentials : {"dexie:", ":"}) {
    const std::string basic = "Basic " + base64_encode(credentials);
    EXPECT_EQ(reason(stage.post("token=" + stage.refresh, {basic})), "client_refused") << basic;
  }
  EXPECT_TRUE(stage.untouched());
}

TEST(Revoke, WhoHoldsADexieTokenMayEndIt) {
  RevokeStage stage;
  for (const std::string client : {"", "&client_id=dexie"}) {
    RevokeStage::expect_done(stage.post("token=" + stage.refresh + client));
  }
  RevokeStage::expect_done(stage.post("token=" + stage.access, {kBasic}));
  EXPECT_EQ(stage.store.revoked.size(), 2U);
}

TEST(Revoke, ARequestThatCannotBeReadIsRefused) {
  RevokeStage stage;
  const auto refused = [&](const Request& in) {
    const Verdict verdict = stage.call(in);
    EXPECT_EQ(verdict.reply->status, 400);
    EXPECT_EQ(body(verdict).string("error"), "invalid_request");
    return reason(verdict);
  };
  EXPECT_EQ(refused(stage.form("")), "request_malformed");
  EXPECT_EQ(refused(stage.form("token=")), "request_malformed");
  EXPECT_EQ(refused(stage.form("token=%zz")), "request_malformed");
  EXPECT_EQ(refused(stage.form("token=a&token=a")), "request_repeated");
  EXPECT_EQ(refused(stage.form("token=a&token_type_hint=b&token_type_hint=b")), "request_repeated");
  EXPECT_EQ(refused(stage.form("token=a&client_id=b&client_id=b")), "request_repeated");
  EXPECT_EQ(refused(stage.form("token=a&client_secret=s&client_secret=s")), "request_repeated");
  EXPECT_EQ(refused(stage.form("token=a&client_secret=s", {kBasic})), "client_auth_repeated");
  Request in = stage.form(R"({"token":1})");
  in.content_type = "application/json";
  EXPECT_EQ(refused(in), "request_malformed");
  for (const std::string member : {"token_type_hint", "client_id", "client_secret"}) {
    in.body = Json::object().set("token", "a").set(member, 1).dump();
    EXPECT_EQ(refused(in), "request_malformed") << member;
  }
  in.body = R"({"token":"a","token":"a"})";
  EXPECT_EQ(refused(in), "json_invalid");
  in.content_type = "text/plain";
  EXPECT_EQ(refused(in), "content_type_refused");
  EXPECT_EQ(stage.throttle.spent[Throttle::Gate::token], 14);
  EXPECT_TRUE(stage.untouched());
}

TEST(Revoke, AnotherSitesPageMayNotAsk) {
  RevokeStage stage;
  Request in = stage.form("token=" + stage.refresh);
  in.origins = {"https://evil.test"};
  const Verdict verdict = stage.call(in);
  EXPECT_EQ(reason(verdict), "origin_not_allowed");
  EXPECT_EQ(header(verdict, "Access-Control-Allow-Origin"), "");
  EXPECT_TRUE(stage.untouched());
}

TEST(Revoke, APreflightIsAnswered) {
  RevokeStage stage;
  Request in = stage.request("OPTIONS", "/oauth/revoke");
  in.origins = {kOrigin};
  const Verdict verdict = stage.call(in);
  EXPECT_EQ(status(verdict), 204);
  EXPECT_EQ(header(verdict, "Access-Control-Allow-Origin"), kOrigin);
  EXPECT_EQ(header(verdict, "Access-Control-Allow-Methods"), "POST");
}

TEST(Revoke, WhoFailedTooOftenIsNotHeard) {
  RevokeStage stage;
  stage.throttle.closed.insert(Throttle::Gate::token);
  const Verdict verdict = stage.post("token=" + stage.refresh);
  EXPECT_EQ(reason(verdict), "too_many_requests");
  EXPECT_TRUE(stage.untouched());
}

// req 052
TEST(Revoke, AStoreThatFailsIsSaid) {
  for (const Problem problem : {Problem::store_down, Problem::store_lost, Problem::revocations_full,
                                Problem::revocations_unsaved}) {
    RevokeStage stage;
    stage.store.fails["revoke"] = problem;
    const Verdict verdict = stage.post("token=" + stage.refresh);
    EXPECT_EQ(reason(verdict), name(problem));
    EXPECT_EQ(status(verdict), 503);
    EXPECT_EQ(header(verdict, "Retry-After"), "5");
    EXPECT_TRUE(stage.throttle.spent.empty());
  }
}

// req 125: nobody knows then.
TEST(Revoke, AListThatIsTooOldLetsNoOwnTokenIn) {
  RevokeStage stage;
  stage.revocations.current = false;
  EXPECT_EQ(stage.judge(stage.access), "revocations_stale");
  EXPECT_EQ(row(Problem::revocations_stale).status, 503);
  RevokeStage::expect_done(stage.post("token=" + stage.access));
  EXPECT_EQ(stage.judge(stage.access), "token_revoked") << "what is known is known";
}

TEST(Revoke, OthersTokensAreNotOnTheList) {
  RevokeStage stage;
  stage.revocations.current = false;
  stage.guard.trusts.front().is_own = false;
  EXPECT_EQ(stage.judge(stage.access), "entered");
}

}  // namespace
}  // namespace oauth
