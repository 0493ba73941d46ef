// protect: may this request enter the location? (RFC 6750, RFC 9068 4, RFC 8725). `judge` decides
// at once, from what this worker knows; `protect` fetches an issuer's keys first where it must. The
// answer is an admission or a problem; src/ngx turns the latter into the status and
// WWW-Authenticate, so that error_page and satisfy work as with any access module. Only a preflight
// is answered here.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "oauth/base/task.hpp"
#include "oauth/flow/ports.hpp"
#include "oauth/flow/trust_keys.hpp"
#include "oauth/flow/verdict.hpp"
#include "oauth/jose/split_tokens.hpp"
#include "oauth/proto/guard.hpp"

namespace oauth {

// What a request brings, as the client sent it.
struct Credentials {
  std::string_view authorization;         // the first Authorization header
  std::size_t authorizations = 0;         // how many there are
  std::string_view query;                 // raw, with the argument that carries a token
  std::vector<std::string_view> origins;  // every Origin header
  bool is_upgrade = false;                // GET with `Upgrade: websocket` (RFC 6455 4.1)
  bool is_preflight = false;  // OPTIONS with Origin and Access-Control-Request-Method (Fetch 4.8)

  std::string decoded;  // set by `judge`: an argument's token, without percent-encoding
};

// What a worker knows without asking anybody.
struct Knowledge {
  TokenCache& tokens;
  TrustKeys& trust_keys;
  Documents& documents;
  const Revocations& revocations;
  SplitTokens& split_tokens;
  std::int64_t now;  // s
};

struct Decision {
  enum class Kind : std::uint8_t { enter, refuse, answer_preflight };

  Kind kind = Kind::refuse;
  Problem problem = Problem::internal;  // of a refusal
  Admission admission{};                // a view into the credentials
  // Set: this stands only if no keys of that issuer from `not_before` on (s) can be had.
  const Trust* wants_keys = nullptr;
  std::int64_t not_before = 0;
  // Set: its keys serve, but are to be fetched anew behind the request.
  const Trust* outdated = nullptr;
};

// Waits for nothing and, for a token that is known, allocates nothing.
Decision judge(Credentials& in, const Guard& guard, const Knowledge& known);

// What `protect` makes of a decision, and back.
Verdict verdict_of(const Decision& decision);
Decision decision_of(const Verdict& verdict);

// As `judge`, with keys fetched where it wants them. Both must outlive the task, and its verdict.
Task<Verdict> protect(Credentials& in, const Guard& guard, Ports& io);

// A token that this broker has just minted is known from birth: nobody need verify its signature.
void know_at_birth(std::string_view token, const Broker& broker, TokenCache& tokens,
                   std::int64_t now);

}  // namespace oauth
