#include "oauth/base/uri.hpp"

#include <gtest/gtest.h>

#include "oauth/base/text.hpp"

namespace oauth {
namespace {

// A view of a literal with the NULs inside it.
template <std::size_t N>
constexpr std::string_view bytes(const char (&literal)[N]) {
  return {literal, N - 1};
}

Uri parsed(std::string_view text) {
  auto uri = Uri::parse(text);
  EXPECT_TRUE(uri) << text;
  return uri.value_or(Uri());
}

// ---- What is accepted, and how it is taken apart

TEST(Uri, IsTakenApart) {
  const Uri uri = parsed("https://app.example.com:8443/a/b;c=1?x=1&y=%20#/route?z");
  EXPECT_EQ(uri.text(), "https://app.example.com:8443/a/b;c=1?x=1&y=%20#/route?z");
  EXPECT_EQ(uri.scheme(), "https");
  EXPECT_TRUE(uri.has_authority());
  EXPECT_EQ(uri.host(), "app.example.com");
  EXPECT_EQ(uri.port(), 8443);
  EXPECT_EQ(uri.path(), "/a/b;c=1");
  EXPECT_EQ(uri.query(), "x=1&y=%20");
  EXPECT_EQ(uri.fragment(), "/route?z");
  EXPECT_TRUE(uri.is_http());
}

TEST(Uri, TellsAnAbsentQueryFromAnEmptyOne) {
  EXPECT_EQ(parsed("https://a").query(), std::nullopt);
  EXPECT_EQ(parsed("https://a").fragment(), std::nullopt);
  EXPECT_EQ(parsed("https://a").path(), "");
  EXPECT_EQ(parsed("https://a?").query(), "");
  EXPECT_EQ(parsed("https://a?").fragment(), std::nullopt);
  EXPECT_EQ(parsed("https://a/?#").query(), "");
  EXPECT_EQ(parsed("https://a/?#").fragment(), "");
  EXPECT_EQ(parsed("https://a#?x").query(), std::nullopt);
}

TEST(Uri, KeepsItsTextAndLowersSchemeAndHost) {
  const Uri uri = parsed("HtTpS://App.EXAMPLE.com/Path?Query#Fragment");
  EXPECT_EQ(uri.text(), "HtTpS://App.EXAMPLE.com/Path?Query#Fragment");
  EXPECT_EQ(uri.scheme(), "https");
  EXPECT_EQ(uri.host(), "app.example.com");
  EXPECT_EQ(uri.path(), "/Path");
  EXPECT_EQ(uri.query(), "Query");
  EXPECT_EQ(uri.origin(), "https://app.example.com");
}

TEST(Uri, ReadsCustomSchemesWithAndWithoutAnAuthority) {
  const Uri host = parsed("myapp://callback_1/path?x");
  EXPECT_EQ(host.host(), "callback_1");
  EXPECT_EQ(host.path(), "/path");
  EXPECT_EQ(host.port(), 0);
  EXPECT_EQ(host.origin(), "myapp://callback_1");
  EXPECT_FALSE(host.is_http());

  const Uri bare = parsed("com.example.app:/oauth2redirect");
  EXPECT_FALSE(bare.has_authority());
  EXPECT_EQ(bare.host(), "");
  EXPECT_EQ(bare.path(), "/oauth2redirect");
  EXPECT_EQ(bare.origin(), "com.example.app://");

  const Uri empty = parsed("myapp:///path");
  EXPECT_TRUE(empty.has_authority());
  EXPECT_EQ(empty.host(), "");
  EXPECT_EQ(empty.path(), "/path");
  EXPECT_EQ(empty.origin(), "myapp://");
  EXPECT_EQ(parsed("myapp://").origin(), "myapp://");
  EXPECT_EQ(parsed("myapp://host:99").origin(), "myapp://host:99");
}

TEST(Uri, AcceptsAnyCaseAndPunycodeAndInnerHyphens) {
  for (const std::string_view text :
       {"https://xn--bcher-kva.example/", "https://a--b.example", "https://1and1.example",
        "https://0x.example", "https://a.b.c.d.e", "https://127.0.0.1.example/",
        "http://localhost:8080",
        ("https://e\x78"
         "ample.com//double//slash"),
        "https://a/b%2Fc%5Cd%25", "https://a/!$&'()*+,;=:@-._~", "https://a?/?:@"}) {
    EXPECT_TRUE(Uri::parse(text)) << text;
  }
}

TEST(Uri, AcceptsWhatBrowsersLeaveUnencodedBehindThePath) {
  for (const std::string_view text :
       {"https://a/?a[]=1", "https://a/?q={x}|y^z`", "https://a/#/route/[id]?{x}|^`"}) {
    EXPECT_TRUE(Uri::parse(text)) << text;
  }
}

TEST(Uri, AcceptsEveryPortOnceAndFillsInTheDefault) {
  EXPECT_EQ(parsed("https://a").port(), 443);
  EXPECT_EQ(parsed("http://a").port(), 80);
  EXPECT_EQ(parsed("https://a:1").port(), 1);
  EXPECT_EQ(parsed("https://a:65535").port(), 65535);
}

TEST(UriOrigin, NamesThePortOnlyWhereItIsNotTheDefault) {
  EXPECT_EQ(parsed("https://a:443/x").origin(), "https://a");
  EXPECT_EQ(parsed("http://a:80").origin(), "http://a");
  EXPECT_EQ(parsed("https://a:80").origin(), "https://a:80");
  EXPECT_EQ(parsed("http://a:443").origin(), "http://a:443");
}

TEST(UriHost, WritesIpv6InOneForm) {
  for (const std::string_view text :
       {"http://[2001:db8::1]", "http://[2001:DB8:0:0:0:0:0:1]", "http://[2001:0db8::0001]"}) {
    EXPECT_EQ(parsed(text).host(), "[2001:db8::1]") << text;
  }
  EXPECT_EQ(parsed("http://[0:0:0:0:0:0:0:1]:8080/").host(), "[::1]");
  EXPECT_EQ(parsed("http://[0:0:0:0:0:0:0:1]:8080/").port(), 8080);
  EXPECT_EQ(parsed("http://[::]").origin(), "http://[::]");
  EXPECT_EQ(parsed("http://[2001:db8:0:1:0:0:0:1]").host(), "[2001:db8:0:1::1]");
}

TEST(UriLoopback, IsLocalhostAndTheLoopbackAddressesAndNothingElse) {
  for (const std::string_view text :
       {"http://localhost", "http://LOCALHOST:3000/", "http://127.0.0.1", "http://127.255.3.4:80",
        "http://[::1]", "http://[0:0::0:1]:99"}) {
    EXPECT_TRUE(parsed(text).is_loopback()) << text;
  }
  for (const std::string_view text :
       {"http://localhost.evil.com", "http://evil.localhost", "http://127.0.0.1.evil.com",
        "http://128.0.0.1", "http://0.0.0.0", "http://[::]", "http://[::ffff:127.0.0.1]",
        "http://[::127.0.0.1]", "http://[::2]", "http://notlocalhost", "http://localhost-x",
        "myapp://127.1", "myapp://127.evil", "myapp:/localhost", "http://10.127.0.1"}) {
    EXPECT_FALSE(parsed(text).is_loopback()) << text;
  }
}

TEST(UriIpLiteral, IsAnyAddressAndNoName) {
  for (const std::string_view text :
       {"http://169.254.169.254/", "http://10.0.0.1", "http://[fe80::1]", "http://[::1]"}) {
    EXPECT_TRUE(parsed(text).is_ip_literal()) << text;
  }
  for (const std::string_view text :
       {"http://localhost", "http://1.2.3.4.example", "myapp:/1.2.3.4", "myapp://1.2.3"}) {
    EXPECT_FALSE(parsed(text).is_ip_literal()) << text;
  }
}

TEST(UriHost, IsBoundedAsDnsBoundsIt) {
  const std::string label(63, 'a');
  EXPECT_TRUE(Uri::parse("https://" + label + ".example"));
  EXPECT_FALSE(Uri::parse("https://" + label + "a.example"));
  const std::string longest = label + '.' + label + '.' + label + '.' + std::string(61, 'b');
  EXPECT_TRUE(Uri::parse("https://" + longest));
  EXPECT_FALSE(Uri::parse("https://" + longest + 'b'));
}

TEST(Uri, IsAcceptedUpToTheBoundAndNotBeyond) {
  const std::string start = "https://a/";
  const std::string longest = start + std::string(2048 - start.size(), 'x');
  EXPECT_TRUE(Uri::parse(longest));
  EXPECT_FALSE(Uri::parse(longest + "x"));
  EXPECT_TRUE(Uri::parse("https://a/", 10));
  EXPECT_FALSE(Uri::parse("https://a/", 9));
}

// ---- What is refused: spellings that other parsers read in another way

struct Attack {
  const char* kind;
  std::vector<std::string_view> spellings;
};
void PrintTo(const Attack& attack, std::ostream* to) {
  *to << attack.kind;
}

class UriAttack : public testing::TestWithParam<Attack> {};

TEST_P(UriAttack, IsRefused) {
  for (const std::string_view text : GetParam().spellings) {
    EXPECT_FALSE(Uri::parse(text)) << header_encode(text);
  }
}

const Attack kAttacks[] = {
    {"NoSchemeOrABadOne",
     {"",
      ":",
      "//evil.com",
      "///evil.com",
      "/path",
      "?x",
      "#x",
      "evil.com",
      "evil.com/a:b",
      "://evil.com",
      "1https://evil.com",
      "+a://evil.com",
      "ht tp://a",
      "ht%74p://a",
      "https",
      "https//evil.com",
      "ht\ttps://a",
      "_a://b",
      "./https://a",
      " https://a",
      "h\xC3\xA9://a"}},
    {"HttpWithoutAnAuthority",
     {"http:", "https:", "http:evil.com", "http:/evil.com", "http://", "https:///evil.com",
      "https:////evil.com", "https://?x", "https://#x", "https://:443", "https://:443/",
      "http:\\evil.com", "http:?//evil.com", "HTTP:evil.com"}},
    {"Userinfo",
     {"https://good.com@evil.com", "https://good.com:443@evil.com/", "https://@evil.com",
      "https://user:pass@good.com", "https://:@good.com", "https://good.com%40evil.com",
      "https://good.com@", "https://a@b@c", "myapp://user@host", "https://good.com;@evil.com"}},
    {"Backslash",
     {"https:\\\\evil.com", "https:/\\evil.com", "https://good.com\\@evil.com",
      "https://good.com\\.evil.com", "https://good.com/\\evil.com", "https://\\evil.com",
      "https://good.com\\", "https://a/?x=\\", "https://a#\\", "myapp:\\\\evil"}},
    {"ControlCharactersAndSpaces",
     {"https://good.com\t.evil.com", "https://good.com\r\nLocation: https://evil.com",
      "https://good.com/\n", "https://good.com/\r", "https://good.com/ ", " https://good.com",
      "https://good.com /", "https://good.com/a b", "https://good.com/?a b", "https://a#b c",
      "https://a/\x7F", "https://a/\x01", "java\tscript:alert(1)", "\thttps://good.com",
      "ht\ntps://good.com", "https:/\t/good.com", "\x01https://good.com", "https://a\v/",
      "https://a\f/"}},
    {"Nul",
     {bytes("https://good.com\0.evil.com"), bytes("https://127.0.0.1\0.evil.com"),
      bytes("https://[::1\0]"), bytes("https://[::1]\0"), bytes("https://good.com/\0"),
      bytes("https://good.com/?\0"), bytes("https://good.com/#\0"), bytes("\0https://good.com"),
      bytes("https\0://good.com"), bytes("https://good.com:80\0"), bytes("my\0app://x")}},
    {"RawUnicode",
     {("https://b\xC3\xBC"
       "cher.example"),
      ("https://good.com\xE3\x80\x82"
       "evil.com"),
      ("https://good.com\xEF\xBC\x8F"
       "evil.com"),
      "https://\xE2\x93\xA6.example", "https://a/\xC3\xA9", "https://a/?\xC3\xA9",
      "https://a/#\xC3\xA9", "https://good.com\xC2\xAD.evil.com", "https://a\xFF",
      "\xEF\xBB\xBFhttps://a"}},
    {"PercentInTheHost",
     {"https://good%2ecom", "https://good.com%2f.evil.com", "https://good.com%23.evil.com",
      "https://good.com%00.evil.com", "https://%65vil.com", "https://good.com%5c.evil.com",
      "https://127.0.0.1%2e", "myapp://ho%73t", "https://good.com%3a443"}},
    {"BadPercentSequences",
     {"https://a/%", "https://a/%2", "https://a/%zz", "https://a/?%", "https://a/?x=%g0",
      "https://a/#%", "https://a/%u002f", "https://a/%%32", "myapp:%", "https://a/% 2"}},
    {"Ports", {"https://a:",        "https://a:/",      "https://a:0",     "https://a:00",
               "https://a:0443",    "https://a:65536",  "https://a:99999", "https://a:4294967739",
               "https://a:-1",      "https://a:+443",   "https://a:44x",   "https://a:0x1bb",
               "https://a:443:443", "https://a: 443",   "https://a:443 ",  "https://[::1]:",
               "https://[::1]:0",   "https://[::1]443", "https://a::443",  "https://a:4%34",
               "myapp://:80",       "myapp://a:"}},
    {"HostsThatAreNoDnsNames",
     {"https://a.",
      "https://good.com./",
      "https://.a",
      "https://a..b",
      "https://.",
      "https://..",
      "https://-a.com",
      "https://a-.com",
      "https://a.-b",
      "https://a_b.com",
      "https://*.good.com",
      "https://good.com,evil.com",
      "https://good.com;evil.com",
      "https://good.com&evil.com",
      "https://good.com!",
      "https://good.com'",
      "https://good.com$x",
      "https://(good.com)",
      "https://good.com=",
      "https://good~com",
      "https://good.com+",
      "https://<good>.com",
      "https://good.com|evil.com",
      "https://good.com^",
      "https://{a}.com",
      "https://good.com`",
      "https://\"good\".com"}},
    {"OtherSpellingsOfIpv4", {"http://127.1",           "http://127.0.1",    "http://0x7f.1",
                              "http://0x7f.0.0.1",      "http://0x7f000001", "http://2130706433",
                              "http://017700000001",    "http://0177.0.0.1", "http://127.0.0.01",
                              "http://127.0.0.256",     "http://127.0.0.1.", "http://127.0.0",
                              "http://1.2.3.4.5",       "http://0",          "http://0x",
                              "http://evil.0x",         "http://evil.1",     "http://127.0.0.0x1",
                              "http://0X7F.1",          "http://1e3.1",      "http://127.0.0.-1",
                              "http://999.999.999.999", "http://127.0..1"}},
    {"BadIpv6",
     {"http://[::1%25eth0]",
      "http://[fe80::1%eth0]",
      "http://[fe80::1%251]",
      "http://[]",
      "http://[::1",
      "http://::1]",
      "http://::1",
      "http://[::1]]",
      "http://[[::1]]",
      "http://[::1].evil.com",
      "http://evil.com[::1]",
      "http://[::g]",
      "http://[1:2:3]",
      "http://[::1::2]",
      "http://[1:2:3:4:5:6:7:8:9]",
      "http://[12345::]",
      "http://[v1.x]",
      "http://[127.0.0.1]",
      "http://[::127.1]",
      "http://[ ::1]",
      "http://[::1 ]",
      "http://[",
      "http://]",
      "http://[::1]x",
      "http://[good.com]",
      "http://[::1]:80]"}},
    {"DotSegments",
     {"https://a/.", "https://a/..", "https://a/x/../y", "https://a/./x", "https://a/x/%2e%2e/y",
      "https://a/x/.%2E/y", "https://a/x/%2e", "https://a/x%2f..%2fy", "https://a/x/..%5cy",
      "https://a/x%5C..%5Cy", "https://a/x/..;/y", "https://a/x/..;p=1/y", "https://a/x/..%3B/y",
      "https://a//..//x", "myapp://a/../b", "myapp:/x/.."}},
    {"CharactersThatAUriDoesNotHave",
     {"https://a/<script>", "https://a/\"", "https://a/?\"", "https://a/`", "https://a/^",
      "https://a/{x}", "https://a/|", "https://a/[", "https://a#a#b", "https://a/?<", "https://a#>",
      "myapp:<x>"}},
    {"ForbiddenSchemes",
     {"javascript:alert(1)", "JavaScript:alert(1)", "javascript://good.com/%0aalert(1)",
      "data:text/html,x", "DATA:,x", "vbscript:x", "file:///etc/passwd", "blob:https://good.com/x",
      "about:blank", "view-source:https://good.com", "filesystem:https://good.com/x",
      "intent://good.com#Intent;end", "jar:https://good.com!/x", "chrome://settings"}},
    {"Mixtures",
     {"https://evil.com:443#@good.com/ ", "https://good.com:@evil", "https://good.com:443\\@evil",
      "//good.com:443", "https:good.com", "https://https://", "https://https://good.com",
      "http:@evil.com", "http:[::1]"}},
};

INSTANTIATE_TEST_SUITE_P(All, UriAttack, testing::ValuesIn(kAttacks),
                         [](const auto& attack) { return std::string(attack.param.kind); });

TEST(UriAttack, ThatIsWellFormedNamesTheHostThatABrowserWouldGoTo) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"https://evil.com/https://good.com", "evil.com"},
      {"https://evil.com?https://good.com", "evil.com"},
      {"https://evil.com?@good.com", "evil.com"},
      {"https://evil.com#@good.com", "evil.com"},
      {"https://evil.com/@good.com", "evil.com"},
      {"https://good.com.evil.com", "good.com.evil.com"},
      {"https://evil.com//good.com", "evil.com"},
      {"https://evil.com/%5c@good.com", "evil.com"},
      {"https://evil.com?:443@good.com", "evil.com"},
  };
  for (const auto& [text, host] : cases) {
    EXPECT_EQ(parsed(text).host(), host) << text;
  }
}

