#include "oauth/proto/exchange.hpp"

#include <gtest/gtest.h>

#include "oauth/jose/jwt.hpp"
#include "oauth/jose/verify.hpp"
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

const std::string kTokenEndpoint = "https://op.example/token";

Result<TokenRequest> request_of(const Provider& of, std::string_view code = "c") {
  Metadata metadata;
  metadata.token_endpoint = kTokenEndpoint;
  return token_request(of, broker(), metadata, code, kVerifier, {test::kNow, "once"});
}

// The assertion in a request's body, its signature checked.
Json assertion_in(const TokenRequest& request, std::string_view parameter, const Key& key,
                  std::string_view kid) {
  const auto form = Form::parse(request.body);
  const std::string token(form->get(parameter));
  const auto jwt = split(token);
  EXPECT_TRUE(jwt) << request.body;
  EXPECT_EQ(jwt->kid, kid);
  EXPECT_TRUE(verify_signature(*jwt, KeySet({key.with_kid(kid)})));
  return *Json::parse(jwt->payload);
}

TEST(TokenRequest, SendsTheCodeItsRedirectUriAndTheVerifier) {
  const TokenRequest request = *request_of(with(TokenAuth::basic, "id", "pw"), "the code/+");
  EXPECT_EQ(request.body,
            "grant_type=authorization_code&code=the%20code%2F%2B&redirect_uri="
            "https%3A%2F%2Fauth.example.com%2Foauth%2Fcallback%2Facme&code_verifier=" +
                kVerifier);
  EXPECT_EQ(request.authorization, "Basic " + base64_encode("id:pw"));
}

TEST(TokenRequest, BasicEncodesBothPartsBeforeItJoinsThem) {
  const TokenRequest request = *request_of(with(TokenAuth::basic, "i%d:1", "p+w: \xC3\xA4&="), "c");
  EXPECT_EQ(request.authorization, "Basic " + base64_encode("i%25d%3A1:p%2Bw%3A%20%C3%A4%26%3D"));
  EXPECT_FALSE(test::contains(request.body, "client_"));
}

TEST(TokenRequest, PostPutsBothPartsIntoTheBody) {
  const TokenRequest request = *request_of(with(TokenAuth::post, "i%d:1", "p+w: \xC3\xA4&="), "c");
  EXPECT_EQ(request.authorization, "");
  EXPECT_TRUE(request.body.ends_with("&client_id=i%25d%3A1&client_secret=p%2Bw%3A%20%C3%A4%26%3D"))
      << request.body;
}

TEST(TokenRequest, APublicClientSendsNoSecret) {
  const TokenRequest request = *request_of(with(TokenAuth::none, "id", "never"), "c");
  EXPECT_EQ(request.authorization, "");
  EXPECT_TRUE(request.body.ends_with("&client_id=id")) << request.body;
  EXPECT_FALSE(test::contains(request.body, "never"));
}

TEST(TokenRequest, WithoutPkceThereIsNoVerifier) {
  Provider plain = provider();
  plain.pkce = false;
  const TokenRequest request = *request_of(plain, "c");
  EXPECT_FALSE(test::contains(request.body, "code_verifier"));
}

// RFC 7523 3, OpenID Connect Core 9.
TEST(TokenRequest, APrivateKeyProvesTheClient) {
  Provider of = with(TokenAuth::private_key_jwt, "id", "");
  of.client_key = test::keys().p256.with_kid("k1");
  of.client_alg = Alg::es256;
  const TokenRequest request = *request_of(of);
  EXPECT_EQ(request.authorization, "");
  EXPECT_TRUE(test::contains(request.body,
                             "&client_id=id&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3A"
                             "client-assertion-type%3Ajwt-bearer&client_assertion="));
  EXPECT_FALSE(test::contains(request.body, "client_secret"));
  EXPECT_EQ(assertion_in(request, "client_assertion", *of.client_key, "k1").dump(),
            R"({"iss":"id","sub":"id","aud":"https://op.example/token","iat":1700000000,)"
            R"("exp":1700000300,"jti":"once"})");
}

TEST(TokenRequest, ApplesSecretIsSignedAnew) {
  Provider of = with(TokenAuth::post, "com.example.web", "");
  of.type = ProviderType::apple;
  of.issuer = "https://appleid.apple.com";
  of.team_id = "TEAM123456";
  of.client_key = test::keys().p256.with_kid("KEY1234567");
  const TokenRequest request = *request_of(of);
  EXPECT_TRUE(test::contains(request.body, "&client_id=com.example.web&client_secret="));
  EXPECT_FALSE(test::contains(request.body, "client_assertion"));
  EXPECT_EQ(assertion_in(request, "client_secret", *of.client_key, "KEY1234567").dump(),
            R"({"iss":"TEAM123456","sub":"com.example.web","aud":"https://appleid.apple.com",)"
            R"("iat":1700000000,"exp":1700000300,"jti":"once"})");
}

TEST(TokenReply, SaysWhomTheProviderBlames) {
  const std::vector<std::pair<std::string, std::string>> table{
      {"invalid_client", "exchange_client_refused"},
      {"unauthorized_client", "exchange_client_refused"},
      {"incorrect_client_credentials", "exchange_client_refused"},
      {"redirect_uri_mismatch", "exchange_redirect_refused"},
      {"unverified_user_email", "email_unverified"},
      {"bad_verification_code", "exchange_refused"},
      {"invalid_grant", "exchange_refused"},
  };
  for (const auto& [error, expected] : table) {
    const std::string body = R"({"error":")" + error + R"("})";
    for (const int status : {200, 400, 401}) {
      EXPECT_EQ(outcome(parse_token_reply(status, kJson, body)), expected) << status << body;
    }
  }
}

// An `error` beside tokens is no success.
TEST(TokenReply, WithAnErrorIsNone) {
  EXPECT_EQ(outcome(parse_token_reply(
                200, kJson, R"({"error":"x","access_token":"at","token_type":"Bearer"})")),
            "exchange_refused");
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
      {200, "application/json", R"({"error":"bad_verification_code"})", "exchange_refused"},
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

TEST(Resource, IsAnObjectOrAList) {
  EXPECT_TRUE(parse_resource(200, kJson, R"({"id":1})"));
  EXPECT_TRUE(parse_resource(200, kJson, R"([{"email":"a@b.c"}])"));
  EXPECT_EQ(outcome(parse_resource(200, kJson, "7")), "userinfo_refused");
  EXPECT_EQ(outcome(parse_resource(200, kJson, R"({"id":1,"id":2})")), "userinfo_refused");
  EXPECT_EQ(outcome(parse_resource(200, "text/html", "{}")), "userinfo_refused");
  EXPECT_EQ(outcome(parse_resource(401, kJson, "{}")), "userinfo_refused");
  EXPECT_EQ(outcome(parse_resource(304, kJson, "{}")), "userinfo_refused");
}

TEST(Userinfo, WithoutASubjectIsNobodys) {
  EXPECT_EQ(outcome(parse_userinfo(200, kJson, "{}", "")), "userinfo_other_subject");
}

}  // namespace
}  // namespace oauth
