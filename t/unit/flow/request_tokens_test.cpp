#include "oauth/flow/request_tokens.hpp"

#include <memory>

#include "flow/protect_support.hpp"

namespace oauth {
namespace {

constexpr PolicyId kPolicy{1, 2};

// A cache that is off.
class Nothing final : public TokenCache {
 public:
  bool find(std::string_view, const PolicyId&, TokenFacts&) noexcept override { return false; }
  void keep(std::string_view, const PolicyId&, const TokenFacts&) noexcept override { ++kept; }
  int kept = 0;
};

TEST(RequestTokens, AreKnownInTheNextLocationThoughTheCacheIsOff) {
  Nothing off;
  std::unique_ptr<VerifiedToken> last;
  TokenFacts facts;
  facts.expires = 7;
  RequestTokens(off, "Bearer a.b.c", last).keep("a.b.c", kPolicy, facts);
  EXPECT_EQ(off.kept, 1) << "the cache is told all the same";
  RequestTokens next(off, "Bearer a.b.c", last);
  TokenFacts found;
  ASSERT_TRUE(next.find("a.b.c", kPolicy, found));
  EXPECT_EQ(found.expires, 7);
  EXPECT_FALSE(next.find("a.b.c", PolicyId{1, 3}, found)) << "another policy";
  EXPECT_FALSE(next.find("a.b.d", kPolicy, found)) << "another token";
  EXPECT_FALSE(next.find("b.c", kPolicy, found)) << "a part of it";
}

TEST(RequestTokens, ThatLieElsewhereAreNotPointedTo) {
  Nothing off;
  std::unique_ptr<VerifiedToken> last;
  RequestTokens(off, "", last).keep("a.b.c", kPolicy, TokenFacts());
  EXPECT_EQ(last, nullptr);
}

TEST(RequestTokens, AreVerifiedOnceWhereSeveralLocationsJudge) {
  test::ProtectStage stage;
  Nothing off;
  std::unique_ptr<VerifiedToken> last;
  const std::string header = "Bearer " + test::own_token();
  for (int i = 0; i < 3; ++i) {
    Credentials in;
    in.authorization = header;
    in.authorizations = 1;
    RequestTokens tokens(off, header, last);
    const Decision decision = judge(in, stage.guard,
                                    {tokens, stage.trust_keys, stage.documents, stage.revocations,
                                     stage.split_tokens, test::kNow});
    EXPECT_EQ(decision.kind, Decision::Kind::enter);
  }
  EXPECT_EQ(off.kept, 1);
}

}  // namespace
}  // namespace oauth
