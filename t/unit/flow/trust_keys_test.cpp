#include "oauth/flow/trust_keys.hpp"

#include "flow/stage.hpp"
#include "oauth/flow/protect.hpp"
#include "oauth/jose/sign.hpp"

namespace oauth {
namespace {

using test::changed;
using test::Events;
using test::keys;
using test::kJwksUrl;
using test::kMetadataUrl;
using test::kNow;
using test::reason;
using test::run;

const Events kBoth{"GET " + kMetadataUrl, "GET " + kJwksUrl};

// A location that believes the tokens of https://op.example, whose keys are fetched.
struct KeysStage : test::Stage {
  KeysStage() {
    Trust trust;
    trust.expect.issuer = "https://op.example";
    trust.expect.audiences = {"api"};
    trust.expect.typs = {"", "JWT", "at+jwt"};
    guard.trusts.push_back(trust);
  }
  Trust& trust() { return guard.trusts.front(); }
  std::optional<KeysAtHand> at_hand() {
    return trust_keys.at_hand(trust(), documents, clock.now());
  }
  std::string token(const Key& key) {
    const Json claims = Json::object()
                            .set("iss", "https://op.example")
                            .set("aud", "api")
                            .set("sub", "u1")
                            .set("exp", clock.now() + 600);
    return *sign(claims, key, key.algs().has(Alg::es256) ? Alg::es256 : Alg::es384, "JWT");
  }
  std::string good() { return token(keys().p256.with_kid("p256")); }
  // As signed by a key that the issuer has not published yet.
  std::string unknown() { return token(keys().p384.with_kid("p384")); }
  // "entered", or the name of the problem.
  std::string ask(const std::string& token) {
    Credentials in;
    const std::string header = "Bearer " + token;
    in.authorization = header;
    in.authorizations = 1;
    const Verdict verdict = run(protect(in, guard, io));
    return verdict.admission ? "entered" : reason(verdict);
  }
  void publish(const std::vector<Key>& of) { fetch.say_json(kJwksUrl, test::jwks_text(of)); }
  void publish_both() { publish({keys().p256.with_kid("p256"), keys().p384.with_kid("p384")}); }
  Guard guard;
};

TEST(TrustKeys, LocalOnesAreAtHandAtOnceAndNeverFetched) {
  KeysStage stage;
  stage.trust().keys = std::make_shared<const KeySet>(std::vector<Key>{keys().p256});
  const auto found = stage.at_hand();
  ASSERT_TRUE(found);
  EXPECT_EQ(found->keys, stage.trust().keys.get());
  EXPECT_FALSE(stage.trust_keys.wants_refresh(stage.trust(), kNow + 100 * kDocumentFresh));
  EXPECT_EQ(stage.ask(stage.unknown()), "token_key_unknown");
  EXPECT_TRUE(stage.events.empty());
  EXPECT_EQ(stage.documents.looks, 0);
}

TEST(TrustKeys, AreFetchedAtFirstUseByTheIssuersMetadata) {
  KeysStage stage;
  stage.publish_both();
  EXPECT_FALSE(stage.at_hand());
  EXPECT_EQ(stage.ask(stage.good()), "entered");
  EXPECT_EQ(stage.events, kBoth);
  EXPECT_EQ(stage.fetch.requests.front().provider, "https://op.example");
  EXPECT_EQ(stage.ask(stage.good()), "entered");
  EXPECT_EQ(stage.events, kBoth);
}

TEST(TrustKeys, AreFetchedFromWhereTheConfigurationSays) {
  KeysStage stage;
  stage.trust().jwks_uri = "https://keys.example/set";
  stage.fetch.say_json("https://keys.example/set", test::jwks_text({keys().p256.with_kid("p256")}));
  EXPECT_EQ(stage.ask(stage.good()), "entered");
  EXPECT_EQ(stage.events, Events{"GET https://keys.example/set"});
}

// req 067
TEST(TrustKeys, MetadataOfAnotherIssuerLeadsNowhere) {
  for (const char* issuer : {"https://op.example/", "https://evil.example", "HTTPS://op.example"}) {
    KeysStage stage;
    stage.fetch.say_json(kMetadataUrl, changed(test::json(test::metadata_text()),
                                               Json::object().set("issuer", issuer).dump())
                                           .dump());
    EXPECT_EQ(stage.ask(stage.good()), "discovery_refused") << issuer;
    EXPECT_EQ(stage.events, Events{"GET " + kMetadataUrl});
    ASSERT_EQ(stage.warnings.size(), 1U);
    EXPECT_NE(stage.warnings.front().find("https://op.example"), std::string::npos);
  }
}

// req 068
TEST(TrustKeys, KeysInPlacesThatNobodyNamedAreNotFetched) {
  for (const char* uri : {"http://op.example/jwks", "https://169.254.169.254/", "/jwks", ""}) {
    KeysStage stage;
    stage.fetch.say_json(kMetadataUrl, changed(test::json(test::metadata_text()),
                                               Json::object().set("jwks_uri", uri).dump())
                                           .dump());
    EXPECT_EQ(stage.ask(stage.good()), "discovery_refused") << uri;
  }
}

TEST(TrustKeys, ARequestLooksAtTheDocumentsOnceASecondAtMost) {
  KeysStage stage;
  stage.publish_both();
  EXPECT_EQ(stage.ask(stage.good()), "entered");
  const int looks = stage.documents.looks;
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(stage.ask(stage.good()), "entered");
  }
  EXPECT_EQ(stage.documents.looks, looks);
  stage.clock.advance(1);
  EXPECT_EQ(stage.ask(stage.good()), "entered");
  EXPECT_GT(stage.documents.looks, looks);
}

TEST(TrustKeys, WhatAnotherWorkerFetchedIsFoundASecondLater) {
  KeysStage stage;
  stage.publish({keys().p256.with_kid("p256")});
  EXPECT_EQ(stage.ask(stage.good()), "entered");
  stage.clock.advance(1);
  stage.documents.keep(kJwksUrl, test::jwks_text({keys().p384.with_kid("p384")}),
                       stage.clock.now());
  EXPECT_EQ(stage.ask(stage.unknown()), "entered");
  EXPECT_EQ(stage.ask(stage.good()), "token_key_unknown") << "a key that is gone";
  EXPECT_EQ(stage.events, kBoth) << "nobody was asked again";
}

TEST(TrustKeys, AreAsOldAsTheDocumentThatSomebodyFetched) {
  KeysStage stage;
  stage.trust().jwks_uri = kJwksUrl;
  stage.documents.keep(kJwksUrl, test::jwks_text({keys().p256.with_kid("p256")}), kNow - 100);
  const auto found = stage.at_hand();
  ASSERT_TRUE(found);
  EXPECT_EQ(found->fetched, kNow - 100);
  stage.trust().max_stale = 100;
  EXPECT_FALSE(stage.at_hand());
}

// Other workers have fetched both, the keys in the second in which we fetched the old ones.
TEST(TrustKeys, FollowAnIssuerWhoMovesThem) {
  KeysStage stage;
  stage.publish({keys().p256.with_kid("p256")});
  EXPECT_EQ(stage.ask(stage.good()), "entered");
  const std::string moved = "https://op.example/moved";
  const std::string metadata =
      changed(test::json(test::metadata_text()), Json::object().set("jwks_uri", moved).dump())
          .dump();
  stage.documents.keep(moved, test::jwks_text({keys().p384.with_kid("p384")}), stage.clock.now());
  stage.clock.advance(1);
  stage.documents.keep(kMetadataUrl, metadata, stage.clock.now());
  EXPECT_EQ(stage.ask(stage.unknown()), "entered");
  EXPECT_EQ(stage.ask(stage.good()), "token_key_unknown");
}

// ---- unknown keys (req 121, 122)

TEST(TrustKeys, AnUnknownKeyFetchesThemOnceAndWorks) {
  KeysStage stage;
  stage.publish({keys().p256.with_kid("p256")});
  EXPECT_EQ(stage.ask(stage.good()), "entered");
  stage.clock.advance(kDocumentCoolDown + 1);
  stage.publish_both();
  EXPECT_EQ(stage.ask(stage.unknown()), "entered");
  EXPECT_EQ(stage.events.size(), 3U);
  EXPECT_EQ(stage.events.back(), "GET " + kJwksUrl);
}

TEST(TrustKeys, AFloodOfUnknownKeysIsOneFetchACoolDown) {
  KeysStage stage;
  stage.publish({keys().p256.with_kid("p256")});
  EXPECT_EQ(stage.ask(stage.good()), "entered");
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(stage.ask(stage.unknown()), "token_key_unknown");
  }
  EXPECT_EQ(stage.events.size(), 2U);
  stage.clock.advance(kDocumentCoolDown + 1);
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(stage.ask(stage.unknown()), "token_key_unknown");
  }
  EXPECT_EQ(stage.events.size(), 3U);
}

