#include "oauth/proto/trust.hpp"

#include <gtest/gtest.h>

#include "proto/support.hpp"

namespace oauth {
namespace {

using test::broker;
using test::outcome;

TEST(OwnTrust, BelievesTheBrokersOwnAccessTokensAndNothingElse) {
  Broker at = broker();
  at.audiences = {"api"};
  at.skew = 7;
  const Trust trust = own_trust(at);
  EXPECT_EQ(trust.expect.issuer, "https://auth.example.com");
  EXPECT_EQ(trust.expect.audiences, std::vector<std::string>{"api"});
  EXPECT_FALSE(trust.expect.any_audience);
  EXPECT_EQ(trust.expect.algs, kAsymmetric);
  EXPECT_EQ(trust.expect.typs, std::vector<std::string>{"at+jwt"});
  EXPECT_EQ(trust.expect.skew, 7);
  EXPECT_EQ(trust.expect.grace, 0);
  EXPECT_FALSE(trust.expect.nonce);
  EXPECT_EQ(trust.keys, at.signing);
}

TEST(OwnTrust, ForgivesAsMuchAsItIsTold) {
  EXPECT_EQ(own_trust(broker(), 90).expect.grace, 90);
}

}  // namespace
}  // namespace oauth
