#include "oauth/proto/exchange.hpp"

#include <gtest/gtest.h>

#include "proto/support.hpp"

namespace oauth {
namespace {

using test::broker;
using test::outcome;
using test::provider;

constexpr std::string_view kJson = "application/json";
const std::string kVerifier(43, 'v');

Provider with(TokenAuth auth, std::string_view id, std::string_view secret) {
  Provider with = provider();
  with.token_auth = auth;
  with.client_id = id;
  with.client_secret = Secret(secret);
  return with;
}

TEST(TokenRequest, SendsTheCodeItsRedirectUriAndTheVerifier) {
  const TokenRequest request =
      token_request(with(TokenAuth::basic, "id", "pw"), broker(), "the code/+", kVerifier);
  EXPECT_EQ(request.body,
            "grant_type=authorization_code&code=the%20code%2F%2B&redirect_uri="
            "https%3A%2F%2Fauth.example.com%2Foauth%2Fcallback%2Facme&code_verifier=" +
                kVerifier);
  EXPECT_EQ(request.authorization, "Basic " + base64_encode("id:pw"));
}

TEST(TokenRequest, BasicEncodesBothPartsBeforeItJoinsThem) {
  const TokenRequest request =
      token_request(with(TokenAuth::basic, "i%d:1", "p+w: \xC3\xA4&="), broker(), "c", kVerifier);
  EXPECT_EQ(request.authorization, "Basic " + base64_encode("i%25d%3A1:p%2Bw%3A%20%C3%A4%26%3D"));
  EXPECT_FALSE(test::contains(request.body, "client_"));
}

TEST(TokenRequest, PostPutsBothPartsIntoTheBody) {
  const TokenRequest request =
      token_request(with(TokenAuth::post, "i%d:1", "p+w: \xC3\xA4&="), broker(), "c", kVerifier);
  EXPECT_EQ(request.authorization, "");
  EXPECT_TRUE(request.body.ends_with("&client_id=i%25d%3A1&client_secret=p%2Bw%3A%20%C3%A4%26%3D"))
      << request.body;
}

TEST(TokenRequest, APublicClientSendsNoSecret) {
  const TokenRequest request =
      token_request(with(TokenAuth::none, "id", "never"), broker(), "c", kVerifier);
  EXPECT_EQ(request.authorization, "");
  EXPECT_TRUE(request.body.ends_with("&client_id=id")) << request.body;
  EXPECT_FALSE(test::contains(request.body, "never"));
}

TEST(TokenRequest, WithoutPkceThereIsNoVerifier) {
  Provider plain = provider();
  plain.pkce = false;
  const TokenRequest request = token_request(plain, broker(), "c", kVerifier);
  EXPECT_FALSE(test::contains(request.body, "code_verifier"));
}

TEST(TokenReply, GivesTheTokens) {
  const auto reply = parse_token_reply(
      200, kJson, R"({"access_token":"at","token_type":"Bearer","id_token":"a.b.c","x":[1]})");
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->access_token, "at");
  EXPECT_EQ(reply->id_token, "a.b.c");
}

TEST(TokenReply, MayLackAnIdToken) {
  const auto reply =
      parse_token_reply(200, kJson, R"({"access_token":"at","token_type":"bearer"})");
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->id_token, "");
}

