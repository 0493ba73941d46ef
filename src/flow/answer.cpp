#include "oauth/flow/answer.hpp"

#include "oauth/base/text.hpp"

namespace oauth {
namespace {

constexpr std::string_view kJsonType = "application/json";
constexpr std::string_view kHtmlType = "text/html; charset=utf-8";

void never_store(Reply& reply) {
  reply.headers.reserve(8);
  reply.headers.push_back({"Cache-Control", "no-store"});
  reply.headers.push_back({"Pragma", "no-cache"});  // RFC 6749 5.1
  reply.headers.push_back({"Referrer-Policy", "no-referrer"});
  reply.headers.push_back({"X-Content-Type-Options", "nosniff"});
}

void say_when_to_retry(Reply& reply) {
  if (reply.status == 503 || reply.status == 429) {
    reply.headers.push_back({"Retry-After", std::to_string(kRetryAfter)});
  }
}

void allow(Reply& reply, std::string_view origin) {
  reply.headers.push_back({"Vary", "Origin"});
  if (!origin.empty()) {
    reply.headers.push_back({"Access-Control-Allow-Origin", std::string(origin)});
  }
}

// dexie-contract 3: all three members non-empty, or the client ignores the answer.
Json message_of(const Attempt& attempt) {
  Json message = Json::object();
  message.set("provider", std::string_view(attempt.provider));
  message.set("state", std::string_view(attempt.client_state.empty() ? attempt.flow_id
                                                                     : attempt.client_state));
  return message;
}

// For the CSP of an attempt's popup page: as unguessable as the attempt's sealed id.
std::string popup_nonce(const Attempt& attempt) {
  return base64url_encode(sha256("popup nonce" + attempt.id));
}

// DESIGN 5: `delivery=query`. A retry brings the last answer's parameters back, as it does
// `dxc-auth` (dexie-contract 3): an old `error` beside a new code would be read as a failure.
std::string with_parameters(const Uri& target, const Json& message) {
  constexpr std::size_t kMaxLocation = 8192;
  std::string location = target.text();
  for (const std::string_view name : {"code", "error", "provider", "state"}) {
    location = Uri::parse(location, kMaxLocation)->without_query(name);
  }
  for (const auto& [name, value] : message.members()) {
    location = Uri::parse(location, kMaxLocation)->with_query(name, value.string().value_or(""));
  }
  return location;
}

// DESIGN 5: how the code, or the error, reaches the client.
Verdict deliver(const Attempt& attempt, std::string_view name, std::string_view value,
                int popup_status) {
  Json message = message_of(attempt);
  message.set(name, value);
  const auto target = Uri::parse(attempt.target);
  switch (attempt.delivery) {
    case Delivery::popup: {
      message.set("type", "dexie:oauthResult");
      Page page = popup_page(message, target->origin(), popup_nonce(attempt));
      return answer_page(popup_status, std::move(page), Opener::maybe);
    }
    case Delivery::query:
      return answer_redirect(with_parameters(*target, message));
    case Delivery::redirect:
      break;
  }
  return answer_redirect(target->with_query("dxc-auth", base64url_encode(message.dump())));
}

}  // namespace

Opener opener_of(Delivery delivery) noexcept {
  return delivery == Delivery::popup ? Opener::maybe : Opener::none;
}

Verdict answer_page(int status, Page page, Opener opener) {
  Reply reply;
  reply.status = status;
  reply.content_type = kHtmlType;
  reply.body = std::move(page.html);
  never_store(reply);
  say_when_to_retry(reply);
  reply.headers.push_back({"Content-Security-Policy", std::move(page.csp)});
  reply.headers.push_back({"X-Frame-Options", "DENY"});
  if (opener == Opener::none) {
    reply.headers.push_back({"Cross-Origin-Opener-Policy", "same-origin"});
  }
  Verdict verdict;
  verdict.reply = std::move(reply);
  return verdict;
}

std::string new_flow_id(Ports& io) {
  constexpr std::size_t kFlowId = 16;
  const auto bytes = io.random.bytes(kFlowId);
  return bytes ? hex_encode(*bytes) : std::string();
}

Verdict deny(Problem problem, std::string_view flow_id, Opener opener, std::string_view hint) {
  Verdict verdict = answer_page(row(problem).status, error_page(problem, flow_id, hint), opener);
  verdict.problem = problem;
  verdict.flow_id = flow_id;
  return verdict;
}

Verdict deny_alike(Problem problem, std::string_view flow_id) {
  Verdict verdict = deny(Problem::state_refused);
  verdict.problem = problem;
  verdict.flow_id = flow_id;
  return verdict;
}

Verdict answer_redirect(std::string location, int status) {
  Reply reply;
  reply.status = status;
  never_store(reply);
  reply.headers.push_back({"Location", std::move(location)});
  Verdict verdict;
  verdict.reply = std::move(reply);
  return verdict;
}

Verdict answer_json(int status, std::string body, std::string_view origin) {
  Reply reply;
  reply.status = status;
  reply.content_type = kJsonType;
  reply.body = std::move(body);
  never_store(reply);
  say_when_to_retry(reply);
  allow(reply, origin);
  Verdict verdict;
  verdict.reply = std::move(reply);
  return verdict;
}

Verdict answer_error(const Request& in, Shape shape, Problem problem, std::string_view origin,
                     std::int64_t now_ms) {
  const ErrorBody body = error_body(shape, problem, now_ms);
  Verdict verdict = answer_json(row(problem).status, body.text, origin);
  verdict.reply->content_type = body.content_type;
  // RFC 6749 5.2: a client that used the header is told that the header was wrong.
  if (problem == Problem::client_refused && !in.authorization.empty()) {
    verdict.reply->headers.push_back({"WWW-Authenticate", "Basic realm=\"" + in.broker.url + "\""});
  }
  verdict.problem = problem;
  return verdict;
}

Verdict answer_preflight(std::string_view methods, std::string_view headers,
                         std::string_view origin) {
  Reply reply;
  reply.status = 204;
  allow(reply, origin);
  if (!origin.empty()) {
    reply.headers.push_back({"Access-Control-Allow-Methods", std::string(methods)});
    reply.headers.push_back({"Access-Control-Allow-Headers", std::string(headers)});
    reply.headers.push_back({"Access-Control-Max-Age", "600"});
  }
  Verdict verdict;
  verdict.reply = std::move(reply);
  return verdict;
}

Result<std::string> allowed_origin(const Request& in) {
  if (in.origins.empty()) {
    return std::string();
  }
  if (in.origins.size() > 1) {
    return Problem::origin_not_allowed;
  }
  const std::string& origin = in.origins.front();
  if (!in.broker.targets.allows_origin(origin)) {
    return Problem::origin_not_allowed;
  }
  return origin;
}

bool is_at_home(const Request& in) {
  if (in.https != in.broker.is_https()) {
    return false;
  }
  const std::string own = in.broker.uri.origin();
  const std::string here = in.broker.uri.scheme() + "://" + in.authority;
  if (here == own) {
    return true;
  }
  const auto parsed = Uri::parse(here);  // a default port that was spelled out
  return parsed && parsed->origin() == own;
}

Verdict deliver_code(const Attempt& attempt, std::string_view code) {
  Verdict verdict = deliver(attempt, "code", code, 200);
  verdict.flow_id = attempt.flow_id;
  verdict.provider = attempt.provider;
  return verdict;
}

Verdict deliver_problem(const Attempt& attempt, Problem problem) {
  const ProblemRow& why = row(problem);
  // A popup's opener is told of everything: it would wait for ever.
  Verdict verdict = why.status < 500 || attempt.delivery == Delivery::popup
                        ? deliver(attempt, "error", why.text, why.status)
                        : deny(problem, attempt.flow_id);
  verdict.problem = problem;
  verdict.flow_id = attempt.flow_id;
  verdict.provider = attempt.provider;
  return verdict;
}

}  // namespace oauth
