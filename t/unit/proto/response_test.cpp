#include "oauth/proto/response.hpp"

#include <gtest/gtest.h>

#include "proto/support.hpp"

namespace oauth {
namespace {

using test::broker;
using test::kNow;
using test::outcome;

TEST(Response, IsACodeOrAnError) {
  const auto code = read_response("state=s&code=c&iss=i&x=1");
  ASSERT_TRUE(code);
  EXPECT_EQ(code->state + code->code + code->iss + code->error, "sci");
  const auto error = read_response("state=s&error=access_denied&error_description=d");
  ASSERT_TRUE(error);
  EXPECT_EQ(error->error, "access_denied");
}

TEST(Response, ThatIsUnclearIsRefused) {
  const std::vector<std::pair<std::string, std::string>> table{
      {"code=c", "state_missing"},
      {"state=&code=c", "state_missing"},
      {"state=s", "code_missing"},
      {"state=s&code=c&error=e", "code_missing"},
      {"state=s&state=s&code=c", "request_repeated"},
      {"state=s&code=c&code=d", "request_repeated"},
      {"state=s&code=c&iss=i&iss=i", "request_repeated"},
      {"state=s&code=c&user=u&user=u", "request_repeated"},
      {"state=s&code=%00", "request_malformed"},
      {"state=s&code=%C3%A4", "code_malformed"},
      {"state=s&code=" + std::string(2049, 'c'), "code_malformed"},
      {"state=s&code=c&iss=" + std::string(2049, 'i'), "issuer_mismatch"},
  };
  for (const auto& [form, expected] : table) {
    EXPECT_EQ(outcome(read_response(form)), expected) << form.substr(0, 60);
  }
}

// Nobody vouches for it, so nobody misses it.
TEST(Response, AUserBeyond2KiBIsLeftOut) {
  EXPECT_EQ(read_response("state=s&code=c&user=" + std::string(2048, 'u'))->user.size(), 2048U);
  EXPECT_EQ(read_response("state=s&code=c&user=" + std::string(2049, 'u'))->user, "");
}

AuthorizationResponse response() {
  return {base64url_encode("a state's bytes"), "code", "", "https://op.example", "{}"};
}

TEST(Response, IsHandedOverWhole) {
  const auto opened = open_response(*seal_response(response(), broker(), kNow), broker(), kNow);
  ASSERT_TRUE(opened);
  EXPECT_EQ(opened->state, response().state);
  EXPECT_EQ(opened->code, "code");
  EXPECT_EQ(opened->error, "");
  EXPECT_EQ(opened->iss, "https://op.example");
  EXPECT_EQ(opened->user, "{}");
}

TEST(Response, IsHandedOverForAMinute) {
  const std::string sealed = *seal_response(response(), broker(), kNow);
  const std::int64_t end = kNow + kHandover + broker().skew;
  EXPECT_TRUE(open_response(sealed, broker(), end));
  EXPECT_EQ(outcome(open_response(sealed, broker(), end + 1)), "state_refused");
}

// Its very bytes, under the key of something else.
TEST(Response, ThatIsSealedForAnotherPurposeIsNone) {
  const Broker at = broker();
  const auto blob = base64url_decode(*seal_response(response(), at, kNow));
  const auto good = at.keyring->open({Purpose::form_post, at.url, {}}, *blob, kNow, at.skew);
  ASSERT_TRUE(good);
  const auto judge = [&](Purpose purpose) {
    const auto sealed =
        at.keyring->seal({purpose, at.url, {}}, good->payload.bytes(), kNow, kNow + kHandover);
    return outcome(open_response(base64url_encode(*sealed), at, kNow));
  };
  EXPECT_EQ(judge(Purpose::form_post), "");
  for (const Purpose purpose :
       {Purpose::attempt, Purpose::code, Purpose::refresh, Purpose::session, Purpose::demo}) {
    EXPECT_EQ(judge(purpose), "state_refused");
  }
}

TEST(Response, OfAnotherBrokerOrFormIsNone) {
  const std::string sealed = *seal_response(response(), broker(), kNow);
  EXPECT_EQ(outcome(open_response(sealed, broker("https://other.example.com"), kNow)),
            "state_refused");
  std::string altered = sealed;
  altered[60] = altered[60] == 'A' ? 'B' : 'A';
  EXPECT_EQ(outcome(open_response(altered, broker(), kNow)), "state_refused");
  EXPECT_EQ(outcome(open_response(*seal_attempt(test::attempt(), broker()), broker(), kNow)),
            "state_refused");
  EXPECT_EQ(outcome(open_response("no base64!", broker(), kNow)), "state_refused");
}

TEST(Response, ThatNoRequestLineHoldsIsRefused) {
  AuthorizationResponse large = response();
  large.state = base64url_encode(std::string(3072, 's'));
  large.code = std::string(2048, 'c');
  EXPECT_TRUE(seal_response(large, broker(), kNow));
  large.user = std::string(2048, 'u');
  EXPECT_EQ(outcome(seal_response(large, broker(), kNow)), "request_too_large");
}

}  // namespace
}  // namespace oauth
