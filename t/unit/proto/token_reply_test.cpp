#include "oauth/proto/token_reply.hpp"

#include <gtest/gtest.h>

#include "proto/support.hpp"

namespace oauth {
namespace {

using test::broker;
using test::kNow;

constexpr std::int64_t kNowMs = kNow * 1000 + 7;

Issue issue() {
  Issue of;
  of.claims = test::json(R"({"sub":"acme:u1","email":"a@example.com","email_verified":true,
                             "name":"\u00c6 \"quoted\"","picture":"https://p.example/1"})");
  of.scopes = {"ACCESS_DB", "read"};
  of.now = kNow;
  of.refresh_expires = kNow + 1000;
  return of;
}

TEST(DexieTokens, AreWhatTheRealClientReadsWithTimesInMilliseconds) {
  EXPECT_EQ(tokens_body(Shape::dexie, issue(), broker(), {"access", "refresh"}),
            R"({"type":"tokens","claims":{"sub":"acme:u1","email":"a@example.com",)"
            R"("email_verified":true,"name":"\u00C6 \"quoted\"","picture":"https://p.example/1",)"
            R"("license":"ok"},"accessToken":"access","accessTokenExpiration":1700003600000,)"
            R"("refreshToken":"refresh","refreshTokenExpiration":1700001000000,)"
            R"("userType":"prod"})");
}

TEST(DexieTokens, NameNoRefreshTokenWhereThereIsNone) {
  const Json reply = test::json(tokens_body(Shape::dexie, issue(), broker(), Tokens{"access", {}}));
  EXPECT_FALSE(reply.has("refreshToken"));
  EXPECT_FALSE(reply.has("refreshTokenExpiration"));
}

TEST(DexieTokens, LeaveTheClaimsOfTheIssueAsTheyAre) {
  const Issue of = issue();
  const std::string before = of.claims.dump();
  (void)tokens_body(Shape::dexie, of, broker(), {"a", "r"});
  EXPECT_EQ(of.claims.dump(), before);
}

TEST(StandardTokens, AreThoseOfRfc6749WithTimesInSeconds) {
  EXPECT_EQ(tokens_body(Shape::rfc6749, issue(), broker(), Tokens{"access", {}}),
            R"({"access_token":"access","token_type":"Bearer","expires_in":3600,)"
            R"("scope":"ACCESS_DB read"})");
  const Json with_refresh =
      test::json(tokens_body(Shape::rfc6749, issue(), broker(), {"access", "refresh"}));
  EXPECT_EQ(with_refresh.string("refresh_token"), "refresh");
}

TEST(OtpSent, NamesItsId) {
  EXPECT_EQ(otp_sent_body("id"), R"({"type":"otp-sent","otp_id":"id"})");
}

TEST(DexieError, IsTheRowOfTheProblem) {
  const ErrorBody body = error_body(Shape::dexie, Problem::code_invalid, kNowMs);
  EXPECT_EQ(body.content_type, "application/json");
  EXPECT_EQ(body.text, R"({"type":"error","title":"Login failed","messageCode":"GENERIC_ERROR",)"
                       R"("message":"The code is invalid or expired","messageParams":{}})");
}

// dexie-contract 4.2: the client has no handling, but the type says what it is.
TEST(DexieError, OfATimeStampTellsTheServersTime) {
  const Json body = test::json(error_body(Shape::dexie, Problem::time_stamp_refused, kNowMs).text);
  EXPECT_EQ(body.string("type"), "invalid-timestamp");
  EXPECT_EQ(body.integer("server_time"), kNowMs);
  EXPECT_EQ(row(Problem::time_stamp_refused).status, 400);
}

// dexie-contract 4.3: a wrong one-time password is shown verbatim, so it is no JSON.
TEST(DexieError, OfAWrongOneTimePasswordIsPlainText) {
  const ErrorBody body = error_body(Shape::dexie, Problem::otp_refused, kNowMs);
  EXPECT_EQ(body.content_type, "text/plain; charset=utf-8");
  EXPECT_EQ(body.text, row(Problem::otp_refused).text);
  EXPECT_EQ(row(Problem::otp_refused).status, 401);
}

// dexie-contract 4.5: what brings the choice of providers back.
TEST(DexieError, OfWhoMayNotSignInIsAPolicyCode) {
  const std::vector<std::pair<Problem, std::string>> table{
      {Problem::user_not_registered, "USER_NOT_REGISTERED"},
      {Problem::user_not_accepted, "USER_NOT_ACCEPTED"},
      {Problem::email_not_allowed, "USER_NOT_ACCEPTED"},
      {Problem::no_seats_available, "NO_SEATS_AVAILABLE"},
      {Problem::user_deactivated, "USER_DEACTIVATED"},
      {Problem::webhook_error, "WEBHOOK_ERROR"},
  };
  for (const auto& [problem, code] : table) {
    const Json body = test::json(error_body(Shape::dexie, problem, kNowMs).text);
    EXPECT_EQ(body.string("code"), code);
    EXPECT_EQ(body.string("message"), row(problem).text);
    EXPECT_EQ(row(problem).status, 403);
  }
}

// req 054
TEST(StandardError, IsThatOfRfc6749) {
  EXPECT_EQ(error_body(Shape::rfc6749, Problem::client_refused, kNowMs).text,
            R"({"error":"invalid_client","error_description":)"
            R"("The client is unknown or its credentials are wrong."})");
}

}  // namespace
}  // namespace oauth
