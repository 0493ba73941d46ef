#include "oauth/flow/answer.hpp"

#include "flow/stage.hpp"

namespace oauth {
namespace {

using test::attempt;
using test::between;
using test::contains;
using test::delivered;
using test::header;
using test::location;
using test::outcome;
using test::parameter;
using test::reason;
using test::Stage;
using test::status;

const std::string kCode(64, 'c');

// security/requirements 032, 033, 096: on everything that takes part in a login.
void expect_private(const Verdict& verdict) {
  EXPECT_EQ(header(verdict, "Cache-Control"), "no-store");
  EXPECT_EQ(header(verdict, "Pragma"), "no-cache");
  EXPECT_EQ(header(verdict, "Referrer-Policy"), "no-referrer");
  EXPECT_EQ(header(verdict, "X-Content-Type-Options"), "nosniff");
}

Page page() {
  return {"<p>", "default-src 'none'"};
}

TEST(AnswerPage, CarriesWhatEveryAuthResponseCarries) {
  const Verdict verdict = answer_page(200, page());
  expect_private(verdict);
  EXPECT_EQ(status(verdict), 200);
  EXPECT_EQ(verdict.reply->content_type, "text/html; charset=utf-8");
  EXPECT_EQ(verdict.reply->body, "<p>");
  EXPECT_EQ(header(verdict, "Content-Security-Policy"), "default-src 'none'");
  EXPECT_EQ(header(verdict, "X-Frame-Options"), "DENY");
  EXPECT_EQ(header(verdict, "Retry-After"), "");
  EXPECT_FALSE(verdict.admission);
}

TEST(AnswerPage, CutsTheOpenerOnlyWhereNoneIsNeeded) {
  EXPECT_EQ(header(answer_page(200, page()), "Cross-Origin-Opener-Policy"), "same-origin");
  EXPECT_EQ(header(answer_page(200, page(), Opener::maybe), "Cross-Origin-Opener-Policy"), "");
}

TEST(AnswerPage, SaysWhenToComeBack) {
  EXPECT_EQ(header(answer_page(503, page()), "Retry-After"), "5");
  EXPECT_EQ(header(answer_page(429, page()), "Retry-After"), "5");
  EXPECT_EQ(header(answer_page(502, page()), "Retry-After"), "");
}

TEST(Deny, IsThePageOfTheProblemWithItsStatus) {
  const Verdict verdict = deny(Problem::store_down, "f10w", Opener::maybe, "hint");
  expect_private(verdict);
  EXPECT_EQ(status(verdict), 503);
  EXPECT_EQ(header(verdict, "Retry-After"), "5");
  EXPECT_EQ(header(verdict, "Cross-Origin-Opener-Policy"), "");
  EXPECT_EQ(reason(verdict), "store_down");
  EXPECT_EQ(verdict.flow_id, "f10w");
  EXPECT_EQ(verdict.reply->body, error_page(Problem::store_down, "f10w", "hint").html);
  EXPECT_EQ(header(deny(Problem::internal), "Cross-Origin-Opener-Policy"), "same-origin");
}

TEST(DenyAlike, IsOnePageWhateverTheProblemIs) {
  const Verdict one = deny_alike(Problem::state_missing);
  const Verdict other = deny_alike(Problem::browser_mismatch, "f10w");
  EXPECT_EQ(one.reply->body, other.reply->body);
  EXPECT_EQ(status(one), 400);
  EXPECT_EQ(status(other), 400);
  EXPECT_FALSE(contains(other.reply->body, "f10w"));
  EXPECT_EQ(reason(other), "browser_mismatch") << "for the log";
  EXPECT_EQ(other.flow_id, "f10w") << "for the log";
}

TEST(AnswerRedirect, Is302) {
  const Verdict verdict = answer_redirect("https://x.example/");
  expect_private(verdict);
  EXPECT_EQ(status(verdict), 302);
  EXPECT_EQ(location(verdict), "https://x.example/");
  EXPECT_EQ(verdict.reply->content_type, "");
  EXPECT_EQ(verdict.reply->body, "");
}

TEST(AnswerJson, NamesTheOriginThatMayReadIt) {
  const Verdict verdict = answer_json(200, "{}", "https://app.example.com");
  expect_private(verdict);
  EXPECT_EQ(verdict.reply->content_type, "application/json");
  EXPECT_EQ(header(verdict, "Access-Control-Allow-Origin"), "https://app.example.com");
  EXPECT_EQ(header(verdict, "Vary"), "Origin");
  EXPECT_EQ(header(verdict, "Access-Control-Allow-Credentials"), "");
}

TEST(AnswerJson, WithoutAnOriginStillVaries) {
  const Verdict verdict = answer_json(503, "{}", "");
  EXPECT_EQ(header(verdict, "Access-Control-Allow-Origin"), "");
  EXPECT_EQ(header(verdict, "Vary"), "Origin");
  EXPECT_EQ(header(verdict, "Retry-After"), "5");
}

TEST(AnswerPreflight, AllowsOnlyWhoIsAllowed) {
  const Verdict yes = answer_preflight("POST", "content-type", "https://app.example.com");
  EXPECT_EQ(status(yes), 204);
  EXPECT_EQ(header(yes, "Access-Control-Allow-Origin"), "https://app.example.com");
  EXPECT_EQ(header(yes, "Access-Control-Allow-Methods"), "POST");
  EXPECT_EQ(header(yes, "Access-Control-Allow-Headers"), "content-type");
  EXPECT_EQ(header(yes, "Access-Control-Max-Age"), "600");
  EXPECT_EQ(header(yes, "Vary"), "Origin");
  const Verdict no = answer_preflight("POST", "content-type", "");
  EXPECT_EQ(status(no), 204);
  EXPECT_EQ(no.reply->headers.size(), 1U);
  EXPECT_EQ(header(no, "Vary"), "Origin");
}

TEST(AllowedOrigin, IsOneOfTheListedOnesSentOnce) {
  Stage stage;
  Request in = stage.request("POST", "/token");
  const auto judge = [&in](std::vector<std::string> origins) {
    in.origins = std::move(origins);
    const auto origin = allowed_origin(in);
    return origin ? "allowed " + *origin : std::string(name(origin.problem()));
  };
  EXPECT_EQ(judge({}), "allowed ");
  EXPECT_EQ(judge({"https://app.example.com"}), "allowed https://app.example.com");
  for (const std::string_view wrong :
       {"https://evil.example", "null", "", "*", "https://app.example.com/",
        "https://APP.example.com", "http://app.example.com", "https://app.example.com:443",
        "https://app.example.com.evil.example", "myapp://", "-"}) {
    EXPECT_EQ(judge({std::string(wrong)}), "origin_not_allowed") << wrong;
  }
  EXPECT_EQ(judge({"https://app.example.com", "https://app.example.com"}), "origin_not_allowed");
}

TEST(AtHome, IsTheBrokersOwnHostPortAndScheme) {
  struct Row {
    std::string broker;
    std::string authority;
    bool https;
    bool home;
  };
  const std::vector<Row> table{
      {"https://auth.example.com", "auth.example.com", true, true},
      {"https://auth.example.com", "auth.example.com:443", true, true},
      {"https://auth.example.com/db1", "auth.example.com", true, true},
      {"https://auth.example.com:8443", "auth.example.com:8443", true, true},
      {"http://localhost:8080", "localhost:8080", false, true},
      {"http://localhost", "localhost:80", false, true},
      {"https://auth.example.com", "auth.example.com", false, false},
      {"https://auth.example.com", "auth.example.com:443", false, false},
      {"https://auth.example.com", "auth.example.com:80", true, false},
      {"https://auth.example.com:8443", "auth.example.com", true, false},
      {"https://auth.example.com", "www.example.com", true, false},
      {"https://auth.example.com", "auth.example.com.", true, false},
      {"https://auth.example.com", "auth.example.com@evil.example", true, false},
      {"https://auth.example.com", "", true, false},
      {"http://localhost:8080", "localhost:8080", true, false},
      {"http://localhost:8080", "127.0.0.1:8080", false, false},
  };
  for (const Row& row : table) {
    const Broker at = test::broker(row.broker);
    Request in{at, {}, {}, {}, {}, {}, {}, row.authority, row.https, {}, {}, {}, false};
    EXPECT_EQ(is_at_home(in), row.home) << row.broker << " " << row.authority << row.https;
  }
}

Attempt towards(std::string_view target, Delivery delivery = Delivery::redirect) {
  Attempt of = attempt();
  of.target = target;
  of.delivery = delivery;
  return of;
}

TEST(DeliverCode, PutsDxcAuthIntoTheQueryBeforeTheFragment) {
  const std::vector<std::pair<std::string, std::string>> table{
      {"https://app.example.com", "https://app.example.com?dxc-auth="},
      {"https://app.example.com/deep/page?foo=bar#frag",
       "https://app.example.com/deep/page?foo=bar&dxc-auth="},
      {"https://app.example.com/#/route?x=1", "https://app.example.com/?dxc-auth="},
      {"https://app.example.com/?dxc-auth=stale&a=b", "https://app.example.com/?a=b&dxc-auth="},
      {"myapp://", "myapp://?dxc-auth="},
      {"myapp://oauth-callback?x=1", "myapp://oauth-callback?x=1&dxc-auth="},
  };
  for (const auto& [target, wanted] : table) {
    const Verdict verdict = deliver_code(towards(target), kCode);
    EXPECT_EQ(status(verdict), 302);
    EXPECT_TRUE(location(verdict).starts_with(wanted)) << location(verdict);
    EXPECT_EQ(delivered(verdict).string("code"), kCode);
    const auto before = Uri::parse(target);
    const auto after = Uri::parse(location(verdict));
    EXPECT_EQ(after->fragment(), before->fragment()) << target;
  }
}

TEST(DeliverCode, GivesTheClientItsThreeNonEmptyMembers) {
  Attempt of = towards("https://app.example.com/");
  EXPECT_EQ(delivered(deliver_code(of, kCode)).dump(),
            R"({"provider":"acme","state":")" + of.flow_id + R"(","code":")" + kCode + "\"}");
  of.client_state = "client's \"own\" state";
  EXPECT_EQ(delivered(deliver_code(of, kCode)).string("state"), of.client_state);
}

TEST(DeliverCode, SaysForTheLogWhoseItIs) {
  const Verdict verdict = deliver_code(attempt(), kCode);
  EXPECT_EQ(reason(verdict), "");
  EXPECT_EQ(verdict.flow_id, attempt().flow_id);
  EXPECT_EQ(verdict.provider, "acme");
}

TEST(DeliverCode, AsQueryIsPlainParametersOnce) {
  Attempt of = towards("https://app.example.com/x?code=old&a=b&state=old#f", Delivery::query);
  of.client_state = "a b&c";
  const Verdict verdict = deliver_code(of, kCode);
  EXPECT_EQ(status(verdict), 302);
  EXPECT_EQ(location(verdict),
            "https://app.example.com/x?a=b&provider=acme&state=a%20b%26c&code=" + kCode + "#f");
}

TEST(Deliver, AsQueryReplacesAllOfTheLastAnswer) {
  const Attempt of = towards(
      "https://app.example.com/x?error=old&a=b&%63ode=old&error=older&provider=x&errors=kept",
      Delivery::query);
  const std::string rest = "provider=acme&state=" + of.flow_id;
  EXPECT_EQ(location(deliver_code(of, kCode)),
            "https://app.example.com/x?a=b&errors=kept&" + rest + "&code=" + kCode);
  EXPECT_TRUE(location(deliver_problem(of, Problem::access_denied))
                  .starts_with("https://app.example.com/x?a=b&errors=kept&" + rest + "&error=a"));
}

TEST(DeliverCode, AsQueryFitsAtTheLargestSizes) {
  Attempt of =
      towards("https://app.example.com/" + std::string(kMaxTarget - 24, 't'), Delivery::query);
  of.client_state = std::string(kMaxClientState, '%');
  const Verdict verdict = deliver_code(of, kCode);
  EXPECT_EQ(parameter(location(verdict), "state"), of.client_state);
  EXPECT_EQ(parameter(location(verdict), "code"), kCode);
}

Json posted(const Verdict& verdict) {
  return test::json(
      between(verdict.reply->body, "<script type=\"application/json\" id=\"data\">", "</script>"));
}

TEST(DeliverCode, AsPopupPostsToTheOriginOfTheTarget) {
  Attempt of = towards("https://app.example.com:8443/deep?x#y", Delivery::popup);
  of.client_state = "client-state";
  const Verdict verdict = deliver_code(of, kCode);
  expect_private(verdict);
  EXPECT_EQ(status(verdict), 200);
  EXPECT_EQ(location(verdict), "");
  EXPECT_EQ(posted(verdict).dump(),
            R"({"message":{"provider":"acme","state":"client-state","code":")" + kCode +
                R"(","type":"dexie:oauthResult"},"origin":"https://app.example.com:8443"})");
  EXPECT_EQ(header(verdict, "Cross-Origin-Opener-Policy"), "") << "it would cut the opener";
}

