#include "oauth/flow/login.hpp"

#include "flow/stage.hpp"
#include "oauth/proto/cookie.hpp"

namespace oauth {
namespace {

using test::contains;
using test::Events;
using test::header;
using test::kMetadataUrl;
using test::kNow;
using test::location;
using test::parameter;
using test::reason;
using test::Stage;
using test::status;

const std::string kTarget = "redirect_uri=https%3A%2F%2Fapp.example.com%2F";
const std::string kChallenge = pkce_challenge("v");

// A page, no redirect, no cookie, and nobody was asked.
void expect_refused(Stage& stage, const Request& in, Problem why) {
  const Verdict verdict = stage.call_login(in);
  EXPECT_EQ(reason(verdict), name(why)) << in.query;
  EXPECT_EQ(status(verdict), row(why).status) << in.query;
  EXPECT_EQ(location(verdict), "") << in.query;
  EXPECT_EQ(header(verdict, "Set-Cookie"), "") << in.query;
  EXPECT_TRUE(contains(verdict.reply->body, html_escape(row(why).text))) << in.query;
  EXPECT_EQ(verdict.flow_id.size(), 32U) << in.query;
  EXPECT_TRUE(contains(verdict.reply->body, "<br>" + verdict.flow_id + "<")) << in.query;
  EXPECT_TRUE(stage.untouched()) << in.query;
}

std::string cookie_value(const Verdict& verdict) {
  const std::string cookie = header(verdict, "Set-Cookie");
  const auto from = cookie.find('=') + 1;
  return cookie.substr(from, cookie.find(';') - from);
}

// The attempt in a verdict that leads to the provider.
Attempt sent(const Stage& stage, const Verdict& verdict) {
  const auto attempt =
      open_attempt(parameter(location(verdict), "state"), stage.broker, stage.clock.now());
  EXPECT_TRUE(attempt);
  return attempt ? *attempt : Attempt();
}

Attempt attempt_of(std::string_view query) {
  Stage stage;
  const Verdict verdict = stage.call_login(stage.login_request(query));
  EXPECT_EQ(reason(verdict), "") << query;
  return reason(verdict).empty() ? sent(stage, verdict) : Attempt();
}

std::string refusal_of(std::string_view query) {
  Stage stage;
  const Verdict verdict = stage.call_login(stage.login_request(query));
  EXPECT_TRUE(reason(verdict).empty() || stage.untouched()) << query;
  return reason(verdict);
}

TEST(Login, SendsTheBrowserToTheProvider) {
  Stage stage;
  const Verdict verdict = stage.call_login(stage.login_request(kTarget));
  EXPECT_EQ(status(verdict), 302);
  EXPECT_EQ(stage.events, Events{"GET " + kMetadataUrl}) << "the store is not needed";
  const Attempt attempt = sent(stage, verdict);
  EXPECT_EQ(location(verdict),
            "https://op.example/auth?response_type=code&client_id=client-1&redirect_uri="
            "https%3A%2F%2Fauth.example.com%2Foauth%2Fcallback%2Facme&scope=openid%20email%20"
            "profile&state=" +
                parameter(location(verdict), "state") + "&nonce=" + attempt.nonce +
                "&code_challenge=" + pkce_challenge(attempt.verifier) +
                "&code_challenge_method=S256");
  EXPECT_EQ(header(verdict, "Cache-Control"), "no-store");
  EXPECT_EQ(header(verdict, "Referrer-Policy"), "no-referrer");
  EXPECT_EQ(verdict.provider, "acme");
  EXPECT_EQ(verdict.flow_id, attempt.flow_id);
}

TEST(Login, SealsWhatTheCallbackNeeds) {
  Stage stage;
  const Verdict verdict = stage.call_login(stage.login_request(kTarget));
  const Attempt attempt = sent(stage, verdict);
  EXPECT_EQ(attempt.provider, "acme");
  EXPECT_EQ(attempt.target, "https://app.example.com/");
  EXPECT_EQ(attempt.id.size(), 16U);
  EXPECT_TRUE(is_pkce_verifier(attempt.verifier));
  EXPECT_EQ(attempt.nonce.size(), 43U);
  EXPECT_EQ(attempt.flow_id.size(), 32U);
  EXPECT_EQ(attempt.browser, sha256(cookie_value(verdict)));
  EXPECT_EQ(attempt.issued, kNow);
  EXPECT_EQ(attempt.expires, kNow + 1800);
  EXPECT_EQ(attempt.client_state, "");
  EXPECT_EQ(attempt.challenge, "");
  EXPECT_EQ(attempt.delivery, Delivery::redirect);
}

TEST(Login, NothingRandomIsUsedTwice) {
  Stage stage;
  const Verdict first = stage.call_login(stage.login_request(kTarget));
  const Verdict second = stage.call_login(stage.login_request(kTarget));
  const Attempt one = sent(stage, first);
  const Attempt two = sent(stage, second);
  const std::vector<std::string> all{
      base64url_encode(one.id), one.verifier, one.nonce, one.flow_id, cookie_value(first),
      base64url_encode(two.id), two.verifier, two.nonce, two.flow_id, cookie_value(second)};
  for (std::size_t i = 0; i < all.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      EXPECT_NE(all[i].substr(0, 16), all[j].substr(0, 16)) << i << " " << j;
    }
  }
}

TEST(Login, WithoutPkceAtTheProviderThereIsNoChallenge) {
  Stage stage;
  stage.acme.pkce = false;
  const Verdict verdict = stage.call_login(stage.login_request(kTarget));
  EXPECT_FALSE(contains(location(verdict), "code_challenge"));
  EXPECT_TRUE(contains(location(verdict), "nonce="));
}

TEST(Login, KeepsTheQueryOfTheAuthorizationEndpoint) {
  Stage stage;
  stage.fetch.say_json(kMetadataUrl,
                       test::changed(test::json(test::metadata_text()),
                                     R"({"authorization_endpoint":"https://op.example/a?t=1"})")
                           .dump());
  const Verdict verdict = stage.call_login(stage.login_request(kTarget));
  EXPECT_TRUE(location(verdict).starts_with("https://op.example/a?t=1&response_type=code&"));
}

TEST(Login, SendsWhatTheProvidersConfigurationSays) {
  Stage stage;
  stage.acme.client_id = "id&x=y z";
  stage.acme.scope = "openid a:b";
  const std::string to = location(stage.call_login(stage.login_request(kTarget)));
  EXPECT_EQ(parameter(to, "client_id"), "id&x=y z");
  EXPECT_EQ(parameter(to, "scope"), "openid a:b");
  EXPECT_EQ(parameter(to, "x"), "");
}

// ---- The browser

TEST(Login, GivesTheBrowserACookie) {
  Stage stage;
  const Verdict verdict = stage.call_login(stage.login_request(kTarget));
  EXPECT_EQ(base64url_decode(cookie_value(verdict))->size(), 32U);
  EXPECT_EQ(header(verdict, "Set-Cookie"),
            set_cookie(stage.broker.cookie_name, cookie_value(verdict), 1800, true));
}

TEST(Login, KeepsTheCookieThatTheBrowserBrings) {
  Stage stage;
  const std::string own = base64url_encode(sha256("own"));
  Request in = stage.login_request(kTarget);
  in.cookies = {"a=b; " + stage.broker.cookie_name + "=" + own};
  const Verdict verdict = stage.call_login(in);
  EXPECT_EQ(cookie_value(verdict), own);
  EXPECT_EQ(sent(stage, verdict).browser, sha256(own));
}

TEST(Login, ACookieThatIsNotOursIsReplaced) {
  Stage stage;
  const std::string good = base64url_encode(sha256("own"));
  const std::string name = stage.broker.cookie_name + "=";
  for (const std::string& cookies :
       {name, name + "short", name + good + "AAAA", name + good + "=", name + "\"" + good + "\"",
        name + good + "; " + name + good, "other=" + good, name + std::string(43, '!')}) {
    Request in = stage.login_request(kTarget);
    in.cookies = {cookies};
    const Verdict verdict = stage.call_login(in);
    EXPECT_NE(cookie_value(verdict), good) << cookies;
    EXPECT_EQ(base64url_decode(cookie_value(verdict))->size(), 32U) << cookies;
    EXPECT_EQ(sent(stage, verdict).browser, sha256(cookie_value(verdict))) << cookies;
  }
}

TEST(Login, OnPlainHttpTheCookieIsNotSecure) {
  Stage stage;
  stage.broker.set_url(*Uri::parse("http://localhost:8080"));
  Request in = stage.login_request(kTarget);
  in.authority = "localhost:8080";
  in.https = false;
  const std::string cookie = header(stage.call_login(in), "Set-Cookie");
  EXPECT_TRUE(cookie.starts_with("oauth-")) << cookie;
  EXPECT_FALSE(contains(cookie, "Secure")) << cookie;
}

// ---- What is refused, with nobody asked

TEST(Login, AProviderThatIsNotOfferedIsUnknown) {
  Stage stage;
  stage.acme.enabled = false;
  for (const std::string_view name : {"acme", "other", "", "Demo"}) {
    expect_refused(stage, stage.login_request(kTarget, name), Problem::provider_unknown);
  }
}

TEST(Login, ARequestThatCannotBeServedIsRefused) {
  const std::string far = "redirect_uri=https%3A%2F%2Fapp.example.com%2F";
  const std::vector<std::pair<std::string, Problem>> table{
      {"", Problem::redirect_missing},
      {"redirect_uri=", Problem::redirect_missing},
      {kTarget + "&x=%zz", Problem::request_malformed},
      {kTarget + "&x=%00", Problem::request_malformed},
      {kTarget + "&" + kTarget, Problem::request_repeated},
      {kTarget + "&state=a&state=a", Problem::request_repeated},
      {kTarget + "&delivery=query&delivery=query", Problem::request_repeated},
      {kTarget + "&code_challenge=a&code_challenge=b", Problem::request_repeated},
      {kTarget + "&code_challenge_method=S256&code_challenge_method=S256",
       Problem::request_repeated},
      {"redirect_uri=app.example.com", Problem::redirect_malformed},
      {"redirect_uri=%2Fdeep", Problem::redirect_malformed},
      {"redirect_uri=%2F%2Fapp.example.com", Problem::redirect_malformed},
      {"redirect_uri=https%3A%2F%2Fuser%40app.example.com", Problem::redirect_malformed},
      {"redirect_uri=https%3A%2F%2Fapp.example.com%5C%40evil", Problem::redirect_malformed},
      {"redirect_uri=https%3A%2F%2Fapp.example.com%2F%0A", Problem::redirect_malformed},
      {"redirect_uri=https%3A%2F%2Fapp.example.com%2F..%2Fx", Problem::redirect_malformed},
      {"redirect_uri=javascript%3Aalert(1)", Problem::redirect_malformed},
      {"redirect_uri=data%3Atext%2Fhtml%2Cx", Problem::redirect_malformed},
      {"redirect_uri=https%3A%2F%2Fevil.example", Problem::redirect_not_allowed},
      {"redirect_uri=http%3A%2F%2Fapp.example.com", Problem::redirect_not_allowed},
      {"redirect_uri=otherapp%3A%2F%2Fx", Problem::redirect_not_allowed},
      {kTarget + std::string(2025, 'x'), Problem::redirect_too_long},
      {kTarget + "%3F" + std::string(9000, 'x'), Problem::redirect_malformed},
      {kTarget + "&state=" + std::string(513, 's'), Problem::client_state_refused},
      {kTarget + "&state=a%0Ab", Problem::client_state_refused},
      {kTarget + "&state=%C3%A4", Problem::client_state_refused},
      {kTarget + "&delivery=fragment", Problem::delivery_unknown},
      {kTarget + "&delivery=Popup", Problem::delivery_unknown},
      {"redirect_uri=myapp%3A%2F%2Fx&delivery=popup", Problem::delivery_unknown},
      {kTarget + "&code_challenge=" + kChallenge, Problem::challenge_refused},
      {kTarget + "&code_challenge_method=S256", Problem::challenge_refused},
      {kTarget + "&code_challenge_method=plain&code_challenge=" + kChallenge,
       Problem::challenge_refused},
      {kTarget + "&code_challenge_method=s256&code_challenge=" + kChallenge,
       Problem::challenge_refused},
      {kTarget + "&code_challenge_method=S256&code_challenge=" + kChallenge + "a",
       Problem::challenge_refused},
      {kTarget + "&code_challenge_method=S256&code_challenge=" + kChallenge.substr(1) + ".",
       Problem::challenge_refused},
  };
  for (const auto& [query, why] : table) {
    Stage stage;
    expect_refused(stage, stage.login_request(query), why);
  }
}

TEST(Login, TellsADeveloperTheLineThatIsMissing) {
  Stage stage;
  const std::string line = "<code>oauth_allow_origin http://localhost:3000;</code>";
  const Verdict own = stage.call_login(
      stage.login_request("redirect_uri=http%3A%2F%2Flocalhost%3A3000%2Fx%3Fdxc-auth%3Da"));
  EXPECT_EQ(reason(own), "redirect_not_allowed");
  EXPECT_TRUE(contains(own.reply->body, line)) << own.reply->body;
  const Verdict other =
      stage.call_login(stage.login_request("redirect_uri=https%3A%2F%2Fevil.example"));
  EXPECT_FALSE(contains(other.reply->body, "oauth_allow_origin"));
  EXPECT_FALSE(contains(other.reply->body, "evil"));
}

TEST(Login, AtTheLargestSizesItStillWorks) {
  const std::string target = "https://app.example.com/" + std::string(kMaxTarget - 24, 't');
  const std::string state(kMaxClientState, '"');
  const Attempt attempt = attempt_of(FormWriter()
                                         .add("redirect_uri", target)
                                         .add("state", state)
                                         .add("code_challenge", kChallenge)
                                         .add("code_challenge_method", "S256")
                                         .text());
  EXPECT_EQ(attempt.target, target);
  EXPECT_EQ(attempt.client_state, state);
}

TEST(Login, AStaleAnswerInTheTargetIsRemovedBeforeItIsMeasured) {
  const std::string clean = "https://app.example.com/" + std::string(kMaxTarget - 28, 't') + "?a=b";
  const std::string stale = clean + "&dxc-auth=" + std::string(2000, 'x') + "#f";
  EXPECT_EQ(clean.size(), kMaxTarget);
  EXPECT_EQ(refusal_of(FormWriter().add("redirect_uri", stale).text()), "redirect_too_long");
  const std::string fits = clean.substr(0, 100) + "?a=b";
  const Attempt attempt = attempt_of(
      FormWriter().add("redirect_uri", fits + "&dxc-auth=" + std::string(3000, 'x') + "#f").text());
  EXPECT_EQ(attempt.target, fits + "#f");
}

TEST(Login, TheTargetStaysAsItWasSent) {
  for (const std::string_view target :
       {"https://app.example.com", "https://APP.example.com:443/deep/page?foo=bar&x=%20#frag",
        "https://app.example.com/?q=[1]|{2}#/route?x=1", "myapp://", "myapp:/x?y#z"}) {
    EXPECT_EQ(attempt_of(FormWriter().add("redirect_uri", target).text()).target, target);
  }
}

TEST(Login, PkceIsMandatoryWhereTheBrokerSaysSo) {
  Stage stage;
  stage.broker.require_pkce = true;
  expect_refused(stage, stage.login_request(kTarget), Problem::challenge_missing);
  expect_refused(stage, stage.login_request(kTarget + "&code_challenge="),
                 Problem::challenge_missing);
  const Verdict verdict = stage.call_login(
      stage.login_request(kTarget + "&code_challenge_method=S256&code_challenge=" + kChallenge));
  EXPECT_EQ(reason(verdict), "");
  EXPECT_EQ(sent(stage, verdict).challenge, kChallenge);
}

TEST(Login, TheDeliveryIsWhatWasAskedForOrWhatAnOldClientNeeds) {
  const std::string bare = "redirect_uri=https%3A%2F%2Fapp.example.com";
  const std::vector<std::pair<std::string, Delivery>> table{
      {kTarget, Delivery::redirect},
      {kTarget + "&delivery=", Delivery::redirect},
      {kTarget + "&delivery=redirect", Delivery::redirect},
      {kTarget + "&delivery=query", Delivery::query},
      {kTarget + "&delivery=popup", Delivery::popup},
      {kTarget + "deep%3Fx&delivery=popup", Delivery::popup},
      {bare + "&state=s", Delivery::popup},
      {kTarget + "&state=s", Delivery::popup},
      {kTarget + "&state=s&delivery=redirect", Delivery::redirect},
      {kTarget + "&state=s&delivery=query", Delivery::query},
      {kTarget + "deep&state=s", Delivery::redirect},
      {kTarget + "%3Fq&state=s", Delivery::redirect},
      {kTarget + "%23f&state=s", Delivery::redirect},
      {bare + "&state=", Delivery::redirect},
      {"redirect_uri=myapp%3A%2F%2F&state=s", Delivery::redirect},
      {"redirect_uri=myapp%3A%2F%2Fx&delivery=query", Delivery::query},
  };
  for (const auto& [query, delivery] : table) {
    EXPECT_EQ(attempt_of(query).delivery, delivery) << query;
  }
}

// ---- At home

Request away(Stage& stage, std::string_view query) {
  Request in = stage.login_request(query);
  in.authority = "www.example.com";
  return in;
}

TEST(Login, BegunElsewhereIsSentHomeFirst) {
  Stage stage;
  const Verdict verdict = stage.call_login(away(stage, kTarget + "&state=a%26b"));
  EXPECT_EQ(status(verdict), 302);
  EXPECT_EQ(location(verdict),
            "https://auth.example.com/oauth/login/acme?" + kTarget + "&state=a%26b&at=home");
  EXPECT_EQ(header(verdict, "Set-Cookie"), "") << "the browser's cookie belongs to the home";
  EXPECT_TRUE(stage.untouched());
}

TEST(Login, OnTheWrongSchemeIsSentHomeFirst) {
  Stage stage;
  Request in = stage.login_request(kTarget);
  in.https = false;
  EXPECT_TRUE(location(stage.call_login(in)).starts_with("https://auth.example.com/oauth/login/"));
  EXPECT_TRUE(stage.untouched());
}

TEST(Login, IsSentHomeOnlyOnce) {
  Stage stage;
  const Verdict verdict = stage.call_login(away(stage, kTarget + "&at=home"));
  EXPECT_TRUE(location(verdict).starts_with("https://op.example/auth?")) << location(verdict);
}

TEST(Login, AParameterOfTheSameNameDoesNotSendItRound) {
  for (const std::string_view more : {"&at=x", "&at=", "&at=x&at=y"}) {
    Stage stage;
    const std::string home = location(stage.call_login(away(stage, kTarget + std::string(more))));
    const std::string query = home.substr(home.find('?') + 1);
    const Verdict verdict = stage.call_login(away(stage, query));
    EXPECT_TRUE(location(verdict).starts_with("https://op.example/auth?")) << location(verdict);
  }
}

TEST(Login, WhatIsWrongIsSaidBeforeAnybodyIsSentHome) {
  Stage stage;
  expect_refused(stage, away(stage, "redirect_uri=https%3A%2F%2Fevil.example"),
                 Problem::redirect_not_allowed);
}

// ---- What is broken

TEST(Login, DoesNotBeginWhileTheStoreIsKnownToBeDown) {
  Stage stage;
  stage.store.down = true;
  expect_refused(stage, stage.login_request(kTarget), Problem::store_down);
  EXPECT_EQ(header(stage.call_login(stage.login_request(kTarget)), "Retry-After"), "5");
}

TEST(Login, WithoutTheProvidersMetadataItDoesNotBegin) {
  Stage stage;
  stage.fetch.say(kMetadataUrl, Problem::fetch_timeout);
  const Verdict first = stage.call_login(stage.login_request(kTarget));
  EXPECT_EQ(reason(first), "fetch_timeout");
  EXPECT_EQ(status(first), 504);
  EXPECT_EQ(header(first, "Set-Cookie"), "");
  const Verdict second = stage.call_login(stage.login_request(kTarget));
  EXPECT_EQ(reason(second), "discovery_cooling");
  EXPECT_EQ(status(second), 503);
  EXPECT_EQ(header(second, "Retry-After"), "5");
  EXPECT_EQ(stage.events, Events{"GET " + kMetadataUrl});
}

TEST(Login, WithoutRandomnessItDoesNotBegin) {
  Stage stage;
  stage.random.fails = Problem::internal;
  const Verdict verdict = stage.call_login(stage.login_request(kTarget));
  EXPECT_EQ(reason(verdict), "internal");
  EXPECT_EQ(status(verdict), 500);
  EXPECT_EQ(header(verdict, "Set-Cookie"), "");
}

TEST(Login, AnAttemptThatIsTooLargeIsRefused) {
  Stage stage;
  stage.acme.name = std::string(2000, 'a');
  const std::string target = "https://app.example.com/" + std::string(kMaxTarget - 24, 't');
  const Verdict verdict = stage.call_login(
      stage.login_request(FormWriter().add("redirect_uri", target).text(), stage.acme.name));
  EXPECT_EQ(reason(verdict), "attempt_too_large");
  EXPECT_EQ(status(verdict), 400);
}

TEST(Login, NoPageThatMayBeReloadedCutsAPopupFromItsOpener) {
  for (const std::string_view delivery : {"popup", "query"}) {
    Stage stage;
    const Request in = stage.login_request(kTarget + "&delivery=" + std::string(delivery));
    const std::string wanted = delivery == "popup" ? "" : "same-origin";
    stage.store.down = true;
    EXPECT_EQ(header(stage.call_login(in), "Cross-Origin-Opener-Policy"), wanted);
    stage.store.down = false;
    stage.fetch.say(kMetadataUrl, Problem::fetch_failed);
    EXPECT_EQ(header(stage.call_login(in), "Cross-Origin-Opener-Policy"), wanted);
  }
}

// ---- type demo

TEST(LoginOfDemo, LeadsToOurOwnPage) {
  Stage stage;
  Request in = stage.login_request(kTarget, "demo");
  in.local = true;
  const Verdict verdict = stage.call_login(in);
  EXPECT_TRUE(location(verdict).starts_with("https://auth.example.com/oauth/demo/demo?state="))
      << location(verdict);
  EXPECT_EQ(sent(stage, verdict).provider, "demo");
  EXPECT_TRUE(stage.untouched());
}

TEST(LoginOfDemo, IsOnlyForThisMachine) {
  Stage stage;
  expect_refused(stage, stage.login_request(kTarget, "demo"), Problem::demo_not_local);
}

}  // namespace
}  // namespace oauth
