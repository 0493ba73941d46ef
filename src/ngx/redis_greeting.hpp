// What is said on a new connection before all else: AUTH, SELECT, ROLE, PING. Nothing else is sent
// until all of it has succeeded: a command that outran a failed AUTH or SELECT would reach another
// user's rights or another database.
#pragma once

#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "ngx/redis_codec.hpp"
#include "ngx/redis_url.hpp"

namespace oauth {

// What a server is for.
struct RedisRole {
  bool sentinel = false;         // sentinel_user and sentinel_password are used, and no database
  bool must_be_primary = false;  // a replica is refused
  unsigned reply_depth = 1;      // how deep arrays may nest in its replies
};

class RedisGreeting {
 public:
  RedisGreeting(const RedisOptions& options, const RedisRole& role);

  const std::string& bytes() const noexcept { return bytes_; }
  bool done() const noexcept { return verbs_.empty(); }

  // The next reply: empty, or why the server is of no use. Only while not done.
  std::string take(const RedisReply& reply);
  // What the reply showed that the operator should know, though the server serves.
  const std::string& warning() const noexcept { return warning_; }

 private:
  void add(const char* verb, const std::vector<std::string_view>& arguments);

  std::string bytes_;
  std::deque<std::string_view> verbs_;  // those whose replies are to come
  std::string warning_;
};

}  // namespace oauth
