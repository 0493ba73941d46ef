#include "oauth/proto/target.hpp"

#include <gtest/gtest.h>

#include "proto/support.hpp"

namespace oauth {
namespace {

using test::rules;

struct Row {
  std::string rule;
  std::string target;
  bool allowed;
};

void judge(const std::vector<Row>& table) {
  for (const Row& row : table) {
    const auto target = Uri::parse(row.target);
    EXPECT_EQ(target && rules({row.rule}).allows(*target), row.allowed)
        << row.rule << " " << row.target;
  }
}

TEST(TargetRule, ComparesSchemeHostAndPort) {
  judge({
      {"https://app.example.com", "https://app.example.com", true},
      {"https://app.example.com", "https://app.example.com/", true},
      {"https://app.example.com", "https://app.example.com/any/path?q#f", true},
      {"https://app.example.com", "https://APP.Example.com/", true},
      {"https://App.Example.com", "https://app.example.com/", true},
      {"https://app.example.com", "https://app.example.com:443/", true},
      {"https://app.example.com:443", "https://app.example.com/", true},
      {"https://app.example.com/", "https://app.example.com/x", true},
      {"https://app.example.com:8443", "https://app.example.com:8443/", true},
      {"HTTPS://app.example.com", "https://app.example.com", true},
      {"https://app.example.com", "HTTPS://app.example.com", true},
      {"https://app.example.com", "http://app.example.com/", false},
      {"https://app.example.com", "https://app.example.com:8443/", false},
      {"https://app.example.com:8443", "https://app.example.com/", false},
      {"https://app.example.com", "https://example.com/", false},
      {"https://app.example.com", "https://xapp.example.com/", false},
      {"https://app.example.com", "https://app.example.com.evil.example/", false},
      {"https://app.example.com", "https://app.example.comevil/", false},
      {"https://app.example.com", "https://app.example.com./", false},
      {"https://app.example.com", "https://app.example.com@evil.example/", false},
      {"https://app.example.com", "https://evil.example/https://app.example.com", false},
      {"https://app.example.com", "https://evil.example?https://app.example.com", false},
      {"https://app.example.com", "https://evil.example#@app.example.com", false},
      {"https://app.example.com", "https://evil.example\\@app.example.com/", false},
      {"https://app.example.com", "//app.example.com/", false},
      {"https://app.example.com", "https:app.example.com/", false},
      {"https://app.example.com", "https:///app.example.com/", false},
      {"https://app.example.com", " https://app.example.com/", false},
      {"https://app.example.com", "https://app.example.com/\r\n", false},
      {"https://app.example.com", "app.example.com", false},
      {"https://app.example.com", "", false},
      {"https://app.example.com", "javascript://app.example.com/%0aalert(1)", false},
      {"http://localhost:3000", "http://localhost:3000/x", true},
      {"http://localhost:3000", "http://127.0.0.1:3000/x", false},
      {"http://localhost:3000", "http://localhost:3001/x", false},
      {"http://[::1]:3000", "http://[0::1]:3000/x", true},
  });
}

TEST(TargetRule, ABareSchemeAllowsEveryUriOfIt) {
  judge({
      {"myapp://", "myapp://", true},
      {"myapp://", "myapp://callback/x?y#z", true},
      {"myapp://", "myapp:/x", true},
      {"myapp://", "myapp:x", true},
      {"myapp://", "MyApp://x", true},
      {"MyApp://", "myapp://x", true},
      {"com.example.app://", "com.example.app:/oauth", true},
      {"myapp://", "myapp2://x", false},
      {"myapp://", "my-app://x", false},
      {"myapp://", "https://myapp/", false},
  });
}

TEST(TargetRule, AHostOfACustomSchemeIsCompared) {
  judge({
      {"capacitor://localhost", "capacitor://localhost/x", true},
      {"capacitor://localhost/", "capacitor://localhost", true},
      {"capacitor://localhost", "capacitor://LOCALHOST/", true},
      {"capacitor://localhost", "capacitor://evil/", false},
      {"capacitor://localhost", "capacitor:/localhost", false},
      {"capacitor://localhost", "capacitor:localhost", false},
      {"capacitor://localhost", "capacitor://localhost:1/", false},
  });
}

TEST(TargetRule, APathAllowsItselfAndWhatIsBelow) {
  judge({
      {"https://h.example/app", "https://h.example/app", true},
      {"https://h.example/app", "https://h.example/app/", true},
      {"https://h.example/app", "https://h.example/app/deep/er?x=/../y#/../z", true},
      {"https://h.example/app", "https://h.example/app?x", true},
      {"https://h.example/app", "https://h.example/app#x", true},
      {"https://h.example/app/", "https://h.example/app/", true},
      {"https://h.example/app/", "https://h.example/app/x", true},
      {"https://h.example/a/b", "https://h.example/a/b/c", true},
      {"https://h.example/app", "https://h.example/app//x", true},
      {"https://h.example/app", "https://h.example/app/.hidden", true},
      {"https://h.example/app", "https://h.example/app/...", true},
      {"https://h.example/app", "https://h.example/app/%41", true},
      {"https://h.example/app", "https://h.example", false},
      {"https://h.example/app", "https://h.example/", false},
      {"https://h.example/app", "https://h.example/application", false},
      {"https://h.example/app", "https://h.example/ap", false},
      {"https://h.example/app", "https://h.example/App", false},
      {"https://h.example/app", "https://h.example/%61pp", false},
      {"https://h.example/app", "https://h.example//app", false},
      {"https://h.example/app", "https://h.example/x/app", false},
      {"https://h.example/app", "https://h.example/app;x", false},
      {"https://h.example/app", "https://h.example/app%2fx", false},
      {"https://h.example/app/", "https://h.example/app", false},
      {"https://h.example/app", "https://other.example/app", false},
      {"https://h.example/app", "http://h.example/app", false},
  });
}

TEST(TargetRule, NoSpellingOfADotSegmentLeavesItsPath) {
  for (const std::string_view dots : {"..",
                                      ".",
                                      "%2e%2e",
                                      "%2E%2e",
                                      ".%2e",
                                      "%2e.",
                                      "%2e",
                                      "..;",
                                      "..;x",
                                      "..%2fevil",
                                      "x%2f..%2f..%2fevil",
                                      "%2e%2e%2f",
                                      "..%5cevil",
                                      "x%2fy",
                                      "%2f",
                                      "x%2F",
                                      "%5c..",
                                      "x%5c..%5c..",
                                      "a/../../evil",
                                      "a/%2e%2e/%2E%2E/evil",
                                      "..\\evil"}) {
    const std::string target = "https://h.example/app/" + std::string(dots);
    const auto uri = Uri::parse(target);
    EXPECT_FALSE(uri && rules({"https://h.example/app"}).allows(*uri)) << target;
  }
}

TEST(TargetRule, AnythingElseIsRefusedWithTheReason) {
  const std::vector<std::pair<std::string, std::string>> table{
      {"*", "wildcards"},
      {"https://*", "wildcards"},
      {"https://*.example.com", "wildcards"},
      {"https://app.example.com/*", "wildcards"},
      {"*://", "wildcards"},
      {"http://", "name the host"},
      {"https://", "name the host"},
      {"HTTPS://", "name the host"},
      {"javascript://", "scheme"},
      {"JavaScript://", "scheme"},
      {"data://", "scheme"},
      {"file://", "scheme"},
      {"blob://", "scheme"},
      {"vbscript://", "scheme"},
      {"1app://", "scheme"},
      {"-app://", "scheme"},
      {"my_app://", "scheme"},
      {"my app://", "scheme"},
      {"m\xC3\xA4://", "scheme"},
      {"://", "the scheme is missing: write scheme://host"},
      {"", "the scheme is missing: write scheme://host"},
      {"app.example.com", "the scheme is missing: write scheme://host"},
      {"//app.example.com", "the scheme is missing: write scheme://host"},
      {"null", "the scheme is missing: write scheme://host"},
      {"myapp:", "the scheme is missing: write scheme://host"},
      {"myapp:/x", "the scheme is missing: write scheme://host"},
      {"https:app.example.com", "the scheme is missing: write scheme://host"},
      {"https://app.example.com?x", "query or fragment"},
      {"https://app.example.com?", "query or fragment"},
      {"https://app.example.com#", "query or fragment"},
      {"https://user@app.example.com", "a user name"},
      {"https://app.example.com:0", "no plain host and port"},
      {"https://app.example.com:99999", "no plain host and port"},
      {"https://app.example.com,", "no plain host and port"},
      {"https://app.example.com,https://b.example", "no plain host and port"},
      {"https://app.example.com ", "no plain host and port"},
      {"https://app.example.com:443x", "no plain host and port"},
      {"https://app.example.com.", "no plain host and port"},
      {"http://127.1", "no plain host and port"},
      {"https://app.example.com/x?y", "query or fragment"},
      {"localhost:3000", "the scheme is missing"},
      {"javascript:alert(1)", "this scheme cannot be a redirect target"},
      {"https://app.example.com/a/../b", "dot segments"},
      {"https://app.example.com/%2e%2e", "dot segments"},
      {"javascript://app", "this scheme cannot be"},
      {"file:///etc", "this scheme cannot be"},
      {"http://app.example.com", "loopback"},
      {"http://10.0.0.1", "loopback"},
      {"http://localhost.evil.example", "loopback"},
      {"myapp://host/path", "path"},
      {"https://app.example.com/a%2fb", "path"},
  };
  for (const auto& [rule, reason] : table) {
    std::string why;
    EXPECT_FALSE(TargetRule::parse(rule, &why)) << rule;
    EXPECT_TRUE(test::contains(why, reason)) << rule << ": " << why;
    EXPECT_FALSE(TargetRule::parse(rule, nullptr)) << rule;
  }
}

TEST(TargetRule, AnOriginIsEqualOrForeign) {
  struct Case {
    std::string rule;
    std::string origin;
    bool allowed;
  };
  const std::vector<Case> table{
      {"https://app.example.com", "https://app.example.com", true},
      {"https://APP.example.com:443/", "https://app.example.com", true},
      {"https://app.example.com/below", "https://app.example.com", true},
      {"https://app.example.com:8443", "https://app.example.com:8443", true},
      {"http://localhost:3000", "http://localhost:3000", true},
      {"capacitor://localhost", "capacitor://localhost", true},
      {"https://app.example.com", "https://app.example.com/", false},
      {"https://app.example.com", "https://APP.example.com", false},
      {"https://app.example.com", "https://app.example.com:443", false},
      {"https://app.example.com", "http://app.example.com", false},
      {"https://app.example.com", "https://app.example.com.evil.example", false},
      {"https://app.example.com", "https://xapp.example.com", false},
      {"https://app.example.com", "null", false},
      {"https://app.example.com", "*", false},
      {"https://app.example.com", "", false},
      {"myapp://", "myapp://", false},
      {"myapp://", "myapp://x", false},
      {"myapp://", "", false},
  };
  for (const Case& row : table) {
    EXPECT_EQ(rules({row.rule}).allows_origin(row.origin), row.allowed)
        << row.rule << " " << row.origin;
  }
}

TEST(TargetRules, AllowWhatAnyOfThemAllows) {
  const TargetRules two = rules({"https://a.example", "https://b.example/x"});
  EXPECT_FALSE(two.empty());
  EXPECT_TRUE(two.allows(*Uri::parse("https://a.example/")));
  EXPECT_TRUE(two.allows(*Uri::parse("https://b.example/x")));
  EXPECT_FALSE(two.allows(*Uri::parse("https://b.example/y")));
  EXPECT_TRUE(two.allows_origin("https://b.example"));
}

TEST(TargetRules, WithoutAnyAllowNothing) {
  EXPECT_TRUE(TargetRules().empty());
  EXPECT_FALSE(TargetRules().allows(*Uri::parse("https://a.example/")));
  EXPECT_FALSE(TargetRules().allows_origin("https://a.example"));
  EXPECT_FALSE(TargetRules().allows_origin(""));
}

}  // namespace
}  // namespace oauth