TEST(TrustKeys, TheCoolDownHoldsWhileEverythingFails) {
  KeysStage stage;
  stage.publish({keys().p256.with_kid("p256")});
  EXPECT_EQ(stage.ask(stage.good()), "entered");
  stage.clock.advance(kDocumentCoolDown + 1);
  stage.fetch.say(kJwksUrl, Problem::fetch_timeout);
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(stage.ask(stage.unknown()), "token_key_unknown");
    EXPECT_EQ(stage.ask(stage.good()), "entered") << "which harms nobody else";
  }
  EXPECT_EQ(stage.events.size(), 3U);
}

TEST(TrustKeys, ForgedTokensWithAKnownKidFetchNothing) {
  KeysStage stage;
  stage.publish_both();
  EXPECT_EQ(stage.ask(stage.good()), "entered");
  stage.clock.advance(kDocumentCoolDown + 1);
  EXPECT_EQ(stage.ask(stage.good() + "A"), "token_signature_wrong");
  std::string forged = stage.good();
  forged[forged.size() - 10] = forged[forged.size() - 10] == 'A' ? 'B' : 'A';
  EXPECT_EQ(stage.ask(forged), "token_signature_wrong");
  EXPECT_EQ(stage.events, kBoth);
}

// ---- getting old (req 123)

