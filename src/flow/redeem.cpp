#include "oauth/flow/redeem.hpp"

#include "oauth/base/text.hpp"
#include "oauth/proto/code.hpp"

namespace oauth {
namespace {

Check match_verifier(const CodeRequest& request, const CodeGrant& grant);
std::string user_type(const Provider* provider);

}  // namespace

Task<Granted> redeem(const TokenCall& call, const CodeRequest& request, Ports& io) {
  const Broker& broker = call.in.broker;
  auto scopes = grant_scopes(call.scopes, broker.scopes);  // RFC 6749 3.3
  if (!scopes) {
    co_return scopes.problem();
  }
  const auto random = io.random.bytes(kIssueRandom);
  if (!random) {
    co_return random.problem();
  }
  // RFC 6749 4.1.2, 10.5: single use. The origin is part of the name that is looked for.
  const std::vector<std::string> names = code_names(broker, request.code, call.origin);
  auto value = co_await io.store.take(Share::codes, names);
  if (!value) {
    const bool absent = value.problem() == Problem::store_absent;
    co_return absent ? Problem::code_invalid : value.problem();
  }
  const auto grant = open_code(*value, broker, names, io.clock.now());
  if (!grant) {
    co_return grant.problem();
  }
  const auto matched = match_verifier(request, *grant);
  if (!matched) {
    Granted refused = matched.problem();
    refused.flow_id = grant->flow_id;
    co_return refused;
  }
  Issue issue;
  issue.claims = grant->claims;
  issue.scopes = *std::move(scopes);
  issue.user_type = user_type(broker.provider(grant->provider));
  issue.origin = call.origin;
  issue.public_key = request.public_key;
  issue.provider = grant->provider;
  issue.flow_id = grant->flow_id;
  begin_issue(issue, broker, *random, io.clock.now());
  co_return issue;
}

namespace {

// RFC 7636 4.6; RFC 9700 2.1.1: a verifier without a challenge is a downgrade, not an extra.
Check match_verifier(const CodeRequest& request, const CodeGrant& grant) {
  if (grant.challenge.empty()) {
    return request.code_verifier.empty() ? Check(kDone) : Problem::verifier_refused;
  }
  if (!is_pkce_verifier(request.code_verifier) ||
      !equal_constant_time(pkce_challenge(request.code_verifier), grant.challenge)) {
    return Problem::verifier_refused;
  }
  return kDone;
}

// dexie-contract 4.1
std::string user_type(const Provider* provider) {
  return provider != nullptr && provider->type == ProviderType::demo ? "demo" : "prod";
}

}  // namespace

}  // namespace oauth
