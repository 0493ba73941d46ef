#include "ngx/redis_greeting.hpp"

namespace oauth {

using Kind = RedisReply::Kind;

// PING tells whether the server serves.
RedisGreeting::RedisGreeting(const RedisOptions& options, const RedisRole& role) {
  const Secret& secret = role.sentinel ? options.sentinel_password : options.password;
  const std::string& user = role.sentinel ? options.sentinel_user : options.user;
  if (!secret.empty()) {
    const std::string_view password = secret.bytes();
    if (user.empty()) {
      add("AUTH", {"AUTH", password});
    } else {
      add("AUTH", {"AUTH", user, password});
    }
  }
  if (options.database != 0 && !role.sentinel) {
    add("SELECT", {"SELECT", std::to_string(options.database)});
  }
  if (role.must_be_primary) {
    add("ROLE", {"ROLE"});
  }
  add("PING", {"PING"});
}

void RedisGreeting::add(const char* verb, const std::vector<std::string_view>& arguments) {
  verbs_.emplace_back(verb);
  bytes_ += redis_command(arguments);
}

std::string RedisGreeting::take(const RedisReply& reply) {
  const std::string_view verb = verbs_.front();
  verbs_.pop_front();
  if (reply.kind == Kind::error) {
    // A user without the right to PING or ROLE has been authenticated all the same.
    if (redis_error_code(reply) != "NOPERM" || (verb != "PING" && verb != "ROLE")) {
      return redis_refusal(verb, reply);
    }
    if (verb == "ROLE") {
      warning_ = "ROLE is refused: NOPERM: whether it is the primary is not checked";
    }
    return "";
  }
  if (verb == "ROLE") {
    const bool is_known = reply.kind == Kind::array && !reply.elements.empty() &&
                          reply.elements.front().kind == Kind::text;
    if (!is_known) {
      return "ROLE has an unexpected answer";
    }
    if (reply.elements.front().text != "master") {
      return "it is a replica now: its primary is looked for";
    }
  }
  return "";
}

}  // namespace oauth
