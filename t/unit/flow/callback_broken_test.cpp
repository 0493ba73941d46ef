// What a callback says when a port fails: before the claim the page may be reloaded, after it
// nothing can be tried again.
#include "flow/stage.hpp"
#include "oauth/flow/callback.hpp"

namespace oauth {
namespace {

using test::attempt;
using test::cause;
using test::contains;
using test::Events;
using test::header;
using test::id_claims;
using test::id_token;
using test::kJwksUrl;
using test::kMetadataUrl;
using test::kTokenUrl;
using test::kUserinfoUrl;
using test::location;
using test::reason;
using test::Stage;
using test::status;
using test::token_reply;

constexpr std::array kFetchProblems{Problem::fetch_failed,   Problem::fetch_timeout,
                                    Problem::fetch_diverted, Problem::fetch_too_large,
                                    Problem::fetch_busy,     Problem::fetch_untrusted};

TEST(BrokenCallback, WithoutMetadataNothingIsSpentAndThePageMayBeReloaded) {
  for (const Problem problem : kFetchProblems) {
    Stage stage;
    const Request in = stage.callback_request(attempt());
    stage.fetch.say(kMetadataUrl, problem);
    const Verdict first = stage.call_callback(in);
    EXPECT_EQ(reason(first), name(problem));
    EXPECT_EQ(status(first), row(problem).status);
    EXPECT_EQ(first.flow_id, attempt().flow_id);
    const Verdict second = stage.call_callback(in);
    EXPECT_EQ(reason(second), "discovery_cooling");
    EXPECT_EQ(status(second), 503);
    EXPECT_EQ(header(second, "Retry-After"), "5");
    EXPECT_EQ(stage.events, Events{"GET " + kMetadataUrl});

    stage.clock.advance(kDocumentCoolDown);
    stage.fetch.say_json(kMetadataUrl, test::metadata_text());
    EXPECT_EQ(reason(stage.call_callback(in)), "") << "after a reload";
  }
}

TEST(BrokenCallback, AStoreThatIsDownHasClaimedNothingAndThePageMayBeReloaded) {
  for (const Problem problem :
       {Problem::store_down, Problem::store_full, Problem::keyset_mismatch}) {
    Stage stage;
    const Request in = stage.callback_request(attempt());
    stage.store.fails = {{"claim", problem}};
    const Verdict verdict = stage.call_callback(in);
    EXPECT_EQ(reason(verdict), name(problem));
    EXPECT_EQ(status(verdict), 503);
    EXPECT_EQ(header(verdict, "Retry-After"), "5");
    EXPECT_EQ(verdict.flow_id, attempt().flow_id);
    EXPECT_EQ(stage.events, (Events{"GET " + kMetadataUrl, "claim"})) << "nobody else is asked";

    stage.store.fails.clear();
    EXPECT_EQ(reason(stage.call_callback(in)), "") << "after a reload";
  }
}

TEST(BrokenCallback, AClaimWhoseAnswerWasLostMeansToStartAgain) {
  Stage stage;
  stage.store.fails = {{"claim", Problem::store_lost}};
  const Verdict verdict = stage.call_callback(stage.callback_request(attempt()));
  EXPECT_EQ(reason(verdict), "claim_lost");
  EXPECT_EQ(status(verdict), 502);
  EXPECT_EQ(header(verdict, "Retry-After"), "");
  EXPECT_EQ(stage.events, (Events{"GET " + kMetadataUrl, "claim"}));
}

TEST(BrokenCallback, AStateOlderThanWhatTheStoreRemembersMeansToStartAgain) {
  Stage stage;
  stage.store.fails = {{"claim", Problem::store_too_old}};
  const Verdict verdict = stage.call_callback(stage.callback_request(attempt()));
  EXPECT_EQ(reason(verdict), "state_too_old");
  EXPECT_EQ(status(verdict), 400);
  EXPECT_EQ(verdict.reply->body, error_page(Problem::state_refused, "").html);
  EXPECT_EQ(stage.events, (Events{"GET " + kMetadataUrl, "claim"}));
}

// Everything that can break behind the claim, at each of the provider's addresses and at the store.
TEST(BrokenCallback, AfterTheClaimNothingSaysThatItMayBeTriedAgain) {
  for (const Delivery delivery : {Delivery::redirect, Delivery::query, Delivery::popup}) {
    for (const std::string& url : {kTokenUrl, kJwksUrl, kUserinfoUrl}) {
      for (const Problem problem : kFetchProblems) {
        Stage stage;
        Attempt of = attempt();
        of.delivery = delivery;
        const std::string incomplete = id_token(id_claims(R"({"name":null})"));
        stage.fetch.say_json(kTokenUrl, token_reply(incomplete));
        stage.fetch.say(url, problem);
        const Verdict verdict = stage.call_callback(stage.callback_request(of));
        const bool again = row(problem).status == 503;
        EXPECT_EQ(reason(verdict), again ? "claim_lost" : name(problem)) << url;
        EXPECT_EQ(cause(verdict), name(problem)) << url;
        EXPECT_EQ(status(verdict), again ? 502 : row(problem).status) << url;
        EXPECT_EQ(header(verdict, "Retry-After"), "") << url;
        EXPECT_EQ(location(verdict), "") << url;
        EXPECT_EQ(stage.count("claim"), 1) << url;
        EXPECT_EQ(stage.count("POST " + kTokenUrl), 1) << url;
        EXPECT_EQ(stage.count("put"), 0) << url;
      }
    }
  }
}

TEST(BrokenCallback, KeysThatCoolDownAfterTheClaimMeanToStartAgain) {
  Stage stage;
  stage.documents.fail(kJwksUrl, stage.clock.now() + 5);
  const Verdict verdict = stage.call_callback(stage.callback_request(attempt()));
  EXPECT_EQ(reason(verdict), "claim_lost");
  EXPECT_EQ(cause(verdict), "discovery_cooling");
  EXPECT_EQ(status(verdict), 502);
}

TEST(BrokenCallback, ACodeThatCouldNotBeKeptIsNotDelivered) {
  for (const Problem problem :
       {Problem::store_down, Problem::store_lost, Problem::store_full, Problem::keyset_mismatch}) {
    Stage stage;
    stage.store.fails = {{"put", problem}};
    const Verdict verdict = stage.call_callback(stage.callback_request(attempt()));
    EXPECT_EQ(reason(verdict), "claim_lost");
    EXPECT_EQ(cause(verdict), name(problem));
    EXPECT_EQ(status(verdict), 502);
    EXPECT_EQ(header(verdict, "Retry-After"), "");
    EXPECT_EQ(location(verdict), "");
    EXPECT_EQ(stage.count("put"), 1);
  }
}

TEST(BrokenCallback, WithoutRandomnessThereIsNoCode) {
  Stage stage;
  stage.random.fails = Problem::internal;
  const Verdict verdict = stage.call_callback(stage.callback_request(attempt()));
  EXPECT_EQ(reason(verdict), "internal");
  EXPECT_EQ(status(verdict), 500);
  EXPECT_EQ(stage.count("put"), 0);
}

TEST(BrokenCallback, TheLargestIdentityFitsIntoTheStore) {
  Stage stage;
  const std::string large = R"({"name":")" + std::string(1024, 'n') + R"(","picture":")" +
                            std::string(1024, 'p') + R"(","email":")" + std::string(1012, 'e') +
                            R"(@example.com"})";
  stage.fetch.say_json(kTokenUrl, token_reply(id_token(id_claims(large))));
  Attempt of = attempt();
  of.challenge = pkce_challenge("v");
  EXPECT_EQ(reason(stage.call_callback(stage.callback_request(of))), "");
}

