#include "oauth/flow/refresh.hpp"

#include "oauth/base/text.hpp"
#include "oauth/flow/revoke.hpp"
#include "oauth/proto/revocation.hpp"

namespace oauth {
namespace {

Check check_family(const Issue& issue, const Revocations& revocations);
Check match_origin(const TokenCall& call, const Issue& issue);
Check match_time(const RefreshRequest& request, const Broker& broker, std::int64_t now_ms);
Check prove(const RefreshRequest& request, const Issue& issue);
Result<std::vector<std::string>> narrow(const TokenCall& call, const Issue& issue);
Task<Check> count_use(const TokenCall& call, const RefreshRequest& request, Ports& io);

}  // namespace

Task<Granted> refresh(const TokenCall& call, const RefreshRequest& request, Ports& io) {
  const Broker& broker = call.in.broker;
  auto issue = open_refresh_token(request.refresh_token, broker, io.clock.now());
  if (!issue) {
    co_return issue.problem();
  }
  const auto refuse = [&issue](Problem problem) {
    Granted refused = problem;
    refused.flow_id = issue->flow_id;
    return refused;
  };
  const auto alive = check_family(*issue, io.revocations);
  if (!alive) {
    co_return refuse(alive.problem());
  }
  const auto matched = match_origin(call, *issue);
  if (!matched) {
    co_return refuse(matched.problem());
  }
  auto scopes = narrow(call, *issue);  // RFC 6749 6: the same or fewer
  if (!scopes) {
    co_return refuse(scopes.problem());
  }
  // Before the signature: a client with a wrong clock comes often, and this costs nothing.
  const auto in_time = match_time(request, broker, io.clock.now_ms());
  if (!in_time) {
    co_return refuse(in_time.problem());
  }
  const auto proven = prove(request, *issue);
  if (!proven) {
    co_return refuse(proven.problem());
  }
  const auto random = io.random.bytes(16);
  if (!random) {
    co_return refuse(random.problem());
  }
  auto counted = co_await count_use(call, request, io);
  if (!counted) {
    co_return refuse(counted.problem());
  }
  issue->scopes = *std::move(scopes);
  issue->jti = base64url_encode(*random);
  issue->now = io.clock.now();
  Granted granted = *issue;
  granted.refresh_token = request.refresh_token;
  co_return granted;
}

namespace {

// RFC 9700 4.14.2, req 047. The list is at hand: no round trip more.
Check check_family(const Issue& issue, const Revocations& revocations) {
  const auto alive = revocations.check(kNoMark, family_mark(issue.family));
  if (alive) {
    return alive;
  }
  return alive.problem() == Problem::token_revoked ? Problem::refresh_revoked : alive.problem();
}

// A browser's token is used where it was issued; an application without an origin has none.
Check match_origin(const TokenCall& call, const Issue& issue) {
  return issue.origin.empty() || issue.origin == call.origin ? Check(kDone)
                                                             : Problem::refresh_other_origin;
}

// dexie-contract 4.2
Check match_time(const RefreshRequest& request, const Broker& broker, std::int64_t now_ms) {
  const std::int64_t window = broker.refresh_window() * 1000;
  return request.time_stamp >= now_ms - window && request.time_stamp <= now_ms + window
             ? Check(kDone)
             : Problem::time_stamp_refused;
}

// dexie-contract 4.2: RSASSA-PKCS1-v1_5 with SHA-256 (RFC 8017 8.2) over token and time stamp, by
// the key that was brought at the sign-in.
Check prove(const RefreshRequest& request, const Issue& issue) {
  const auto key = Key::from_client_public_der(issue.public_key);
  const std::string message = request.refresh_token + std::to_string(request.time_stamp);
  if (!key || !key->verify(Alg::rs256, message, request.signature)) {
    return Problem::proof_wrong;
  }
  return kDone;
}

// What was granted then and may be granted now. Tokens of a client that is no more, or may not have
// any, end with it.
Result<std::vector<std::string>> narrow(const TokenCall& call, const Issue& issue) {
  const Broker& broker = call.in.broker;
  const std::vector<std::string>* allowed = &broker.scopes;
  if (issue.client_id != kDexieClient) {
    const Client* client = find_client(issue.client_id, broker.clients);
    if (client == nullptr || !may_use(*client, "client_credentials")) {
      return Problem::refresh_refused;
    }
    allowed = &client->scopes;
  }
  auto still = grant_scopes(issue.scopes, *allowed);
  if (!still) {
    return still;
  }
  return grant_scopes(call.scopes, *still);
}

// A client with a wrong clock must not run hot, and a proof that was overheard is worth little.
Task<Check> count_use(const TokenCall& call, const RefreshRequest& request, Ports& io) {
  const Broker& broker = call.in.broker;
  const auto name = [&](std::string_view stamp) {
    return broker.keyring->name({"refresh", broker.url, request.refresh_token, stamp});
  };
  const std::int64_t now = io.clock.now();
  const std::int64_t stale = request.time_stamp / 1000 + broker.refresh_window() + 1;
  const std::vector<Store::Counter> counters{
      {name({}), now + 60},
      {name(std::to_string(request.time_stamp)), std::max(stale, now + 1)},
  };
  auto counts = co_await io.store.count(counters);
  if (!counts) {
    co_return counts.problem();
  }
  if (counts->front() > kRefreshesAMinute) {
    co_return Problem::too_many_requests;
  }
  co_return counts->back() > kUsesOfATimeStamp ? Check(Problem::proof_wrong) : Check(kDone);
}

}  // namespace

}  // namespace oauth
