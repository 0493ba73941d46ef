#include "oauth/flow/client_grant.hpp"

#include <algorithm>

#include "oauth/base/text.hpp"
#include "oauth/proto/admission.hpp"

namespace oauth {
namespace {

Result<Json> subject_of(const Client& client, const Json& asked);

}  // namespace

Task<Granted> grant_client(const TokenCall& call, const ClientRequest& request, Ports& io) {
  const Broker& broker = call.in.broker;
  const auto client = authenticate(request.credentials, broker.clients);  // RFC 6749 2.3
  if (!client) {
    co_return client.problem();
  }
  const auto registered = may_use(**client, request.grant_type);  // RFC 6749 5.2
  if (!registered) {
    co_return registered.problem();
  }
  auto scopes = grant_scopes(call.scopes, (*client)->scopes);
  if (!scopes) {
    co_return scopes.problem();
  }
  auto claims = subject_of(**client, request.claims);
  if (!claims) {
    co_return claims.problem();
  }
  const auto random = io.random.bytes(kIssueRandom);
  if (!random) {
    co_return random.problem();
  }
  Issue issue;
  issue.claims = *std::move(claims);
  issue.scopes = *std::move(scopes);
  issue.client_id = (*client)->id;
  issue.user_type = request.claims.is_object() ? "prod" : "client";
  issue.origin = call.origin;
  issue.public_key = request.public_key;
  begin_issue(issue, broker, *random, io.clock.now());
  co_return issue;
}

namespace {

constexpr std::string_view kOwnPrefix = "client:";
constexpr std::size_t kMaxSubject = 255;  // OpenID Connect Core 2
constexpr std::string_view kOfUsers[] = {"sub", "email", "email_verified", "name", "picture"};

// DESIGN 2: names do not collide. `client:` is what clients are called, so no user is.
bool is_user(std::string_view sub) {
  return !sub.empty() && sub.size() <= kMaxSubject && is_printable_ascii(sub) &&
         !sub.starts_with(kOwnPrefix);
}

// The claims of the tokens: the client itself, or the user that it says it acts for.
Result<Json> subject_of(const Client& client, const Json& asked) {
  Json claims = Json::object();
  if (!asked.is_object()) {
    return claims.set("sub", std::string_view(std::string(kOwnPrefix) + client.id));
  }
  if (!client.act_for_users || !is_user(asked.string("sub").value_or(""))) {
    return Problem::client_subject_refused;
  }
  Json extra = Json::object();
  for (const auto& [name, value] : asked.members()) {
    const bool is_known =
        std::find(std::begin(kOfUsers), std::end(kOfUsers), name) != std::end(kOfUsers);
    const bool fits = name == "email_verified" ? value.boolean().has_value()
                                               : !is_known || value.string().has_value();
    if (!fits) {
      return Problem::request_malformed;
    }
    (is_known ? claims : extra).set(name, value);
  }
  auto all = add_claims(claims, extra);
  return all ? all : Problem::client_subject_refused;
}

}  // namespace

}  // namespace oauth
