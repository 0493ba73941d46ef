// What `oauth_store redis…` says, as data. Pure parsing; no file is read, no name resolved.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "oauth/base/secret.hpp"

namespace oauth {

class RedisNames;
class RedisTlsContext;

// One server as it was named: a host and a port, or a unix socket.
struct RedisServer {
  std::string host;  // a name or an address (IPv6 without brackets); empty: a unix socket
  unsigned port = 6379;
  std::string path;          // of the unix socket
  std::string text() const;  // for log lines: HOST:PORT, [IPV6]:PORT, unix:/PATH
  friend bool operator==(const RedisServer&, const RedisServer&) = default;
};

// Files as written.
struct RedisTls {
  bool on = false;
  std::string ca, cert, key;
};

struct RedisOptions {
  enum class Kind : std::uint8_t { single, sentinel, cluster };
  Kind kind = Kind::single;
  std::vector<RedisServer>
      servers;         // single: one; sentinel: the sentinels; cluster: where to begin
  std::string master;  // sentinel: the name of the group
  RedisTls tls;        // for all servers alike, sentinels too
  // Of the data servers. No user: the default one; no password: no AUTH. A file is as written and
  // read by who has a configuration folder.
  std::string user;
  Secret password;
  std::string password_file;
  // Of the sentinels.
  std::string sentinel_user;
  Secret sentinel_password;
  std::string sentinel_password_file;
  unsigned database = 0;
  std::string prefix = "oauth:";
  unsigned timeout = 1000;   // ms; of a connection's start, and of each command
  unsigned connections = 2;  // a worker and server
  // How many have to confirm what is spent, or a failover would give it out again.
  unsigned replicas = 0;
  // Made from the above by who has a configuration; they live as long as it.
  const RedisNames* names = nullptr;
  const RedisTlsContext* tls_context = nullptr;  // null: no TLS
};

struct ParsedRedis {
  RedisOptions options;
  std::string error;  // empty, or what is wrong and what to write instead; holds no credentials
};

// redis://[user[:password]@]host[:port][/db]
// redis+unix:/path[?db=N&user=NAME]
// redis+sentinel://[user[:password]@]host[:port],…/master[?db=N]
// redis+cluster://[user[:password]@]host[:port],…
// `rediss` in place of `redis` is TLS, with tls_ca= tls_cert= tls_key=. All take password_file=
// prefix= timeout= connections= replicas= (1 for Sentinel and cluster, else 0), Sentinel also
// sentinel_user= sentinel_password_file=. User and password are percent-decoded.
ParsedRedis parse_redis(std::string_view url, const std::vector<std::string_view>& parameters);

// The URL without what may be a secret, even in one that is wrong: fit for a log.
std::string redacted(std::string_view url);

}  // namespace oauth
