// What the tests of this ring and of flow share: brokers with keys of their own, a provider, and an
// attempt of the largest size.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "jose/support.hpp"
#include "oauth/base/secret.hpp"
#include "oauth/proto/attempt.hpp"
#include "oauth/proto/broker.hpp"
#include "oauth/proto/provider.hpp"
#include "oauth/proto/target.hpp"

namespace oauth::test {

inline constexpr std::int64_t kNow = 1'700'000'000;

inline std::shared_ptr<const Keyring> keyring(const std::vector<std::string>& secrets = {"s"}) {
  std::vector<Secret> masters;
  masters.reserve(secrets.size());
  for (const std::string& secret : secrets) {
    masters.push_back(Secret(sha256(secret)));
  }
  return std::make_shared<const Keyring>(*Keyring::make(masters));
}

// The broker's own keys are none of the providers' in keys().
inline std::shared_ptr<const KeySet> signing() {
  static const auto kSigning = [] {
    const Key key = *Key::generate_es256();
    return std::make_shared<const KeySet>(std::vector<Key>{key.with_kid(key.thumbprint())});
  }();
  return kSigning;
}

// The rules of `oauth_allow_origin`, all of which must be right.
inline TargetRules rules(const std::vector<std::string>& texts) {
  std::vector<TargetRule> parsed;
  for (const std::string& text : texts) {
    std::string why;
    const auto rule = TargetRule::parse(text, &why);
    EXPECT_TRUE(rule) << text << ": " << why;
    if (rule) {
      parsed.push_back(*rule);
    }
  }
  return TargetRules(std::move(parsed));
}

inline Broker broker(std::string_view url = "https://auth.example.com") {
  Broker broker;
  std::string why;
  const auto uri = parse_broker_url(url, &why);
  EXPECT_TRUE(uri) << url << ": " << why;
  broker.set_url(*uri);
  broker.audiences = {broker.url};
  broker.targets = rules({"https://app.example.com", "myapp://"});
  broker.keyring = keyring();
  broker.signing = signing();
  return broker;
}

inline Provider provider(std::string_view name = "acme") {
  Provider provider;
  provider.name = name;
  provider.client_id = "client-1";
  provider.client_secret = Secret("hush");
  provider.issuer = "https://op.example";
  provider.scope = "openid email profile";
  provider.display_name = "Acme ID";
  return provider;
}

inline Attempt attempt() {
  Attempt attempt;
  attempt.id = sha256("id").substr(0, 16);
  attempt.provider = "acme";
  attempt.verifier = base64url_encode(sha256("verifier"));
  attempt.nonce = base64url_encode(sha256("nonce"));
  attempt.target = "https://app.example.com/";
  attempt.browser = sha256("browser");
  attempt.flow_id = hex_encode(sha256("flow").substr(0, 16));
  attempt.issued = kNow;
  attempt.expires = kNow + 1800;
  return attempt;
}

// The only text between two marks; a failure when it is not there.
inline std::string between(std::string_view text, std::string_view from, std::string_view to) {
  const auto begin = text.find(from);
  const auto end = begin == text.npos ? text.npos : text.find(to, begin + from.size());
  EXPECT_NE(end, text.npos) << "no " << from << " … " << to << " in " << text;
  return end == text.npos
             ? std::string()
             : std::string(text.substr(begin + from.size(), end - begin - from.size()));
}

inline bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != text.npos;
}

// An RSA key as the real Dexie client sends it: SPKI in PEM, no newline at its end.
inline std::string client_pem(const Key& key = keys().rsa) {
  const std::string base64 = base64_encode(key.public_der());
  std::string pem = "-----BEGIN PUBLIC KEY-----\n";
  for (std::size_t at = 0; at < base64.size(); at += 64) {
    pem += base64.substr(at, 64) + "\n";
  }
  return pem + "-----END PUBLIC KEY-----";
}

}  // namespace oauth::test
