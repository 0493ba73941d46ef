#include "oauth/flow/identify.hpp"

#include "flow/stage.hpp"
#include "oauth/jose/verify.hpp"
#include "oauth/proto/exchange.hpp"

namespace oauth {
namespace {

using test::changed;
using test::Events;
using test::id_claims;
using test::id_token;
using test::jwks_text;
using test::keys;
using test::kJwksUrl;
using test::kNow;
using test::kTokenUrl;
using test::kUserinfoUrl;
using test::outcome;
using test::run;
using test::Stage;
using test::token_reply;

const Events kTokenAndKeys{"POST " + kTokenUrl, "GET " + kJwksUrl};

struct ProofStage : Stage {
  ProofStage() { metadata = *parse_metadata(test::metadata_text(), acme); }
  Result<Identity> ask(std::string_view code = "provider-code") {
    const Proof proof{broker, acme, metadata, attempt, std::string(code), {}};
    return run(identify(proof, io));
  }
  // "" or the name of the problem.
  std::string judge(const std::string& token) {
    fetch.say_json(kTokenUrl, token_reply(token));
    return outcome(ask());
  }
  Metadata metadata;
  Attempt attempt = test::attempt();
};

std::string judge_claims(std::string_view changes) {
  ProofStage stage;
  return stage.judge(id_token(id_claims(changes)));
}

TEST(Identify, ExchangesTheCodeAndBelievesTheIdToken) {
  ProofStage stage;
  const auto who = stage.ask();
  ASSERT_TRUE(who);
  EXPECT_EQ(who->sub(), "acme:u1");
  EXPECT_EQ(who->email, "ann@example.com");
  EXPECT_TRUE(who->email_verified);
  EXPECT_EQ(who->name, "Ann");
  EXPECT_EQ(stage.events, kTokenAndKeys) << "everything was said: nobody else is asked";
}

TEST(Identify, SendsTheTokenRequestThatTheProviderWants) {
  ProofStage stage;
  stage.acme.fetch_location = "/fetch";
  (void)stage.ask("the code");
  const FetchRequest& request = stage.fetch.requests.front();
  const TokenRequest wanted = *token_request(stage.acme, stage.broker, stage.metadata, "the code",
                                             stage.attempt.verifier, {});
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.url, kTokenUrl);
  EXPECT_EQ(request.provider, "acme");
  EXPECT_EQ(request.location, "/fetch");
  EXPECT_EQ(request.body, wanted.body);
  std::string headers;
  for (const Header& header : request.headers) {
    headers += header.name + ": " + header.value + "\n";
  }
  EXPECT_EQ(headers,
            "Accept: application/json\nUser-Agent: ngx_http_oauth_module\n"
            "Content-Type: application/x-www-form-urlencoded\nAuthorization: " +
                wanted.authorization + "\n");
}

TEST(Identify, WithoutBasicThereIsNoAuthorization) {
  ProofStage stage;
  stage.acme.token_auth = TokenAuth::post;
  (void)stage.ask();
  EXPECT_EQ(stage.fetch.requests.front().headers.size(), 3U);
}

TEST(Identify, AfterAFailedExchangeNobodyElseIsAsked) {
  const std::vector<std::pair<Result<FetchReply>, std::string>> table{
      {Problem::fetch_timeout, "fetch_timeout"},
      {Problem::fetch_busy, "fetch_busy"},
      {FetchReply{400, "application/json", R"({"error":"invalid_grant"})"}, "exchange_refused"},
      {FetchReply{200, "text/html", "<html>"}, "exchange_malformed"},
      {FetchReply{500, "", ""}, "exchange_malformed"},
  };
  for (const auto& [reply, wanted] : table) {
    ProofStage stage;
    stage.fetch.say(kTokenUrl, reply);
    EXPECT_EQ(outcome(stage.ask()), wanted);
    EXPECT_EQ(stage.events, Events{"POST " + kTokenUrl});
  }
}

TEST(Identify, NeedsAnIdToken) {
  ProofStage stage;
  stage.fetch.say_json(kTokenUrl, R"({"access_token":"at","token_type":"Bearer"})");
  EXPECT_EQ(outcome(stage.ask()), "token_malformed");
  EXPECT_EQ(stage.judge("not.a.jwt"), "token_malformed");
  EXPECT_EQ(stage.judge(id_token() + ".x"), "token_malformed");
}

TEST(Identify, TheNonceIsThatOfTheAttempt) {
  EXPECT_EQ(judge_claims(R"({"nonce":"another"})"), "token_nonce_wrong");
  EXPECT_EQ(judge_claims(R"({"nonce":""})"), "token_nonce_wrong");
  EXPECT_EQ(judge_claims(R"({"nonce":null})"), "token_nonce_wrong");
  EXPECT_EQ(judge_claims(R"({"nonce":7})"), "token_nonce_wrong");
}

TEST(Identify, TheIssuerIsTheProviders) {
  EXPECT_EQ(judge_claims(R"({"iss":"https://evil.example"})"), "token_issuer_wrong");
  EXPECT_EQ(judge_claims(R"({"iss":"https://op.example/"})"), "token_issuer_wrong");
  EXPECT_EQ(judge_claims(R"({"iss":null})"), "token_issuer_wrong");
}

TEST(Identify, TheAudienceIsUsAlone) {
  EXPECT_EQ(judge_claims(R"({"aud":["client-1"]})"), "");
  EXPECT_EQ(judge_claims(R"({"aud":"client-2"})"), "token_audience_wrong");
  EXPECT_EQ(judge_claims(R"({"aud":null})"), "token_audience_wrong");
  EXPECT_EQ(judge_claims(R"({"aud":["client-1","client-2"],"azp":"client-1"})"),
            "token_audience_wrong");
  EXPECT_EQ(judge_claims(R"({"azp":"client-1"})"), "");
  EXPECT_EQ(judge_claims(R"({"azp":"client-2"})"), "token_azp_wrong");
}

TEST(Identify, TheTimesAreNow) {
  EXPECT_EQ(judge_claims(R"({"exp":1699999971})"), "") << "within the skew";
  EXPECT_EQ(judge_claims(R"({"exp":1699999970})"), "token_expired");
  EXPECT_EQ(judge_claims(R"({"exp":null})"), "token_time_malformed");
  EXPECT_EQ(judge_claims(R"({"iat":null})"), "token_time_malformed");
  EXPECT_EQ(judge_claims(R"({"iat":1700000031})"), "token_not_yet_valid");
  EXPECT_EQ(judge_claims(R"({"nbf":1700000031})"), "token_not_yet_valid");
  ProofStage stage;
  stage.broker.skew = 0;
  EXPECT_EQ(stage.judge(id_token(id_claims(R"({"exp":1700000000})"))), "token_expired");
}

TEST(Identify, TheSubjectIsOne) {
  EXPECT_EQ(judge_claims(R"({"sub":null})"), "token_subject_wrong");
  EXPECT_EQ(judge_claims(R"({"sub":""})"), "token_subject_wrong");
}

TEST(Identify, TheTypeIsThatOfAnIdToken) {
  ProofStage stage;
  const auto of_type = [&stage](std::string_view typ) {
    return stage.judge(*sign(id_claims(), keys().p256, Alg::es256, typ));
  };
  EXPECT_EQ(of_type("JWT"), "");
  EXPECT_EQ(of_type(""), "");
  EXPECT_EQ(of_type("at+jwt"), "token_typ_refused");
  EXPECT_EQ(of_type("logout+jwt"), "token_typ_refused");
}

TEST(Identify, TheAlgorithmIsOneThatTheProviderAnnounced) {
  ProofStage stage;
  stage.fetch.say_json(kJwksUrl, jwks_text(keys().all()));
  EXPECT_EQ(stage.judge(id_token(id_claims(), keys().rsa)), "");
  stage.metadata.id_token_algs = {Alg::es256};
  EXPECT_EQ(stage.judge(id_token(id_claims(), keys().rsa)), "token_alg_refused");
  EXPECT_EQ(stage.judge(id_token(id_claims(), keys().p256)), "");
}

TEST(Identify, ASecretIsNoSigningKeyEvenWhereItIsAnnounced) {
  ProofStage stage;
  stage.metadata.id_token_algs = {Alg::hs256};
  const Key secret = test::secret_key(std::string(32, 's'));
  EXPECT_EQ(stage.judge(*sign(id_claims(), secret, Alg::hs256, "JWT")), "token_alg_refused");
}

TEST(Identify, TheSignatureIsByTheProvidersKey) {
  ProofStage stage;
  const Key stranger = Key::generate_es256()->with_kid("p256");
  EXPECT_EQ(stage.judge(id_token(id_claims(), stranger)), "token_signature_wrong");
  const std::string good = id_token();
  EXPECT_EQ(stage.judge(good.substr(0, good.rfind('.') + 1)), "token_signature_wrong");
}

TEST(Identify, TheHashOfTheAccessTokenFitsWhereItIsSent) {
  const std::string fits = left_half_hash(Alg::es256, "provider-at");
  EXPECT_EQ(judge_claims(R"({"at_hash":")" + fits + R"("})"), "");
  EXPECT_EQ(judge_claims(R"({"at_hash":"wrong"})"), "token_hash_wrong");
  EXPECT_EQ(judge_claims(R"({"at_hash":""})"), "token_hash_wrong");
  EXPECT_EQ(judge_claims(R"({"at_hash":7})"), "token_hash_wrong");
}

// ---- Keys that change

struct NewKey : ProofStage {
  explicit NewKey(std::int64_t age) {
    documents.keep(kJwksUrl, jwks_text({keys().p384}), kNow - age);
  }
};

TEST(Identify, AnUnknownKeyMakesItFetchTheKeysOnce) {
  NewKey stage(kDocumentCoolDown + 1);
  EXPECT_EQ(outcome(stage.ask()), "");
  EXPECT_EQ(stage.events, kTokenAndKeys);
}

TEST(Identify, AKeyThatStaysUnknownIsRefusedAfterOneFetch) {
  NewKey stage(60);
  const std::string stranger = id_token(id_claims(), keys().p256.with_kid("stranger"));
  EXPECT_EQ(stage.judge(stranger), "token_key_unknown");
  EXPECT_EQ(stage.count("GET " + kJwksUrl), 1);
  EXPECT_EQ(stage.judge(stranger), "token_key_unknown");
  stage.clock.advance(kDocumentCoolDown);
  EXPECT_EQ(stage.judge(stranger), "token_key_unknown");
  EXPECT_EQ(stage.count("GET " + kJwksUrl), 1) << "not again within the cool-down";
  stage.clock.advance(1);
  EXPECT_EQ(stage.judge(stranger), "token_key_unknown");
  EXPECT_EQ(stage.count("GET " + kJwksUrl), 2);
}

TEST(Identify, KeysThatJustCameAreNotFetchedAgain) {
  NewKey stage(kDocumentCoolDown);
  EXPECT_EQ(outcome(stage.ask()), "token_key_unknown");
  EXPECT_EQ(stage.count("GET " + kJwksUrl), 0);
}

TEST(Identify, AWrongSignatureIsNoReasonToFetchKeys) {
  ProofStage stage;
  stage.documents.keep(kJwksUrl, jwks_text(), kNow - 60);
  const Key stranger = Key::generate_es256()->with_kid("p256");
  EXPECT_EQ(stage.judge(id_token(id_claims(), stranger)), "token_signature_wrong");
  EXPECT_EQ(stage.count("GET " + kJwksUrl), 0);
}

TEST(Identify, WhereNewKeysCannotBeHadTheOldOnesDecide) {
  NewKey stage(60);
  stage.fetch.say(kJwksUrl, Problem::fetch_failed);
  EXPECT_EQ(outcome(stage.ask()), "token_key_unknown");
  EXPECT_EQ(stage.count("GET " + kJwksUrl), 1);
}

TEST(Identify, WithoutAnyKeysItIsTheFetchThatFailed) {
  ProofStage stage;
  stage.fetch.say(kJwksUrl, Problem::fetch_timeout);
  EXPECT_EQ(outcome(stage.ask()), "fetch_timeout");
  EXPECT_EQ(outcome(stage.ask()), "discovery_cooling");
  stage.clock.advance(kDocumentCoolDown);
  stage.fetch.say_json(kJwksUrl, R"({"keys":[]})");
  EXPECT_EQ(outcome(stage.ask()), "discovery_refused");
}

// ---- Userinfo

TEST(Identify, UserinfoIsAskedForWhatTheIdTokenLeftOut) {
  for (const std::string_view absent : {R"({"email":null})", R"({"email_verified":null})",
                                        R"({"name":null})", R"({"email_verified":"true"})"}) {
    ProofStage stage;
    EXPECT_EQ(stage.judge(id_token(id_claims(absent))), "") << absent;
    EXPECT_EQ(stage.events, (Events{"POST " + kTokenUrl, "GET " + kJwksUrl, "GET " + kUserinfoUrl}))
        << absent;
  }
}

TEST(Identify, UserinfoIsAskedWithTheProvidersToken) {
  ProofStage stage;
  stage.acme.fetch_location = "/fetch";
  stage.judge(id_token(id_claims(R"({"name":null})")));
  const FetchRequest& request = stage.fetch.requests.back();
  EXPECT_EQ(request.url, kUserinfoUrl);
  EXPECT_EQ(request.method, "GET");
  EXPECT_EQ(request.provider, "acme");
  EXPECT_EQ(request.location, "/fetch");
  ASSERT_EQ(request.headers.size(), 3U);
  EXPECT_EQ(request.headers[0].name, "Accept");
  EXPECT_EQ(request.headers[1].name, "User-Agent");
  EXPECT_EQ(request.headers[2].name + ": " + request.headers[2].value,
            "Authorization: Bearer provider-at");
}

TEST(Identify, WithoutUserinfoTheIdTokenIsAll) {
  ProofStage stage;
  stage.metadata.userinfo_endpoint = "";
  stage.fetch.say_json(kTokenUrl, token_reply(id_token(id_claims(R"({"email_verified":null})"))));
  const auto who = stage.ask();
  ASSERT_TRUE(who);
  EXPECT_EQ(who->email, "ann@example.com");
  EXPECT_FALSE(who->email_verified);
  EXPECT_EQ(stage.count("GET " + kUserinfoUrl), 0);
}

TEST(Identify, ABadUserinfoEndsIt) {
  const std::vector<std::pair<Result<FetchReply>, std::string>> table{
      {Problem::fetch_failed, "fetch_failed"},
      {FetchReply{401, "application/json", "{}"}, "userinfo_refused"},
      {FetchReply{200, "application/jwt", "e30"}, "userinfo_refused"},
      {FetchReply{200, "application/json", R"({"sub":"u2","email":"x@y"})"},
       "userinfo_other_subject"},
      {FetchReply{200, "application/json", "{}"}, "userinfo_other_subject"},
  };
  for (const auto& [reply, wanted] : table) {
    ProofStage stage;
    stage.fetch.say(kUserinfoUrl, reply);
    EXPECT_EQ(stage.judge(id_token(id_claims(R"({"name":null})"))), wanted);
  }
}

TEST(Identify, AnAddressAndItsBeingVerifiedComeFromOneStatement) {
  struct Row {
    std::string id_token;  // changes
    std::string userinfo;
    std::string email;
    bool verified;
  };
  const std::vector<Row> table{
      // The signed statement is whole: userinfo does not matter.
      {R"({"name":null})", R"({"email":"other@example.com","email_verified":true})",
       "ann@example.com", true},
      {R"({"name":null,"email_verified":false})",
       R"({"email":"ann@example.com","email_verified":true})", "ann@example.com", false},
      // It is not: all is userinfo's, and nothing is put together.
      {R"({"email_verified":null})", R"({"email":"other@example.com","email_verified":true})",
       "other@example.com", true},
      {R"({"email_verified":null})", R"({"email_verified":true})", "ann@example.com", false},
      {R"({"email":null})", R"({"email":"other@example.com"})", "other@example.com", false},
      {R"({"email":null})", R"({"email":"other@example.com","email_verified":"true"})",
       "other@example.com", false},
      {R"({"email":null,"email_verified":null})", "{}", "", false},
  };
  for (const Row& row : table) {
    ProofStage stage;
    const Json userinfo = changed(test::json(R"({"sub":"u1"})"), row.userinfo);
    stage.fetch.say_json(kUserinfoUrl, userinfo.dump());
    stage.fetch.say_json(kTokenUrl, token_reply(id_token(id_claims(row.id_token))));
    const auto who = stage.ask();
    ASSERT_TRUE(who) << row.id_token << row.userinfo;
    EXPECT_EQ(who->email, row.email) << row.id_token << row.userinfo;
    EXPECT_EQ(who->email_verified, row.verified) << row.id_token << row.userinfo;
  }
}

TEST(Identify, OtherClaimsAreTheIdTokensWhereItHasThem) {
  ProofStage stage;
  stage.fetch.say_json(
      kUserinfoUrl,
      R"({"sub":"u1","email":"a@b.c","email_verified":true,"name":"U","picture":"p"})");
  const auto judge = [&stage](std::string_view changes) {
    stage.fetch.say_json(kTokenUrl, token_reply(id_token(id_claims(changes))));
    const auto who = stage.ask();
    return who ? who->name + " " + who->picture : std::string(name(who.problem()));
  };
  EXPECT_EQ(judge(R"({"name":null})"), "U p");
  EXPECT_EQ(judge(R"({"email":null})"), "Ann p");
  EXPECT_EQ(judge(R"({"email":null,"picture":"q"})"), "Ann q");
}

TEST(Identify, ClaimsThatAreTooLargeAreRefused) {
  const std::string large = R"({"name":")" + std::string(1025, 'n') + R"("})";
  EXPECT_EQ(judge_claims(large), "claims_too_large");
}

// ---- type demo

TEST(IdentifyDemo, ACodeIsTheAddressOfAnAccount) {
  ProofStage stage;
  const Proof proof{stage.broker, stage.demo, stage.metadata, stage.attempt, "bob@demo.local", {}};
  const auto who = run(identify(proof, stage.io));
  ASSERT_TRUE(who);
  EXPECT_EQ(who->claims().dump(), R"({"sub":"demo:bob@demo.local","email":"bob@demo.local",)"
                                  R"("email_verified":true,"name":"Bob"})");
  EXPECT_TRUE(stage.untouched());
}

TEST(IdentifyDemo, NobodyElseIsThere) {
  ProofStage stage;
  for (const std::string_view code : {"", "eve@demo.local", "Ann", "ANN@demo.local"}) {
    const Proof proof{stage.broker,  stage.demo,        stage.metadata,
                      stage.attempt, std::string(code), {}};
    EXPECT_EQ(outcome(run(identify(proof, stage.io))), "exchange_refused") << code;
  }
}

}  // namespace
}  // namespace oauth
