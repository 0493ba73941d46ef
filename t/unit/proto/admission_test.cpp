#include "oauth/proto/admission.hpp"

#include <gtest/gtest.h>

#include "proto/support.hpp"

namespace oauth {
namespace {

using test::contains;
using test::json;
using test::outcome;

Identity ann() {
  Identity identity;
  identity.provider = "acme";
  identity.id = "u1";
  identity.email = "Ann@Example.com";
  identity.email_verified = true;
  identity.name = "Ann";
  identity.said = json(
      R"({"sub":"u1","hd":"example.com","level":3,"ratio":1.5,"staff":true,"no":null,"list":["a",7],)"
      R"("deep":{"a/b":["x"]},"https://x.example/role":"r","groups":["ops","dev"],)"
      R"("cognito:groups":"pool","roles":["admin",{"x":1}]})");
  return identity;
}

bool admits(std::string_view rule, const Identity& identity = ann()) {
  std::string why;
  const auto parsed = AllowRule::parse(rule, &why);
  EXPECT_TRUE(parsed) << rule << ": " << why;
  return parsed && parsed->admits(identity);
}

std::string refusal(std::string_view rule) {
  std::string why;
  EXPECT_FALSE(AllowRule::parse(rule, &why)) << rule;
  return why;
}

TEST(AllowRule, AdmitsOneAddressInAnyCase) {
  EXPECT_TRUE(admits("email=ann@example.com"));
  EXPECT_TRUE(admits("email=ANN@EXAMPLE.COM"));
  EXPECT_FALSE(admits("email=bob@example.com"));
  EXPECT_FALSE(admits("email=nn@example.com"));
  EXPECT_FALSE(admits("email=ann@example.com.evil.example"));
}

TEST(AllowRule, AdmitsOneDomainAndNoSubdomain) {
  EXPECT_TRUE(admits("domain=example.com"));
  EXPECT_TRUE(admits("domain=EXAMPLE.com"));
  for (const std::string_view rule :
       {"domain=com", "domain=ample.com", "domain=sub.example.com", "domain=example.co"}) {
    EXPECT_FALSE(admits(rule)) << rule;
  }
  Identity sub = ann();
  sub.email = "ann@sub.example.com";
  EXPECT_FALSE(admits("domain=example.com", sub));
}

TEST(AllowRule, AnAddressThatNobodyVerifiedCountsForNothing) {
  Identity unverified = ann();
  unverified.email_verified = false;
  EXPECT_FALSE(admits("email=ann@example.com", unverified));
  EXPECT_FALSE(admits("domain=example.com", unverified));
  Identity none = ann();
  none.email.clear();
  none.email_verified = false;
  EXPECT_FALSE(admits("domain=example.com", none));
}

TEST(AllowRule, AdmitsByAClaimOfAnySimpleKind) {
  for (const std::string_view rule :
       {"claim:hd=example.com", "claim:level=3", "claim:ratio=1.5", "claim:staff=true",
        "claim:list=a", "claim:list=7", "claim:/list/0=a", "claim:/deep/a~1b=x",
        "claim:https://x.example/role=r", "claim:/hd=example.com"}) {
    EXPECT_TRUE(admits(rule)) << rule;
  }
  for (const std::string_view rule :
       {"claim:hd=EXAMPLE.com", "claim:hd=example", "claim:level=3.0", "claim:level=33",
        "claim:staff=false", "claim:staff=1", "claim:no=null", "claim:list=b", "claim:list=[",
        "claim:deep={", "claim:absent=x", "claim:/list=b", "claim:/list/9=a", "claim:/deep=x",
        "claim:deep=x"}) {
    EXPECT_FALSE(admits(rule)) << rule;
  }
}

TEST(AllowRule, AdmitsByAGroupWhereverProvidersListThem) {
  for (const std::string_view rule : {"group=ops", "group=dev", "group=pool", "group=admin"}) {
    EXPECT_TRUE(admits(rule)) << rule;
  }
  for (const std::string_view rule : {"group=Ops", "group=op", "group=x", "group=u1"}) {
    EXPECT_FALSE(admits(rule)) << rule;
  }
}

TEST(AllowRule, WhatCannotBeReadSaysWhatToWrite) {
  for (const std::string_view rule : {"", "ann@example.com", "mail=ann@example.com", "group",
                                      "Email=a@b.example", "claim", "*", "scope=x"}) {
    EXPECT_TRUE(contains(refusal(rule), "possible are: email=ADDRESS, domain=DOMAIN")) << rule;
  }
  for (const std::string_view rule :
       {"email", "email=", "email=example.com", "email=@example.com", "email=ann@",
        "email=*@x.example", "email=a b@example.com", "email=ann@@example.com",
        "email=ann@exa_mple.com/", "email=a@b.example,c@d.example"}) {
    EXPECT_TRUE(contains(refusal(rule), "write one whole address")) << rule;
  }
  for (const std::string_view rule :
       {"domain", "domain=", "domain=*.example.com", "domain=.example.com", "domain=@example.com",
        "domain=example.com.", "domain=example.com:443", "domain=example.com/x",
        "domain=https://example.com", "domain=192.0.2.1", "domain=ex ample.com"}) {
    EXPECT_TRUE(contains(refusal(rule), "write one whole domain, domain=example.com")) << rule;
  }
  for (const std::string_view rule :
       {"claim:", "claim:x", "claim:=x", "claim:x=", "claim:\xff=x"}) {
    EXPECT_TRUE(contains(refusal(rule), "write claim:PATH=VALUE")) << rule;
  }
  for (const std::string_view rule : {"claim:/a~b=x", "claim:/a~=x", "claim:/~2=x"}) {
    EXPECT_TRUE(contains(refusal(rule), "JSON Pointer")) << rule;
  }
  EXPECT_TRUE(contains(refusal("group="), "group=admins"));
}

TEST(AllowRule, AClaimIsNoWayAroundTheVerifiedAddress) {
  EXPECT_TRUE(contains(refusal("claim:email=ann@example.com"), "write email=ADDRESS"));
  EXPECT_TRUE(contains(refusal("claim:/email=ann@example.com"), "write email=ADDRESS"));
}

TEST(AllowRules, AnyOneOfThemAdmitsAndNoneAtAllAdmitsEverybody) {
  std::string why;
  EXPECT_TRUE(AllowRules().admits(ann()));
  const AllowRule bob = *AllowRule::parse("email=bob@example.com", &why);
  const AllowRule group = *AllowRule::parse("group=ops", &why);
  EXPECT_FALSE(AllowRules({bob}).admits(ann()));
  EXPECT_TRUE(AllowRules({bob, group}).admits(ann()));
  EXPECT_TRUE(AllowRules({group, bob}).admits(ann()));
}

TEST(AdmissionQuestion, SaysWhoItIsAndAllThatTheProviderSaid) {
  Identity who = ann();
  who.said = json(R"({"sub":"u1","hd":"example.com"})");
  EXPECT_EQ(admission_question(who).dump(),
            R"({"provider":"acme","sub":"acme:u1","email":"Ann@Example.com","email_verified":true,)"
            R"("name":"Ann","claims":{"sub":"u1","hd":"example.com"}})");
  who.said = Json();
  EXPECT_EQ(admission_question(who).get("claims").dump(), "{}");
}

std::string answered(int status, std::string_view body,
                     std::string_view type = "application/json; charset=utf-8") {
  const auto claims = parse_admission(status, type, body, ann());
  return claims ? claims->dump() : std::string(name(claims.problem()));
}

const std::string kOwn =
    R"({"sub":"acme:u1","email":"Ann@Example.com","email_verified":true,"name":"Ann")";

TEST(Admission, IsGivenWithOrWithoutMoreClaims) {
  EXPECT_EQ(answered(204, ""), kOwn + "}");
  EXPECT_EQ(answered(204, "ignored", ""), kOwn + "}");
  EXPECT_EQ(answered(200, "{}"), kOwn + "}");
  EXPECT_EQ(answered(200, R"({"claims":{}})"), kOwn + "}");
  EXPECT_EQ(answered(200, R"({"x":1,"claims":{"role":"admin","n":1,"r":1.5,"b":false,"l":["a"]}})"),
            kOwn + R"(,"role":"admin","n":1,"r":1.5,"b":false,"l":["a"]})");
}

TEST(Admission, TheAddedClaimsSayNothingThatHasAMeaningHere) {
  for (const std::string name :
       {"sub",  "iss",     "aud",     "exp",       "nbf",   "iat",
        "jti",  "sid",     "scope",   "client_id", "email", "email_verified",
        "name", "picture", "license", "azp",       "nonce", "cnf",
        "act",  "events"}) {
    EXPECT_EQ(answered(200, R"({"claims":{")" + name + R"(":"x"}})"), "admit_claims_refused")
        << name;
  }
  for (const std::string_view value : {"{}", "null", "[1]", "[[\"a\"]]", "[\"a\",null]"}) {
    EXPECT_EQ(answered(200, R"({"claims":{"x":)" + std::string(value) + "}}"),
              "admit_claims_refused")
        << value;
  }
  for (const std::string_view claims : {"[]", "null", "\"x\"", "1", "true"}) {
    EXPECT_EQ(answered(200, R"({"claims":)" + std::string(claims) + "}"), "admit_claims_refused")
        << claims;
  }
  EXPECT_EQ(answered(200, R"({"claims":{"":"x"}})"), "admit_claims_refused");
}

TEST(Admission, TheAddedClaimsAreBounded) {
  // {"x":"…"} is 8 bytes around the value.
  const auto body = [](std::size_t size) {
    return R"({"claims":{"x":")" + std::string(size, 'a') + "\"}}";
  };
  EXPECT_TRUE(contains(answered(200, body(2040)), "aaa"));
  EXPECT_EQ(answered(200, body(2041)), "admit_claims_refused");
  Identity large = ann();
  large.picture = std::string(1000, 'p');
  large.name.clear();
  for (int i = 0; i < 500; ++i) {
    large.name += "\u00e9";  // six bytes each, as it is kept
  }
  EXPECT_TRUE(parse_admission(204, "", "", large));
  EXPECT_EQ(outcome(parse_admission(200, "application/json", body(2040), large)),
            "admit_claims_refused");
}

TEST(Admission, IsRefusedWithTheCodesOfTheContract) {
  EXPECT_EQ(answered(403, R"({"code":"USER_NOT_REGISTERED","message":"x"})"),
            "user_not_registered");
  EXPECT_EQ(answered(403, R"({"code":"USER_NOT_ACCEPTED"})"), "user_not_accepted");
  EXPECT_EQ(answered(403, R"({"code":"NO_SEATS_AVAILABLE"})"), "no_seats_available");
  EXPECT_EQ(answered(403, R"({"code":"USER_DEACTIVATED"})"), "user_deactivated");
  EXPECT_EQ(answered(403, R"({"code":"WEBHOOK_ERROR"})"), "webhook_error");
  for (const std::string_view body : {"", "x", "{}", "[]", R"({"code":"user_deactivated"})",
                                      R"({"code":1})", R"({"code":"X"})"}) {
    EXPECT_EQ(answered(403, body), "email_not_allowed") << body;
  }
  EXPECT_EQ(answered(403, R"({"code":"USER_DEACTIVATED"})", "text/plain"), "email_not_allowed");
}

TEST(Admission, AnythingElseAdmitsNobody) {
  for (const int status : {0, 100, 201, 202, 206, 301, 302, 304, 400, 401, 404, 500, 502, 503}) {
    EXPECT_EQ(answered(status, R"({"claims":{}})"), "admit_failed") << status;
  }
  for (const std::string_view body :
       {"", "x", "[]", "null", "{", R"({"claims":{}}{})", R"({"claims":{"a":1,"a":2}})"}) {
    EXPECT_EQ(answered(200, body), "admit_failed") << body;
  }
  EXPECT_EQ(answered(200, "{}", "text/html"), "admit_failed");
  EXPECT_EQ(answered(200, "{}", ""), "admit_failed");
  EXPECT_EQ(answered(200, "{\"x\":\"" + std::string(9000, 'a') + "\"}"), "admit_failed");
}

}  // namespace
}  // namespace oauth