TEST(ForbiddenScheme, IsKnownInAnyCaseAndNothingElseIs) {
  for (const std::string_view scheme : {"javascript", "JAVASCRIPT", "data", "vbscript", "file",
                                        "blob", "about", "filesystem", "view-source", "intent"}) {
    EXPECT_TRUE(is_forbidden_scheme(scheme)) << scheme;
  }
  for (const std::string_view scheme :
       {"https", "http", "myapp", "com.example.data", "", "dat", "datas", "chrome-extension"}) {
    EXPECT_FALSE(is_forbidden_scheme(scheme)) << scheme;
  }
}

// ---- Changing the query

TEST(UriWithQuery, AppendsTheParameterBeforeTheFragment) {
  EXPECT_EQ(parsed("https://a").with_query("k", "v"), "https://a?k=v");
  EXPECT_EQ(parsed("https://a/b").with_query("k", "v"), "https://a/b?k=v");
  EXPECT_EQ(parsed("https://a?").with_query("k", "v"), "https://a?k=v");
  EXPECT_EQ(parsed("https://a?x=1").with_query("k", "v"), "https://a?x=1&k=v");
  EXPECT_EQ(parsed("https://a/b#/f?k=1").with_query("k", "v"), "https://a/b?k=v#/f?k=1");
  EXPECT_EQ(parsed("https://a?x#").with_query("k", "v"), "https://a?x&k=v#");
  EXPECT_EQ(parsed("myapp:/cb").with_query("k", "v"), "myapp:/cb?k=v");
  EXPECT_EQ(parsed("myapp://").with_query("k", "v"), "myapp://?k=v");
}

