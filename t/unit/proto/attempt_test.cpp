#include "oauth/proto/attempt.hpp"

#include <gtest/gtest.h>

#include "oauth/base/pack.hpp"
#include "proto/support.hpp"

namespace oauth {
namespace {

using test::attempt;
using test::broker;
using test::keyring;
using test::kNow;
using test::outcome;

Attempt largest() {
  Attempt large = attempt();
  large.provider = std::string(32, 'p');
  large.target = "https://app.example.com/" + std::string(kMaxTarget - 24, 't');
  large.client_state = std::string(kMaxClientState, 's');
  large.challenge = pkce_challenge("c");
  large.delivery = Delivery::query;
  return large;
}

std::string sealed(const Attempt& attempt = test::attempt(), const Broker& at = broker()) {
  const auto state = seal_attempt(attempt, at);
  EXPECT_TRUE(state);
  return state ? *state : std::string();
}

// "" or the name of the problem.
std::string opened(std::string_view state, const Broker& at = broker(), std::int64_t now = kNow) {
  return outcome(open_attempt(state, at, now));
}

TEST(Attempt, ReturnsWithEveryFieldAsItWas) {
  const Attempt before = largest();
  const auto after = open_attempt(sealed(before), broker(), kNow + 60);
  ASSERT_TRUE(after);
  EXPECT_EQ(after->id, before.id);
  EXPECT_EQ(after->provider, before.provider);
  EXPECT_EQ(after->verifier, before.verifier);
  EXPECT_EQ(after->nonce, before.nonce);
  EXPECT_EQ(after->target, before.target);
  EXPECT_EQ(after->client_state, before.client_state);
  EXPECT_EQ(after->challenge, before.challenge);
  EXPECT_EQ(after->browser, before.browser);
  EXPECT_EQ(after->flow_id, before.flow_id);
  EXPECT_EQ(after->delivery, before.delivery);
  EXPECT_EQ(after->issued, kNow);
  EXPECT_EQ(after->expires, kNow + 1800);
}

TEST(Attempt, EveryDeliverySurvives) {
  for (const Delivery delivery : {Delivery::redirect, Delivery::query, Delivery::popup}) {
    Attempt before = attempt();
    before.delivery = delivery;
    const auto after = open_attempt(sealed(before), broker(), kNow);
    ASSERT_TRUE(after);
    EXPECT_EQ(after->delivery, delivery);
  }
}

TEST(Attempt, TheLargestOneFitsIntoAState) {
  EXPECT_EQ(largest().target.size(), kMaxTarget);
  EXPECT_LE(sealed(largest()).size(), kMaxState);
}

TEST(Attempt, OneThatDoesNotFitIsNotSealed) {
  Attempt large = largest();
  large.target += std::string(1024, 't');
  EXPECT_EQ(outcome(seal_attempt(large, broker())), "attempt_too_large");
}

TEST(Attempt, AStateTellsNothingAndIsNeverTheSameTwice) {
  const std::string state = sealed();
  EXPECT_NE(state, sealed());
  EXPECT_FALSE(test::contains(*base64url_decode(state), "app.example.com"));
}

TEST(Attempt, WhatIsNoStateIsRefused) {
  EXPECT_EQ(opened(""), "state_refused");
  EXPECT_EQ(opened("AA"), "state_refused");
  EXPECT_EQ(opened("not base64url!"), "state_refused");
  EXPECT_EQ(opened(sealed() + "="), "state_refused");
  EXPECT_EQ(opened(std::string(kMaxState, 'A')), "state_refused");
  EXPECT_EQ(opened(std::string(kMaxState + 1, 'A')), "state_refused");
}

TEST(Attempt, AStateLongerThanAnyOfOursIsRefusedThoughItIsSealed) {
  const Broker at = broker();
  Pack pack;
  for (int field = 0; field < 8; ++field) {
    pack.add("x");
  }
  pack.add(std::string(3500, 'x')).add(std::int64_t{0});
  const auto blob = at.keyring->seal({Purpose::attempt, at.url, {}}, pack.bytes(), kNow, kNow + 60);
  const std::string state = base64url_encode(*blob);
  EXPECT_GT(state.size(), kMaxState);
  EXPECT_EQ(opened(state, at), "state_refused");
}

TEST(Attempt, EveryAlteredByteIsNoticed) {
  const std::string blob = *base64url_decode(sealed());
  for (std::size_t at = 0; at < blob.size(); ++at) {
    std::string altered = blob;
    altered[at] = static_cast<char>(altered[at] ^ 1);
    const bool names_a_key = at >= 1 && at <= 4;
    EXPECT_EQ(opened(base64url_encode(altered)),
              names_a_key ? "state_unknown_key" : "state_refused")
        << at;
  }
  EXPECT_EQ(opened(base64url_encode(blob + "x")), "state_refused");
  EXPECT_EQ(opened(base64url_encode(blob.substr(0, blob.size() - 1))), "state_refused");
}

TEST(Attempt, AnotherBrokerOfTheSameKeysRefusesIt) {
  EXPECT_EQ(opened(sealed(), broker("https://other.example.com")), "state_refused");
  EXPECT_EQ(opened(sealed(), broker("https://auth.example.com/db1")), "state_refused");
}

TEST(Attempt, ABrokerOfOtherKeysDoesNotKnowItsKey) {
  Broker other = broker();
  other.keyring = keyring({"other"});
  EXPECT_EQ(opened(sealed(), other), "state_unknown_key");
}

TEST(Attempt, AnOlderSecretStillOpensIt) {
  Broker rotated = broker();
  rotated.keyring = keyring({"new", "s"});
  EXPECT_EQ(opened(sealed(), rotated), "");
}

TEST(Attempt, LivesUntilItsExpiryAndTheSkew) {
  EXPECT_EQ(opened(sealed(), broker(), kNow + 1800 + 30), "");
  EXPECT_EQ(opened(sealed(), broker(), kNow + 1800 + 31), "state_expired");
  EXPECT_EQ(opened(sealed(), broker(), kNow - 30), "");
  EXPECT_EQ(opened(sealed(), broker(), kNow - 31), "state_expired") << "from the future";
}

TEST(Attempt, WhatIsSealedForAnotherPurposeIsNoState) {
  const Broker at = broker();
  const auto good =
      at.keyring->open({Purpose::attempt, at.url, {}}, *base64url_decode(sealed()), kNow, at.skew);
  ASSERT_TRUE(good);
  const auto judge = [&](Purpose purpose) {
    const auto blob =
        at.keyring->seal({purpose, at.url, {}}, good->payload.bytes(), kNow, kNow + 60);
    return opened(base64url_encode(*blob), at);
  };
  EXPECT_EQ(judge(Purpose::attempt), "");
  for (const Purpose purpose :
       {Purpose::code, Purpose::refresh, Purpose::form_post, Purpose::session, Purpose::demo}) {
    EXPECT_EQ(judge(purpose), "state_refused");
  }
}

TEST(Attempt, APayloadOfAnotherFormIsRefused) {
  const Broker at = broker();
  const auto of = [&at](const Pack& pack) {
    const auto blob =
        at.keyring->seal({Purpose::attempt, at.url, {}}, pack.bytes(), kNow, kNow + 60);
    return opened(base64url_encode(*blob), at);
  };
  Pack pack;
  for (int field = 0; field < 9; ++field) {
    EXPECT_EQ(of(pack), "state_refused") << field << " fields";
    pack.add("x");
  }
  EXPECT_EQ(of(pack), "state_refused") << "no delivery";
  EXPECT_EQ(of(Pack(pack).add("x")), "state_refused") << "a delivery that is no number";
  pack.add(std::int64_t{0});
  EXPECT_EQ(of(pack), "");
  EXPECT_EQ(of(pack.add("more")), "state_refused");
}

TEST(Attempt, IsClaimedUnderANameOfItsOwn) {
  Attempt other = attempt();
  other.id.back() = static_cast<char>(other.id.back() ^ 1);
  const std::string name = claim_name(attempt(), broker());
  EXPECT_EQ(name.size(), 43U);
  EXPECT_EQ(name, claim_name(attempt(), broker())) << "every callback finds the same name";
  EXPECT_NE(name, claim_name(other, broker()));
  EXPECT_NE(name, claim_name(attempt(), broker("https://auth.example.com/db1")));
}

// docs/keys.md: while a new secret is made the first one, some nodes have it there and others not.
TEST(Attempt, IsClaimedUnderTheSameNameWhicheverSecretANodePutsFirst) {
  Broker before = broker();
  Broker after = broker();
  before.keyring = keyring({"old", "new"});
  after.keyring = keyring({"new", "old"});
  const std::string state = sealed(attempt(), before);
  const auto here = open_attempt(state, before, kNow);
  const auto there = open_attempt(state, after, kNow);
  ASSERT_TRUE(here && there);
  EXPECT_EQ(claim_name(*here, before), claim_name(*there, after));
}

TEST(Attempt, IsClaimedUntilNoClockCanOpenIt) {
  Broker at = broker();
  at.skew = 40;
  EXPECT_EQ(claim_until(attempt(), at), kNow + 1800 + 80);
}

TEST(Pkce, TheChallengeIsThatOfTheRfc) {
  // RFC 7636 appendix B
  EXPECT_EQ(pkce_challenge("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"),
            "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
}

TEST(Pkce, AChallengeIs43CharactersOfBase64url) {
  EXPECT_TRUE(is_pkce_challenge(std::string(43, 'a')));
  EXPECT_TRUE(is_pkce_challenge(std::string(41, 'Z') + "-_"));
  EXPECT_FALSE(is_pkce_challenge(""));
  EXPECT_FALSE(is_pkce_challenge(std::string(42, 'a')));
  EXPECT_FALSE(is_pkce_challenge(std::string(44, 'a')));
  for (const char wrong : {'.', '~', '=', '+', '/', ' ', '\0', '\x80'}) {
    EXPECT_FALSE(is_pkce_challenge(std::string(42, 'a') + wrong)) << wrong;
  }
}

TEST(Pkce, AVerifierIs43To128UnreservedCharacters) {
  EXPECT_TRUE(is_pkce_verifier(std::string(43, 'a')));
  EXPECT_TRUE(is_pkce_verifier(std::string(124, '0') + "-._~"));
  EXPECT_FALSE(is_pkce_verifier(""));
  EXPECT_FALSE(is_pkce_verifier(std::string(42, 'a')));
  EXPECT_FALSE(is_pkce_verifier(std::string(129, 'a')));
  for (const char wrong : {'=', '+', '/', ' ', '%', '\0', '\x80'}) {
    EXPECT_FALSE(is_pkce_verifier(std::string(43, 'a') + wrong)) << wrong;
  }
}

}  // namespace
}  // namespace oauth
