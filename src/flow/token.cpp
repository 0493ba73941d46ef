#include "oauth/flow/token.hpp"

#include "oauth/base/text.hpp"
#include "oauth/flow/answer.hpp"
#include "oauth/proto/code.hpp"
#include "oauth/proto/grant.hpp"

namespace oauth {
namespace {

Result<DexieRequest> read_request(const Request& in);
Check match_verifier(const DexieRequest& request, const CodeGrant& grant);
Verdict issue_tokens(const Request& in, const CodeGrant& grant, Issue issue);
Verdict refuse(Problem problem, std::string_view origin, std::string_view flow_id = {});

}  // namespace

Task<Verdict> token(const Request& in, Ports& io) {
  const auto origin = allowed_origin(in);
  if (!origin) {
    co_return refuse(origin.problem(), {});
  }
  if (in.method == "OPTIONS") {
    co_return answer_preflight("POST", "content-type", *origin);
  }
  const auto request = read_request(in);
  if (!request) {
    co_return refuse(request.problem(), *origin);
  }
  auto scopes = grant_scopes(request->scopes, in.broker);  // RFC 6749 3.3
  if (!scopes) {
    co_return refuse(scopes.problem(), *origin);
  }
  const auto random = io.random.bytes(32);
  if (!random) {
    co_return refuse(random.problem(), *origin);
  }
  // RFC 6749 4.1.2, 10.5: single use. The origin is part of the name that is looked for.
  const std::vector<std::string> names = code_names(in.broker, request->code, *origin);
  auto value = co_await io.store.take(Share::codes, names);
  if (!value) {
    const bool absent = value.problem() == Problem::store_absent;
    co_return refuse(absent ? Problem::code_invalid : value.problem(), *origin);
  }
  const auto grant = open_code(*value, in.broker, names, io.clock.now());
  if (!grant) {
    co_return refuse(grant.problem(), *origin);
  }
  const auto matched = match_verifier(*request, *grant);
  if (!matched) {
    co_return refuse(matched.problem(), *origin, grant->flow_id);
  }
  Issue issue;
  issue.claims = grant->claims;
  issue.scopes = *std::move(scopes);
  issue.family = base64url_encode(random->substr(0, 16));
  issue.jti = base64url_encode(random->substr(16));
  issue.origin = *origin;
  issue.public_key = request->public_key;
  issue.now = io.clock.now();
  co_return issue_tokens(in, *grant, std::move(issue));
}

Verdict token_error(const Request& in, Problem problem) {
  const auto origin = allowed_origin(in);
  return refuse(problem, origin ? *origin : std::string());
}

namespace {

Result<DexieRequest> read_request(const Request& in) {
  // CORS: only a request that the browser had to ask for beforehand, and nothing from the URL.
  if (media_type(in.content_type) != "application/json") {
    return Problem::content_type_refused;
  }
  return parse_dexie_request(in.body);
}

// RFC 7636 4.6; RFC 9700 2.1.1: a verifier without a challenge is a downgrade, not an extra.
Check match_verifier(const DexieRequest& request, const CodeGrant& grant) {
  if (grant.challenge.empty()) {
    return request.code_verifier.empty() ? Check(kDone) : Problem::verifier_refused;
  }
  if (!is_pkce_verifier(request.code_verifier) ||
      !equal_constant_time(pkce_challenge(request.code_verifier), grant.challenge)) {
    return Problem::verifier_refused;
  }
  return kDone;
}

Verdict issue_tokens(const Request& in, const CodeGrant& grant, Issue issue) {
  const auto access_token = mint_access_token(issue, in.broker);
  const auto refresh_token = mint_refresh_token(issue, in.broker);
  if (!access_token || !refresh_token) {
    return refuse(Problem::internal, issue.origin, grant.flow_id);
  }
  Verdict verdict =
      answer_json(200, dexie_tokens(issue, in.broker, *access_token, *refresh_token), issue.origin);
  verdict.flow_id = grant.flow_id;
  verdict.provider = grant.provider;
  return verdict;
}

Verdict refuse(Problem problem, std::string_view origin, std::string_view flow_id) {
  Verdict verdict = answer_json(row(problem).status, dexie_error(problem), origin);
  verdict.problem = problem;
  verdict.flow_id = flow_id;
  return verdict;
}

}  // namespace

}  // namespace oauth
