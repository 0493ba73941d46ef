#include "oauth/proto/identity.hpp"

#include <gtest/gtest.h>

#include "proto/support.hpp"

namespace oauth {
namespace {

using test::outcome;
using test::provider;

Result<Identity> identity_from(const Json& claims, const Provider& of) {
  Statement said;
  said.id_token = claims;
  return identity_of(said, of);
}

Result<Identity> identity(std::string_view claims) {
  return identity_from(test::json(claims), provider());
}

// Claims of a subject and one more member.
Result<Identity> identity_with(std::string_view member, std::string_view value) {
  return identity_from(Json::object().set("sub", "u1").set(member, value), provider());
}

TEST(Identity, IsNamedByProviderAndSubject) {
  const auto who = identity(
      R"({"sub":"u1","email":"a@example.com","email_verified":true,"name":"A","picture":"p","x":1})");
  ASSERT_TRUE(who);
  EXPECT_EQ(who->sub(), "acme:u1");
  EXPECT_EQ(who->claims().dump(),
            R"({"sub":"acme:u1","email":"a@example.com","email_verified":true,"name":"A",)"
            R"("picture":"p"})");
}

TEST(Identity, LeavesOutWhatIsNotKnown) {
  const auto who = identity(R"({"sub":"u1","email_verified":true})");
  ASSERT_TRUE(who);
  EXPECT_FALSE(who->email_verified) << "nothing was verified";
  EXPECT_EQ(who->claims().dump(), R"({"sub":"acme:u1"})");
}

TEST(Identity, AMemberOfAnotherTypeIsAbsent) {
  const auto who = identity(
      R"({"sub":"u1","email":["a@example.com"],"email_verified":true,"name":7,"picture":{}})");
  ASSERT_TRUE(who);
  EXPECT_EQ(who->claims().dump(), R"({"sub":"acme:u1"})");
}

TEST(Identity, NeedsASubject) {
  const std::vector<std::string> table{
      R"({})",
      R"({"sub":""})",
      R"({"sub":7})",
      R"({"sub":null})",
      R"({"sub":["u1"]})",
      R"({"sub":"u\u0001"})",
      R"({"sub":"u\n1"})",
      R"({"sub":"u\u007f"})",
      R"({"sub":"\u00fc"})",
      R"({"sub":")" + std::string(256, 'u') + R"("})",
  };
  for (const std::string& claims : table) {
    EXPECT_EQ(outcome(identity(claims)), "token_subject_wrong") << claims.substr(0, 40);
  }
  EXPECT_EQ(outcome(identity(R"({"sub":")" + std::string(255, 'u') + R"("})")), "");
}

TEST(Identity, AnAddressIsVerifiedOnlyByTheBooleanTrue) {
  const std::vector<std::pair<std::string, bool>> table{
      {"true", true},    {"false", false}, {"\"true\"", false},
      {"1", false},      {"1.0", false},   {"null", false},
      {"[true]", false}, {"{}", false},    {"\"verified\"", false},
  };
  for (const auto& [value, wanted] : table) {
    const auto who =
        identity(R"({"sub":"u1","email":"a@example.com","email_verified":)" + value + "}");
    ASSERT_TRUE(who) << value;
    EXPECT_EQ(who->email_verified, wanted) << value;
  }
  const auto unsaid = identity(R"({"sub":"u1","email":"a@example.com"})");
  ASSERT_TRUE(unsaid);
  EXPECT_FALSE(unsaid->email_verified);
}

TEST(Identity, OnlyOnePlainAddressCountsAsVerified) {
  const std::vector<std::pair<std::string, bool>> table{
      {"a@example.com", true},
      {"a.b+c@sub.example.com", true},
      {"x@y", true},
      {"o'hara@example.com", true},
      {"", false},
      {"@", false},
      {"a", false},
      {"a@", false},
      {"@example.com", false},
      {"a@b@example.com", false},
      {"a@@example.com", false},
      {"a@example.com,b@example.com", false},
      {"a@example.com b@example.com", false},
      {"a@example.com;", false},
      {"a@example.com,", false},
      {"<a@example.com>", false},
      {"a@example.com>", false},
      {"\"a b\"@example.com", false},
      {"\"a\"@example.com", false},
      {" a@example.com", false},
      {"a@example.com ", false},
      {"a@exa\tmple.com", false},
      {"a@example.com\n", false},
      {"a@example.com\x01", false},
      {"a@example.com\x7f", false},
      {"\xC3\xA4@example.com", false},
      {"a@ex\xD0\xB0mple.com", false},
  };
  for (const auto& [email, wanted] : table) {
    const Json claims = Json::object()
                            .set("sub", "u1")
                            .set("email", std::string_view(email))
                            .set("email_verified", true);
    const auto who = identity_from(claims, provider());
    ASSERT_TRUE(who) << email;
    EXPECT_EQ(who->email_verified, wanted) << email;
    EXPECT_EQ(who->email, email) << "kept, but not as verified";
  }
}

TEST(Identity, AClaimHasAtMostOneKibibyte) {
  for (const std::string_view member : {"email", "name", "picture"}) {
    EXPECT_EQ(outcome(identity_with(member, std::string(1024, 'x'))), "") << member;
    EXPECT_EQ(outcome(identity_with(member, std::string(1025, 'x'))), "claims_too_large") << member;
  }
}

// The store keeps 8 KiB a value, and JSON writes one byte as up to six.
TEST(Identity, AllClaimsTogetherHaveAtMostFourKibibytesAsTheyAreKept) {
  Json claims = Json::object().set("sub", std::string_view(std::string(255, 'u')));
  for (const std::string_view member : {"email", "name", "picture"}) {
    claims.set(member, std::string_view(std::string(1024, 'x')));
  }
  const auto plain = identity_from(claims, provider());
  ASSERT_TRUE(plain);
  EXPECT_LE(plain->claims().dump().size(), 4096U);

  EXPECT_EQ(outcome(identity_with("name", std::string(600, '\x01'))), "");
  EXPECT_EQ(outcome(identity_with("name", std::string(1024, '\x01'))), "claims_too_large");
}

TEST(Admission, NeedsAVerifiedAddressWhereTheProviderDemandsIt) {
  Provider strict = provider();
  Provider lax = provider();
  lax.require_verified_email = false;
  Identity who;
  EXPECT_EQ(outcome(admit(who, strict)), "email_unverified");
  EXPECT_EQ(outcome(admit(who, lax)), "");
  who.email = "a@example.com";
  EXPECT_EQ(outcome(admit(who, strict)), "email_unverified");
  who.email_verified = true;
  EXPECT_EQ(outcome(admit(who, strict)), "");
}

}  // namespace
}  // namespace oauth
