#include "oauth/flow/token.hpp"

#include <array>

#include "oauth/base/text.hpp"
#include "oauth/flow/answer.hpp"
#include "oauth/flow/client_grant.hpp"
#include "oauth/flow/demo_grant.hpp"
#include "oauth/flow/otp.hpp"
#include "oauth/flow/protect.hpp"
#include "oauth/flow/redeem.hpp"
#include "oauth/flow/refresh.hpp"
#include "oauth/proto/token_reply.hpp"

namespace oauth {
namespace {

// In the order of GrantRequest::grant.
constexpr std::array<std::string_view, 6> kGrants{
    "authorization_code", "refresh_token", "otp", "otp", "demo", "client_credentials"};
static_assert(kGrants.size() == std::variant_size_v<decltype(GrantRequest::grant)>);

Shape shape_of(const Request& in);
Result<GrantRequest> read_request(const Request& in);
Task<Granted> grant(const TokenCall& call, const GrantRequest& request, Ports& io);
Verdict answer(const TokenCall& call, Shape shape, const Granted& granted, Ports& io);
Verdict refuse(const Request& in, Problem problem, std::string_view origin, std::int64_t now_ms);

}  // namespace

Task<Verdict> token(const Request& in, Ports& io) {
  const std::int64_t now_ms = io.clock.now_ms();
  const auto origin = allowed_origin(in);
  if (!origin) {
    co_return refuse(in, origin.problem(), {}, now_ms);
  }
  if (in.method == "OPTIONS") {
    co_return answer_preflight("POST", "content-type", *origin);
  }
  // RFC 6749 10.10: who failed too often is not even listened to.
  if (!io.throttle.open(Throttle::Gate::token)) {
    co_return refuse(in, Problem::too_many_requests, *origin, now_ms);
  }
  auto request = read_request(in);
  if (!request) {
    io.throttle.spend(Throttle::Gate::token);
    co_return refuse(in, request.problem(), *origin, now_ms);
  }
  const TokenCall call{in, *origin, request->scopes};
  auto granted = co_await grant(call, *request, io);
  Verdict verdict = answer(call, shape_of(in), granted, io);
  if (!verdict.problem && std::holds_alternative<Issue>(granted.what)) {
    verdict.grant = kGrants[request->grant.index()];
  }
  co_return verdict;
}

Verdict token_error(const Request& in, Problem problem) {
  const auto origin = allowed_origin(in);
  return refuse(in, problem, origin ? *origin : std::string(), 0);
}

namespace {

// DESIGN 2: each grant has one shape, and the media type says which is meant.
Shape shape_of(const Request& in) {
  return media_type(in.content_type) == "application/x-www-form-urlencoded" ? Shape::rfc6749
                                                                            : Shape::dexie;
}

Result<GrantRequest> read_request(const Request& in) {
  if (shape_of(in) == Shape::rfc6749) {
    return parse_form_request(in.body, in.authorization);
  }
  // CORS: only a request that the browser had to ask for beforehand, and nothing from the URL.
  if (media_type(in.content_type) != "application/json") {
    return Problem::content_type_refused;
  }
  return parse_dexie_request(in.body);
}

struct Grants {
  Task<Granted> operator()(const CodeRequest& asked) const { return redeem(call, asked, io); }
  Task<Granted> operator()(const RefreshRequest& asked) const { return refresh(call, asked, io); }
  Task<Granted> operator()(const OtpAsk& asked) const { return ask_otp(call, asked, io); }
  Task<Granted> operator()(const OtpAnswer& asked) const { return redeem_otp(call, asked, io); }
  Task<Granted> operator()(const DemoRequest& asked) const { return grant_demo(call, asked, io); }
  Task<Granted> operator()(const ClientRequest& asked) const {
    return grant_client(call, asked, io);
  }

  const TokenCall& call;
  Ports& io;
};

Task<Granted> grant(const TokenCall& call, const GrantRequest& request, Ports& io) {
  return std::visit(Grants{call, io}, request.grant);
}

Verdict hand_out(const TokenCall& call, Shape shape, const Issue& issue,
                 const std::string& refresh_token, Ports& io) {
  const Broker& broker = call.in.broker;
  auto access = mint_access_token(issue, broker);
  Result<std::string> refresh = refresh_token;
  // Without a key nobody could prove a refresh; RFC 6749 4.4.3 wants none for a client itself.
  if (refresh_token.empty() && !issue.public_key.empty()) {
    refresh = seal_refresh_token(issue, broker);
  }
  if (!access || !refresh) {
    return refuse(call.in, Problem::internal, call.origin, issue.now * 1000);
  }
  const Tokens tokens{*std::move(access), *std::move(refresh)};
  know_at_birth(tokens.access, broker, io.tokens, io.clock.now());
  Verdict verdict = answer_json(200, tokens_body(shape, issue, broker, tokens), call.origin);
  verdict.provider = issue.provider;
  return verdict;
}

Verdict answer(const TokenCall& call, Shape shape, const Granted& granted, Ports& io) {
  if (const auto* issue = std::get_if<Issue>(&granted.what)) {
    Verdict verdict = hand_out(call, shape, *issue, granted.refresh_token, io);
    verdict.flow_id = issue->flow_id;
    return verdict;
  }
  if (const auto* sent = std::get_if<OtpSent>(&granted.what)) {
    Verdict verdict = answer_json(200, otp_sent_body(sent->id), call.origin);
    verdict.reply->parting = true;  // sent or not: the same
    verdict.flow_id = granted.flow_id;
    verdict.cause = granted.cause;
    return verdict;
  }
  const Problem problem = *std::get_if<Problem>(&granted.what);
  if (row(problem).status < 500) {
    io.throttle.spend(Throttle::Gate::token);
  }
  Verdict verdict = refuse(call.in, problem, call.origin, io.clock.now_ms());
  verdict.flow_id = granted.flow_id;
  verdict.cause = granted.cause;
  return verdict;
}

Verdict refuse(const Request& in, Problem problem, std::string_view origin, std::int64_t now_ms) {
  return answer_error(in, shape_of(in), problem, origin, now_ms);
}

}  // namespace

}  // namespace oauth