TEST(DeliverCode, APopupsNonceIsItsOwn) {
  Attempt one = towards("https://app.example.com", Delivery::popup);
  Attempt two = one;
  two.id = sha256("two").substr(0, 16);
  const auto nonce = [](const Attempt& of) {
    return between(header(deliver_code(of, kCode), "Content-Security-Policy"), "'nonce-", "'");
  };
  EXPECT_GE(nonce(one).size(), 22U);
  EXPECT_NE(nonce(one), nonce(two));
  EXPECT_TRUE(contains(deliver_code(one, kCode).reply->body, "nonce=\"" + nonce(one) + "\""));
}

TEST(DeliverProblem, ARefusalIsToldToTheApplication) {
  const Verdict verdict = deliver_problem(attempt(), Problem::email_unverified);
  EXPECT_EQ(status(verdict), 302);
  EXPECT_EQ(delivered(verdict).dump(),
            R"({"provider":"acme","state":")" + attempt().flow_id + R"(","error":")" +
                std::string(row(Problem::email_unverified).text) + "\"}");
  EXPECT_EQ(reason(verdict), "email_unverified");
  EXPECT_EQ(verdict.flow_id, attempt().flow_id);
  EXPECT_EQ(verdict.provider, "acme");
}

TEST(DeliverProblem, ARefusalAsQueryIsAnErrorParameter) {
  const Attempt of = towards("https://app.example.com/", Delivery::query);
  const Verdict verdict = deliver_problem(of, Problem::access_denied);
  EXPECT_EQ(status(verdict), 302);
  EXPECT_EQ(parameter(location(verdict), "error"), row(Problem::access_denied).text);
  EXPECT_EQ(parameter(location(verdict), "code"), "");
}

