#include "oauth/proto/broker.hpp"

#include <gtest/gtest.h>

#include "proto/support.hpp"

namespace oauth {
namespace {

using test::broker;
using test::keys;
using test::provider;

TEST(BrokerUrl, IsNormalisedAndLosesItsTrailingSlash) {
  const std::vector<std::pair<std::string, std::string>> table{
      {"https://auth.example.com", "https://auth.example.com"},
      {"https://auth.example.com/", "https://auth.example.com"},
      {"HTTPS://Auth.Example.COM:443/", "https://auth.example.com"},
      {"https://auth.example.com:8443", "https://auth.example.com:8443"},
      {"https://auth.example.com/db1", "https://auth.example.com/db1"},
      {"https://auth.example.com/Db1/x/", "https://auth.example.com/Db1/x"},
      {"https://10.0.0.1", "https://10.0.0.1"},
      {"http://localhost:8080", "http://localhost:8080"},
      {"http://LOCALHOST:80/db1", "http://localhost/db1"},
      {"http://127.0.0.1", "http://127.0.0.1"},
      {"http://127.9.9.9:81", "http://127.9.9.9:81"},
      {"http://[::1]:81/db1", "http://[::1]:81/db1"},
      {"http://[0:0:0:0:0:0:0:1]", "http://[::1]"},
  };
  for (const auto& [given, wanted] : table) {
    std::string why;
    const auto uri = parse_broker_url(given, &why);
    ASSERT_TRUE(uri) << given << ": " << why;
    EXPECT_EQ(uri->text(), wanted) << given;
    EXPECT_EQ(why, "") << given;
  }
}

TEST(BrokerUrl, AnythingElseIsRefusedWithTheReason) {
  const std::vector<std::pair<std::string, std::string>> table{
      {"", "base URL"},
      {"/", "base URL"},
      {"auth.example.com", "base URL"},
      {"//auth.example.com", "base URL"},
      {"https:", "base URL"},
      {"https://", "base URL"},
      {"https:auth.example.com", "base URL"},
      {"ftp://auth.example.com", "base URL"},
      {"myapp://auth", "base URL"},
      {"javascript://auth", "base URL"},
      {"https://user@auth.example.com", "base URL"},
      {"https://user:pw@auth.example.com", "base URL"},
      {"https://auth.example.com?x", "base URL"},
      {"https://auth.example.com?", "base URL"},
      {"https://auth.example.com/?/", "base URL"},
      {"https://auth.example.com#", "base URL"},
      {"https://auth.example.com/#/", "base URL"},
      {"https://auth.example.com:0", "base URL"},
      {"https://auth.example.com:65536", "base URL"},
      {"https://auth.example.com:", "base URL"},
      {"https://auth_example.com", "base URL"},
      {"https://auth.example.com./", "base URL"},
      {"https://auth.example.com/a b", "base URL"},
      {"https://auth.example.com/a\\b", "base URL"},
      {"https://auth.example.com/../x", "base URL"},
      {"https://auth.example.com/%2e%2e/x", "base URL"},
      {"https://*.example.com", "base URL"},
      {"http://auth.example.com", "loopback"},
      {"http://10.0.0.1", "loopback"},
      {"http://[::2]", "loopback"},
      {"http://localhost.example.com", "loopback"},
      {"https://auth.example.com/a%62", "plain"},
      {"https://auth.example.com/a%2fb", "plain"},
      {"https://auth.example.com//a", "plain"},
      {"https://auth.example.com/a//b", "plain"},
      {"https://auth.example.com/.hidden", "plain"},
      {"https://auth.example.com/a/...", "plain"},
  };
  for (const auto& [given, reason] : table) {
    std::string why;
    EXPECT_FALSE(parse_broker_url(given, &why)) << given;
    EXPECT_TRUE(test::contains(why, reason)) << given << ": " << why;
  }
}

TEST(Broker, KnowsItsOwnEnabledProvidersByTheirExactName) {
  Provider acme = provider("acme");
  Provider off = provider("off");
  off.enabled = false;
  Broker at = broker();
  at.providers = {&off, &acme};
  EXPECT_EQ(at.provider("acme"), &acme);
  for (const std::string_view name : {"off", "Acme", "acm", "acme2", "", "other"}) {
    EXPECT_EQ(at.provider(name), nullptr) << name;
  }
}

TEST(Broker, HasOneCallbackForEachProvider) {
  EXPECT_EQ(broker().callback_url(provider("acme")),
            "https://auth.example.com/oauth/callback/acme");
  EXPECT_EQ(broker("https://auth.example.com/db1/").callback_url(provider("x-1")),
            "https://auth.example.com/db1/oauth/callback/x-1");
}

TEST(Broker, HasOneIconForEachProviderThatBringsNone) {
  Provider own = provider("acme");
  EXPECT_EQ(broker("https://auth.example.com/db1").icon_url(own),
            "https://auth.example.com/db1/oauth/icons/acme.svg");
  own.icon = "https://cdn.example.com/acme.svg";
  EXPECT_EQ(broker().icon_url(own), "https://cdn.example.com/acme.svg");
}

TEST(Broker, ItsEndpointsAreBelowItsPath) {
  EXPECT_EQ(broker().path("/token"), "/token");
  EXPECT_EQ(broker("https://auth.example.com/db1").path("/token"), "/db1/token");
}

TEST(Broker, ItsCookieIsNamedByItsUrlAndHeldToItsHost) {
  const std::string name = broker().cookie_name;
  EXPECT_EQ(name, "__Host-oauth-" + hex_encode(sha256("https://auth.example.com")).substr(0, 8));
  EXPECT_NE(name, broker("https://auth.example.com/db1").cookie_name);
}

TEST(Broker, OnPlainHttpItsCookieHasNoPrefixThatABrowserWouldRefuse) {
  EXPECT_EQ(broker("http://localhost:8080").cookie_name,
            "oauth-" + hex_encode(sha256("http://localhost:8080")).substr(0, 8));
  EXPECT_TRUE(broker().is_https());
  EXPECT_FALSE(broker("http://localhost:8080").is_https());
}

TEST(Broker, SignsWithTheFirstPrivateKeyOfItsAlgorithm) {
  const Key public_only = KeySet::parse(KeySet({keys().p256}).public_jwks().dump())->keys().front();
  const Key second = keys().p256.with_kid("second");
  Broker at = broker();
  at.signing = std::make_shared<const KeySet>(
      std::vector<Key>{keys().rsa, public_only, second, keys().p256.with_kid("third")});
  ASSERT_NE(at.signing_key(), nullptr);
  EXPECT_EQ(at.signing_key()->kid(), "second");
  at.alg = Alg::rs256;
  EXPECT_EQ(at.signing_key()->kid(), "rsa");
  at.alg = Alg::eddsa;
  EXPECT_EQ(at.signing_key(), nullptr);
}

}  // namespace
}  // namespace oauth
