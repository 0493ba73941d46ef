// What `oauth_store redis…` says, as data. Pure parsing; no file is read, no name resolved.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "oauth/base/secret.hpp"

namespace oauth {

struct RedisOptions {
  std::string address;  // HOST:PORT, [IPV6]:PORT or unix:/PATH: as nginx's own parser takes it
  std::string user;     // empty: the default user
  Secret password;      // empty: no AUTH
  std::string password_file;  // as written; read by who has a configuration folder
  unsigned database = 0;
  std::string prefix = "oauth:";
  unsigned timeout = 1000;   // ms; of a connection's start, and of each command
  unsigned connections = 2;  // a worker
};

struct ParsedRedis {
  RedisOptions options;
  std::string error;  // empty, or what is wrong and what to write instead; holds no credentials
};

// redis://[user[:password]@]host[:port][/db] or redis+unix:/path[?db=N&user=NAME], and the
// parameters password_file= prefix= timeout= connections=. User and password are percent-decoded.
ParsedRedis parse_redis(std::string_view url, const std::vector<std::string_view>& parameters);

// The URL without what may be a secret, even in one that is wrong: fit for a log.
std::string redacted(std::string_view url);

}  // namespace oauth
