#include "oauth/flow/request_tokens.hpp"

#include "flow/protect_support.hpp"

namespace oauth {
namespace {

constexpr PolicyId kPolicy{1, 2};

// A cache that is off.
class Nothing final : public TokenCache {
 public:
  std::optional<TokenFacts> find(std::string_view, const PolicyId&) noexcept override {
    return std::nullopt;
  }
  void keep(std::string_view, const PolicyId&, const TokenFacts&) noexcept override { ++kept; }
  int kept = 0;
};

TEST(RequestTokens, AreKnownInTheNextLocationThoughTheCacheIsOff) {
  Nothing off;
  std::optional<VerifiedToken> last;
  TokenFacts facts;
  facts.expires = 7;
  RequestTokens(off, "Bearer a.b.c", last).keep("a.b.c", kPolicy, facts);
  EXPECT_EQ(off.kept, 1) << "the cache is told all the same";
  RequestTokens next(off, "Bearer a.b.c", last);
  const auto found = next.find("a.b.c", kPolicy);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->expires, 7);
  EXPECT_FALSE(next.find("a.b.c", PolicyId{1, 3})) << "another policy";
  EXPECT_FALSE(next.find("a.b.d", kPolicy)) << "another token";
  EXPECT_FALSE(next.find("b.c", kPolicy)) << "a part of it";
}

TEST(RequestTokens, ThatLieElsewhereAreNotPointedTo) {
  Nothing off;
  std::optional<VerifiedToken> last;
  RequestTokens(off, "", last).keep("a.b.c", kPolicy, TokenFacts());
  EXPECT_FALSE(last);
}

TEST(RequestTokens, AreVerifiedOnceWhereSeveralLocationsJudge) {
  test::ProtectStage stage;
  Nothing off;
  std::optional<VerifiedToken> last;
  const std::string header = "Bearer " + test::own_token();
  for (int i = 0; i < 3; ++i) {
    Credentials in;
    in.authorization = header;
    in.authorizations = 1;
    RequestTokens tokens(off, header, last);
    const Decision decision =
        judge(in, stage.guard,
              {tokens, stage.trust_keys, stage.documents, stage.revocations, test::kNow});
    EXPECT_EQ(decision.kind, Decision::Kind::enter);
  }
  EXPECT_EQ(off.kept, 1);
}

}  // namespace
}  // namespace oauth
