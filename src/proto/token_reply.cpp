#include "oauth/proto/token_reply.hpp"

#include <utility>

#include "oauth/base/json_text.hpp"

namespace oauth {
namespace {

constexpr std::string_view kJsonType = "application/json";

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) {
    text += text.empty() ? word : " " + word;
  }
  return text;
}

std::string dexie_tokens(const Issue& issue, const Broker& broker, const Tokens& tokens) {
  // `license` absent would mean ok too; the client stores what is there.
  constexpr std::string_view kLicense = "license";
  JsonText claims;
  for (const auto& [name, value] : issue.claims.members()) {
    if (name != kLicense) {
      claims.set(name, value);
    }
  }
  claims.set(kLicense, "ok");
  JsonText reply(1024 + tokens.access.size() + tokens.refresh.size());
  reply.set("type", "tokens")
      .set("claims", std::move(claims))
      .set("accessToken", tokens.access)
      .set("accessTokenExpiration", (issue.now + broker.lifetimes.access_token) * 1000);
  if (!tokens.refresh.empty()) {
    reply.set("refreshToken", tokens.refresh)
        .set("refreshTokenExpiration", issue.refresh_expires * 1000);
  }
  return reply.set("userType", issue.user_type).take();
}

// RFC 6749 5.1
std::string rfc6749_tokens(const Issue& issue, const Broker& broker, const Tokens& tokens) {
  JsonText reply;
  reply.set("access_token", tokens.access)
      .set("token_type", "Bearer")
      .set("expires_in", broker.lifetimes.access_token);
  if (!tokens.refresh.empty()) {
    reply.set("refresh_token", tokens.refresh);
  }
  return reply.set("scope", joined(issue.scopes)).take();
}

// dexie-contract 4.5: words that the client acts upon; empty for every other problem.
std::string_view policy_code(Problem problem) {
  switch (problem) {
    case Problem::user_not_registered:
      return "USER_NOT_REGISTERED";
    case Problem::user_not_accepted:
    case Problem::email_not_allowed:
      return "USER_NOT_ACCEPTED";
    case Problem::no_seats_available:
      return "NO_SEATS_AVAILABLE";
    case Problem::user_deactivated:
      return "USER_DEACTIVATED";
    case Problem::webhook_error:
      return "WEBHOOK_ERROR";
    default:
      return {};
  }
}

ErrorBody dexie_error(Problem problem, std::int64_t now) {
  const ProblemRow& why = row(problem);
  if (problem == Problem::otp_refused) {
    return {"text/plain; charset=utf-8", std::string(why.text)};
  }
  Json reply = Json::object();
  if (const std::string_view code = policy_code(problem); !code.empty()) {
    reply.set("code", code);
    reply.set("message", why.text);
  } else if (problem == Problem::time_stamp_refused) {
    reply.set("type", "invalid-timestamp");
    reply.set("server_time", now);
    reply.set("message", why.text);
  } else {
    reply.set("type", "error");
    reply.set("title", "Login failed");
    reply.set("messageCode", why.dexie_code);
    reply.set("message", why.text);
    reply.set("messageParams", Json::object());
  }
  return {std::string(kJsonType), reply.dump()};
}

}  // namespace

std::string tokens_body(Shape shape, const Issue& issue, const Broker& broker,
                        const Tokens& tokens) {
  return shape == Shape::dexie ? dexie_tokens(issue, broker, tokens)
                               : rfc6749_tokens(issue, broker, tokens);
}

std::string otp_sent_body(std::string_view otp_id) {
  return Json::object().set("type", "otp-sent").set("otp_id", otp_id).dump();
}

ErrorBody error_body(Shape shape, Problem problem, std::int64_t now) {
  if (shape == Shape::dexie) {
    return dexie_error(problem, now);
  }
  const ProblemRow& why = row(problem);
  Json reply = Json::object();
  reply.set("error", why.oauth_error);
  reply.set("error_description", why.text);
  return {std::string(kJsonType), reply.dump()};
}

}  // namespace oauth
