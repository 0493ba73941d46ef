#include "oauth/proto/metrics.hpp"

#include <gtest/gtest.h>

#include "oauth/base/json.hpp"

namespace oauth {
namespace {

const std::vector<Metric> kSome{
    {"oauth_logins_total",
     Metric::Kind::counter,
     "Logins.",
     {{{{"provider", "google"}}, 3}, {{{"provider", "acme"}, {"as", "user"}}, 0}}},
    {"oauth_nothing_total", Metric::Kind::counter, "Nothing.", {}},
    {"oauth_store_seconds_total", Metric::Kind::seconds, "Time.", {{{}, 12'000'345}}},
    {"oauth_workers", Metric::Kind::gauge, "Workers.", {{{}, 2}}},
};

TEST(Metrics, AreTheTextThatPrometheusReads) {
  EXPECT_EQ(metrics_text(kSome),
            "# HELP oauth_logins_total Logins.\n"
            "# TYPE oauth_logins_total counter\n"
            "oauth_logins_total{provider=\"google\"} 3\n"
            "oauth_logins_total{provider=\"acme\",as=\"user\"} 0\n"
            "# HELP oauth_store_seconds_total Time.\n"
            "# TYPE oauth_store_seconds_total counter\n"
            "oauth_store_seconds_total 12.000345\n"
            "# HELP oauth_workers Workers.\n"
            "# TYPE oauth_workers gauge\n"
            "oauth_workers 2\n");
}

TEST(Metrics, AreJson) {
  const auto json = Json::parse_object(metrics_json(kSome));
  ASSERT_TRUE(json);
  EXPECT_EQ(json->size(), 3U);
  EXPECT_EQ(json->at_pointer("/oauth_logins_total/type").string(), "counter");
  EXPECT_EQ(json->at_pointer("/oauth_logins_total/help").string(), "Logins.");
  EXPECT_EQ(json->at_pointer("/oauth_logins_total/samples/0/labels/provider").string(), "google");
  EXPECT_EQ(json->at_pointer("/oauth_logins_total/samples/0/value").integer(), 3);
  EXPECT_EQ(json->at_pointer("/oauth_store_seconds_total/samples/0/value").number(), 12.000345);
  EXPECT_EQ(json->at_pointer("/oauth_workers/type").string(), "gauge");
}

TEST(Metrics, LabelsCannotBreakTheText) {
  const std::vector<Metric> metrics{{"m", Metric::Kind::gauge, "M.", {{{{"l", "a\"b\\c\nd"}}, 1}}}};
  EXPECT_EQ(metrics_text(metrics), "# HELP m M.\n# TYPE m gauge\nm{l=\"a\\\"b\\\\c\\nd\"} 1\n");
}

TEST(Metrics, TheAcceptHeaderChooses) {
  for (const std::string_view json :
       {"application/json", "text/html, Application/JSON ;q=0.2", "application/json; q=1,*/*"}) {
    EXPECT_TRUE(accepts_json(json)) << json;
  }
  for (const std::string_view text :
       {"", "*/*", "text/plain", "application/json;q=0", "application/json; q=0.0",
        "application/jsonp",
        "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.1",
        ",;,"}) {
    EXPECT_FALSE(accepts_json(text)) << text;
  }
}

}  // namespace
}  // namespace oauth
