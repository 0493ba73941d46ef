#include "oauth/flow/icons.hpp"

#include "flow/stage.hpp"
#include "oauth/proto/icon.hpp"

namespace oauth {
namespace {

using test::header;
using test::reason;
using test::run;
using test::Stage;
using test::status;

Verdict ask(Stage& stage, const std::string& file) {
  const Request in = stage.request("GET", "/oauth/icons/" + file);
  return run(icons(in, stage.io));
}

TEST(Icons, AreImagesThatMayBeKept) {
  Stage stage;
  const Verdict verdict = ask(stage, "acme.svg");
  EXPECT_EQ(reason(verdict), "");
  EXPECT_EQ(status(verdict), 200);
  EXPECT_EQ(verdict.reply->content_type, "image/svg+xml");
  EXPECT_EQ(verdict.reply->body, icon_svg(stage.acme));
  EXPECT_EQ(header(verdict, "Cache-Control"), "public, max-age=3600");
  EXPECT_EQ(header(verdict, "X-Content-Type-Options"), "nosniff");
  EXPECT_EQ(header(verdict, "Content-Security-Policy"), "default-src 'none'");
  EXPECT_EQ(header(verdict, "Cross-Origin-Resource-Policy"), "cross-origin");
  EXPECT_TRUE(stage.untouched());
}

TEST(Icons, OnlyProvidersThatAreOfferedHaveOne) {
  Stage stage;
  Provider off = test::provider("off");
  off.enabled = false;
  stage.broker.providers.push_back(&off);
  for (const std::string file : {"off.svg", "none.svg", ".svg", "acme.svg.svg", "Acme.svg"}) {
    EXPECT_EQ(reason(ask(stage, file)), "provider_unknown") << file;
    EXPECT_EQ(status(ask(stage, file)), 404) << file;
  }
  for (const std::string file : {"acme", "acme.png", "", "svg"}) {
    EXPECT_EQ(reason(ask(stage, file)), "not_found") << file;
    EXPECT_EQ(status(ask(stage, file)), 404) << file;
  }
}

}  // namespace
}  // namespace oauth
