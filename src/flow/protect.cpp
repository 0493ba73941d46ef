#include "oauth/flow/protect.hpp"

#include <cmath>

#include "oauth/jose/jwt.hpp"
#include "oauth/proto/arguments.hpp"

namespace oauth {
namespace {

Result<std::string> read_token(const Credentials& in, const Guard& guard);
const Trust* trust_for(const Jwt& jwt, const Guard& guard);
Verdict enter();
Verdict enter(Json claims, const Trust& trust, std::string token);
Verdict refuse(Problem problem);
Verdict answer_preflight();

}  // namespace

Task<Verdict> protect(const Credentials& in, const Guard& guard, Ports& io) {
  // Before a token is looked at: another site's page may not even try one (RFC 6455 10.2).
  if (guard.checks_origin() && !allows_origins(guard, in.origins)) {
    co_return refuse(Problem::origin_not_allowed);
  }
  if (guard.cors && in.is_preflight) {
    co_return answer_preflight();
  }
  auto token = read_token(in, guard);
  if (!token) {
    co_return refuse(token.problem());
  }
  if (token->empty()) {
    co_return guard.optional ? enter() : refuse(Problem::token_missing);
  }
  const auto jwt = split(*token);
  if (!jwt) {
    co_return refuse(jwt.problem());
  }
  // RFC 8725 3.8: the issuer chooses among those we trust; its keys alone are tried.
  const Trust* trust = trust_for(*jwt, guard);
  if (trust == nullptr) {
    co_return refuse(Problem::token_issuer_wrong);
  }
  auto claims = verify(*jwt, *trust->keys, trust->expect, io.clock.now());
  if (!claims) {
    co_return refuse(claims.problem());
  }
  if (const Check fit = check_trust_claims(*claims, *trust); !fit) {
    co_return refuse(fit.problem());
  }
  co_return enter(*std::move(claims), *trust, *std::move(token));
}

namespace {

// RFC 6750 2: one token, by one way. Where the location takes none from the query, an argument of
// that name is nobody's token (req 117).
Result<std::string> read_token(const Credentials& in, const Guard& guard) {
  std::vector<std::string_view> arguments;
  if (!guard.argument.name.empty() && (in.is_upgrade || guard.argument.on_any_request)) {
    arguments = arguments_named(in.query, guard.argument.name);
  }
  if (in.authorization.size() + arguments.size() > 1) {
    return Problem::token_repeated;
  }
  if (!arguments.empty()) {
    return argument_token(arguments.front());
  }
  if (in.authorization.empty()) {
    return std::string();
  }
  const auto token = bearer_token(in.authorization.front());
  return token ? Result<std::string>(std::string(*token)) : token.problem();
}

const Trust* trust_for(const Jwt& jwt, const Guard& guard) {
  const auto issuer = jwt.claims.string("iss");
  for (const Trust& trust : guard.trusts) {
    if (issuer == trust.expect.issuer) {
      return &trust;
    }
  }
  return nullptr;
}

Verdict enter() {
  Verdict verdict;
  verdict.admission.emplace();
  return verdict;
}

Verdict enter(Json claims, const Trust& trust, std::string token) {
  const Expectations& expect = trust.expect;
  Verdict verdict = enter();
  // The first second at which check_claims would refuse what it has accepted: `exp` is a number.
  const double exp = std::ceil(claims.get("exp").number().value_or(0));
  verdict.admission->expires = static_cast<std::int64_t>(exp) + expect.skew + expect.grace;
  verdict.admission->claims = std::move(claims);
  verdict.admission->issuer = expect.issuer;
  verdict.admission->trust = &trust;
  verdict.admission->token = std::move(token);
  return verdict;
}

Verdict refuse(Problem problem) {
  Verdict verdict;
  verdict.problem = problem;
  return verdict;
}

// What it says to the browser is in cors_headers, as for every answer of the location.
Verdict answer_preflight() {
  Verdict verdict;
  verdict.reply.emplace().status = 204;
  return verdict;
}

}  // namespace

}  // namespace oauth
