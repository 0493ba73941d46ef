// Guard: what a protected location demands, and whom it trusts (DESIGN 2). Built at load from
// `oauth_protect`, its neighbours and the broker of the server; read-only afterwards.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "oauth/base/problem.hpp"
#include "oauth/base/result.hpp"
#include "oauth/proto/require.hpp"
#include "oauth/proto/target.hpp"
#include "oauth/proto/token_facts.hpp"
#include "oauth/proto/trust.hpp"

namespace oauth {

// `query=NAME[:any]`: the argument that may carry the token instead of the header.
struct TokenArgument {
  std::string name;             // empty: there is none
  bool on_any_request = false;  // else on WebSocket upgrades only
};

// How long an upgraded connection may outlive its token.
struct StreamLifetime {
  bool is_limited = true;
  std::int64_t extra = 0;  // s, after the token is no longer accepted
};

struct Guard {
  bool optional = false;  // anonymous requests pass, bad tokens never do
  std::string realm;
  std::vector<Trust> trusts;
  PolicyId policy{};                      // policy_of(trusts)
  std::vector<Requirement> requirements;  // all must be met; an anonymous request meets none
  TokenArgument argument;
  TargetRules origins;  // whose pages may call, where origins are checked
  bool cors = false;
  bool pass_token = true;  // a token that was verified goes on to the upstream
  StreamLifetime stream;

  // RFC 6455 10.2: what a page may send without being asked first comes from an allowed one.
  bool checks_origin() const noexcept { return cors || !argument.name.empty(); }
};

// RFC 6454 7: no Origin at all, or one that the guard's rules name.
bool allows_origins(const Guard& guard, const std::vector<std::string_view>& origins);

// RFC 6750 3: the WWW-Authenticate value. Without a token there is no `error` in it; where a scope
// is missing, all that the location demands are named.
std::string challenge(const Guard& guard, Problem problem);

// RFC 6750 2.1: what stands behind `Bearer`, in any case, in an Authorization header; empty when
// the scheme is another. Without anything behind it, it is token_malformed; whether it can be a
// token is for who reads it to find out.
Result<std::string_view> read_bearer(std::string_view authorization);
inline Result<std::string_view> bearer_token(std::string_view authorization) {
  constexpr std::string_view kUsual = "Bearer ey";  // any token, as nearly all write it
  return authorization.starts_with(kUsual) ? authorization.substr(kUsual.size() - 2)
                                           : read_bearer(authorization);
}

// RFC 6750 2.1: one or more of the characters of a b64token.
bool is_b64token(std::string_view text) noexcept;

}  // namespace oauth
