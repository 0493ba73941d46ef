#include "oauth/jose/split_tokens.hpp"

#include "jose/support.hpp"
#include "oauth/jose/sign.hpp"

namespace oauth {
namespace {

std::string token_of(std::string_view subject) {
  static const Key key = *Key::generate_es256();
  return *sign(Json::object().set("sub", subject), key, Alg::es256, "JWT");
}

TEST(SplitTokens, SayWhatStandsInAToken) {
  SplitTokens tokens;
  std::string token = token_of("alice");
  const auto alice = tokens.get(token);
  ASSERT_NE(alice, nullptr);
  token.assign(token.size(), 'x');
  EXPECT_EQ(alice->claims.string("sub"), "alice") << "also when the request is gone";
  EXPECT_EQ(alice->typ, "JWT");
}

TEST(SplitTokens, AreReadOnce) {
  SplitTokens tokens;
  const std::string token = token_of("alice");
  EXPECT_EQ(tokens.get(token), tokens.get(std::string(token)));
}

TEST(SplitTokens, TellTokensApartThatEndAlike) {
  SplitTokens tokens;
  const std::string alice = token_of("alice");
  const std::string bob = token_of("bob");
  const auto dot = [](const std::string& token) { return token.rfind('.'); };
  const std::string forged = bob.substr(0, dot(bob)) + alice.substr(dot(alice));
  EXPECT_EQ(tokens.get(alice)->claims.string("sub"), "alice");
  EXPECT_EQ(tokens.get(forged)->claims.string("sub"), "bob");
  EXPECT_EQ(tokens.get(alice)->claims.string("sub"), "alice");
}

TEST(SplitTokens, MayBeHeldOnToWhenOthersTookTheirPlaces) {
  SplitTokens tokens;
  const auto alice = tokens.get(token_of("alice"));
  for (std::size_t i = 0; i < 8 * SplitTokens::kPlaces; ++i) {
    ASSERT_NE(tokens.get(token_of(std::to_string(i))), nullptr);
  }
  EXPECT_EQ(alice->claims.string("sub"), "alice");
  EXPECT_EQ(alice.use_count(), 1) << "nothing else holds it any more";
}

TEST(SplitTokens, RefuseWhatIsNone) {
  SplitTokens tokens;
  for (const char* text : {"", ".", "a.b.c", "no token"}) {
    EXPECT_EQ(tokens.get(text), nullptr) << text;
  }
}

}  // namespace
}  // namespace oauth
