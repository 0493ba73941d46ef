// Public vectors that are no JWS corpus: the JOSE cookbook as it stands, and strings that other
// software has stumbled over, as claims and as header members.
#include <algorithm>
#include <iostream>

#include "jose/verify_support.hpp"

namespace oauth::test {
namespace {

// Each `compact` of an example, however deep it stands.
void collect_compact(const Json& value, std::vector<std::string>& found) {
  for (const auto& [name, member] : value.members()) {
    if (const auto text = member.string();
        text && (name == "compact" || name == "compact_general")) {
      found.emplace_back(*text);
    }
    collect_compact(member, found);
  }
  for (std::size_t i = 0; value.is_array() && i < value.size(); ++i) {
    collect_compact(value.at(i), found);
  }
}

TEST(JwtVectors, OfTheJoseCookbookOnlyASignedTokenIsTakenApart) {
  OAUTH_NEED_VECTORS(folder);
  int taken = 0;
  int refused = 0;
  for (const auto& entry :
       std::filesystem::recursive_directory_iterator(folder / "ietf-jose-cookbook")) {
    if (entry.path().extension() != ".json") {
      continue;
    }
    std::vector<std::string> tokens;
    collect_compact(json(read_file(entry.path())), tokens);
    for (const std::string& token : tokens) {
      const auto jws = split_jws(token);
      const bool is_jwe = std::count(token.begin(), token.end(), '.') == 4;
      EXPECT_FALSE(is_jwe && jws) << entry.path();
      EXPECT_TRUE(jws || !split(token)) << entry.path();
      ++(jws ? taken : refused);
    }
  }
  std::cout << "[ cookbook ] compact: taken apart " << taken << ", refused " << refused << '\n';
  EXPECT_GE(taken, 5);
  EXPECT_GE(refused, 10);
}

TEST(JwtVectors, NaughtyStringsAreKeptAsTheyAreOrRefused) {
  OAUTH_NEED_VECTORS(folder);
  const Json strings = json(read_file(folder / "naughty-strings" / "blns.base64.json"));
  int kept = 0;
  int refused = 0;
  for (std::size_t i = 0; i < strings.size(); ++i) {
    const std::string text = base64_decode(*strings.at(i).string()).value_or("");
    Json claims = json(kGood).set("name", text).set(text, "as a name");
    const auto jwt = split(signing_input(R"({"alg":"ES256"})", claims.dump()) + ".c2ln");
    ASSERT_TRUE(jwt) << i;
    EXPECT_EQ(outcome(check_claims(jwt->claims, expectations(), kNow)), "") << i;
    EXPECT_EQ(jwt->claims.string("name"), claims.string("name")) << i;
    EXPECT_EQ(jwt->claims.string(text), claims.string(text)) << i;
    // The bytes themselves, unescaped: whatever Json says of them.
    const std::string raw = R"({"name":")" + text + "\"}";
    const auto bare = split(signing_input(R"({"alg":"ES256"})", raw) + ".c2ln");
    const auto said = Json::parse_object(raw);
    ASSERT_EQ(!!bare, !!said) << i;
    EXPECT_TRUE(!bare || bare->claims.string("name") == said->string("name")) << i;
    const Json header = Json::object().set("alg", "ES256").set("kid", text);
    const auto named = split(signing_input(header.dump(), kGood) + ".c2ln");
    EXPECT_EQ(outcome(named), text.size() > 512 || !is_utf8(text) ? "token_header_refused" : "")
        << i;
    EXPECT_TRUE(!named || named->kid == text) << i;
    ++(bare ? kept : refused);
  }
  std::cout << "[ naughty  ] as claims, unescaped: kept " << kept << ", refused " << refused
            << '\n';
  EXPECT_GT(kept, 300);
}

}  // namespace
}  // namespace oauth::test
