#include "oauth/proto/guard.hpp"

#include <gtest/gtest.h>

#include "proto/support.hpp"

namespace oauth {
namespace {

using test::broker;
using test::outcome;

TEST(AllowsOrigins, NoneOrOneThatIsNamed) {
  Guard guard;
  guard.origins = broker().targets;
  EXPECT_TRUE(allows_origins(guard, {}));
  EXPECT_TRUE(allows_origins(guard, {"https://app.example.com"}));
  EXPECT_FALSE(allows_origins(guard, {"https://evil.example"}));
  EXPECT_FALSE(allows_origins(guard, {""}));
  EXPECT_FALSE(allows_origins(guard, {"https://app.example.com", "https://app.example.com"}));
}

TEST(Guard, ChecksOriginsWhereAPageCouldCallUnasked) {
  Guard guard;
  EXPECT_FALSE(guard.checks_origin());
  guard.cors = true;
  EXPECT_TRUE(guard.checks_origin());
  guard.cors = false;
  guard.argument.name = "token";
  EXPECT_TRUE(guard.checks_origin());
}

Guard guard() {
  Guard guard;
  guard.realm = "https://auth.example.com";
  return guard;
}

TEST(Challenge, WithoutATokenNamesNoError) {
  EXPECT_EQ(challenge(guard(), Problem::token_missing),
            R"(Bearer realm="https://auth.example.com")");
}

TEST(Challenge, NamesTheErrorOfTheRfc) {
  EXPECT_EQ(challenge(guard(), Problem::token_expired),
            R"(Bearer realm="https://auth.example.com", error="invalid_token", )"
            R"(error_description="The token has expired.")");
  EXPECT_EQ(challenge(guard(), Problem::token_repeated),
            R"(Bearer realm="https://auth.example.com", error="invalid_request", )"
            R"(error_description="More than one token was sent.")");
}

// req 116, RFC 6750 3.1
TEST(Challenge, OfAMissingScopeNamesAllThatAreDemanded) {
  Guard demanding = guard();
  for (const std::string_view word : {"scope=a", "claim:role=x", "scope=b"}) {
    std::string why;
    demanding.requirements.push_back(*Requirement::parse(word, nullptr, &why));
  }
  EXPECT_EQ(challenge(demanding, Problem::scope_insufficient),
            R"(Bearer realm="https://auth.example.com", error="insufficient_scope", )"
            R"(error_description="The token does not carry the scope that is needed here.", )"
            R"(scope="a b")");
  EXPECT_EQ(challenge(demanding, Problem::claim_insufficient),
            R"(Bearer realm="https://auth.example.com", error="insufficient_scope", )"
            R"(error_description="The token does not allow this.")");
  EXPECT_EQ(challenge(demanding, Problem::token_missing),
            R"(Bearer realm="https://auth.example.com")");
}

TEST(Challenge, IsTheSameForEveryWrongGuess) {
  const std::string one = challenge(guard(), Problem::token_signature_wrong);
  for (const Problem problem :
       {Problem::token_malformed, Problem::token_key_unknown, Problem::token_issuer_wrong,
        Problem::token_audience_wrong, Problem::token_alg_refused, Problem::token_kind_refused}) {
    EXPECT_EQ(challenge(guard(), problem), one) << name(problem);
  }
}

TEST(BearerToken, IsFoundBehindTheSchemeInAnyCase) {
  for (const std::string_view header :
       {"Bearer a.b-c_d~e+f/g==", "bearer a.b-c_d~e+f/g==", "BEARER   a.b-c_d~e+f/g=="}) {
    const auto token = bearer_token(header);
    ASSERT_TRUE(token) << header;
    EXPECT_EQ(*token, "a.b-c_d~e+f/g==") << header;
  }
}

TEST(BearerToken, OfAnotherSchemeIsNone) {
  for (const std::string_view header :
       {"", " ", "Basic YTpi", "Bearertoken", "Bearer:x", " Bearer x", "DPoP x", "Bear x"}) {
    const auto token = bearer_token(header);
    ASSERT_TRUE(token) << header;
    EXPECT_EQ(*token, "") << header;
  }
}

TEST(BearerToken, ThatIsNotThereIsMalformed) {
  for (const std::string_view header : {"Bearer", "Bearer ", "Bearer   "}) {
    EXPECT_EQ(outcome(bearer_token(header)), "token_malformed") << header;
  }
}

TEST(BearerToken, OfAHeaderIsAllThatFollows) {
  for (const std::string_view header : {"Bearer a b", "Bearer  a b"}) {
    EXPECT_EQ(*bearer_token(header), "a b") << header;
  }
  EXPECT_EQ(*bearer_token("Bearer\ta"), "\ta");
}

}  // namespace
}  // namespace oauth
