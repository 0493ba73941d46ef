#include "oauth/jose/claims.hpp"

#include "jose/support.hpp"
#include "jose/verify_support.hpp"

namespace oauth {
namespace {

using test::expectations;
using test::good_with;
using test::judge_claims;

struct ClaimRow {
  const char* change;   // to kGood; null takes a claim out
  const char* outcome;  // "": believed
};

void expect_rows(std::initializer_list<ClaimRow> rows, const Expectations& expect) {
  for (const ClaimRow& row : rows) {
    EXPECT_EQ(judge_claims(good_with(row.change), expect), row.outcome) << row.change;
  }
}

TEST(Claims, IssAudAndSubAreComparedByteForByte) {
  constexpr const char* kIssuer = "token_issuer_wrong";
  constexpr const char* kAudience = "token_audience_wrong";
  constexpr const char* kSubject = "token_subject_wrong";
  expect_rows({{R"({})", ""},
               {R"({"iss":null})", kIssuer},
               {R"({"iss":""})", kIssuer},
               {R"({"iss":1})", kIssuer},
               {R"({"iss":["https://issuer.example"]})", kIssuer},
               {R"({"iss":"https://issuer.example/"})", kIssuer},
               {R"({"iss":"https://issuer.exampl"})", kIssuer},
               {R"({"iss":"https://Issuer.example"})", kIssuer},
               {R"({"iss":"http://issuer.example"})", kIssuer},
               {R"({"iss":"https://issuer.example.evil.example"})", kIssuer},
               {R"({"iss":" https://issuer.example"})", kIssuer},
               {R"({"aud":"us too"})", ""},
               {R"({"aud":["us"]})", ""},
               {R"({"aud":["them","us"]})", ""},
               {R"({"aud":null})", kAudience},
               {R"({"aud":""})", kAudience},
               {R"({"aud":[]})", kAudience},
               {R"({"aud":{}})", kAudience},
               {R"({"aud":{"us":"us"}})", kAudience},
               {R"({"aud":1})", kAudience},
               {R"({"aud":true})", kAudience},
               {R"({"aud":"US"})", kAudience},
               {R"({"aud":"us "})", kAudience},
               {R"({"aud":"us,them"})", kAudience},
               {R"({"aud":"them"})", kAudience},
               {R"({"aud":["them"]})", kAudience},
               {R"({"aud":["us",1]})", kAudience},
               {R"({"aud":[["us"]]})", kAudience},
               {R"({"sub":null})", kSubject},
               {R"({"sub":""})", kSubject},
               {R"({"sub":17})", kSubject},
               {R"({"sub":["google:1"]})", kSubject},
               {R"({"sub":"a\r\nb"})", kSubject},
               {R"({"sub":"\u00fc"})", kSubject},
               {R"({"sub":"\u007f"})", kSubject}},
              expectations());
  const auto with_sub = [](std::size_t size) {
    return good_with(R"({"sub":")" + std::string(size, 's') + R"("})");
  };
  EXPECT_EQ(judge_claims(with_sub(255)), "");
  EXPECT_EQ(judge_claims(with_sub(256)), kSubject);
}

TEST(Claims, AnAudienceIsNeededUnlessAnyWillDo) {
  Expectations nobody = expectations();
  nobody.audiences.clear();
  expect_rows({{R"({"aud":"us"})", "token_audience_wrong"},
               {R"({"aud":null})", "token_audience_wrong"},
               {R"({"aud":""})", "token_audience_wrong"},
               {R"({"aud":[]})", "token_audience_wrong"}},
              nobody);
  Expectations any = nobody;
  any.any_audience = true;
  expect_rows({{R"({"aud":"them"})", ""}, {R"({"aud":null})", ""}, {R"({"aud":17})", ""}}, any);
}

TEST(Claims, AzpFollowsOpenIdConnect) {
  Expectations expect = expectations();
  expect_rows({{R"({"azp":"them"})", ""}}, expect);
  expect.authorized_party = "us";
  expect_rows({{R"({})", ""},
               {R"({"azp":"us"})", ""},
               {R"({"aud":["us"]})", ""},
               {R"({"aud":["us","us too"],"azp":"us"})", ""},
               {R"({"azp":"them"})", "token_azp_wrong"},
               {R"({"azp":""})", "token_azp_wrong"},
               {R"({"azp":["us"]})", "token_azp_wrong"},
               {R"({"azp":17})", "token_azp_wrong"},
               {R"({"aud":["us","us too"]})", "token_azp_wrong"},
               {R"({"aud":["us","us too"],"azp":"us too"})", "token_azp_wrong"},
               {R"({"aud":["us","them"],"azp":"us"})", "token_audience_wrong"},
               {R"({"aud":["us","them"]})", "token_audience_wrong"}},
              expect);
}

// kNow is 1700000000, the skew 30.
TEST(Claims, TheEdgesOfATokensLifeAreExact) {
  constexpr const char* kExpired = "token_expired";
  constexpr const char* kEarly = "token_not_yet_valid";
  Expectations expect = expectations();
  expect_rows({{R"({"exp":1699999971})", ""},
               {R"({"exp":1699999970})", kExpired},
               {R"({"exp":1699999970.25})", ""},
               {R"({"exp":1.699999971e9})", ""},
               {R"({"exp":1.69999997e9})", kExpired},
               {R"({"exp":0})", kExpired},
               {R"({"exp":9007199254740992})", ""},
               {R"({"nbf":1700000030})", ""},
               {R"({"nbf":1700000031})", kEarly},
               {R"({"nbf":1700000030.5})", kEarly},
               {R"({"nbf":0})", ""},
               {R"({"iat":1700000030})", ""},
               {R"({"iat":1700000031})", kEarly},
               {R"({"iat":0})", ""},
               {R"({"exp":1,"nbf":9e9})", kExpired}},
              expect);
  expect.grace = 600;
  expect_rows({{R"({"exp":1699999371})", ""},
               {R"({"exp":1699999370})", kExpired},
               {R"({"nbf":1700000031})", kEarly},
               {R"({"iat":1700000031})", kEarly}},
              expect);
  expect.skew = 0;
  expect.grace = 0;
  expect_rows({{R"({"exp":1700000001})", ""},
               {R"({"exp":1700000000})", kExpired},
               {R"({"nbf":1700000000,"iat":1700000000})", ""},
               {R"({"nbf":1700000001})", kEarly},
               {R"({"iat":1700000001})", kEarly}},
              expect);
}

TEST(Claims, TimesAreNumbersFrom1970To2To53) {
  constexpr const char* kMalformed = "token_time_malformed";
  expect_rows({{R"({"exp":null})", kMalformed}}, expectations());
  for (const char* value :
       {R"("1700000100")", R"("")", "true", "[1700000100]", "{}", "-1", "-0.5", "-1e300",
        "9007199254740994", "9.1e15", "1e300", "9223372036854775807", "-9223372036854775808"}) {
    for (const char* name : {"exp", "nbf", "iat"}) {
      const std::string change = R"({")" + std::string(name) + R"(":)" + value + '}';
      EXPECT_EQ(judge_claims(good_with(change)), kMalformed) << change;
    }
  }
  // Beyond what a number here can hold, it is not even JSON.
  for (const char* value : {"9223372036854775808", "1e999", "01", "0x1", "1.", "NaN", "Infinity"}) {
    EXPECT_EQ(judge_claims(R"({"exp":)" + std::string(value) + '}'), "token_malformed") << value;
  }
  // null is there, and no number.
  EXPECT_EQ(judge_claims(R"({"iss":"https://issuer.example","aud":"us","sub":"s","exp":null})"),
            kMalformed);
  EXPECT_EQ(judge_claims(
                R"({"iss":"https://issuer.example","aud":"us","sub":"s","exp":1.7e10,"nbf":null})"),
            kMalformed);
}

TEST(Claims, IatIsNeededWhereItIsRequired) {
  Expectations expect = expectations();
  expect.require_iat = true;
  expect_rows({{R"({})", "token_time_malformed"}, {R"({"iat":1699999999})", ""}}, expect);
}

TEST(Claims, WithoutAnExpectedNonceATokenOfAnotherKindIsRefused) {
  constexpr const char* kKind = "token_kind_refused";
  expect_rows({{R"({"nonce":"n"})", kKind},
               {R"({"nonce":""})", kKind},
               {R"({"nonce":17})", kKind},
               {R"({"events":{"http://schemas.openid.net/event/backchannel-logout":{}}})", kKind},
               {R"({"cnf":{"jkt":"x"}})", kKind},
               {R"({"cnf":{}})", kKind},
               {R"({"cnf":"x"})", kKind}},
              expectations());
  EXPECT_EQ(judge_claims(R"({"iss":"https://issuer.example","aud":"us","sub":"s","exp":1.7e10,)"
                         R"("cnf":null})"),
            kKind);
}

TEST(Claims, AnExpectedNonceMustBeThere) {
  constexpr const char* kNonce = "token_nonce_wrong";
  Expectations expect = expectations();
  expect.nonce = "n-1";
  expect_rows({{R"({"nonce":"n-1"})", ""},
               {R"({})", kNonce},
               {R"({"nonce":""})", kNonce},
               {R"({"nonce":"n-2"})", kNonce},
               {R"({"nonce":"n-1 "})", kNonce},
               {R"({"nonce":"N-1"})", kNonce},
               {R"({"nonce":["n-1"]})", kNonce},
               {R"({"nonce":1})", kNonce}},
              expect);
}

// Each row is wrong in one more way than the next: the first way is the one reported.
TEST(Claims, ReportsTheFirstReasonInItsOrder) {
  Expectations expect = expectations();
  expect.authorized_party = "us";
  const std::string bad =
      R"({"azp":"them","exp":1,"nonce":"n","sub":"","aud":"them","iss":"them"})";
  EXPECT_EQ(judge_claims(good_with(bad), expect), "token_issuer_wrong");
  expect.issuer = "them";
  EXPECT_EQ(judge_claims(good_with(bad), expect), "token_audience_wrong");
  expect.audiences = {"them"};
  EXPECT_EQ(judge_claims(good_with(bad), expect), "token_azp_wrong");
  expect.authorized_party = "them";
  EXPECT_EQ(judge_claims(good_with(bad), expect), "token_expired");
  expect.grace = 2'000'000'000;
  EXPECT_EQ(judge_claims(good_with(bad), expect), "token_kind_refused");
  expect.nonce = "m";
  EXPECT_EQ(judge_claims(good_with(bad), expect), "token_nonce_wrong");
  expect.nonce = "n";
  EXPECT_EQ(judge_claims(good_with(bad), expect), "token_subject_wrong");
}

TEST(Claims, AnIssuerThatNobodyExpectsMatchesNoToken) {
  Expectations expect = expectations();
  expect.issuer.clear();
  EXPECT_EQ(judge_claims(good_with(R"({"iss":""})"), expect), "token_issuer_wrong");
  EXPECT_EQ(judge_claims(good_with(R"({"iss":null})"), expect), "token_issuer_wrong");
}

}  // namespace
}  // namespace oauth
