#include "ngx/redis_url.hpp"

#include <arpa/inet.h>

#include <charconv>
#include <optional>

#include "oauth/base/text.hpp"

namespace oauth {
namespace {

using Kind = RedisOptions::Kind;

struct Scheme {
  std::string_view text;
  Kind kind;
  bool tls;
  std::string_view example;  // what to write
};
constexpr Scheme kSchemes[] = {
    {"redis://", Kind::single, false,
     "write redis://[USER[:PASSWORD]@]HOST[:PORT][/DB], for example redis://127.0.0.1:6379/0"},
    {"rediss://", Kind::single, true,
     "write rediss://[USER[:PASSWORD]@]HOST[:PORT][/DB], for example rediss://redis.example/0"},
    {"redis+sentinel://", Kind::sentinel, false,
     "write redis+sentinel://[USER[:PASSWORD]@]HOST[:PORT],HOST[:PORT]…/MASTER[?db=N]"},
    {"rediss+sentinel://", Kind::sentinel, true,
     "write rediss+sentinel://[USER[:PASSWORD]@]HOST[:PORT],HOST[:PORT]…/MASTER[?db=N]"},
    {"redis+cluster://", Kind::cluster, false,
     "write redis+cluster://[USER[:PASSWORD]@]HOST[:PORT],HOST[:PORT]…"},
    {"rediss+cluster://", Kind::cluster, true,
     "write rediss+cluster://[USER[:PASSWORD]@]HOST[:PORT],HOST[:PORT]…"},
};
constexpr std::string_view kUnix = "redis+unix:";

constexpr unsigned kRedisPort = 6379;
constexpr unsigned kSentinelPort = 26379;
constexpr unsigned kMaxPort = 65535;
constexpr unsigned kMaxDatabase = 65535;
constexpr unsigned kMaxConnections = 64;
constexpr unsigned kMaxReplicas = 16;
constexpr unsigned kMaxTimeout = 60000;  // ms
constexpr std::size_t kMaxServers = 64;
constexpr std::size_t kMaxHost = 253;
constexpr std::size_t kMaxPath = 107;  // of a unix socket, on Linux

bool starts_with(std::string_view text, std::string_view start) noexcept {
  return text.substr(0, start.size()) == start;
}

const Scheme* scheme_of(std::string_view url) noexcept {
  for (const Scheme& scheme : kSchemes) {
    if (starts_with(url, scheme.text)) {
      return &scheme;
    }
  }
  return nullptr;
}

std::optional<unsigned> number(std::string_view text, unsigned limit) noexcept {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size() || value > limit) {
    return std::nullopt;
  }
  return value;
}

bool consists_of(std::string_view text, std::string_view allowed) noexcept {
  constexpr std::string_view kAlphanumeric =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  for (const char c : text) {
    if (kAlphanumeric.find(c) == kAlphanumeric.npos && allowed.find(c) == allowed.npos) {
      return false;
    }
  }
  return true;
}

// `1s`, `500ms`, `2` (seconds); in ms.
std::optional<unsigned> milliseconds(std::string_view text) noexcept {
  unsigned unit = 1000;
  if (text.size() > 2 && text.substr(text.size() - 2) == "ms") {
    unit = 1;
    text.remove_suffix(2);
  } else if (!text.empty() && text.back() == 's') {
    text.remove_suffix(1);
  }
  const auto value = number(text, kMaxTimeout / unit);
  if (!value || *value == 0) {
    return std::nullopt;
  }
  return *value * unit;
}

bool is_address(int family, std::string_view text) noexcept {
  in6_addr bytes;
  return inet_pton(family, std::string(text).c_str(), &bytes) == 1;
}

// HOST, HOST:PORT, [IPV6] or [IPV6]:PORT; whether the host exists is for others to say.
std::optional<RedisServer> parse_server(std::string_view text, unsigned default_port) {
  RedisServer server;
  server.port = default_port;
  std::string_view host;
  if (starts_with(text, "[")) {
    const std::size_t end = text.find(']');
    host = text.substr(1, end == text.npos ? 0 : end - 1);
    if (!is_address(AF_INET6, host)) {
      return std::nullopt;
    }
    text.remove_prefix(end + 1);
  } else {
    host = text.substr(0, text.find(':'));
    const bool numeric = host.find_first_not_of("0123456789.") == host.npos;
    if (host.empty() || host.size() > kMaxHost || !consists_of(host, ".-_") ||
        (numeric && !is_address(AF_INET, host))) {
      return std::nullopt;
    }
    text.remove_prefix(host.size());
  }
  server.host = host;
  if (!text.empty()) {
    server.port = text.front() == ':' ? number(text.substr(1), kMaxPort).value_or(0) : 0;
  }
  return server.port > 0 ? std::optional(server) : std::nullopt;
}

// One or more of them; none where one is wrong.
std::vector<RedisServer> parse_servers(std::string_view list, unsigned default_port) {
  std::vector<RedisServer> servers;
  for (;;) {
    const std::size_t comma = list.find(',');
    auto server = parse_server(list.substr(0, comma), default_port);
    if (!server || servers.size() == kMaxServers) {
      return {};
    }
    servers.push_back(std::move(*server));
    if (comma == list.npos) {
      return servers;
    }
    list.remove_prefix(comma + 1);
  }
}

std::string_view authority_of(std::string_view rest) noexcept {
  return rest.substr(0, rest.find('/'));
}

std::string parse_database(std::string_view text, std::string_view what, RedisOptions& options) {
  const auto database = number(text, kMaxDatabase);
  options.database = database.value_or(0);
  return database ? "" : std::string(what) + " is the number of a database";
}

std::string parse_userinfo(std::string_view userinfo, RedisOptions& options) {
  if (userinfo.find_first_of("/@") != userinfo.npos) {
    return "in a user or password `/` is %2F and `@` is %40";
  }
  const std::size_t colon = userinfo.find(':');
  const auto user = percent_decode(userinfo.substr(0, colon));
  const auto password =
      percent_decode(colon == userinfo.npos ? std::string_view() : userinfo.substr(colon + 1));
  if (!user || !password) {
    return "user and password need percent-encoding, `%` itself is %25";
  }
  options.user = *user;
  options.password = Secret(*password);
  return "";
}

// What follows the servers of Sentinel: MASTER[?db=N]
std::string parse_master(std::string_view text, const Scheme& scheme, RedisOptions& options) {
  const std::size_t query = text.find("?db=");
  const std::string_view master = text.substr(0, query);
  if (master.empty() || master.size() > 64 || !consists_of(master, "._-")) {
    return std::string(scheme.example);
  }
  options.master = master;
  return query == text.npos ? "" : parse_database(text.substr(query + 4), "db=", options);
}

// What follows the servers, without the slash.
std::string parse_path(std::string_view path, const Scheme& scheme, RedisOptions& options) {
  if (scheme.kind == Kind::sentinel) {
    return parse_master(path, scheme, options);
  }
  if (path.empty()) {
    return "";
  }
  std::string error = parse_database(path, "what follows the `/`", options);
  if (error.empty() && scheme.kind == Kind::cluster && options.database != 0) {
    return "a cluster has no database but 0";
  }
  return error;
}

// What follows the scheme, but of redis+unix:
std::string parse_tcp(std::string_view rest, const Scheme& scheme, RedisOptions& options) {
  const bool is_sentinel = scheme.kind == Kind::sentinel;
  const std::string_view strict = is_sentinel ? rest.substr(0, rest.rfind("?db=")) : rest;
  if (strict.find_first_of("?#") != strict.npos) {
    return "a `?` or `#` does not belong here: parameters follow the URL, and in a password they "
           "are %3F and %23";
  }
  const std::size_t at = rest.rfind('@');
  if (at != rest.npos) {
    std::string error = parse_userinfo(rest.substr(0, at), options);
    if (!error.empty()) {
      return error;
    }
    rest.remove_prefix(at + 1);
  }
  const std::string_view authority = authority_of(rest);
  options.servers = parse_servers(authority, is_sentinel ? kSentinelPort : kRedisPort);
  if (options.servers.empty() || (scheme.kind == Kind::single && options.servers.size() > 1)) {
    return std::string(scheme.example);
  }
  rest.remove_prefix(authority.size());
  return parse_path(rest.empty() ? rest : rest.substr(1), scheme, options);
}

// What follows redis+unix:
std::string parse_unix(std::string_view rest, RedisOptions& options) {
  const std::size_t query = rest.find('?');
  const std::string_view path = rest.substr(0, query);
  if (path.size() < 2 || path.front() != '/' || path[1] == '/') {
    return "write redis+unix:/PATH, for example redis+unix:/run/redis/redis-server.sock?db=0";
  }
  if (path.size() > kMaxPath) {
    return "the path of a socket has at most " + std::to_string(kMaxPath) + " bytes";
  }
  options.servers.push_back(RedisServer{"", 0, std::string(path)});
  const std::string_view members = query == rest.npos ? "" : rest.substr(query + 1);
  for (const std::string_view member : split_words(members, '&')) {
    std::string error;
    if (starts_with(member, "db=")) {
      error = parse_database(member.substr(3), "db=", options);
    } else if (starts_with(member, "user=")) {
      const auto user = percent_decode(member.substr(5));
      options.user = user.value_or("");
      error = user ? "" : "the user needs percent-encoding, `%` itself is %25";
    } else {
      error = "behind the path only db= and user= are known; a password goes into password_file=";
    }
    if (!error.empty()) {
      return error;
    }
  }
  return "";
}

// Parameters that are taken as they are, and what kind of URL they belong to.
struct Plain {
  std::string_view name;
  std::string RedisOptions::*member;
};
constexpr Plain kPlain[] = {
    {"password_file", &RedisOptions::password_file},
    {"sentinel_user", &RedisOptions::sentinel_user},
    {"sentinel_password_file", &RedisOptions::sentinel_password_file},
};
struct OfTls {
  std::string_view name;
  std::string RedisTls::*member;
};
constexpr OfTls kOfTls[] = {
    {"tls_ca", &RedisTls::ca}, {"tls_cert", &RedisTls::cert}, {"tls_key", &RedisTls::key}};

// A parameter whose value is a name or a path: true where it is one of those.
bool parse_plain(std::string_view name, std::string_view value, RedisOptions& options,
                 std::string& error) {
  for (const Plain& plain : kPlain) {
    if (plain.name == name && !value.empty()) {
      options.*plain.member = value;
      error = starts_with(name, "sentinel_") && options.kind != Kind::sentinel
                  ? std::string(name) + "= belongs to redis+sentinel://"
                  : "";
      return true;
    }
  }
  for (const OfTls& plain : kOfTls) {
    if (plain.name == name && !value.empty()) {
      options.tls.*plain.member = value;
      error = options.tls.on ? "" : "tls_ca=, tls_cert= and tls_key= belong to rediss://";
      return true;
    }
  }
  return false;
}

std::string parse_parameter(std::string_view parameter, RedisOptions& options) {
  const std::size_t equals = parameter.find('=');
  const std::string_view name = parameter.substr(0, equals);
  const std::string_view value =
      equals == parameter.npos ? std::string_view() : parameter.substr(equals + 1);
  std::string error;
  if (parse_plain(name, value, options, error)) {
    return error;
  }
  if (name == "prefix") {
    options.prefix = value;
    return !value.empty() && value.size() <= 64 && consists_of(value, "_.:/-")
               ? ""
               : "prefix= takes 1 to 64 letters, digits and `_.:/-`";
  }
  if (name == "timeout") {
    const auto timeout = milliseconds(value);
    options.timeout = timeout.value_or(0);
    return timeout ? "" : "timeout= takes a time from 1ms to 60s, for example 1s";
  }
  if (name == "connections") {
    const auto connections = number(value, kMaxConnections);
    options.connections = connections.value_or(0);
    return options.connections > 0 ? "" : "connections= takes a number from 1 to 64";
  }
  if (name == "replicas") {
    const auto replicas = number(value, kMaxReplicas);
    options.replicas = replicas.value_or(0);
    return replicas ? "" : "replicas= takes a number from 0 to 16";
  }
  return "known parameters are password_file=, prefix=, timeout=, connections= and replicas=, of "
         "TLS tls_ca=, tls_cert= and tls_key=, of Sentinel sentinel_user= and "
         "sentinel_password_file=; each with a value";
}

// What only all parts together show.
std::string check(const RedisOptions& options) {
  if (!options.password.empty() && !options.password_file.empty()) {
    return "the password stands in the URL and in password_file=: keep the file";
  }
  if (!options.user.empty() && options.password.empty() && options.password_file.empty()) {
    return "there is a user but no password: add password_file=PATH";
  }
  if (!options.sentinel_user.empty() && options.sentinel_password_file.empty()) {
    return "there is a sentinel_user= but no password: add sentinel_password_file=PATH";
  }
  if (options.tls.cert.empty() != options.tls.key.empty()) {
    return "tls_cert= and tls_key= go together";
  }
  return "";
}

std::string parse(std::string_view url, const std::vector<std::string_view>& parameters,
                  RedisOptions& options) {
  std::string error;
  if (const Scheme* scheme = scheme_of(url)) {
    options.kind = scheme->kind;
    options.tls.on = scheme->tls;
    options.replicas = scheme->kind == Kind::single ? 0 : 1;
    error = parse_tcp(url.substr(scheme->text.size()), *scheme, options);
  } else if (starts_with(url, kUnix)) {
    error = parse_unix(url.substr(kUnix.size()), options);
  } else {
    return "write shm:NAME:SIZE, redis://HOST[:PORT][/DB], rediss://…, redis+unix:/PATH, "
           "redis+sentinel://… or redis+cluster://…";
  }
  for (const std::string_view parameter : parameters) {
    if (error.empty()) {
      error = parse_parameter(parameter, options);
    }
  }
  return error.empty() ? check(options) : error;
}

}  // namespace

