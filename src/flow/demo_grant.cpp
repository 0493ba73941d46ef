#include "oauth/flow/demo_grant.hpp"

#include <algorithm>

#include "oauth/base/text.hpp"
#include "oauth/flow/admit.hpp"

namespace oauth {
namespace {

bool offers_demo(const Broker& broker);
Result<Identity> find_user(const Broker& broker, std::string_view email);

}  // namespace

Task<Granted> grant_demo(const TokenCall& call, const DemoRequest& request, Ports& io) {
  const Broker& broker = call.in.broker;
  if (!offers_demo(broker)) {
    co_return Problem::grant_unsupported;
  }
  if (!call.in.local) {
    co_return Problem::demo_not_local;
  }
  auto scopes = grant_scopes(call.scopes, broker.scopes);
  if (!scopes) {
    co_return scopes.problem();
  }
  const auto identity = find_user(broker, request.user);
  if (!identity) {
    co_return identity.problem();
  }
  auto claims = co_await admit_user(broker, *identity, io);
  if (!claims) {
    co_return claims.problem();
  }
  const auto random = io.random.bytes(kIssueRandom);
  if (!random) {
    co_return random.problem();
  }
  Issue issue;
  issue.claims = *claims;
  issue.scopes = *std::move(scopes);
  issue.user_type = "demo";
  issue.origin = call.origin;
  issue.public_key = request.public_key;
  issue.provider = identity->provider;
  begin_issue(issue, broker, *random, io.clock.now());
  co_return issue;
}

namespace {

bool is_demo(const Provider& provider) {
  return provider.enabled && provider.type == ProviderType::demo;
}

bool offers_demo(const Broker& broker) {
  return std::any_of(broker.providers.begin(), broker.providers.end(),
                     [](const Provider* provider) { return is_demo(*provider); });
}

Result<Identity> find_user(const Broker& broker, std::string_view email) {
  for (const Provider* provider : broker.providers) {
    if (!is_demo(*provider)) {
      continue;
    }
    auto identity = demo_identity(*provider, email);
    if (identity) {
      return identity;
    }
  }
  return Problem::demo_user_unknown;
}

}  // namespace

}  // namespace oauth