TEST(TokenReply, IsJudgedByStatusTypeAndMembers) {
  const std::string good = R"({"access_token":"at","token_type":"Bearer"})";
  struct Row {
    int status;
    std::string type;
    std::string body;
    std::string outcome;
  };
  const std::vector<Row> table{
      {200, "application/json", good, ""},
      {200, "Application/JSON ; charset=utf-8", good, ""},
      {200, "application/json\t;x", good, ""},
      {200, "application/json", R"({"access_token":"at","token_type":"bEARER"})", ""},
      // RFC 6749 5.2: the provider's own error
      {400, "application/json", R"({"error":"invalid_grant"})", "exchange_refused"},
      {401, "text/html", "", "exchange_refused"},
      {404, "application/json", good, "exchange_refused"},
      {499, "application/json", good, "exchange_refused"},
      // no answer to a token request
      {201, "application/json", good, "exchange_malformed"},
      {204, "application/json", "", "exchange_malformed"},
      {302, "application/json", good, "exchange_malformed"},
      {399, "application/json", good, "exchange_malformed"},
      {500, "application/json", good, "exchange_malformed"},
      {503, "application/json", good, "exchange_malformed"},
      {200, "", good, "exchange_malformed"},
      {200, "text/html", good, "exchange_malformed"},
      {200, "application/jsonp", good, "exchange_malformed"},
      {200, "application/json+x", good, "exchange_malformed"},
      {200, "text/plain; application/json", good, "exchange_malformed"},
      {200, "application/x-www-form-urlencoded", "access_token=at&token_type=bearer",
       "exchange_malformed"},
      {200, "application/json", "", "exchange_malformed"},
      {200, "application/json", "[]", "exchange_malformed"},
      {200, "application/json", "{", "exchange_malformed"},
      {200, "application/json", good + "x", "exchange_malformed"},
      {200, "application/json", std::string(256 * 1024, ' ') + good, "exchange_malformed"},
      {200, "application/json", "{}", "exchange_malformed"},
      {200, "application/json", R"({"error":"bad_verification_code"})", "exchange_malformed"},
      {200, "application/json", R"({"token_type":"Bearer"})", "exchange_malformed"},
      {200, "application/json", R"({"access_token":"at"})", "exchange_malformed"},
      {200, "application/json", R"({"access_token":"","token_type":"Bearer"})",
       "exchange_malformed"},
      {200, "application/json", R"({"access_token":7,"token_type":"Bearer"})",
       "exchange_malformed"},
      {200, "application/json", R"({"access_token":"at","token_type":7})", "exchange_malformed"},
      {200, "application/json", R"({"access_token":"at","token_type":"DPoP"})",
       "exchange_malformed"},
      {200, "application/json", R"({"access_token":"at","token_type":""})", "exchange_malformed"},
      {200, "application/json", R"({"access_token":"a\r\nX: y","token_type":"Bearer"})",
       "exchange_malformed"},
      {200, "application/json", R"({"access_token":"\u00e4","token_type":"Bearer"})",
       "exchange_malformed"},
      {200, "application/json", R"({"access_token":"at","token_type":"Bearer","id_token":7})",
       "exchange_malformed"},
      {200, "application/json", R"({"access_token":"at","token_type":"Bearer","id_token":null})",
       "exchange_malformed"},
      {200, "application/json",
       R"({"access_token":"at","access_token":"other","token_type":"Bearer"})",
       "exchange_malformed"},
  };
  for (const Row& row : table) {
    EXPECT_EQ(outcome(parse_token_reply(row.status, row.type, row.body)), row.outcome)
        << row.status << " " << row.type << " " << row.body.substr(0, 80);
  }
}

TEST(Userinfo, IsTheClaimsOfTheSameSubject) {
  const auto claims = parse_userinfo(200, kJson, R"({"sub":"u1","email":"a@b.c"})", "u1");
  ASSERT_TRUE(claims);
  EXPECT_EQ(claims->string("email"), "a@b.c");
}

TEST(Userinfo, IsJudgedByStatusTypeAndSubject) {
  const std::string good = R"({"sub":"u1"})";
  struct Row {
    int status;
    std::string type;
    std::string body;
    std::string outcome;
  };
  const std::vector<Row> table{
      {200, "application/json;charset=utf-8", good, ""},
      {200, "application/json", R"({"sub":"u1","extra":{"a":[1]}})", ""},
      {401, "application/json", good, "userinfo_refused"},
      {500, "application/json", good, "userinfo_refused"},
      {204, "application/json", good, "userinfo_refused"},
      {200, "application/jwt", good, "userinfo_refused"},
      {200, "", good, "userinfo_refused"},
      {200, "application/json", "", "userinfo_refused"},
      {200, "application/json", "[]", "userinfo_refused"},
      {200, "application/json", "not JSON", "userinfo_refused"},
      {200, "application/json", R"({"sub":"u1","sub":"u1"})", "userinfo_refused"},
      {200, "application/json", std::string(256 * 1024, ' ') + good, "userinfo_refused"},
      {200, "application/json", "{}", "userinfo_other_subject"},
      {200, "application/json", R"({"sub":"u2"})", "userinfo_other_subject"},
      {200, "application/json", R"({"sub":"U1"})", "userinfo_other_subject"},
      {200, "application/json", R"({"sub":"u1 "})", "userinfo_other_subject"},
      {200, "application/json", R"({"sub":["u1"]})", "userinfo_other_subject"},
      {200, "application/json", R"({"sub":null})", "userinfo_other_subject"},
  };
  for (const Row& row : table) {
    EXPECT_EQ(outcome(parse_userinfo(row.status, row.type, row.body, "u1")), row.outcome)
        << row.status << " " << row.type << " " << row.body.substr(0, 80);
  }
}

TEST(Userinfo, WithoutASubjectIsNobodys) {
  EXPECT_EQ(outcome(parse_userinfo(200, kJson, "{}", "")), "userinfo_other_subject");
}

}  // namespace
}  // namespace oauth
