#include "oauth/flow/keys.hpp"

#include "flow/stage.hpp"

namespace oauth {
namespace {

using test::body;
using test::contains;
using test::header;
using test::run;
using test::Stage;
using test::status;

TEST(Jwks, PublishesThePublicHalvesToBeCached) {
  Stage stage;
  const Request in = stage.request("GET", "/.well-known/jwks.json");
  const Verdict verdict = run(jwks(in, stage.io));
  EXPECT_EQ(status(verdict), 200);
  EXPECT_EQ(header(verdict, "Cache-Control"), "public, max-age=300");
  EXPECT_EQ(header(verdict, "X-Content-Type-Options"), "nosniff");
  EXPECT_TRUE(stage.untouched());
  const Json keys = body(verdict).get("keys");
  ASSERT_EQ(keys.size(), 1U);
  EXPECT_EQ(keys.at(0).string("kid"), test::signing()->keys().front().thumbprint());
  EXPECT_EQ(keys.at(0).string("alg"), "ES256");
  EXPECT_FALSE(keys.at(0).has("d"));
}

struct ListStage : Stage {
  Verdict list(std::string_view method, std::vector<std::string> origins) {
    Request in = request(method, "/auth-providers");
    in.origins = std::move(origins);
    return run(auth_providers(in, io));
  }
};

TEST(AuthProviders, ListsThoseThatAreEnabledAsTheClientReadsThem) {
  ListStage stage;
  Provider off = test::provider("off");
  off.enabled = false;
  stage.broker.providers.push_back(&off);
  stage.acme.icon = "https://cdn.example.com/acme.svg";
  stage.demo.display_name = "Demo";
  stage.demo.scope = "  ";
  const Verdict verdict = stage.list("GET", {"https://app.example.com"});
  EXPECT_EQ(status(verdict), 200);
  EXPECT_EQ(body(verdict).dump(),
            R"({"providers":[{"type":"custom-oauth2","name":"acme","displayName":"Acme ID",)"
            R"("iconUrl":"https://cdn.example.com/acme.svg",)"
            R"("scopes":["openid","email","profile"]},)"
            R"({"type":"custom-oauth2","name":"demo","displayName":"Demo",)"
            R"("iconUrl":"https://auth.example.com/oauth/icons/demo.svg","scopes":[]}],)"
            R"("otpEnabled":false})");
  EXPECT_EQ(header(verdict, "Access-Control-Allow-Origin"), "https://app.example.com");
  EXPECT_TRUE(stage.untouched());
}

TEST(AuthProviders, TellsNoSecret) {
  ListStage stage;
  const std::string text = stage.list("GET", {}).reply->body;
  EXPECT_FALSE(contains(text, "hush"));
  EXPECT_FALSE(contains(text, "client-1"));
}

TEST(AuthProviders, ArePublicButReadOnlyByAllowedOrigins) {
  ListStage stage;
  for (const auto& origins : {std::vector<std::string>{}, {"https://evil.example"}, {"null"}}) {
    const Verdict verdict = stage.list("GET", origins);
    EXPECT_EQ(status(verdict), 200);
    EXPECT_EQ(header(verdict, "Access-Control-Allow-Origin"), "");
    EXPECT_EQ(header(verdict, "Vary"), "Origin");
    EXPECT_EQ(test::cause(verdict), origins.empty() ? "" : "origin_not_allowed") << "for the log";
  }
}

TEST(AuthProviders, AnswerAPreflight) {
  ListStage stage;
  const Verdict yes = stage.list("OPTIONS", {"https://app.example.com"});
  EXPECT_EQ(status(yes), 204);
  EXPECT_EQ(header(yes, "Access-Control-Allow-Methods"), "GET");
  EXPECT_EQ(header(yes, "Access-Control-Allow-Origin"), "https://app.example.com");
  const Verdict no = stage.list("OPTIONS", {"https://evil.example"});
  EXPECT_EQ(status(no), 204);
  EXPECT_EQ(header(no, "Access-Control-Allow-Methods"), "");
}

TEST(AuthProviders, WithoutAnyAreAnEmptyList) {
  ListStage stage;
  stage.broker.providers.clear();
  EXPECT_EQ(body(stage.list("GET", {})).dump(), R"({"providers":[],"otpEnabled":false})");
}

}  // namespace
}  // namespace oauth
