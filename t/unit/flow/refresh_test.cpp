#include "oauth/flow/refresh.hpp"

#include "flow/stage.hpp"
#include "oauth/flow/protect.hpp"
#include "oauth/jose/jwt.hpp"
#include "oauth/proto/guard.hpp"
#include "oauth/proto/revocation.hpp"

namespace oauth {
namespace {

using test::attempt;
using test::body;
using test::Events;
using test::header;
using test::keys;
using test::kNow;
using test::reason;
using test::Stage;
using test::status;

const std::string kOrigin = "https://app.example.com";

// A stage on which somebody has signed in.
struct SignedIn : Stage {
  SignedIn() {
    broker.scopes = {"ACCESS_DB", "read"};
    const std::string code = code_for(attempt());
    tokens = body(call_token(token_request(code)));
    token = tokens.string("refreshToken").value_or("");
    events.clear();
    clock.advance(600);
  }

  static std::string proof(const std::string& text, const Key& key = keys().rsa) {
    const auto signature = key.sign(Alg::rs256, text);
    EXPECT_TRUE(signature);
    return base64_encode(*signature);
  }

  // What the real client posts; null in `changes` takes a member out.
  Request refresh_request(std::string_view changes = "{}") {
    const std::int64_t now = clock.now_ms();
    const Json good = Json::object()
                          .set("grant_type", "refresh_token")
                          .set("refresh_token", std::string_view(token))
                          .set("scopes", Json::array().push(Json::of("ACCESS_DB")))
                          .set("signature", std::string_view(proof(token + std::to_string(now))))
                          .set("signing_algorithm", "RSASSA-PKCS1-v1_5")
                          .set("time_stamp", now);
    Request post = request("POST", "/token");
    post.content_type = "application/json";
    post.origins = {kOrigin};
    post.body = test::changed(good, changes).dump();
    return post;
  }
  Request signed_at(std::int64_t time_stamp) {
    return refresh_request(
        Json::object()
            .set("time_stamp", time_stamp)
            .set("signature", std::string_view(proof(token + std::to_string(time_stamp))))
            .dump());
  }
  void expect_refused(const Request& in, Problem why) {
    const Verdict verdict = call_token(in);
    EXPECT_EQ(reason(verdict), name(why));
    EXPECT_EQ(status(verdict), row(why).status);
    EXPECT_TRUE(untouched()) << "nothing is counted before the proof holds";
  }

