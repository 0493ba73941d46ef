#include "oauth/flow/revoke.hpp"

#include <cmath>

#include "oauth/flow/answer.hpp"
#include "oauth/jose/jwt.hpp"
#include "oauth/jose/verify.hpp"
#include "oauth/proto/issue.hpp"
#include "oauth/proto/revocation.hpp"
#include "oauth/proto/token_reply.hpp"
#include "oauth/proto/trust.hpp"

namespace oauth {
namespace {

// What a token of ours names on the list.
struct Revocable {
  RevocationMark mark;
  std::int64_t expires = 0;  // s: when the mark may be forgotten
  std::string client_id;
  std::string flow_id;
};

Result<Revocable> find_token(const std::string& token, const Broker& broker, std::int64_t now);
Check authorize(const ClientCredentials& credentials, Result<Revocable>& found,
                const Broker& broker);
Verdict done(std::string_view origin);
Verdict refuse(const Request& in, Problem problem, std::string_view origin);

}  // namespace

Task<Verdict> revoke(const Request& in, Ports& io) {
  const auto origin = allowed_origin(in);
  if (!origin) {
    co_return refuse(in, origin.problem(), {});
  }
  if (in.method == "OPTIONS") {
    co_return answer_preflight("POST", "content-type", *origin);
  }
  if (!io.throttle.open(Throttle::Gate::token)) {  // RFC 6749 10.10
    co_return refuse(in, Problem::too_many_requests, *origin);
  }
  const auto request = parse_revocation(in.content_type, in.body, in.authorization);
  if (!request) {
    io.throttle.spend(Throttle::Gate::token);
    co_return refuse(in, request.problem(), *origin);
  }
  auto found = find_token(request->token, in.broker, io.clock.now());
  const auto may = authorize(request->credentials, found, in.broker);
  if (!may) {
    io.throttle.spend(Throttle::Gate::token);
    co_return refuse(in, may.problem(), *origin);
  }
  Verdict verdict = done(*origin);
  if (!found) {
    verdict.cause = found.problem();
    co_return verdict;
  }
  const auto revoked = co_await io.store.revoke(found->mark, found->expires);
  // RFC 7009 2.2.1: who is told 503 knows that it still exists, and asks again.
  if (!revoked) {
    verdict = refuse(in, revoked.problem(), *origin);
  }
  verdict.flow_id = found->flow_id;
  co_return verdict;
}

Verdict revoke_error(const Request& in, Problem problem) {
  const auto origin = allowed_origin(in);
  return refuse(in, problem, origin ? *origin : std::string());
}

namespace {

// Verified as at a protected location, by the longest grace that one may give: what none accepts
// any more needs no revocation.
Result<Revocable> find_access_token(const Jwt& jwt, const Broker& broker, std::int64_t now) {
  const Trust trust = own_trust(broker, kLongestTolerance);
  if (const Check genuine = verify(jwt, *trust.keys, trust.expect, now); !genuine) {
    return genuine.problem();
  }
  Revocable found;
  found.mark = token_mark(jwt.claims.string("jti").value_or(""));
  if (found.mark == kNoMark) {
    return Problem::token_kind_refused;
  }
  const double exp = std::ceil(jwt.claims.get("exp").number().value_or(0));
  found.expires = token_mark_ends(static_cast<std::int64_t>(exp));
  found.client_id = jwt.claims.string("client_id").value_or("");
  return found;
}

// RFC 7009 2.1: whatever the hint says, both kinds are looked for. Only a JWT has a dot.
Result<Revocable> find_token(const std::string& token, const Broker& broker, std::int64_t now) {
  if (token.find('.') != std::string::npos) {
    const auto jwt = split(token);
    return jwt ? find_access_token(*jwt, broker, now) : jwt.problem();
  }
  const auto issue = open_refresh_token(token, broker, now);
  if (!issue) {
    return issue.problem();
  }
  const RevocationMark mark = family_mark(issue->family);
  return Revocable{mark, family_mark_ends(issue->refresh_expires), issue->client_id,
                   issue->flow_id};
}

// RFC 7009 2.1: the Dexie client is public and has nothing but the token to show. A client with
// credentials shows them, and gets nothing of another's revoked.
Check authorize(const ClientCredentials& credentials, Result<Revocable>& found,
                const Broker& broker) {
  const bool is_public = !credentials.basic && credentials.secret.empty() &&
                         (credentials.id.empty() || credentials.id == kDexieClient);
  const Client* client = nullptr;
  if (!is_public) {
    const auto known = authenticate(credentials, broker.clients);
    if (!known) {
      return known.problem();
    }
    client = *known;
  }
  if (!found || found->client_id == kDexieClient) {
    return kDone;
  }
  if (client == nullptr) {
    return Problem::client_refused;
  }
  if (client->id != found->client_id) {
    found = Problem::token_foreign;
  }
  return kDone;
}

Verdict done(std::string_view origin) {
  Verdict verdict = answer_json(200, {}, origin);
  verdict.reply->content_type.clear();
  return verdict;
}

Verdict refuse(const Request& in, Problem problem, std::string_view origin) {
  return answer_error(in, Shape::rfc6749, problem, origin, 0);
}

}  // namespace

}  // namespace oauth
