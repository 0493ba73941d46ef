// Who may still try at the token endpoint, and what counts as a try. Requirement 028.
#include "flow/stage.hpp"

namespace oauth {
namespace {

using test::attempt;
using test::header;
using test::reason;
using test::Stage;
using test::status;

constexpr auto kGate = Throttle::Gate::token;

TEST(TokenLimit, WhoFailedTooOftenIsNotListenedTo) {
  Stage stage;
  const std::string code = stage.code_for(attempt());
  stage.throttle = {};
  stage.throttle.closed = {kGate};
  Request form = stage.token_request(code);
  form.content_type = "application/x-www-form-urlencoded";
  for (const Request& in : {stage.token_request(code), form, stage.request("POST", "/token")}) {
    const Verdict verdict = stage.call_token(in);
    EXPECT_EQ(reason(verdict), "too_many_requests");
    EXPECT_EQ(status(verdict), 429);
    EXPECT_EQ(header(verdict, "Retry-After"), std::to_string(kRetryAfter));
    EXPECT_EQ(header(verdict, "Access-Control-Allow-Origin"),
              in.origins.empty() ? "" : in.origins.front());
    EXPECT_TRUE(stage.untouched());
    EXPECT_TRUE(stage.throttle.spent.empty()) << "a refusal is no try";
  }
  stage.throttle.closed.clear();
  EXPECT_EQ(status(stage.call_token(stage.token_request(code))), 200) << "the code is unspent";
}

TEST(TokenLimit, APreflightIsAlwaysAnswered) {
  Stage stage;
  stage.throttle.closed = {kGate};
  Request in = stage.token_request("");
  in.method = "OPTIONS";
  EXPECT_EQ(status(stage.call_token(in)), 204);
}

TEST(TokenLimit, WhatSucceedsIsNoTry) {
  Stage stage;
  const std::string code = stage.code_for(attempt());
  stage.throttle = {};
  stage.throttle.closed = {Throttle::Gate::callback};  // another gate's
  EXPECT_EQ(status(stage.call_token(stage.token_request(code))), 200);
  EXPECT_TRUE(stage.throttle.spent.empty());
}

TEST(TokenLimit, WhatIsRefusedIsOne) {
  Stage stage;
  Request in = stage.token_request("");
  int tries = 0;
  const auto expect_try = [&](std::string_view why, const Request& asked) {
    EXPECT_EQ(reason(stage.call_token(asked)), why);
    EXPECT_EQ(stage.throttle.spent[kGate], ++tries) << why;
  };
  expect_try("code_invalid", stage.token_request(std::string(64, 'A')));
  expect_try("scope_refused", stage.token_request(std::string(64, 'A'), R"({"scopes":["x"]})"));
  in.body = "{";
  expect_try("json_invalid", in);
  in.content_type = "text/plain";
  expect_try("content_type_refused", in);
}

TEST(TokenLimit, WhatBreaksIsNone) {
  Stage stage;
  stage.store.fails["take"] = Problem::store_down;
  EXPECT_EQ(status(stage.call_token(stage.token_request(std::string(64, 'A')))), 503);
  EXPECT_TRUE(stage.throttle.spent.empty());
}

}  // namespace
}  // namespace oauth
