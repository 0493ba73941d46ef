#include "oauth/base/problem.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <string>

#include "oauth/base/result.hpp"
#include "oauth/base/text.hpp"

namespace oauth {
namespace {

constexpr Problem kProblems[] = {
#define OAUTH_EACH(name, ...) Problem::name,
    OAUTH_PROBLEMS(OAUTH_EACH)
#undef OAUTH_EACH
};

TEST(Problem, HasANameOfItsOwnInLowerCase) {
  std::set<std::string_view> names;
  for (const Problem problem : kProblems) {
    EXPECT_TRUE(names.insert(name(problem)).second) << name(problem);
    EXPECT_EQ(name(problem).find_first_not_of("abcdefghijklmnopqrstuvwxyz_"),
              std::string_view::npos)
        << name(problem);
  }
}

TEST(Problem, IsFoundInItsOwnRow) {
#define OAUTH_EACH(row_name, ...) EXPECT_EQ(name(Problem::row_name), #row_name);
  OAUTH_PROBLEMS(OAUTH_EACH)
#undef OAUTH_EACH
}

TEST(Problem, AnswersWithAStatusThatMeansRefusedOrBroken) {
  for (const Problem problem : kProblems) {
    EXPECT_GE(row(problem).status, 400) << name(problem);
    EXPECT_LE(row(problem).status, 599) << name(problem);
  }
}

TEST(Problem, HasAPublicTextThatNothingSubstitutesOrBreaksIn) {
  for (const Problem problem : kProblems) {
    const std::string_view text = row(problem).text;
    EXPECT_FALSE(text.empty()) << name(problem);
    EXPECT_TRUE(is_printable_ascii(text)) << name(problem);
    EXPECT_EQ(text.find_first_of("{}\"\\<>&"), std::string_view::npos) << name(problem);
  }
}

TEST(Problem, NamesAnOauthErrorThatTheStandardsKnow) {
  const std::set<std::string_view> known{"",
                                         "invalid_request",
                                         "invalid_client",
                                         "invalid_grant",
                                         "unauthorized_client",
                                         "unsupported_grant_type",
                                         "invalid_scope",
                                         "access_denied",
                                         "unsupported_response_type",
                                         "server_error",
                                         "temporarily_unavailable",
                                         "invalid_token",
                                         "insufficient_scope"};
  for (const Problem problem : kProblems) {
    EXPECT_TRUE(known.contains(row(problem).oauth_error)) << name(problem);
  }
}

TEST(Problem, SaysTheSameForEveryWrongState) {
  for (const Problem problem :
       {Problem::state_refused, Problem::state_unknown_key, Problem::state_expired,
        Problem::state_spent, Problem::browser_mismatch, Problem::issuer_mismatch}) {
    EXPECT_EQ(row(problem).text, row(Problem::state_missing).text) << name(problem);
    EXPECT_EQ(row(problem).status, row(Problem::state_missing).status) << name(problem);
  }
}

TEST(Result, HoldsAValueOrAProblem) {
  Result<std::string> value = std::string("x");
  ASSERT_TRUE(value);
  EXPECT_EQ(*value, "x");
  EXPECT_EQ(value->size(), 1U);
  const Result<std::string> problem = Problem::internal;
  ASSERT_FALSE(problem);
  EXPECT_EQ(problem.problem(), Problem::internal);
}

TEST(Result, GivesItsValueAwayWhenItIsMoved) {
  Result<std::unique_ptr<int>> result = std::make_unique<int>(7);
  const std::unique_ptr<int> taken = *std::move(result);
  EXPECT_EQ(*taken, 7);
}

TEST(Result, OfAStepWithoutAValueIsItsSuccess) {
  const Check good = kDone;
  const Check bad = Problem::store_down;
  EXPECT_TRUE(good);
  EXPECT_FALSE(bad);
}

}  // namespace
}  // namespace oauth