TEST(TrustKeys, AnHourLaterTheyAreFetchedAnewBehindARequest) {
  KeysStage stage;
  stage.publish({keys().p256.with_kid("p256")});
  EXPECT_EQ(stage.ask(stage.good()), "entered");
  stage.clock.advance(kDocumentFresh + 1);
  stage.publish({keys().p384.with_kid("p384")});
  EXPECT_EQ(stage.ask(stage.good()), "entered");
  EXPECT_EQ(stage.ask(stage.good()), "entered");
  const Events behind{kBoth[0], kBoth[1], "behind: " + kBoth[0], "behind: " + kBoth[1]};
  EXPECT_EQ(stage.events, behind) << "once, and nobody waits";
  stage.fetch.end_refreshes();
  stage.clock.advance(1);
  EXPECT_EQ(stage.ask(stage.unknown()), "entered");
  EXPECT_EQ(stage.ask(stage.good()), "token_key_unknown");
  EXPECT_EQ(stage.events, behind);
}

TEST(TrustKeys, TheLastGoodOnesServeUntilMaxStaleThenNobodyIsBelieved) {
  for (const auto& bad : {Result<FetchReply>(Problem::fetch_failed),
                          Result<FetchReply>(FetchReply{200, "text/html", "<html>"}),
                          Result<FetchReply>(FetchReply{200, "", R"({"keys":[]})"}),
                          Result<FetchReply>(FetchReply{500, "", test::jwks_text()})}) {
    KeysStage stage;
    stage.trust().max_stale = 2 * kDocumentFresh;
    stage.publish({keys().p256.with_kid("p256")});
    EXPECT_EQ(stage.ask(stage.good()), "entered");
    const std::int64_t fetched = stage.clock.now();
    stage.fetch.say(kJwksUrl, bad);
    while (stage.clock.now() < fetched + 2 * kDocumentFresh - 61) {
      stage.clock.advance(60);
      EXPECT_EQ(stage.ask(stage.good()), "entered");
      stage.fetch.end_refreshes();
    }
    stage.clock.advance(fetched + 2 * kDocumentFresh - stage.clock.now());
    EXPECT_FALSE(stage.at_hand());
    EXPECT_NE(stage.ask(stage.good()), "entered");
    EXPECT_EQ(stage.ask(stage.good()), "discovery_cooling");
    stage.publish_both();
    stage.clock.advance(kDocumentCoolDown);
    EXPECT_EQ(stage.ask(stage.good()), "entered") << "who mends his ways is believed";
  }
}

