#include "oauth/proto/require.hpp"

#include <gtest/gtest.h>

#include <regex>

#include "proto/support.hpp"

namespace oauth {
namespace {

// An engine that gives up on "tired".
class StdPattern : public Pattern {
 public:
  explicit StdPattern(const std::string& text) : regex_(text) {}
  std::optional<bool> matches(std::string_view text) const override {
    return text == "tired" ? std::nullopt
                           : std::optional(std::regex_match(std::string(text), regex_));
  }

 private:
  std::regex regex_;
};

std::unique_ptr<const Pattern> compile(std::string_view regex, std::string* why) {
  if (regex == "(") {
    *why = "is no regular expression";
    return nullptr;
  }
  return std::make_unique<StdPattern>(std::string(regex));
}

std::string mistake(std::string_view word) {
  std::string why;
  return Requirement::parse(word, compile, &why) ? "" : why;
}

std::vector<Requirement> all(const std::vector<std::string>& words) {
  std::vector<Requirement> requirements;
  for (const std::string& word : words) {
    std::string why;
    const auto requirement = Requirement::parse(word, compile, &why);
    EXPECT_TRUE(requirement) << word << ": " << why;
    if (requirement) {
      requirements.push_back(*requirement);
    }
  }
  return requirements;
}

// "ok", or the name of the problem.
std::string judge(const std::vector<std::string>& words, std::string_view claims,
                  std::string_view scope_claim = "scope") {
  const test::Taped taped(claims);
  const Check met = check_requirements(*taped, scope_claim, all(words));
  return met ? "ok" : std::string(name(met.problem()));
}

TEST(Requirement, ThatIsNoneIsAMistake) {
  for (const std::string_view word :
       {"", "admin", "role=admin", "Scope=x", "scope", "claims:a=b"}) {
    EXPECT_NE(mistake(word).find("possible are"), std::string::npos) << word;
  }
  for (const std::string_view word : {"scope=", "scope=a b", "scope=a\"", "scope=\xC3\xA4"}) {
    EXPECT_NE(mistake(word).find("scope=ACCESS_DB"), std::string::npos) << word;
  }
  for (const std::string_view word :
       {"claim:", "claim:role", "claim:=admin", "claim:role=", "claim:role~", "claim:~x",
        "claim:/role~1", "claim:role=\xC3"}) {
    EXPECT_NE(mistake(word).find("claim:PATH=VALUE"), std::string::npos) << word;
  }
  EXPECT_EQ(mistake("claim:/a~0~=x"), "") << "the expression is \"=x\"";
  EXPECT_EQ(mistake("claim:role~("), "is no regular expression");
}

// req 127, RFC 6749 3.3
TEST(Requirement, OfAScopeWantsTheWholeToken) {
  EXPECT_EQ(judge({"scope=admin"}, R"({"scope":"read admin"})"), "ok");
  EXPECT_EQ(judge({"scope=admin"}, R"({"scope":["read","admin"]})"), "ok");
  for (const std::string_view claims :
       {R"({"scope":"administrator"})", R"({"scope":["administrator"]})", R"({"scope":""})", "{}",
        R"({"scope":"ADMIN"})", R"({"scope":["read admin"]})", R"({"scope":{"admin":true}})",
        R"({"scp":"admin"})", R"({"scope":"xadmin admin,read"})"}) {
    EXPECT_EQ(judge({"scope=admin"}, claims), "scope_insufficient") << claims;
  }
}

TEST(Requirement, OfAScopeLooksWhereTheIssuerSaysThem) {
  EXPECT_EQ(judge({"scope=admin"}, R"({"scp":"admin"})", "scp"), "ok");
  EXPECT_EQ(judge({"scope=admin"}, R"({"a":{"scp":["admin"]}})", "/a/scp"), "ok");
  EXPECT_EQ(judge({"scope=admin"}, R"({"scope":"admin"})", "scp"), "scope_insufficient");
}

TEST(Requirement, OfAClaimComparesItsText) {
  EXPECT_EQ(judge({"claim:role=admin"}, R"({"role":"admin"})"), "ok");
  EXPECT_EQ(judge({"claim:level=3"}, R"({"level":3})"), "ok");
  EXPECT_EQ(judge({"claim:ok=true"}, R"({"ok":true})"), "ok");
  EXPECT_EQ(judge({"claim:groups=b c"}, R"({"groups":["a","b c"]})"), "ok");
  EXPECT_EQ(judge({"claim:/realm/roles=x"}, R"({"realm":{"roles":["x"]}})"), "ok");
  EXPECT_EQ(judge({"claim:/a~1b=x"}, R"({"a/b":"x"})"), "ok");
  EXPECT_EQ(judge({"claim:/a~0b=x"}, R"({"a~b":"x"})"), "ok");
  EXPECT_EQ(judge({"claim:/a=1"}, R"({"a":1})"), "ok");
  EXPECT_EQ(judge({"claim:q=a=b"}, R"({"q":"a=b"})"), "ok");
  EXPECT_EQ(judge({"claim:q=a~b"}, R"({"q":"a~b"})"), "ok");
  for (const std::string_view claims :
       {"{}", R"({"role":"administrator"})", R"({"role":"Admin"})", R"({"role":""})",
        R"({"role":null})", R"({"role":{"admin":1}})", R"({"role":[["admin"]]})", R"({"role":[]})",
        R"({"Role":"admin"})"}) {
    EXPECT_EQ(judge({"claim:role=admin"}, claims), "claim_insufficient") << claims;
  }
}

TEST(Requirement, OfAPatternMatchesAnyElementAsAWhole) {
  EXPECT_EQ(judge({"claim:role~adm.*"}, R"({"role":"admin"})"), "ok");
  EXPECT_EQ(judge({"claim:role~adm.*"}, R"({"role":["x","admin"]})"), "ok");
  EXPECT_EQ(judge({"claim:n~[0-9]+"}, R"({"n":42})"), "ok");
  EXPECT_EQ(judge({"claim:/a~1b~x+"}, R"({"a/b":"xx"})"), "ok");
  EXPECT_EQ(judge({"claim:a~0.*"}, R"({"a":"0x"})"), "ok") << "only a pointer has escapes";
  EXPECT_EQ(judge({"claim:a~[01]=x"}, R"({"a":"1=x"})"), "ok");
  for (const std::string_view claims :
       {"{}", R"({"role":"badmin"})", R"({"role":[]})", R"({"role":null})", R"({"role":{}})"}) {
    EXPECT_EQ(judge({"claim:role~adm.*"}, claims), "claim_insufficient") << claims;
  }
}

TEST(Requirement, ThatCouldNotBeDecidedIsRefused) {
  EXPECT_EQ(judge({"claim:role~adm.*"}, R"({"role":"tired"})"), "claim_unmatched");
  EXPECT_EQ(judge({"claim:role~adm.*"}, R"({"role":["tired","admin"]})"), "claim_unmatched");
  EXPECT_EQ(judge({"claim:role~adm.*"}, R"({"role":["x","tired"]})"), "claim_unmatched");
}

TEST(Requirements, MustAllBeMet) {
  const std::vector<std::string> words = {"scope=a", "claim:role=admin"};
  EXPECT_EQ(judge(words, R"({"scope":"a","role":"admin"})"), "ok");
  EXPECT_EQ(judge(words, R"({"scope":"a"})"), "claim_insufficient");
  EXPECT_EQ(judge(words, R"({"role":"admin"})"), "scope_insufficient");
  EXPECT_EQ(judge({"claim:role=a", "claim:role=b"}, R"({"role":["b","a"]})"), "ok");
  EXPECT_EQ(judge({}, "{}"), "ok");
}

TEST(Requirements, AreNamedByAllTheirScopesOnce) {
  EXPECT_EQ(required_scope(all({"scope=b", "claim:x=y", "scope=a", "scope=b"})), "b a");
  EXPECT_EQ(required_scope(all({"claim:x=y"})), "");
}

}  // namespace
}  // namespace oauth