TEST(UriWithQuery, EncodesWhatItAdds) {
  EXPECT_EQ(parsed("https://a#f").with_query("a&b", "c#d e=+\r\n"),
            "https://a?a%26b=c%23d%20e%3D%2B%0D%0A#f");
}

TEST(UriWithQuery, ReplacesEveryOccurrenceOfTheNameHoweverItIsSpelled) {
  EXPECT_EQ(parsed("https://a?dxc-auth=1&x=2&dxc%2Dauth=3&dxc-auth&%64xc-auth=")
                .with_query("dxc-auth", "new"),
            "https://a?x=2&dxc-auth=new");
  EXPECT_EQ(parsed("https://a?a+b=1&a%20b=2&c").with_query("a b", "3"), "https://a?c&a%20b=3");
}

TEST(UriWithQuery, LeavesNamesThatOnlyResembleIt) {
  EXPECT_EQ(parsed("https://a?DXC-AUTH=1&dxc-auth2=1&x=dxc-auth&dxc%252Dauth")
                .with_query("dxc-auth", "v"),
            "https://a?DXC-AUTH=1&dxc-auth2=1&x=dxc-auth&dxc%252Dauth&dxc-auth=v");
}

TEST(UriWithQuery, KeepsEveryOtherByte) {
  EXPECT_EQ(parsed("HTTPS://A.com:443/%7e?&x=%2f&&y=a+b&#k").with_query("k", "v"),
            "HTTPS://A.com:443/%7e?&x=%2f&&y=a+b&&k=v#k");
}