TEST(TrustKeys, AreFetchedAnewAtHalfOfAShortMaxStale) {
  KeysStage stage;
  stage.trust().jwks_uri = kJwksUrl;
  stage.trust().max_stale = 100;
  stage.publish({keys().p256.with_kid("p256")});
  EXPECT_EQ(stage.ask(stage.good()), "entered");
  stage.clock.advance(50);
  EXPECT_EQ(stage.ask(stage.good()), "entered");
  EXPECT_EQ(stage.events.size(), 1U);
  stage.clock.advance(1);
  EXPECT_EQ(stage.ask(stage.good()), "entered");
  EXPECT_EQ(stage.events.back(), "behind: GET " + kJwksUrl);
}

TEST(TrustKeys, MetadataGetsNoOlderThanTheKeysMay) {
  KeysStage stage;
  stage.trust().max_stale = 100;
  stage.publish({keys().p256.with_kid("p256")});
  EXPECT_EQ(stage.ask(stage.good()), "entered");
  stage.clock.advance(100);
  stage.fetch.say(kMetadataUrl, Problem::fetch_failed);
  EXPECT_EQ(stage.ask(stage.good()), "fetch_failed");
}

TEST(TrustKeys, MetadataThatIsNoneReplacesNoGoodOne) {
  KeysStage stage;
  stage.publish({keys().p256.with_kid("p256")});
  EXPECT_EQ(stage.ask(stage.good()), "entered");
  const std::string good = stage.documents.kept[kMetadataUrl].body;
  stage.clock.advance(kDocumentFresh + 1);
  stage.fetch.say_json(kMetadataUrl, R"({"issuer":"https://evil.example"})");
  EXPECT_EQ(stage.ask(stage.good()), "entered");
  stage.fetch.end_refreshes();
  EXPECT_EQ(stage.documents.kept[kMetadataUrl].body, good);
  EXPECT_EQ(stage.warnings.size(), 1U);
}

TEST(TrustKeys, AFailedRefreshIsTriedAgainOnceACoolDown) {
  KeysStage stage;
  stage.trust().jwks_uri = kJwksUrl;
  stage.publish({keys().p256.with_kid("p256")});
  EXPECT_EQ(stage.ask(stage.good()), "entered");
  stage.clock.advance(kDocumentFresh + 1);
  stage.fetch.say(kJwksUrl, Problem::fetch_failed);
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(stage.ask(stage.good()), "entered");
    stage.fetch.end_refreshes();
  }
  EXPECT_EQ(stage.events.size(), 2U);
  stage.clock.advance(kDocumentCoolDown);
  EXPECT_EQ(stage.ask(stage.good()), "entered");
  EXPECT_EQ(stage.events.size(), 3U);
}

TEST(TrustKeys, ARefreshThatEndsWithItsRequestHoldsUpNobody) {
  KeysStage stage;
  stage.trust().jwks_uri = kJwksUrl;
  stage.publish({keys().p256.with_kid("p256")});
  EXPECT_EQ(stage.ask(stage.good()), "entered");
  stage.clock.advance(kDocumentFresh + 1);
  EXPECT_EQ(stage.ask(stage.good()), "entered");
  EXPECT_EQ(stage.documents.held.count(kJwksUrl), 1U);
  stage.fetch.behind.clear();
  EXPECT_EQ(stage.documents.held.count(kJwksUrl), 0U);
}