  Json tokens;
  std::string token;
};

TEST(Refresh, GivesANewAccessTokenAndTheSameRefreshToken) {
  SignedIn stage;
  const Verdict verdict = stage.call_token(stage.refresh_request());
  EXPECT_EQ(reason(verdict), "");
  EXPECT_EQ(stage.events, Events{"count"}) << "one round trip";
  EXPECT_EQ(verdict.flow_id, attempt().flow_id);
  EXPECT_EQ(verdict.provider, "acme");
  const Json now = body(verdict);
  EXPECT_EQ(now.string("type"), "tokens");
  EXPECT_EQ(now.get("claims").dump(), stage.tokens.get("claims").dump()) << "complete again";
  EXPECT_EQ(now.string("refreshToken"), stage.token) << "this client stores no other";
  EXPECT_EQ(now.integer("refreshTokenExpiration"), stage.tokens.integer("refreshTokenExpiration"));
  EXPECT_EQ(now.integer("accessTokenExpiration"), (kNow + 600 + 3600) * 1000);
  const auto before = split(*stage.tokens.string("accessToken"));
  const auto after = split(*now.string("accessToken"));
  EXPECT_EQ(after->claims.string("sid"), before->claims.string("sid")) << "one family";
  EXPECT_NE(after->claims.string("jti"), before->claims.string("jti"));
  EXPECT_EQ(after->claims.string("sub"), "acme:u1");
  EXPECT_EQ(after->claims.string("scope"), "ACCESS_DB");
}

TEST(Refresh, ItsAccessTokenEntersALocation) {
  SignedIn stage;
  const Json now = body(stage.call_token(stage.refresh_request()));
  Guard guard;
  guard.trusts.push_back(own_trust(stage.broker));
  Credentials credentials;
  const std::string header = "Bearer " + std::string(now.string("accessToken").value_or(""));
  credentials.authorization = header;
  credentials.authorizations = 1;
  EXPECT_TRUE(test::run(protect(credentials, guard, stage.io)).admission);
}

// req 047
TEST(Refresh, OfASignInThatWasRevokedIsLikeThatOfNone) {
  SignedIn stage;
  const auto jwt = split(*stage.tokens.string("accessToken"));
  const auto none = stage.call_token(stage.refresh_request(R"({"refresh_token":"x"})"));
  stage.store.revoked[family_mark(*jwt->claims.string("sid"))] = kNow + 1'000'000;
  stage.expect_refused(stage.refresh_request(), Problem::refresh_revoked);
  const Verdict verdict = stage.call_token(stage.refresh_request());
  EXPECT_EQ(verdict.reply->body, none.reply->body);
  EXPECT_EQ(status(verdict), status(none));
}

TEST(Refresh, WaitsUntilItIsKnownWhatWasRevoked) {
  SignedIn stage;
  stage.revocations.current = false;
  stage.expect_refused(stage.refresh_request(), Problem::revocations_stale);
}

TEST(Refresh, NeedsTheProofOfTheKeyThatSignedIn) {
  SignedIn stage;
  const std::string stamp = std::to_string(stage.clock.now_ms());
  const auto refuse = [&](const std::string& signature) {
    const std::string changes = Json::object().set("signature", std::string_view(signature)).dump();
    stage.expect_refused(stage.refresh_request(changes), Problem::proof_wrong);
  };
  const auto other = Key::generate_rs256();
  ASSERT_TRUE(other);
  refuse(SignedIn::proof(stage.token + stamp, *other));
  refuse(SignedIn::proof(stamp + stage.token));  // the order of types.ts
  refuse(SignedIn::proof(stage.token + " " + stamp));
  refuse(SignedIn::proof(stage.token));
  refuse(SignedIn::proof(stage.token + std::to_string(stage.clock.now_ms() - 1)));
  refuse(base64_encode("short"));
  refuse(base64_encode(std::string(256, '\0')));
  refuse(base64_encode(std::string(10'000, 's')));
}

TEST(Refresh, AKeyInTheRequestProvesNothing) {
  SignedIn stage;
  const auto other = Key::generate_rs256();
  const std::string stamp = std::to_string(stage.clock.now_ms());
  const std::string changes =
      Json::object()
          .set("public_key", std::string_view(test::client_pem(*other)))
          .set("signature", std::string_view(SignedIn::proof(stage.token + stamp, *other)))
          .dump();
  stage.expect_refused(stage.refresh_request(changes), Problem::proof_wrong);
  const std::string renewal =
      Json::object().set("public_key", std::string_view(test::client_pem(*other))).dump();
  EXPECT_EQ(reason(stage.call_token(stage.refresh_request(renewal))), "");
  const std::string later =
      Json::object()
          .set("signature", std::string_view(SignedIn::proof(stage.token + stamp, *other)))
          .dump();
  stage.events.clear();
  stage.expect_refused(stage.refresh_request(later), Problem::proof_wrong);
}

TEST(Refresh, OfAnotherUsersTokenIsRefused) {
  SignedIn stage;
  Attempt second = attempt();
  second.id = sha256("second").substr(0, 16);
  const std::string code = stage.code_for(second);
  const Json theirs = body(stage.call_token(stage.token_request(code)));
  stage.events.clear();
  const std::string changes =
      Json::object().set("refresh_token", *theirs.string("refreshToken")).dump();
  stage.expect_refused(stage.refresh_request(changes), Problem::proof_wrong);
}

TEST(Refresh, ATimeStampMustLieWithinTheWindow) {
  SignedIn stage;
  const std::int64_t now = stage.clock.now_ms();
  const std::int64_t window = 10 * 60 * 1000;
  for (const std::int64_t far :
       {now - window - 1, now + window + 1, now + std::int64_t{365} * 86400 * 1000}) {
    stage.expect_refused(stage.signed_at(far), Problem::time_stamp_refused);
  }
  for (const std::int64_t near : {now - window, now + window}) {
    EXPECT_EQ(reason(stage.call_token(stage.signed_at(near))), "");
  }
  const Json told = body(stage.call_token(stage.signed_at(now - window - 1)));
  EXPECT_EQ(told.string("type"), "invalid-timestamp");
  EXPECT_EQ(told.integer("server_time"), now);
}

// dexie-contract 4.2: else a client with a wrong clock runs hot.
TEST(Refresh, TheWindowEndsBeforeTheClientWouldRefreshAgain) {
  SignedIn stage;
  stage.broker.lifetimes.access_token = 7 * 60;
  const std::int64_t now = stage.clock.now_ms();
  stage.expect_refused(stage.signed_at(now - 120'001), Problem::time_stamp_refused);
  EXPECT_EQ(reason(stage.call_token(stage.signed_at(now - 120'000))), "");
  stage.events.clear();
  stage.broker.lifetimes.access_token = 60;
  stage.expect_refused(stage.signed_at(now - stage.broker.skew * 1000 - 1),
                       Problem::time_stamp_refused);
}

TEST(Refresh, EndsWithTheSignIn) {
  SignedIn stage;
  stage.clock.advance(30 * 86400 - 600 + stage.broker.skew);
  EXPECT_EQ(reason(stage.call_token(stage.refresh_request())), "");
  stage.events.clear();
  stage.clock.advance(1);
  stage.expect_refused(stage.refresh_request(), Problem::refresh_expired);
}

TEST(Refresh, IsForTheOriginThatSignedIn) {
  SignedIn stage;
  Request in = stage.refresh_request();
  stage.broker.targets = test::rules({kOrigin, "https://other.example.com:8443"});
  in.origins = {"https://other.example.com:8443"};
  ASSERT_TRUE(stage.broker.targets.allows_origin(in.origins.front()));
  stage.expect_refused(in, Problem::refresh_other_origin);
  in.origins = {};
  stage.expect_refused(in, Problem::refresh_other_origin);
}

TEST(Refresh, ATokenOfAnotherBrokerOrNoTokenAtAllIsRefused) {
  SignedIn stage;
  const auto refuse = [&](std::string_view token, Problem why) {
    const std::string stamp = std::to_string(stage.clock.now_ms());
    const std::string changes =
        Json::object()
            .set("refresh_token", token)
            .set("signature", std::string_view(SignedIn::proof(std::string(token) + stamp)))
            .dump();
    stage.expect_refused(stage.refresh_request(changes), why);
  };
  refuse("x", Problem::refresh_refused);
  refuse(std::string_view(stage.token).substr(1), Problem::refresh_refused);
  refuse(*stage.tokens.string("accessToken"), Problem::refresh_refused);
  Issue issue = *open_refresh_token(stage.token, stage.broker, stage.clock.now());
  issue.now = stage.clock.now();
  refuse(*seal_refresh_token(issue, test::broker("https://other.example")),
         Problem::refresh_refused);
}

TEST(Refresh, NarrowsTheScopesAndNeverWidensThem) {
  SignedIn stage;
  const auto scope = [&](std::string_view changes) {
    const Verdict verdict = stage.call_token(stage.refresh_request(changes));
    const Json reply = body(verdict);
    const auto jwt = split(reply.string("accessToken").value_or(""));
    return jwt ? std::string(jwt->claims.string("scope").value_or("")) : reason(verdict);
  };
  EXPECT_EQ(scope(R"({"scopes":null})"), "ACCESS_DB read");
  EXPECT_EQ(scope(R"({"scopes":["read","admin"]})"), "read");
  EXPECT_EQ(scope(R"({"scopes":null})"), "ACCESS_DB read") << "narrow once is not narrow for ever";
  EXPECT_EQ(scope(R"({"scopes":["admin"]})"), "scope_refused");
  stage.broker.scopes = {"read", "admin"};
  EXPECT_EQ(scope(R"({"scopes":null})"), "read") << "what is not granted any more is gone";
  EXPECT_EQ(scope(R"({"scopes":["admin"]})"), "scope_refused");
  stage.broker.scopes = {"other"};
  EXPECT_EQ(scope(R"({"scopes":null})"), "scope_refused");
}

TEST(Refresh, MayBeDoneTenTimesAMinute) {
  SignedIn stage;
  for (int i = 0; i < kRefreshesAMinute; ++i) {
    stage.clock.milliseconds += 1;
    EXPECT_EQ(reason(stage.call_token(stage.refresh_request())), "");
  }
  stage.clock.milliseconds += 1;
  const Verdict verdict = stage.call_token(stage.refresh_request());
  EXPECT_EQ(reason(verdict), "too_many_requests");
  EXPECT_EQ(status(verdict), 429);
  EXPECT_EQ(header(verdict, "Retry-After"), std::to_string(kRetryAfter));
  stage.clock.advance(60);
  EXPECT_EQ(reason(stage.call_token(stage.refresh_request())), "");
}

TEST(Refresh, OneProofWorksTwentyTimes) {
  SignedIn stage;
  const Request in = stage.refresh_request();
  for (int i = 0; i < kUsesOfATimeStamp; ++i) {
    if (i % kRefreshesAMinute == 0) {
      stage.clock.advance(60);
    }
    EXPECT_EQ(reason(stage.call_token(in)), "") << i;
  }
  stage.clock.advance(60);
  EXPECT_EQ(reason(stage.call_token(in)), "proof_wrong");
  EXPECT_EQ(reason(stage.call_token(stage.refresh_request())), "") << "another proof still works";
}

TEST(Refresh, WithoutTheStoreNothingIsIssued) {
  for (const Problem problem : {Problem::store_down, Problem::store_lost, Problem::store_full}) {
    SignedIn stage;
    stage.store.fails["count"] = problem;
    const Verdict verdict = stage.call_token(stage.refresh_request());
    EXPECT_EQ(reason(verdict), name(problem));
    EXPECT_EQ(status(verdict), 503);
  }
}

TEST(Refresh, OfAClientsUserEndsWithTheClient) {
  SignedIn stage;
  Issue issue = *open_refresh_token(stage.token, stage.broker, stage.clock.now());
  issue.client_id = "server";
  issue.now = stage.clock.now();
  stage.token = *seal_refresh_token(issue, stage.broker);
  stage.expect_refused(stage.refresh_request(), Problem::refresh_refused);
  stage.broker.clients.push_back({"server", sha256("s"), {"client_credentials"}, {"ACCESS_DB"}});
  const Verdict verdict = stage.call_token(stage.refresh_request());
  ASSERT_EQ(reason(verdict), "");
  const auto jwt = split(*body(verdict).string("accessToken"));
  EXPECT_EQ(jwt->claims.string("client_id"), "server");
  stage.events.clear();
  stage.broker.clients.front().grants.clear();
  stage.expect_refused(stage.refresh_request(), Problem::refresh_refused);
}

TEST(Refresh, AFailureIsSpentAndASuccessIsNot) {
  SignedIn stage;
  stage.throttle.spent.clear();
  (void)stage.call_token(stage.refresh_request());
  EXPECT_EQ(stage.throttle.spent[Throttle::Gate::token], 0);
  (void)stage.call_token(stage.signed_at(1'000'000'000'000));
  EXPECT_EQ(stage.throttle.spent[Throttle::Gate::token], 1);
  stage.store.fails["count"] = Problem::store_down;
  (void)stage.call_token(stage.refresh_request());
  EXPECT_EQ(stage.throttle.spent[Throttle::Gate::token], 1) << "what broke is not the client's";
}

}  // namespace
}  // namespace oauth