TEST(BrokenCallback, AClientThatLeavesWhileTheProviderIsAskedLeavesNothingBehind) {
  Stage stage;
  stage.fetch.parks = true;
  const Request in = stage.callback_request(attempt());
  {
    Task<Verdict> task = callback(in, stage.io);
    task.start();
    EXPECT_EQ(stage.fetch.line.size(), 1U);
  }
  EXPECT_EQ(stage.fetch.line.size(), 0U);
  EXPECT_TRUE(stage.documents.held.empty());
  stage.fetch.parks = false;
  EXPECT_EQ(reason(stage.call_callback(in)), "") << "nothing was spent";
}

// Two sign-ins at once, when the provider has a new key: no one's is lost.
TEST(BrokenCallback, ANewKeyIsFetchedOnceForAllWhoNeedIt) {
  Stage stage;
  stage.documents.keep(kMetadataUrl, test::metadata_text(), stage.clock.now());
  stage.documents.keep(kJwksUrl, test::jwks_text({test::keys().p384}), stage.clock.now() - 60);
  stage.fetch.parks = true;
  stage.clock.parks = true;
  Attempt second = attempt();
  second.id = sha256("second").substr(0, 16);
  const Request one = stage.callback_request(attempt());
  const Request two = stage.callback_request(second);
  Task<Verdict> first_task = callback(one, stage.io);
  Task<Verdict> second_task = callback(two, stage.io);
  first_task.start();
  second_task.start();
  for (int turn = 0; turn < 3; ++turn) {
    stage.fetch.line.resume_first();  // both exchanges, then the keys
  }
  stage.clock.line.resume_first();
  ASSERT_TRUE(first_task.done() && second_task.done());
  EXPECT_EQ(cause(first_task.result()), "");
  EXPECT_EQ(cause(second_task.result()), "");
  EXPECT_EQ(stage.count("GET " + kJwksUrl), 1);
}

// DESIGN 5: Cross-Origin-Opener-Policy would cut the opener, and a reload could not reach it.
TEST(BrokenCallback, NoPageThatMayBeReloadedCutsAPopupFromItsOpener) {
  for (const Delivery delivery : {Delivery::popup, Delivery::redirect}) {
    const std::string wanted = delivery == Delivery::popup ? "" : "same-origin";
    Attempt of = attempt();
    of.delivery = delivery;
    Stage stage;
    const Request in = stage.callback_request(of);
    stage.fetch.say(kMetadataUrl, Problem::fetch_failed);
    EXPECT_EQ(header(stage.call_callback(in), "Cross-Origin-Opener-Policy"), wanted);
    stage.clock.advance(kDocumentCoolDown);
    stage.fetch.say_json(kMetadataUrl, test::metadata_text());
    for (const Problem problem : {Problem::store_down, Problem::store_lost}) {
      stage.store.fails = {{"claim", problem}};
      EXPECT_EQ(header(stage.call_callback(in), "Cross-Origin-Opener-Policy"), wanted);
    }
  }
}

}  // namespace
}  // namespace oauth
