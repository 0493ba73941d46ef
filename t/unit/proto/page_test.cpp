#include "oauth/proto/page.hpp"

#include <gtest/gtest.h>

#include "proto/support.hpp"

namespace oauth {
namespace {

using test::between;
using test::contains;

constexpr std::string_view kEvil = "</title></script><script>alert(1)</script>'\"&";
constexpr std::string_view kEscaped =
    "&lt;/title&gt;&lt;/script&gt;&lt;script&gt;alert(1)&lt;/script&gt;&#39;&quot;&amp;";

Json message() {
  return Json::object().set("type", "dexie:oauthResult").set("code", "c0de");
}

std::vector<Page> one_of_each() {
  return {error_page(Problem::state_refused, "f10w", "hint"),
          choice_page("Title", {{"https://x.example/", "Label", "Detail", ""}}, "Lead"),
          popup_page(message(), "https://app.example.com", "n0nce")};
}

TEST(Page, ItsPolicyNamesItsOwnStyleByHash) {
  for (const Page& page : one_of_each()) {
    const std::string style = between(page.html, "<style>", "</style>");
    const std::string source = "style-src 'sha256-" + base64_encode(sha256(style)) + "'";
    EXPECT_TRUE(contains(page.csp, source)) << page.csp;
    EXPECT_FALSE(contains(page.html, " style=")) << "the hash allows no style attribute";
  }
}

TEST(Page, LoadsFramesAndPostsNothing) {
  for (const Page& page : one_of_each()) {
    EXPECT_TRUE(page.csp.starts_with("default-src 'none'; ")) << page.csp;
    EXPECT_TRUE(page.csp.ends_with("; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"))
        << page.csp;
    EXPECT_FALSE(contains(page.csp, "unsafe"));
    for (const std::string_view part :
         {" src=", "<link", "<img", "<form", "<iframe", "@import", "url(", " onclick", " onload"}) {
      EXPECT_FALSE(contains(page.html, part)) << part;
    }
  }
}

TEST(Page, OnlyThePopupRunsAScript) {
  for (const Page& page : {error_page(Problem::internal, ""), choice_page("T", {})}) {
    EXPECT_FALSE(contains(page.csp, "script-src"));
    EXPECT_FALSE(contains(page.html, "<script"));
  }
}

TEST(ErrorPage, ShowsTheTextTheReasonAndTheFlow) {
  const Page page = error_page(Problem::redirect_not_allowed, "f10w");
  EXPECT_TRUE(contains(page.html, row(Problem::redirect_not_allowed).text));
  EXPECT_TRUE(contains(page.html, "Reference: redirect_not_allowed<br>f10w<"));
  EXPECT_FALSE(contains(page.html, "<code>"));
}

TEST(ErrorPage, SaysWhatToDo) {
  for (int i = 0; i <= static_cast<int>(Problem::internal); ++i) {
    const auto problem = static_cast<Problem>(i);
    const std::string html = error_page(problem, "").html;
    const std::string after = html_escape(row(problem).text) + "</p>\n<p>";
    EXPECT_FALSE(between(html, after, "</p>\n<p class=\"id\">").empty()) << name(problem);
  }
  const std::string again = "go back to the application and sign in again";
  EXPECT_TRUE(contains(error_page(Problem::store_down, "").html, "Wait a moment, then " + again));
  EXPECT_TRUE(contains(error_page(Problem::state_expired, "").html, "Go" + again.substr(2)));
  EXPECT_TRUE(contains(error_page(Problem::email_not_allowed, "").html, "with another account"));
  // Where trying again cannot help nobody is sent round in circles.
  for (const Problem problem :
       {Problem::internal, Problem::redirect_missing, Problem::redirect_not_allowed,
        Problem::challenge_missing, Problem::attempt_too_large, Problem::exchange_client_refused,
        Problem::exchange_redirect_refused}) {
    const std::string html = error_page(problem, "").html;
    EXPECT_FALSE(contains(html, "sign in again")) << name(problem);
    EXPECT_TRUE(contains(html, "the reference below")) << name(problem);
  }
}

TEST(ErrorPage, WithoutAFlowShowsNoEmptyPlace) {
  EXPECT_FALSE(contains(error_page(Problem::internal, "").html, "<br>"));
}

TEST(ErrorPage, EscapesWhatItIsGiven) {
  const Page page = error_page(Problem::internal, kEvil, kEvil);
  EXPECT_TRUE(contains(page.html, "<code>" + std::string(kEscaped) + "</code>"));
  EXPECT_TRUE(contains(page.html, "<br>" + std::string(kEscaped)));
  EXPECT_FALSE(contains(page.html, "alert(1)</script>"));
}

TEST(ErrorPage, TheTextOfEveryProblemStandsAsItIs) {
  for (int i = 0; i <= static_cast<int>(Problem::internal); ++i) {
    const auto problem = static_cast<Problem>(i);
    const std::string html = error_page(problem, "").html;
    EXPECT_TRUE(contains(html, "<p>" + html_escape(row(problem).text) + "</p>")) << name(problem);
  }
}

TEST(ChoicePage, ListsItsChoices) {
  const Page page = choice_page("Who?", {{"https://x.example/?a=1&b=2", "Ann", "ann@x.example", ""},
                                         {"https://x.example/c", "Cancel", "", ""}});
  EXPECT_TRUE(contains(page.html, "<title>Who?</title>"));
  EXPECT_TRUE(contains(page.html, "<h1>Who?</h1>"));
  EXPECT_TRUE(contains(page.html,
                       "<li><a href=\"https://x.example/?a=1&amp;b=2\"><span>Ann"
                       "<small>ann@x.example</small></span></a></li>"));
  EXPECT_TRUE(
      contains(page.html, "<li><a href=\"https://x.example/c\"><span>Cancel</span></a></li>"));
  EXPECT_FALSE(contains(page.html, "<p"));
  EXPECT_FALSE(contains(page.csp, "img-src"));
}

TEST(ChoicePage, EscapesWhatItIsGiven) {
  const std::string evil(kEvil);
  const std::string escaped(kEscaped);
  const Page page = choice_page(kEvil, {{evil, evil, evil, evil}}, kEvil);
  EXPECT_TRUE(contains(page.html, "<title>" + escaped + "</title>"));
  EXPECT_TRUE(contains(page.html, "<h1>" + escaped + "</h1>"));
  EXPECT_TRUE(contains(page.html, "<a href=\"" + escaped + "\"><img src=\"" + escaped +
                                      "\" alt=\"\" width=\"28\" " + "height=\"28\"><span>" +
                                      escaped + "<small>" + escaped + "</small></span></a>"));
  EXPECT_TRUE(contains(page.html, "<p class=\"quiet\">" + escaped + "</p>"));
  EXPECT_FALSE(contains(page.csp, "img-src"));
  EXPECT_FALSE(contains(page.html, "<script"));
}

TEST(ChoicePage, ShowsIconsFromTheirOwnOriginsOnly) {
  const Page page = choice_page("T", {{"https://x.example/1", "A", "", "https://CDN.example:443/a"},
                                      {"https://x.example/2", "B", "", "https://cdn.example/b"},
                                      {"https://x.example/3", "C", "", "data:image/png;base64,AA"},
                                      {"https://x.example/4", "D", "", "http://localhost:8080/d"},
                                      {"https://x.example/5", "E", "", "myapp://x; script-src *"}});
  EXPECT_TRUE(contains(
      page.csp, "'; img-src data: http://localhost:8080 https://cdn.example; base-uri 'none'"))
      << page.csp;
  EXPECT_TRUE(contains(page.html,
                       "<li><a href=\"https://x.example/2\"><img src=\"https://cdn.example/b\" "
                       "alt=\"\" width=\"28\" height=\"28\"><span>B</span></a></li>"));
}

TEST(ChoicePage, IsAListWithAHeadingToAScreenReader) {
  const std::string html = choice_page("Who?", {{"https://x.example/", "A", "", ""}}, "Lead").html;
  for (const std::string_view part :
       {"<html lang=\"en\">", "<main>", "<h1>Who?</h1>", "<p class=\"quiet\">Lead</p>",
        "<ul role=\"list\">", "a:focus-visible{outline"}) {
    EXPECT_TRUE(contains(html, part)) << part;
  }
}

TEST(PopupPage, HoldsTheMessageAndItsOnlyReceiverAsData) {
  const Page page = popup_page(message(), "https://app.example.com", "n0nce");
  const Json data =
      test::json(between(page.html, "<script type=\"application/json\" id=\"data\">", "</script>"));
  EXPECT_EQ(data.get("message").dump(), message().dump());
  EXPECT_EQ(data.string("origin"), "https://app.example.com");
  const std::string script = between(page.html, "<script nonce=\"n0nce\">", "</script>");
  EXPECT_TRUE(contains(script, "window.opener.postMessage(data.message,data.origin)")) << script;
  EXPECT_FALSE(contains(script, "c0de")) << "the message stands in no script";
  EXPECT_FALSE(contains(script, "'*'"));
  EXPECT_TRUE(contains(page.csp, "; script-src 'nonce-n0nce'; ")) << page.csp;
}

TEST(PopupPage, WithoutAnOpenerTheMessageIsGone) {
  const std::string html = popup_page(message(), "https://app.example.com", "n").html;
  const std::string script = between(html, "<script nonce=\"n\">", "</script>");
  const auto removed = script.find("node.remove()");
  ASSERT_NE(removed, script.npos);
  EXPECT_LT(removed, script.find("window.opener")) << "before anybody is told";
  EXPECT_TRUE(contains(script, "else{")) << script;
}

TEST(PopupPage, NothingOfTheMessageEndsItsBlock) {
  const Json evil = Json::object().set("state", kEvil).set("code", "<!--<script>");
  const std::string html = popup_page(evil, "https://app.example.com", "n").html;
  const std::string block =
      between(html, "<script type=\"application/json\" id=\"data\">", "</script>");
  EXPECT_FALSE(contains(block, "<"));
  EXPECT_EQ(test::json(block).get("message").dump(), evil.dump());
}

}  // namespace
}  // namespace oauth
