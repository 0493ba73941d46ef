#include "oauth/flow/protect.hpp"

#include "oauth/jose/jwt.hpp"

namespace oauth {
namespace {

Result<std::string_view> read_token(const Credentials& in);
const Trust* trust_for(const Jwt& jwt, const Guard& guard);
Verdict enter(Json claims, std::string issuer);
Verdict refuse(Problem problem);

}  // namespace

Task<Verdict> protect(const Credentials& in, const Guard& guard, Ports& io) {
  const auto token = read_token(in);
  if (!token) {
    co_return refuse(token.problem());
  }
  if (token->empty()) {
    co_return guard.optional ? enter(Json(), {}) : refuse(Problem::token_missing);
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
  co_return enter(*std::move(claims), trust->expect.issuer);
}

namespace {

// RFC 6750 2: one token, in one Authorization header.
Result<std::string_view> read_token(const Credentials& in) {
  if (in.authorization.size() > 1) {
    return Problem::token_repeated;
  }
  if (in.authorization.empty()) {
    return std::string_view{};
  }
  return bearer_token(in.authorization.front());
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

Verdict enter(Json claims, std::string issuer) {
  Verdict verdict;
  verdict.admission = Admission{std::move(claims), std::move(issuer)};
  return verdict;
}

Verdict refuse(Problem problem) {
  Verdict verdict;
  verdict.problem = problem;
  return verdict;
}

}  // namespace

}  // namespace oauth