TEST(UriWithoutQuery, RemovesTheParameterAndNothingElse) {
  EXPECT_EQ(parsed("https://a?k=1").without_query("k"), "https://a");
  EXPECT_EQ(parsed("https://a?k=1#f").without_query("k"), "https://a#f");
  EXPECT_EQ(parsed("https://a?k=1&x").without_query("k"), "https://a?x");
  EXPECT_EQ(parsed("https://a?x&k=1").without_query("k"), "https://a?x");
  EXPECT_EQ(parsed("https://a?x&k=1&y").without_query("k"), "https://a?x&y");
  EXPECT_EQ(parsed("https://a?k&k&k=2").without_query("k"), "https://a");
  EXPECT_EQ(parsed("https://a?&x=1&&y").without_query("x"), "https://a?&&y");
}

TEST(UriWithoutQuery, ReturnsTheSameBytesWhereThereIsNothingToRemove) {
  for (const std::string_view text : {"https://a", "https://a?", "https://a?#", "https://a?&x=1&&y",
                                      "https://a?x&", "https://a#k=1", "myapp:/k=1?K=1"}) {
    EXPECT_EQ(parsed(text).without_query("k"), text);
  }
}

TEST(UriWithoutQuery, UndoesWithQuery) {
  for (const std::string_view text : {"https://a", "https://a?x", "https://a?x&", "https://a?&",
                                      "https://a?x#f", "https://a#f"}) {
    const Uri changed = parsed(parsed(text).with_query("k", "v"));
    EXPECT_EQ(changed.without_query("k"), text);
  }
}

}  // namespace
}  // namespace oauth