TEST(DeliverProblem, WhatBrokeIsAPageHere) {
  for (const Delivery delivery : {Delivery::redirect, Delivery::query}) {
    const Verdict verdict =
        deliver_problem(towards("https://app.example.com/", delivery), Problem::exchange_refused);
    EXPECT_EQ(status(verdict), 502);
    EXPECT_EQ(location(verdict), "");
    EXPECT_TRUE(contains(verdict.reply->body, row(Problem::exchange_refused).text));
    EXPECT_EQ(reason(verdict), "exchange_refused");
    EXPECT_EQ(verdict.provider, "acme");
  }
}

TEST(DeliverProblem, APopupsOpenerIsToldOfEverything) {
  const Attempt of = towards("https://app.example.com/", Delivery::popup);
  for (const Problem problem :
       {Problem::access_denied, Problem::exchange_refused, Problem::internal}) {
    const Verdict verdict = deliver_problem(of, problem);
    EXPECT_EQ(status(verdict), row(problem).status);
    EXPECT_EQ(posted(verdict).get("message").string("error"), row(problem).text);
    EXPECT_EQ(posted(verdict).get("message").string("type"), "dexie:oauthResult");
    EXPECT_EQ(header(verdict, "Cross-Origin-Opener-Policy"), "");
  }
}

}  // namespace
}  // namespace oauth
