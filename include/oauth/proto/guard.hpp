// Guard: what a protected location demands, and whom it trusts (DESIGN 2). Built at load from
// `oauth_protect`, `oauth_trust` and the broker of the server; read-only afterwards.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "oauth/base/problem.hpp"
#include "oauth/jose/jwk.hpp"
#include "oauth/jose/verify.hpp"
#include "oauth/proto/broker.hpp"

namespace oauth {

// One issuer that is believed, with its own keys: keys are never looked up across issuers.
struct Trust {
  Expectations expect;
  std::shared_ptr<const KeySet> keys;  // null only under `nginx -t`
};

struct Guard {
  bool optional = false;  // anonymous requests pass, bad tokens never do
  std::string realm;
  std::vector<Trust> trusts;
};

// The trust that a broker's own access tokens are judged by (DESIGN 2: typ at+jwt, RFC 9068 4).
Trust own_trust(const Broker& broker);

// RFC 6750 3: the WWW-Authenticate value. Without a token there is no `error` in it.
std::string challenge(const Guard& guard, Problem problem);

// RFC 6750 2.1: the token of one Authorization header, `Bearer` in any case; empty when the scheme
// is another. A Bearer header without a token68 is token_malformed.
Result<std::string_view> bearer_token(std::string_view authorization);

}  // namespace oauth
