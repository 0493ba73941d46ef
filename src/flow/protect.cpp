#include "oauth/flow/protect.hpp"

#include <algorithm>
#include <cmath>

#include "oauth/flow/revoke.hpp"
#include "oauth/jose/jwt.hpp"
#include "oauth/proto/arguments.hpp"
#include "oauth/proto/revocation.hpp"

namespace oauth {
namespace {

Result<std::string_view> read_token(Credentials& in, const Guard& guard);
[[gnu::noinline]] Result<std::string_view> read_either(Credentials& in, const Guard& guard);
Decision recall(std::string_view token, const TokenFacts& facts, const Guard& guard,
                const Knowledge& known);
Decision examine(std::string_view token, const Guard& guard, const Knowledge& known);
[[gnu::noinline]] Check meet(std::string_view token, const Trust& trust, const Guard& guard,
                             const Jwt* jwt, SplitTokens& split_tokens);
Decision admit(std::string_view token, const TokenFacts& facts, const Guard& guard,
               const Knowledge& known, const Jwt* jwt);
TokenFacts facts_of(const Jwt& jwt, const Trust& trust, const KeySet& keys);
Decision refuse(Problem problem);
Knowledge known_by(Ports& io);

}  // namespace

Decision judge(Credentials& in, const Guard& guard, const Knowledge& known) {
  // Before a token is looked at: another site's page may not even try one (RFC 6455 10.2).
  if (guard.checks_origin() && !allows_origins(guard, in.origins)) {
    return refuse(Problem::origin_not_allowed);
  }
  if (guard.cors && in.is_preflight) {
    return {.kind = Decision::Kind::answer_preflight};
  }
  const auto token = read_token(in, guard);
  if (!token) {
    return refuse(token.problem());
  }
  if (token->empty()) {
    const bool may_enter = guard.optional && guard.requirements.empty();
    return may_enter ? Decision{.kind = Decision::Kind::enter} : refuse(Problem::token_missing);
  }
  TokenFacts facts;
  return known.tokens.find(*token, guard.policy, facts) ? recall(*token, facts, guard, known)
                                                        : examine(*token, guard, known);
}

Task<Verdict> protect(Credentials& in, const Guard& guard, Ports& io) {
  Decision decision = judge(in, guard, known_by(io));
  if (decision.wants_keys != nullptr) {
    auto fetched = co_await io.trust_keys.fetch_keys(*decision.wants_keys, decision.not_before, io);
    if (fetched) {
      decision = judge(in, guard, known_by(io));
    } else if (decision.problem != Problem::token_key_unknown) {
      decision.problem = fetched.problem();
    }
  }
  if (decision.outdated != nullptr) {
    io.trust_keys.refresh(*decision.outdated, io);
  }
  co_return verdict_of(decision);
}

Verdict verdict_of(const Decision& decision) {
  Verdict verdict;
  switch (decision.kind) {
    case Decision::Kind::enter:
      verdict.admission = decision.admission;
      break;
    case Decision::Kind::refuse:
      verdict.problem = decision.problem;
      break;
    case Decision::Kind::answer_preflight:
      // What it says to the browser is in cors_headers, as for every answer of the location.
      verdict.reply.emplace().status = 204;
      break;
  }
  return verdict;
}

Decision decision_of(const Verdict& verdict) {
  if (verdict.reply) {
    return {.kind = Decision::Kind::answer_preflight};
  }
  return verdict.admission
             ? Decision{.kind = Decision::Kind::enter, .admission = *verdict.admission}
             : refuse(verdict.problem.value_or(Problem::internal));
}

void know_at_birth(std::string_view token, const Broker& broker, TokenCache& tokens,
                   std::int64_t now) {
  if (broker.judged_by.empty()) {
    return;
  }
  const Trust own = own_trust(broker);
  const auto jwt = split(token);
  // All that verify() asks beside the signature.
  if (!jwt || !check_claims(jwt->claims, own.expect, now)) {
    return;
  }
  TokenFacts facts = facts_of(*jwt, own, *broker.signing);
  for (const OwnPolicy& policy : broker.judged_by) {
    facts.trust = policy.trust;
    tokens.keep(token, policy.id, facts);
  }
}

namespace {

// RFC 6750 2: one token, by one way. Where the location takes none from the query, an argument of
// that name is nobody's token (req 117).
Result<std::string_view> read_token(Credentials& in, const Guard& guard) {
  if (!guard.argument.name.empty() && (in.is_upgrade || guard.argument.on_any_request)) {
    return read_either(in, guard);
  }
  return in.authorizations > 1 ? Problem::token_repeated : bearer_token(in.authorization);
}

Result<std::string_view> read_either(Credentials& in, const Guard& guard) {
  const auto arguments = arguments_named(in.query, guard.argument.name);
  if (in.authorizations + arguments.size() > 1) {
    return Problem::token_repeated;
  }
  if (arguments.empty()) {
    return bearer_token(in.authorization);
  }
  auto decoded = argument_token(arguments.front());
  if (!decoded) {
    return decoded.problem();
  }
  in.decoded = *std::move(decoded);
  return std::string_view(in.decoded);
}

// A token that was verified before. What was true of it once is looked at anew: whether its keys
// are still the issuer's, and all that `admit` asks.
Decision recall(std::string_view token, const TokenFacts& facts, const Guard& guard,
                const Knowledge& known) {
  if (facts.trust >= guard.trusts.size()) {
    return examine(token, guard, known);
  }
  const Trust& trust = guard.trusts[facts.trust];
  const auto keys = known.trust_keys.at_hand(trust, known.documents, known.now);
  const bool is_still_signed = keys && keys->keys->digest() == facts.keys;
  return is_still_signed ? admit(token, facts, guard, known, nullptr)
                         : examine(token, guard, known);
}

// RFC 8725 3.8: the issuer chooses among those we trust; its keys alone are tried.
const Trust* trust_for(const Jwt& jwt, const Guard& guard) {
  const auto issuer = jwt.claims.string("iss");
  const auto found =
      std::find_if(guard.trusts.begin(), guard.trusts.end(),
                   [&](const Trust& trust) { return issuer == trust.expect.issuer; });
  return found == guard.trusts.end() ? nullptr : &*found;
}

// `exp` is a number: the first second at which it has come.
std::int64_t seconds_of(const Jwt& jwt, std::string_view name) {
  return static_cast<std::int64_t>(std::ceil(jwt.claims.get(name).number().value_or(0)));
}

TokenFacts facts_of(const Jwt& jwt, const Trust& trust, const KeySet& keys) {
  TokenFacts facts;
  facts.expires = seconds_of(jwt, "exp");
  facts.valid_from = std::max(seconds_of(jwt, "nbf"), seconds_of(jwt, "iat"));
  facts.keys = keys.digest();
  if (trust.is_own) {
    facts.token = token_mark(jwt.claims.string("jti").value_or(""));
    facts.family = family_mark(jwt.claims.string("sid").value_or(""));
  }
  return facts;
}

Decision examine(std::string_view token, const Guard& guard, const Knowledge& known) {
  const auto jwt = split(token);
  if (!jwt) {
    return refuse(jwt.problem());
  }
  const Trust* trust = trust_for(*jwt, guard);
  if (trust == nullptr) {
    return refuse(Problem::token_issuer_wrong);
  }
  const auto keys = known.trust_keys.at_hand(*trust, known.documents, known.now);
  if (!keys) {
    return {.problem = Problem::key_set_empty,
            .wants_keys = trust->is_fetched() ? trust : nullptr,
            .not_before = TrustKeys::fresh_since(*trust, known.now)};
  }
  const auto genuine = verify(*jwt, *keys->keys, trust->expect, known.now);
  if (!genuine) {
    // OpenID Connect Core 10.1.1: an unknown kid may be that of a new key.
    const bool may_be_new = genuine.problem() == Problem::token_key_unknown &&
                            TrustKeys::may_be_outdated(*trust, *keys, known.now);
    return {.problem = genuine.problem(),
            .wants_keys = may_be_new ? trust : nullptr,
            .not_before = known.now - kDocumentCoolDown};
  }
  if (const Check fit = check_trust_claims(jwt->claims, *trust); !fit) {
    return refuse(fit.problem());
  }
  TokenFacts facts = facts_of(*jwt, *trust, *keys->keys);
  facts.trust = static_cast<std::uint32_t>(trust - guard.trusts.data());
  known.tokens.keep(token, guard.policy, facts);
  return admit(token, facts, guard, known, &*jwt);
}

// What the location demands of claims. Only then is a known token taken apart again.
Check meet(std::string_view token, const Trust& trust, const Guard& guard, const Jwt* jwt,
           SplitTokens& split_tokens) {
  if (jwt != nullptr) {
    return check_requirements(jwt->claims, trust.scope_claim, guard.requirements);
  }
  const auto again = split_tokens.get(token);
  return again != nullptr ? check_requirements(again->claims, trust.scope_claim, guard.requirements)
                          : Check(Problem::token_malformed);
}

// What changes while a token lives, and what this very location demands (req 125).
// `jwt`: the token taken apart, where it is already.
Decision admit(std::string_view token, const TokenFacts& facts, const Guard& guard,
               const Knowledge& known, const Jwt* jwt) {
  const Trust& trust = guard.trusts[facts.trust];
  // RFC 7519 4.1.4, 4.1.5
  const std::int64_t expires = facts.expires + trust.expect.skew + trust.expect.grace;
  if (expires <= known.now) {
    return refuse(Problem::token_expired);
  }
  if (facts.valid_from - trust.expect.skew > known.now) {
    return refuse(Problem::token_not_yet_valid);
  }
  // Own tokens can be revoked here, others' cannot.
  const Check alive = trust.is_own ? known.revocations.check(facts.token, facts.family) : kDone;
  if (!alive) {
    return refuse(alive.problem());
  }
  const Check met =
      guard.requirements.empty() ? kDone : meet(token, trust, guard, jwt, known.split_tokens);
  if (!met) {
    return refuse(met.problem());
  }
  const bool is_outdated = known.trust_keys.wants_refresh(trust, known.now);
  return {.kind = Decision::Kind::enter,
          .admission = {&trust, token, expires},
          .outdated = is_outdated ? &trust : nullptr};
}

Decision refuse(Problem problem) {
  return {.problem = problem};
}

Knowledge known_by(Ports& io) {
  return {io.tokens, io.trust_keys, io.documents, io.revocations, io.split_tokens, io.clock.now()};
}

}  // namespace

}  // namespace oauth
