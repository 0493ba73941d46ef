#include "flow/protect_support.hpp"
#include "oauth/proto/revocation.hpp"

namespace oauth {
namespace {

using test::foreign_token;
using test::keys;
using test::kNow;
using test::own_token;
using test::ProtectStage;

// ---- Tokens that are known (req 124, 125)

Requirement requirement(std::string_view word) {
  std::string why;
  const auto parsed = Requirement::parse(word, nullptr, &why);
  EXPECT_TRUE(parsed) << why;
  return *parsed;
}

struct KnownStage : ProtectStage {
  KnownStage() { guard.policy = {1, 2}; }
  TokenFacts& known(const std::string& token) { return tokens.kept.at({token, guard.policy}); }
};

TEST(ProtectKnown, FactsAreKeptOfATokenThatWasVerified) {
  KnownStage stage;
  const std::string token =
      own_token(R"({"exp":1700000600.5,"nbf":1699999990.5,"jti":"AAAAAAAAAAAAAAAAAAAAAQ"})");
  ASSERT_EQ(stage.judge(token), "entered");
  const TokenFacts& facts = stage.known(token);
  EXPECT_EQ(facts.expires, 1700000601);
  EXPECT_EQ(facts.valid_from, kNow);
  EXPECT_EQ(facts.keys, test::signing()->digest());
  EXPECT_EQ(facts.trust, 0U);
  EXPECT_EQ(facts.token, token_mark("AAAAAAAAAAAAAAAAAAAAAQ"));
  EXPECT_EQ(facts.family, kNoMark);
  const std::string foreign = foreign_token(R"({"jti":"AAAAAAAAAAAAAAAAAAAAAQ"})");
  ASSERT_EQ(stage.judge(foreign), "entered");
  EXPECT_EQ(stage.known(foreign).trust, 1U);
  EXPECT_EQ(stage.known(foreign).token, kNoMark) << "others' tokens are not revoked here";
}

TEST(ProtectKnown, NothingIsKeptOfARefusedOne) {
  KnownStage stage;
  const std::string good = own_token();
  for (const std::string& token :
       {own_token(R"({"exp":1600000000})"), own_token(R"({"nbf":1700000031})"),
        own_token(R"({"aud":"other"})"), good.substr(0, good.size() - 8) + "AAAAAAAA",
        own_token("{}", "JWT"), own_token("{}", "at+jwt", keys().p256)}) {
    EXPECT_NE(stage.judge(token), "entered");
    EXPECT_NE(stage.judge(token), "entered");
  }
  EXPECT_TRUE(stage.tokens.kept.empty());
}

TEST(ProtectKnown, IsNotVerifiedAgain) {
  KnownStage stage;
  const std::string token = own_token();
  ASSERT_EQ(stage.judge(token), "entered");
  const std::string forged = token.substr(0, token.size() - 8) + "AAAAAAAA";
  ASSERT_EQ(stage.judge(forged), "token_signature_wrong");
  stage.tokens.keep(forged, stage.guard.policy, stage.known(token));
  EXPECT_EQ(stage.judge(forged), "entered") << "what is in the cache is believed";
}

TEST(ProtectKnown, UnderAnotherPolicyOrOtherKeysIsAStranger) {
  KnownStage stage;
  const std::string token = own_token();
  ASSERT_EQ(stage.judge(token), "entered");
  const std::string forged = token.substr(0, token.size() - 8) + "AAAAAAAA";
  stage.tokens.keep(forged, {1, 3}, stage.known(token));
  EXPECT_EQ(stage.judge(forged), "token_signature_wrong");
  TokenFacts facts = stage.known(token);
  facts.keys ^= 1;
  stage.tokens.keep(forged, stage.guard.policy, facts);
  EXPECT_EQ(stage.judge(forged), "token_signature_wrong");
  facts = stage.known(token);
  facts.trust = 2;
  stage.tokens.keep(forged, stage.guard.policy, facts);
  EXPECT_EQ(stage.judge(forged), "token_signature_wrong") << "there is no such trust";
}

TEST(ProtectKnown, ItsTimesAreJudgedAtEachUse) {
  KnownStage stage;
  const std::string token = own_token();
  ASSERT_EQ(stage.judge(token), "entered");
  stage.clock.advance(600 + 29);
  EXPECT_EQ(stage.judge(token), "entered");
  stage.clock.advance(1);
  EXPECT_EQ(stage.judge(token), "token_expired");
  stage.clock.advance(-(600 + 30) - 30);
  EXPECT_EQ(stage.judge(token), "entered");
  stage.clock.advance(-1);
  EXPECT_EQ(stage.judge(token), "token_not_yet_valid");
}

TEST(ProtectKnown, ItsRevocationIsAskedForAtEachUse) {
  KnownStage stage;
  const std::string token =
      own_token(R"({"jti":"AAAAAAAAAAAAAAAAAAAAAQ","sid":"AAAAAAAAAAAAAAAAAAAAAg"})");
  const std::string sibling =
      own_token(R"({"jti":"AAAAAAAAAAAAAAAAAAAAAw","sid":"AAAAAAAAAAAAAAAAAAAAAg"})");
  const std::string foreign = foreign_token(R"({"jti":"AAAAAAAAAAAAAAAAAAAAAQ"})");
  ASSERT_EQ(stage.judge(token), "entered");
  ASSERT_EQ(stage.judge(sibling), "entered");
  ASSERT_EQ(stage.judge(foreign), "entered");
  stage.store.revoked.emplace(token_mark("AAAAAAAAAAAAAAAAAAAAAQ"), kNow + 900);
  EXPECT_EQ(stage.judge(token), "token_revoked");
  EXPECT_EQ(stage.judge(sibling), "entered");
  EXPECT_EQ(stage.judge(foreign), "entered");
  stage.store.revoked.emplace(family_mark("AAAAAAAAAAAAAAAAAAAAAg"), kNow + 900);
  EXPECT_EQ(stage.judge(sibling), "token_revoked");
  stage.store.revoked.clear();
  stage.revocations.current = false;
  EXPECT_EQ(stage.judge(token), "revocations_stale");
  EXPECT_EQ(stage.judge(foreign), "entered");
}

TEST(ProtectKnown, WhatTheLocationRequiresIsAskedAtEachUse) {
  KnownStage stage;
  const std::string token = own_token(R"({"scope":"read write"})");
  ASSERT_EQ(stage.judge(token), "entered");
  stage.guard.requirements = {requirement("scope=write"), requirement("scope=admin")};
  EXPECT_EQ(stage.judge(token), "scope_insufficient");
  stage.guard.requirements.pop_back();
  EXPECT_EQ(stage.judge(token), "entered");
}

TEST(ProtectKnown, FromBirthIsWhatAVerificationWouldAccept) {
  KnownStage stage;
  stage.broker.judged_by = {{stage.guard.policy, 0}};
  for (const std::string& token :
       {std::string("x"), own_token(R"({"sub":null})"), own_token(R"({"aud":"other"})"),
        own_token(R"({"iss":"https://other.example.com"})")}) {
    know_at_birth(token, stage.broker, stage.tokens, kNow);
    EXPECT_TRUE(stage.tokens.kept.empty()) << token;
  }
  stage.broker.judged_by.push_back({{3, 4}, 1});
  const std::string token = own_token();
  know_at_birth(token, stage.broker, stage.tokens, kNow);
  ASSERT_EQ(stage.tokens.kept.size(), 2U);
  EXPECT_EQ(stage.known(token).trust, 0U);
  EXPECT_EQ(stage.tokens.kept.at({token, {3, 4}}).trust, 1U) << "as each location counts them";
}

}  // namespace
}  // namespace oauth
