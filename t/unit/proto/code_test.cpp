#include "oauth/proto/code.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "oauth/base/pack.hpp"
#include "proto/support.hpp"

namespace oauth {
namespace {

using test::attempt;
using test::broker;
using test::keyring;
using test::kNow;
using test::outcome;

const std::string kCode(64, 'c');
constexpr std::string_view kOrigin = "https://app.example.com";

CodeGrant grant() {
  return {Json::object().set("sub", "acme:1").set("name", "Ærøskøbing"), R"({"hd":"x"})", "acme",
          "f10w", pkce_challenge("v")};
}

std::string sealed(std::string_view name, std::int64_t expires = kNow + 300) {
  const auto value = seal_code(grant(), broker(), name, kNow, expires);
  EXPECT_TRUE(value);
  return value ? *value : std::string();
}

TEST(Code, Is64CharactersOfBase64url) {
  EXPECT_TRUE(is_code(kCode));
  EXPECT_TRUE(is_code(std::string(60, '0') + "AZ-_"));
  EXPECT_EQ(base64url_encode(std::string(kCodeBytes, 'x')).size(), 64U);
  EXPECT_FALSE(is_code(""));
  EXPECT_FALSE(is_code(std::string(63, 'a')));
  EXPECT_FALSE(is_code(std::string(65, 'a')));
  for (const char wrong : {'.', '~', '=', '+', '/', ' ', '\0', '\x80', '\n', '@', '[', '`', '{'}) {
    EXPECT_FALSE(is_code(std::string(63, 'a') + wrong)) << wrong;
  }
}

TEST(CodeBinding, IsTheOriginOfAWebApplication) {
  const std::vector<std::pair<std::string, std::string>> table{
      {"https://app.example.com/deep?a=b#c", "https://app.example.com"},
      {"https://APP.example.com:443/", "https://app.example.com"},
      {"https://app.example.com:8443", "https://app.example.com:8443"},
      {"http://localhost:3000/x", "http://localhost:3000"},
      {"myapp://host/x", "-"},
      {"myapp:/x", "-"},
  };
  for (const auto& [target, wanted] : table) {
    Attempt of = attempt();
    of.target = target;
    EXPECT_EQ(code_binding(of), wanted) << target;
  }
}

TEST(CodeBinding, IsNoneWherePkceBinds) {
  Attempt of = attempt();
  of.challenge = pkce_challenge("v");
  EXPECT_EQ(code_binding(of), "-");
}

TEST(CodeLifetime, IsTheBrokersAndAMinuteAtMostWithPkce) {
  Attempt of = attempt();
  Broker at = broker();
  EXPECT_EQ(code_lifetime(of, at), 300);
  of.challenge = pkce_challenge("v");
  EXPECT_EQ(code_lifetime(of, at), 60);
  at.lifetimes.code = 20;
  EXPECT_EQ(code_lifetime(of, at), 20);
}

TEST(CodeName, DiffersByBrokerCodeAndBinding) {
  const Broker at = broker();
  const std::set<std::string> names{
      code_name(at, kCode, kOrigin),
      code_name(at, kCode, "-"),
      code_name(at, kCode, "https://evil.example"),
      code_name(at, std::string(64, 'd'), kOrigin),
      code_name(broker("https://auth.example.com/db1"), kCode, kOrigin),
  };
  EXPECT_EQ(names.size(), 5U);
  EXPECT_EQ(names.count(code_name(broker(), kCode, kOrigin)), 1U);
}

TEST(CodeName, HoldsNothingOfTheCode) {
  EXPECT_FALSE(test::contains(code_name(broker(), kCode, kOrigin), "cccc"));
}

TEST(CodeNames, AreThoseOfTheOriginAndOfCodesThatAreNotBoundToOne) {
  const Broker at = broker();
  EXPECT_EQ(code_names(at, kCode, kOrigin), (std::vector<std::string>{
                                                code_name(at, kCode, kOrigin),
                                                code_name(at, kCode, "-"),
                                            }));
  EXPECT_EQ(code_names(at, kCode, ""), std::vector<std::string>{code_name(at, kCode, "-")});
}

TEST(CodeNames, AreThoseOfEverySecret) {
  Broker old = broker();
  Broker rotated = broker();
  rotated.keyring = keyring({"new", "s"});
  const auto names = code_names(rotated, kCode, kOrigin);
  EXPECT_EQ(names.size(), 4U);
  for (const std::string_view binding : {kOrigin, std::string_view("-")}) {
    EXPECT_EQ(std::count(names.begin(), names.end(), code_name(old, kCode, binding)), 1);
    EXPECT_EQ(std::count(names.begin(), names.end(), code_name(rotated, kCode, binding)), 1);
  }
}

TEST(CodeGrant, ReturnsAsItWas) {
  const auto opened = open_code(sealed("name"), broker(), {"other", "name"}, kNow + 60);
  ASSERT_TRUE(opened);
  EXPECT_EQ(opened->claims.dump(), grant().claims.dump());
  EXPECT_EQ(opened->said, R"({"hd":"x"})");
  EXPECT_EQ(opened->provider, "acme");
  EXPECT_EQ(opened->flow_id, "f10w");
  EXPECT_EQ(opened->challenge, pkce_challenge("v"));
}

TEST(CodeGrant, LeavesOutWhatNoStoreWouldTake) {
  CodeGrant large = grant();
  large.said = std::string(kMaxSaid + 1, 'g');
  const auto value = seal_code(large, broker(), "name", kNow, kNow + 300);
  const auto opened = open_code(*value, broker(), {"name"}, kNow);
  ASSERT_TRUE(opened);
  EXPECT_EQ(opened->said, "");
  EXPECT_EQ(opened->claims.dump(), grant().claims.dump());
}

TEST(CodeGrant, OpensOnlyUnderItsOwnName) {
  EXPECT_EQ(outcome(open_code(sealed("name"), broker(), {"other"}, kNow)), "code_invalid");
  EXPECT_EQ(outcome(open_code(sealed("name"), broker(), {}, kNow)), "code_invalid");
}

TEST(CodeGrant, OpensOnlyAtItsOwnBroker) {
  EXPECT_EQ(outcome(open_code(sealed("name"), broker("https://other.example"), {"name"}, kNow)),
            "code_invalid");
}

TEST(CodeGrant, OpensOnlyWithItsOwnKey) {
  Broker other = broker();
  other.keyring = keyring({"other"});
  EXPECT_EQ(outcome(open_code(sealed("name"), other, {"name"}, kNow)), "code_invalid");
}

TEST(CodeGrant, OpensUntilItsExpiryAndTheSkew) {
  const std::string value = sealed("name");
  EXPECT_EQ(outcome(open_code(value, broker(), {"name"}, kNow + 330)), "");
  EXPECT_EQ(outcome(open_code(value, broker(), {"name"}, kNow + 331)), "code_invalid");
}

TEST(CodeGrant, IsNothingElse) {
  const Broker at = broker();
  EXPECT_EQ(outcome(open_code("", at, {"name"}, kNow)), "code_invalid");
  EXPECT_EQ(outcome(open_code("plain text", at, {"name"}, kNow)), "code_invalid");
  const auto judge = [&at](Purpose purpose, const Pack& pack) {
    const auto value = at.keyring->seal({purpose, at.url, "name"}, pack.bytes(), kNow, kNow + 60);
    return outcome(open_code(*value, at, {"name"}, kNow));
  };
  const Pack good = Pack().add("{}").add("").add("acme").add("flow").add("");
  EXPECT_EQ(judge(Purpose::code, good), "");
  EXPECT_EQ(judge(Purpose::attempt, good), "code_invalid");
  EXPECT_EQ(judge(Purpose::code, Pack(good).add("more")), "code_invalid");
  EXPECT_EQ(judge(Purpose::code, Pack().add("{}").add("").add("acme").add("flow")), "code_invalid");
  EXPECT_EQ(judge(Purpose::code, Pack().add("[]").add("").add("acme").add("flow").add("")),
            "code_invalid");
}

}  // namespace
}  // namespace oauth