std::string RedisServer::text() const {
  if (host.empty()) {
    return "unix:" + path;
  }
  const bool is_ipv6 = host.find(':') != host.npos;
  return (is_ipv6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

ParsedRedis parse_redis(std::string_view url, const std::vector<std::string_view>& parameters) {
  ParsedRedis parsed;
  const std::string error = parse(url, parameters, parsed.options);
  if (!error.empty()) {
    parsed.error = "\"" + redacted(url) + "\": " + error;
  }
  return parsed;
}

std::string redacted(std::string_view url) {
  const std::size_t query = url.find('?');
  const std::string hidden_query = query == url.npos ? "" : "?***";
  const std::size_t at = url.rfind('@');
  const std::size_t scheme = url.find("://");
  if (at != url.npos) {
    const std::string start(scheme < at ? url.substr(0, scheme + 3) : "");
    return start + "***" + std::string(url.substr(at, url.find('?', at) - at)) +
           (query > at ? hidden_query : "");
  }
  const std::string_view shown = url.substr(0, query);
  if (scheme == url.npos) {
    return std::string(shown) + hidden_query;
  }
  // Without an `@` a password may have come to stand where the port belongs.
  const std::string_view authority = authority_of(shown.substr(scheme + 3));
  return parse_servers(authority, kRedisPort).empty()
             ? std::string(url.substr(0, scheme + 3)) + "***"
             : std::string(shown) + hidden_query;
}

}  // namespace oauth
