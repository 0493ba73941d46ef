#include "oauth/jose/jwt.hpp"

#include "jose/support.hpp"

namespace oauth {
namespace {

using test::outcome;
using test::signing_input;

constexpr std::string_view kClaims = R"({"sub":"s"})";

std::string with_header(std::string_view header) {
  return signing_input(header, kClaims) + ".c2ln";
}

TEST(Jwt, IsTakenApart) {
  const std::string token = with_header(R"({"alg":"ES256","typ":"at+jwt","kid":"k1"})");
  const auto jwt = split(token);
  ASSERT_TRUE(jwt);
  EXPECT_EQ(jwt->alg, Alg::es256);
  EXPECT_EQ(jwt->typ, "at+jwt");
  EXPECT_EQ(jwt->kid, "k1");
  EXPECT_EQ(jwt->claims.string("sub"), "s");
  EXPECT_EQ(jwt->payload, kClaims);
  EXPECT_EQ(jwt->signature, "sig");
  EXPECT_EQ(std::string(jwt->signing_input) + ".c2ln", token);
  const auto bare = split(with_header(R"({"alg":"ES256"})"));
  ASSERT_TRUE(bare);
  EXPECT_EQ(bare->kid, "");
  EXPECT_EQ(bare->typ, "");
}

TEST(Jwt, HasThreePartsOfStrictBase64url) {
  const std::string header = base64url_encode(R"({"alg":"ES256"})");
  const std::string claims = base64url_encode(kClaims);
  EXPECT_EQ(outcome(split(header + '.' + claims + ".c2ln")), "");
  for (const std::string& token :
       {std::string(), std::string("."), std::string(".."), std::string("..."), header, claims,
        header + '.' + claims, header + '.' + claims + ".c2ln.", header + '.' + claims + ".c2ln.x",
        '.' + header + '.' + claims, header + ".." + claims, header + "..c2ln",
        '.' + claims + ".c2ln", header + '.' + claims + "..c2ln",
        // padding, the other alphabet, white space, unused bits, lengths that encode nothing
        header + '.' + claims + ".c2ln=", header + '.' + claims + ".c2lu=",
        header + "=." + claims + ".c2ln", header + '.' + claims + ".+/+/",
        header + '.' + claims + ".c2 n", ' ' + header + '.' + claims + ".c2ln",
        header + '.' + claims + ".c2ln\n", header + '.' + claims + ".c2lnA",
        header + '.' + claims + ".c2lnAB", header + '.' + claims + ".c2ln" + std::string(1, '\0'),
        header + '.' + claims + ".c2?n",
        // JWE compact, JSON serialisation
        header + '.' + claims + ".a.b.c", std::string(R"({"payload":"","signatures":[]})")}) {
    EXPECT_EQ(outcome(split(token)), "token_malformed") << token;
  }
}

TEST(Jwt, HeaderAndClaimsAreJsonObjects) {
  for (std::string_view text :
       {"", " ", "null", "true", "1", "\"x\"", "[]", "[{}]", "{", "{}x", "{}{}", "{'alg':'ES256'}",
        R"({"alg":"ES256","alg":"ES256"})", R"({"alg":"ES256","x":1e999})",
        "{\"alg\":\"ES256\",\"x\":\"\xff\"}", R"({"alg":"ES256","x":"\u0000"})",
        R"({"alg":"ES256",})"}) {
    EXPECT_EQ(outcome(split(with_header(text))), "token_malformed") << text;
    const std::string token = signing_input(R"({"alg":"ES256"})", text) + ".c2ln";
    EXPECT_EQ(outcome(split(token)), "token_malformed") << text;
    // Whatever is signed may be a JWS, if no JWT.
    EXPECT_EQ(outcome(split_jws(token)), "") << text;
  }
  EXPECT_EQ(outcome(split(with_header(" {\n\t\"alg\" : \"ES256\" } "))), "");
}

TEST(Jwt, IsAtMost16LevelsDeep) {
  const auto nested = [](std::size_t depth) {
    return R"({"alg":"ES256","x":)" + std::string(depth - 1, '[') + std::string(depth - 1, ']') +
           '}';
  };
  EXPECT_EQ(outcome(split(with_header(nested(16)))), "");
  EXPECT_EQ(outcome(split(with_header(nested(17)))), "token_malformed");
  EXPECT_EQ(outcome(split(with_header(nested(5000)))), "token_malformed");
  const std::string header = R"({"alg":"ES256"})";
  EXPECT_EQ(outcome(split(signing_input(header, nested(16)) + ".c2ln")), "");
  EXPECT_EQ(outcome(split(signing_input(header, nested(17)) + ".c2ln")), "token_malformed");
}

TEST(Jwt, IsAtMost16KibLong) {
  const std::string start = with_header(R"({"alg":"ES256"})");
  const std::string longest = start + std::string(kMaxToken - start.size(), 'A');
  ASSERT_EQ(longest.size(), kMaxToken);
  EXPECT_EQ(outcome(split(longest)), "");
  EXPECT_EQ(outcome(split(longest + 'A')), "token_too_large");
  EXPECT_EQ(outcome(split(std::string(1 << 20, '.'))), "token_too_large");
  EXPECT_EQ(outcome(split(std::string(kMaxToken, '.'))), "token_malformed");
}

TEST(Jwt, CritB64ZipAndEncAreRefusedWhateverTheyHold) {
  for (std::string_view name : {"crit", "b64", "zip", "enc"}) {
    for (std::string_view value : {"null", "true", "[]", R"(["exp"])", R"("DEF")", "{}"}) {
      const std::string header =
          R"({"alg":"ES256",")" + std::string(name) + R"(":)" + std::string(value) + '}';
      EXPECT_EQ(outcome(split(with_header(header))), "token_header_refused") << header;
    }
  }
}

TEST(Jwt, AlgMustBeOneOfOurs) {
  for (std::string_view header :
       {R"({})", R"({"alg":null})", R"({"alg":""})", R"({"alg":"none"})", R"({"alg":"None"})",
        R"({"alg":"NONE"})", R"({"alg":"nOnE"})", R"({"alg":["ES256"]})", R"({"alg":256})",
        R"({"alg":"es256"})", R"({"alg":"ES256 "})", R"({"alg":"ES256K"})", R"({"alg":"dir"})",
        R"({"Alg":"ES256"})"}) {
    EXPECT_EQ(outcome(split(with_header(header))), "token_alg_refused") << header;
  }
  EXPECT_EQ(outcome(split(signing_input(R"({"alg":"none"})", kClaims) + '.')), "token_alg_refused");
}

TEST(Jwt, KidAndTypAreStringsIfTheyAreThere) {
  for (std::string_view value : {"null", "1", "true", "[]", "{}", R"(["k"])"}) {
    for (std::string_view name : {"kid", "typ"}) {
      const std::string header =
          R"({"alg":"ES256",")" + std::string(name) + R"(":)" + std::string(value) + '}';
      EXPECT_EQ(outcome(split(with_header(header))), "token_header_refused") << header;
    }
  }
  const auto with_kid = [](const std::string& kid) {
    return split(with_header(R"({"alg":"ES256","kid":")" + kid + R"("})"));
  };
  EXPECT_EQ(with_kid(std::string(512, 'k'))->kid, std::string(512, 'k'));
  EXPECT_EQ(outcome(with_kid(std::string(513, 'k'))), "token_header_refused");
  for (const char* hostile : {"../../../../etc/passwd", "a' OR '1'='1", R"(a\r\nX: y)", "%n%n%n",
                              R"(*1\r\n$8\r\nFLUSHALL\r\n)", "/dev/null"}) {
    EXPECT_EQ(outcome(with_kid(hostile)), "") << hostile;
  }
}

TEST(Jwt, KeysThatATokenBringsAlongAreNotEvenRead) {
  for (std::string_view member :
       {R"("jku":"https://127.0.0.1:1/jwks")", R"("x5u":17)", R"("jwk":{"kty":"oct","k":"AA"})",
        R"("x5c":["x"])", R"("x5t":"x")", R"("x5t#S256":null)"}) {
    const auto jwt = split(with_header(R"({"alg":"ES256",)" + std::string(member) + '}'));
    EXPECT_EQ(outcome(jwt), "") << member;
  }
}

// The header and claims of a token go through the same door as all JSON.
TEST(Jwt, TheJsonTestSuiteAsHeaderAndAsClaimsEndsInAnAnswer) {
  OAUTH_NEED_VECTORS(folder);
  int taken = 0;
  int refused = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator(folder / "json-test-suite" / "test_parsing")) {
    const std::string text = test::read_file(entry.path());
    const std::string file = entry.path().filename().string();
    if (text.size() > 8192) {
      continue;
    }
    const auto as_claims = split(signing_input(R"({"alg":"ES256"})", text) + ".c2ln");
    const std::string as_header = outcome(split(with_header(text)));
    if (file.starts_with("n_")) {
      EXPECT_EQ(outcome(as_claims), "token_malformed") << file;
      EXPECT_EQ(as_header, "token_malformed") << file;
    }
    EXPECT_NE(as_header, "") << file;
    ++(as_claims ? taken : refused);
  }
  std::cout << "[ json     ] as claims: taken " << taken << ", refused " << refused << '\n';
  EXPECT_GT(taken, 5);
}

}  // namespace
}  // namespace oauth
