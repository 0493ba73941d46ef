#include "oauth/flow/callback.hpp"

#include <algorithm>

#include "oauth/base/text.hpp"
#include "oauth/flow/admit.hpp"
#include "oauth/flow/answer.hpp"
#include "oauth/flow/documents.hpp"
#include "oauth/flow/identify.hpp"
#include "oauth/proto/code.hpp"
#include "oauth/proto/cookie.hpp"
#include "oauth/proto/preset.hpp"
#include "oauth/proto/response.hpp"

namespace oauth {
namespace {

Verdict hand_over(const Request& in, std::int64_t now);
Result<AuthorizationResponse> read_answer(const Request& in, std::int64_t now);
Check match(const Request& in, const Attempt& attempt);
Check match_issuer(const AuthorizationResponse& answer, const Provider& provider,
                   const Metadata& metadata);
Task<Result<Identity>> who_is_it(const Proof& proof, const AuthorizationResponse& answer,
                                 Ports& io);
Task<Result<std::string>> mint_code(const Request& in, const Attempt& attempt,
                                    const CodeGrant& grant, Ports& io);
Verdict not_claimed(const Attempt& attempt, Problem problem);
Verdict give_up(const Attempt& attempt, Problem problem);

}  // namespace

Task<Verdict> callback(const Request& in, Ports& io) {
  // RFC 6749 10.10: before anybody's guess is looked at. Nothing is claimed, so that the page may
  // be reloaded, and the popup that this may be keeps its opener.
  if (!io.throttle.open(Throttle::Gate::callback)) {
    co_return deny(Problem::too_many_requests, {}, Opener::maybe);
  }
  io.throttle.spend(Throttle::Gate::callback);
  if (in.method == "POST") {
    co_return hand_over(in, io.clock.now());
  }
  auto answer = read_answer(in, io.clock.now());
  if (!answer) {
    co_return deny_alike(answer.problem());
  }
  // RFC 9700 4.7, RFC 6749 10.12: a state that we sealed, for this broker, that still lives.
  auto attempt = open_attempt(answer->state, in.broker, io.clock.now());
  if (!attempt) {
    co_return deny_alike(attempt.problem());
  }
  auto matched = match(in, *attempt);  // provider, browser, target still allowed
  if (!matched) {
    co_return deny_alike(matched.problem(), attempt->flow_id);
  }
  const Provider& provider = *in.broker.provider(attempt->provider);
  auto metadata = co_await metadata_of(provider, io);
  if (!metadata) {
    co_return deny(metadata.problem(), attempt->flow_id, opener_of(attempt->delivery));
  }
  // RFC 9207 2.4: before the code is sent anywhere.
  auto from_issuer = match_issuer(*answer, provider, *metadata);
  if (!from_issuer) {
    co_return deny_alike(from_issuer.problem(), attempt->flow_id);
  }
  const std::string id = claim_name(*attempt, in.broker);
  const std::int64_t until = claim_until(*attempt, in.broker);
  auto claimed = co_await io.store.claim(id, attempt->issued, until);  // a state is spent once
  if (!claimed) {
    co_return not_claimed(*attempt, claimed.problem());
  }
  const Proof proof{in.broker, provider, *metadata, *attempt, answer->code, answer->user};
  auto identity = co_await who_is_it(proof, *answer, io);
  if (!identity) {
    co_return give_up(*attempt, identity.problem());
  }
  auto claims = co_await admit_user(in.broker, *identity, io);
  if (!claims) {
    co_return give_up(*attempt, claims.problem());
  }
  const std::string said = identity->said.is_object() ? identity->said.dump() : std::string();
  const CodeGrant grant{*claims, said, attempt->provider, attempt->flow_id, attempt->challenge};
  auto code = co_await mint_code(in, *attempt, grant, io);
  if (!code) {
    co_return give_up(*attempt, code.problem());
  }
  co_return deliver_code(*attempt, *code);
}

namespace {

constexpr std::string_view kHandedOver = "answer";

// OAuth 2.0 Form Post Response Mode: a cross-site POST carries no cookie, so nothing is finished
// here. Whoever has no state of ours gets no further.
Verdict hand_over(const Request& in, std::int64_t now) {
  const Provider* provider = in.broker.provider(in.name);
  if (provider == nullptr || !preset_of(provider->type).form_post) {
    Verdict verdict = deny(Problem::method_not_allowed);
    verdict.reply->headers.push_back({"Allow", "GET"});
    return verdict;
  }
  const bool is_form = media_type(in.content_type) == "application/x-www-form-urlencoded";
  const auto answer = is_form ? read_response(in.body) : Problem::request_malformed;
  if (!answer) {
    return deny_alike(answer.problem());
  }
  const auto attempt = open_attempt(answer->state, in.broker, now);
  if (!attempt) {
    return deny_alike(attempt.problem());
  }
  if (attempt->provider != in.name) {
    return deny_alike(Problem::state_other_provider, attempt->flow_id);
  }
  const auto sealed = seal_response(*answer, in.broker, now);
  if (!sealed) {
    return deny(sealed.problem(), attempt->flow_id);
  }
  Verdict verdict = answer_redirect(
      in.broker.callback_url(*provider) + "?" + FormWriter().add(kHandedOver, *sealed).text(), 303);
  verdict.flow_id = attempt->flow_id;
  verdict.provider = provider->name;
  return verdict;
}

Result<AuthorizationResponse> read_answer(const Request& in, std::int64_t now) {
  const auto form = Form::parse(in.query);
  if (form && !form->get(kHandedOver).empty()) {
    return open_response(form->get(kHandedOver), in.broker, now);
  }
  return read_response(in.query);
}

Check match(const Request& in, const Attempt& attempt) {
  // RFC 9700 4.4.2: each provider has its own callback; a state of another is a mix-up.
  const Provider* provider = in.broker.provider(attempt.provider);
  if (provider == nullptr || attempt.provider != in.name) {
    return Problem::state_other_provider;
  }
  // RFC 9700 2.1: the browser that comes back is the one that was sent out.
  const std::string_view cookie = only_cookie(in.cookies, in.broker.cookie_name);
  if (!equal_constant_time(sha256(cookie), attempt.browser)) {
    return Problem::browser_mismatch;
  }
  const auto target = Uri::parse(attempt.target);
  if (!target || !in.broker.targets.allows(*target)) {
    return Problem::redirect_not_allowed;
  }
  if (provider->type == ProviderType::demo && !in.local) {
    return Problem::demo_not_local;
  }
  return kDone;
}

Check match_issuer(const AuthorizationResponse& answer, const Provider& provider,
                   const Metadata& metadata) {
  if (!provider.is_openid()) {
    return kDone;
  }
  // RFC 9207 2.4: compared where present, required where the provider says that it sends it.
  if (answer.iss.empty() ? metadata.iss_parameter : answer.iss != metadata.issuer) {
    return Problem::issuer_mismatch;
  }
  return kDone;
}

Task<Result<Identity>> who_is_it(const Proof& proof, const AuthorizationResponse& answer,
                                 Ports& io) {
  // RFC 6749 4.1.2.1, and Apple's word for it.
  if (answer.error == "access_denied" || answer.error == "user_cancelled_authorize") {
    co_return Problem::access_denied;
  }
  if (!answer.error.empty()) {
    co_return Problem::provider_refused;
  }
  auto identity = co_await identify(proof, io);
  if (!identity) {
    co_return identity.problem();
  }
  const auto admitted = admit(*identity, proof.provider);
  if (!admitted) {
    co_return admitted.problem();
  }
  co_return identity;
}

Task<Result<std::string>> mint_code(const Request& in, const Attempt& attempt,
                                    const CodeGrant& grant, Ports& io) {
  const auto random = io.random.bytes(kCodeBytes);
  if (!random) {
    co_return random.problem();
  }
  std::string code = base64url_encode(*random);
  const std::string name = code_name(in.broker, code, code_binding(attempt));
  const std::int64_t now = io.clock.now();
  const std::int64_t expires = now + code_lifetime(attempt, in.broker);
  const auto value = seal_code(grant, in.broker, name, now, expires);
  if (!value) {
    co_return value.problem();
  }
  auto kept = co_await io.store.put(Share::codes, name, *value, expires);
  if (!kept) {
    co_return kept.problem();
  }
  co_return code;
}

// A 503 has claimed nothing, so that the page may be reloaded; an answer that got lost has perhaps.
Verdict not_claimed(const Attempt& attempt, Problem problem) {
  switch (problem) {
    case Problem::store_taken:
      return deny_alike(Problem::state_spent, attempt.flow_id);
    case Problem::store_too_old:
      return deny_alike(Problem::state_too_old, attempt.flow_id);
    case Problem::store_lost:
      return deny(Problem::claim_lost, attempt.flow_id, opener_of(attempt.delivery));
    default:
      return deny(problem, attempt.flow_id, opener_of(attempt.delivery));
  }
}

// After the claim nothing can be tried again: what would else say "503, reload" says "start again".
// What is wrong with an id_token is for the log; the user learns that the provider's answer is bad.
Verdict give_up(const Attempt& attempt, Problem problem) {
  Problem shown = problem;
  if (row(problem).status == 503) {
    shown = Problem::claim_lost;
  } else if (problem >= Problem::token_missing && problem <= Problem::token_kind_refused) {
    shown = Problem::id_token_refused;
  }
  Verdict verdict = deliver_problem(attempt, shown);
  verdict.cause = problem;
  return verdict;
}

}  // namespace

}  // namespace oauth
