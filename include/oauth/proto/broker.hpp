// Broker: one `oauth_broker URL` — an island (DESIGN 2). Its URL is in everything it seals and in
// the input of every name it gives to the store, so nothing of one broker means anything at
// another.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "oauth/base/secret.hpp"
#include "oauth/base/uri.hpp"
#include "oauth/jose/jwk.hpp"
#include "oauth/proto/admission.hpp"
#include "oauth/proto/client.hpp"
#include "oauth/proto/provider.hpp"
#include "oauth/proto/target.hpp"
#include "oauth/proto/token_facts.hpp"

namespace oauth {

// Seconds.
struct Lifetimes {
  std::int64_t state = 30 * 60;
  std::int64_t code = 5 * 60;
  std::int64_t access_token = 60 * 60;
  std::int64_t refresh_token = 30 * 24 * 60 * 60;
  // How far a refresh's time stamp may lie from now, either way; see Broker::refresh_window.
  std::int64_t refresh_window = 10 * 60;
};
inline constexpr std::int64_t kBoundCodeLifetime = 60;  // a code bound by PKCE (DESIGN 3)

// `oauth_otp` (dexie-contract 4.3).
struct OtpRules {
  std::string send_via;             // URI of an internal location, which sends the mail
  std::size_t length = 8;           // symbols; the real client sends the code off at the eighth
  std::int64_t lifetime = 10 * 60;  // s
  std::int64_t attempts = 5;        // for one mail
  std::int64_t resend = 30;         // s between two mails to one address
  std::int64_t sends = 1000;        // mails an hour, of the whole broker
  std::vector<std::string> email_domains;  // lower case; empty: every domain

  // For one address over all its mails, within one lifetime: who asks for more mails gains nothing.
  std::int64_t address_attempts() const noexcept { return 4 * attempts; }
};

// A policy that trusts the broker's own tokens: that of a protected location.
struct OwnPolicy {
  PolicyId id{};
  std::uint32_t trust = 0;  // which trust of the policy the broker is
  friend bool operator==(const OwnPolicy&, const OwnPolicy&) = default;
};

struct Broker {
  // Set together by `set_url`.
  std::string url;  // normalised, no trailing slash; `iss` of its tokens
  Uri uri;
  // `__Host-oauth-` + 8 hex of SHA-256(URL); without the prefix on plain http (loopback only).
  std::string cookie_name;
  TargetRules targets;
  std::vector<const Provider*> providers;
  std::vector<Client> clients;  // `oauth_client`
  AllowRules allow;
  std::optional<OtpRules> otp;
  std::string admit;  // URI of an internal location; empty: nobody is asked
  std::vector<std::string> scopes{"ACCESS_DB"};
  std::vector<std::string> audiences;  // `aud` of its tokens; never empty
  Alg alg = Alg::es256;
  Lifetimes lifetimes;
  std::int64_t skew = 30;  // s
  bool require_pkce = false;

  std::vector<OwnPolicy> judged_by;  // each once

  std::shared_ptr<const Keyring> keyring;  // null only under `nginx -t`
  std::shared_ptr<const KeySet> signing;   // first signs for its alg, all verify

  const Provider* provider(std::string_view name) const noexcept;  // enabled ones only
  // In s. dexie-contract 4.2: smaller than the access token's lifetime less the 5 minutes before
  // its end in which the client refreshes, or a client with a wrong clock runs hot.
  std::int64_t refresh_window() const noexcept;
  std::string callback_url(const Provider& provider) const;
  std::string icon_url(
      const Provider& provider) const;                // absolute; the provider's own counts first
  std::string path(std::string_view endpoint) const;  // URL path of an endpoint, "/db1" + endpoint
  void set_url(const Uri& base);
  bool is_https() const noexcept { return uri.scheme() == "https"; }
  // The key that signs `alg`.
  const Key* signing_key() const noexcept;
};

// A broker's URL: scheme://host[:port][/path], http only on loopback, no query, fragment or
// userinfo, no dot segments; nullopt and `why` otherwise. A trailing slash is removed.
std::optional<Uri> parse_broker_url(std::string_view text, std::string* why);

}  // namespace oauth