// ---- what is no key

// req 112
TEST(TrustKeys, KeysThatAreLeftOutAreNamedOnceASet) {
  KeysStage stage;
  Json set = Json::array();
  set.push(keys().p256.with_kid("p256").public_jwk());
  set.push(Json::object().set("kty", "oct").set("kid", "mac").set("k", std::string(43, 'A')));
  stage.fetch.say_json(kJwksUrl, Json::object().set("keys", set).dump());
  EXPECT_EQ(stage.ask(stage.good()), "entered");
  stage.clock.advance(1);
  EXPECT_EQ(stage.ask(stage.good()), "entered");
  ASSERT_EQ(stage.warnings.size(), 1U);
  EXPECT_EQ(stage.warnings.front(),
            "a key of \"https://op.example\" is left out: kid `mac`: symmetric key");
}

TEST(TrustKeys, ASetWithoutAKeyIsToldOf) {
  KeysStage stage;
  stage.fetch.say_json(kJwksUrl, R"({"keys":[]})");
  EXPECT_EQ(stage.ask(stage.good()), "discovery_refused");
  ASSERT_EQ(stage.warnings.size(), 1U);
  EXPECT_NE(stage.warnings.front().find("\"https://op.example\" publishes as its keys"),
            std::string::npos);
}

// req 124: the same document, another issuer.
TEST(TrustKeys, AKeyOfAnotherIssuerIsNone) {
  KeysStage stage;
  const Json foreign = keys().p256.with_kid("p256").public_jwk().set("issuer", "https://x.example");
  stage.fetch.say_json(kJwksUrl, Json::object().set("keys", Json::array().push(foreign)).dump());
  EXPECT_EQ(stage.ask(stage.good()), "discovery_refused");
  stage.documents.keep(kJwksUrl, Json::object().set("keys", Json::array().push(foreign)).dump(),
                       stage.clock.now());
  EXPECT_EQ(stage.ask(stage.good()), "key_set_empty") << "another reader of the URL may keep it";
}

TEST(TrustKeys, TwoIssuersHaveTheirOwn) {
  KeysStage stage;
  stage.publish({keys().p256.with_kid("p256")});
  Trust other = stage.trust();
  other.expect.issuer = "https://other.example";
  other.jwks_uri = "https://other.example/jwks";
  stage.fetch.say_json(other.jwks_uri, test::jwks_text({keys().p384.with_kid("p256")}));
  stage.guard.trusts.push_back(other);
  EXPECT_EQ(stage.ask(stage.good()), "entered");
  ASSERT_TRUE(run(stage.trust_keys.fetch_keys(other, kNow, stage.io)));
  const auto theirs = stage.trust_keys.at_hand(other, stage.documents, kNow);
  ASSERT_TRUE(theirs);
  EXPECT_EQ(theirs->keys->keys().front().thumbprint(), keys().p384.thumbprint());
  EXPECT_EQ(stage.at_hand()->keys->keys().front().thumbprint(), keys().p256.thumbprint());
}

TEST(TrustKeys, OfOneIssuerAreAtHandForNoOther) {
  KeysStage stage;
  stage.publish({keys().p256.with_kid("p256")});
  EXPECT_EQ(stage.ask(stage.good()), "entered");
  Trust other = stage.trust();
  other.expect.issuer = "https://other.example";
  EXPECT_FALSE(stage.trust_keys.at_hand(other, stage.documents, kNow));
  other = stage.trust();
  other.jwks_uri = "https://op.example/other";
  EXPECT_FALSE(stage.trust_keys.at_hand(other, stage.documents, kNow)) << "another server's trust";
}

}  // namespace
}  // namespace oauth
