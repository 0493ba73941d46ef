#include "oauth/flow/documents.hpp"

#include <memory>

#include "flow/stage.hpp"

namespace oauth {
namespace {

using test::Events;
using test::kJwksUrl;
using test::kMetadataUrl;
using test::kNow;
using test::outcome;
using test::run;
using test::Stage;

const std::string kUrl = "https://op.example/document";
const Events kOneFetch{"GET " + kUrl};

// A document of a fixed text, or none.
bool is_good(std::string_view body) {
  return body.starts_with("good");
}

struct DocumentStage : Stage {
  DocumentStage() { fetch.say_json(kUrl, "good 1"); }
  DocumentQuery query() {
    return {kUrl, acme.name, acme.fetch_location, is_good, clock.now() - kDocumentFresh};
  }
  // The body, or the name of the problem.
  std::string get() {
    const DocumentQuery asked = query();
    const auto got = run(document(asked, io));
    return got ? got->body : std::string(name(got.problem()));
  }
  void keep(std::string_view body, std::int64_t age) {
    documents.keep(kUrl, body, clock.now() - age);
  }
};

TEST(Document, IsFetchedOnceAndKept) {
  DocumentStage stage;
  EXPECT_EQ(stage.get(), "good 1");
  EXPECT_EQ(stage.get(), "good 1");
  EXPECT_EQ(stage.events, kOneFetch);
  ASSERT_EQ(stage.documents.kept.count(kUrl), 1U);
  EXPECT_EQ(stage.documents.kept[kUrl].fetched, kNow);
  EXPECT_TRUE(stage.documents.held.empty());
}

TEST(Document, IsAskedForAsAnyonesWouldBe) {
  DocumentStage stage;
  stage.acme.fetch_location = "/fetch";
  stage.get();
  ASSERT_EQ(stage.fetch.requests.size(), 1U);
  const FetchRequest& request = stage.fetch.requests.front();
  EXPECT_EQ(request.provider, "acme");
  EXPECT_EQ(request.location, "/fetch");
  EXPECT_EQ(request.method, "GET");
  EXPECT_EQ(request.body, "");
  ASSERT_EQ(request.headers.size(), 1U);
  EXPECT_EQ(request.headers.front().name, "Accept");
  EXPECT_EQ(request.headers.front().value, "application/json");
}

TEST(Document, AFreshCopyIsNotFetched) {
  DocumentStage stage;
  stage.keep("good 0", kDocumentFresh);
  EXPECT_EQ(stage.get(), "good 0");
  EXPECT_TRUE(stage.events.empty());
}

TEST(Document, AnOlderCopyIsFetchedAnew) {
  DocumentStage stage;
  stage.keep("good 0", kDocumentFresh + 1);
  EXPECT_EQ(stage.get(), "good 1");
  EXPECT_EQ(stage.events, kOneFetch);
}

TEST(Document, AStaleCopyServesWhereNoNewOneCanBeHad) {
  DocumentStage stage;
  stage.keep("good 0", kDocumentStale - 1);
  stage.fetch.say(kUrl, Problem::fetch_timeout);
  EXPECT_EQ(stage.get(), "good 0");
  EXPECT_EQ(stage.get(), "good 0") << "while failures are not tried again";
  EXPECT_EQ(stage.events, kOneFetch);
  stage.clock.advance(kDocumentCoolDown);
  EXPECT_EQ(stage.get(), "fetch_timeout") << "too old by now";
}

TEST(Document, ACopyTooOldIsNotUsed) {
  DocumentStage stage;
  stage.keep("good 0", kDocumentStale);
  stage.fetch.say(kUrl, Problem::fetch_failed);
  EXPECT_EQ(stage.get(), "fetch_failed");
}

TEST(Document, AFailureIsNotTriedAgainUntilItHasCooled) {
  DocumentStage stage;
  stage.fetch.say(kUrl, Problem::fetch_failed);
  EXPECT_EQ(stage.get(), "fetch_failed");
  stage.fetch.say_json(kUrl, "good 2");
  EXPECT_EQ(stage.get(), "discovery_cooling");
  stage.clock.advance(kDocumentCoolDown - 1);
  EXPECT_EQ(stage.get(), "discovery_cooling");
  EXPECT_EQ(stage.events, kOneFetch);
  stage.clock.advance(1);
  EXPECT_EQ(stage.get(), "good 2");
}

TEST(Document, EachFailureOfTheFetchIsItsOwn) {
  for (const Problem problem :
       {Problem::fetch_failed, Problem::fetch_timeout, Problem::fetch_diverted,
        Problem::fetch_too_large, Problem::fetch_busy, Problem::fetch_untrusted}) {
    DocumentStage stage;
    stage.fetch.say(kUrl, problem);
    EXPECT_EQ(stage.get(), name(problem));
    EXPECT_TRUE(stage.documents.held.empty());
  }
}

TEST(Document, WhatIsNotAcceptableIsRefusedAndReplacesNothing) {
  const std::vector<FetchReply> replies{
      {404, "application/json", "good"},  {500, "application/json", "good"},
      {301, "application/json", "good"},  {204, "", ""},
      {200, "application/json", "wrong"}, {200, "application/json", ""},
  };
  for (const FetchReply& reply : replies) {
    DocumentStage stage;
    stage.fetch.say(kUrl, reply);
    EXPECT_EQ(stage.get(), "discovery_refused") << reply.status << reply.body;
    EXPECT_EQ(stage.get(), "discovery_cooling") << reply.status << reply.body;
    EXPECT_TRUE(stage.documents.kept.empty());

    DocumentStage later;
    later.keep("good 0", kDocumentFresh + 1);
    later.fetch.say(kUrl, reply);
    EXPECT_EQ(later.get(), "good 0") << reply.status << reply.body;
    EXPECT_EQ(later.documents.kept[kUrl].body, "good 0");
  }
}

// Two requests at once: both are started before the provider has answered the first.
struct TwoAtOnce : DocumentStage {
  TwoAtOnce() {
    fetch.parks = true;
    clock.parks = true;
  }
  using Got = Task<Result<Documents::Document>>;
  std::unique_ptr<Got> start() {
    auto task = std::make_unique<Got>(document(asked, io));
    task->start();
    return task;
  }
  DocumentQuery asked = query();
};

TEST(Document, IsFetchedOnceForAllWhoWait) {
  TwoAtOnce stage;
  const auto first = stage.start();
  const auto second = stage.start();
  EXPECT_FALSE(first->done());
  EXPECT_FALSE(second->done());
  stage.fetch.line.resume_first();
  ASSERT_TRUE(first->done());
  stage.clock.line.resume_first();
  ASSERT_TRUE(second->done());
  EXPECT_EQ(first->result()->body, "good 1");
  EXPECT_EQ(second->result()->body, "good 1");
  EXPECT_EQ(stage.events, (Events{"GET " + kUrl, "pause"}));
}

TEST(Document, WhoWaitedIsToldThatTheFetchFailed) {
  TwoAtOnce stage;
  stage.fetch.say(kUrl, Problem::fetch_failed);
  const auto first = stage.start();
  const auto second = stage.start();
  stage.fetch.line.resume_first();
  stage.clock.line.resume_first();
  ASSERT_TRUE(first->done() && second->done());
  EXPECT_EQ(outcome(first->result()), "fetch_failed");
  EXPECT_EQ(outcome(second->result()), "discovery_cooling");
}

TEST(Document, AClientThatLeavesInMidFetchHoldsUpNobody) {
  TwoAtOnce stage;
  auto first = stage.start();
  const auto second = stage.start();
  first.reset();
  EXPECT_EQ(stage.fetch.line.size(), 0U);
  stage.clock.line.resume_first();
  ASSERT_FALSE(second->done()) << "it fetches now";
  stage.fetch.line.resume_first();
  ASSERT_TRUE(second->done());
  EXPECT_EQ(second->result()->body, "good 1");
}

TEST(Document, AClientThatLeavesWhileItWaitsDisturbsNobody) {
  TwoAtOnce stage;
  const auto first = stage.start();
  auto second = stage.start();
  second.reset();
  EXPECT_EQ(stage.clock.line.size(), 0U);
  stage.fetch.line.resume_first();
  ASSERT_TRUE(first->done());
  EXPECT_EQ(first->result()->body, "good 1");
}

TEST(Document, NobodyWaitsWhereAStaleCopyServes) {
  TwoAtOnce stage;
  stage.keep("good 0", kDocumentFresh + 1);
  const auto first = stage.start();
  const auto second = stage.start();
  ASSERT_TRUE(second->done());
  EXPECT_EQ(second->result()->body, "good 0");
  stage.fetch.line.resume_first();
  ASSERT_TRUE(first->done());
  EXPECT_EQ(first->result()->body, "good 1");
}

// An unknown key: the copy that is there has been tried already.
TEST(Document, WhoNeedsANewerCopyThanUsualWaitsForTheOneThatIsFetched) {
  TwoAtOnce stage;
  stage.keep("good 0", 60);
  stage.asked.not_before = kNow - kDocumentCoolDown;
  const auto first = stage.start();
  const auto second = stage.start();
  ASSERT_FALSE(second->done());
  stage.fetch.line.resume_first();
  stage.clock.line.resume_first();
  ASSERT_TRUE(first->done() && second->done());
  EXPECT_EQ(first->result()->body, "good 1");
  EXPECT_EQ(second->result()->body, "good 1");
  EXPECT_EQ(stage.events, (Events{"GET " + kUrl, "pause"}));
}

TEST(Document, WhoWaitedForANewerCopyGetsTheOldOneWhereThereIsNone) {
  TwoAtOnce stage;
  stage.keep("good 0", 60);
  stage.asked.not_before = kNow - kDocumentCoolDown;
  stage.fetch.say(kUrl, Problem::fetch_failed);
  const auto first = stage.start();
  const auto second = stage.start();
  stage.fetch.line.resume_first();
  stage.clock.line.resume_first();
  ASSERT_TRUE(first->done() && second->done());
  EXPECT_EQ(first->result()->body, "good 0");
  EXPECT_EQ(second->result()->body, "good 0");
}

TEST(Document, NobodyWaitsLongerThanAFetchMayTake) {
  DocumentStage stage;
  stage.documents.held[kUrl] = kNow + 10 * kDocumentHold;
  EXPECT_EQ(stage.get(), "discovery_cooling");
  EXPECT_EQ(stage.clock.now(), kNow + kDocumentHold);
  EXPECT_EQ(stage.count("pause"), stage.events.size());
}

TEST(Document, AHolderThatIsNeverHeardOfAgainIsReplaced) {
  DocumentStage stage;
  stage.documents.held[kUrl] = kNow + kDocumentHold;
  EXPECT_EQ(stage.get(), "good 1");
}

TEST(Document, IsRefreshedByOneWhoFindsItOldAndFree) {
  DocumentStage stage;
  const DocumentQuery query = stage.query();
  stage.keep("good 0", kDocumentFresh);
  refresh_document(query, stage.io);
  EXPECT_TRUE(stage.events.empty()) << "another was faster";
  stage.keep("good 0", kDocumentFresh + 1);
  stage.documents.held[kUrl] = kNow + 1;
  refresh_document(query, stage.io);
  EXPECT_TRUE(stage.events.empty()) << "another is at it";
  stage.documents.fail(kUrl, kNow + 1);
  refresh_document(query, stage.io);
  EXPECT_TRUE(stage.events.empty()) << "it failed a moment ago";
  stage.clock.advance(1);
  refresh_document(query, stage.io);
  EXPECT_EQ(stage.events, Events{"behind: GET " + kUrl});
}

TEST(MetadataOf, AnOpenIdProviderIsItsDocument) {
  Stage stage;
  const auto metadata = run(metadata_of(stage.acme, stage.io));
  ASSERT_TRUE(metadata);
  EXPECT_EQ(metadata->token_endpoint, "https://op.example/token");
  EXPECT_EQ(stage.events, Events{"GET " + kMetadataUrl});
}

TEST(MetadataOf, TheDemoProviderIsFetchedFromNobody) {
  Stage stage;
  const auto metadata = run(metadata_of(stage.demo, stage.io));
  ASSERT_TRUE(metadata);
  EXPECT_EQ(metadata->authorization_endpoint, "");
  EXPECT_TRUE(stage.untouched());
}

TEST(MetadataOf, ADocumentOfAnotherIssuerIsRefusedAndTheGoodOneStays) {
  Stage stage;
  stage.documents.keep(kMetadataUrl, test::metadata_text(), kNow - kDocumentFresh - 1);
  stage.fetch.say_json(kMetadataUrl, R"({"issuer":"https://evil.example"})");
  EXPECT_EQ(outcome(run(metadata_of(stage.acme, stage.io))), "");
  stage.documents.kept.clear();
  stage.clock.advance(kDocumentCoolDown);
  EXPECT_EQ(outcome(run(metadata_of(stage.acme, stage.io))), "discovery_refused");
  EXPECT_EQ(outcome(run(metadata_of(stage.acme, stage.io))), "discovery_cooling");
}

// Two providers of one URL share a copy: each judges it for itself.
TEST(MetadataOf, WhatWasKeptIsJudgedAgain) {
  Stage stage;
  stage.documents.keep(kMetadataUrl, R"({"issuer":"https://evil.example"})", kNow);
  EXPECT_EQ(outcome(run(metadata_of(stage.acme, stage.io))), "discovery_refused");
}

Result<KeySet> keys_from(Stage& stage, std::int64_t not_before) {
  Metadata metadata;
  metadata.jwks_uri = kJwksUrl;
  return run(keys_of(stage.acme, metadata, not_before, stage.io));
}

TEST(KeysOf, AreThoseOfACopyThatIsNewEnough) {
  Stage stage;
  stage.documents.keep(kJwksUrl, test::jwks_text({test::keys().p256, test::keys().p384}),
                       kNow - 100);
  const auto old = keys_from(stage, kNow - 100);
  ASSERT_TRUE(old);
  EXPECT_EQ(old->keys().size(), 2U);
  const auto newer = keys_from(stage, kNow - 99);
  ASSERT_TRUE(newer);
  EXPECT_EQ(newer->keys().size(), 1U);
}

TEST(KeysOf, ASetWithoutAUsableKeyIsRefused) {
  Stage stage;
  stage.fetch.say_json(kJwksUrl, R"({"keys":[]})");
  EXPECT_EQ(outcome(keys_from(stage, kNow)), "discovery_refused");
  EXPECT_TRUE(stage.documents.kept.empty());
  stage.documents.keep(kJwksUrl, R"({"keys":[]})", kNow);
  EXPECT_EQ(outcome(keys_from(stage, kNow)), "key_set_empty");
}

}  // namespace
}  // namespace oauth
