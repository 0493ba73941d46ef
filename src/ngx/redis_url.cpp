#include "ngx/redis_url.hpp"

#include <charconv>
#include <optional>

#include "oauth/base/text.hpp"

namespace oauth {
namespace {

constexpr std::string_view kTcp = "redis://";
constexpr std::string_view kUnix = "redis+unix:";
constexpr std::string_view kExample =
    "write redis://[USER[:PASSWORD]@]HOST[:PORT][/DB], for example redis://127.0.0.1:6379/0";

constexpr unsigned kMaxPort = 65535;
constexpr unsigned kMaxDatabase = 65535;
constexpr unsigned kMaxConnections = 64;
constexpr unsigned kMaxTimeout = 60000;  // ms

bool starts_with(std::string_view text, std::string_view start) noexcept {
  return text.substr(0, start.size()) == start;
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

std::string_view authority_of(std::string_view rest) noexcept {
  return rest.substr(0, rest.find('/'));
}

// HOST, HOST:PORT, [IPV6] or [IPV6]:PORT; whether the host exists is for others to say.
bool is_host_and_port(std::string_view authority) noexcept {
  const std::size_t bracket = authority.rfind(']');
  const std::size_t colon = authority.find(':', bracket == authority.npos ? 0 : bracket);
  const std::string_view host = authority.substr(0, colon);
  if (host.empty() || !consists_of(host, ".-_:[]")) {
    return false;
  }
  return colon == authority.npos || (number(authority.substr(colon + 1), kMaxPort).value_or(0) > 0);
}

std::string parse_userinfo(std::string_view userinfo, RedisOptions& options) {
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

// What follows redis://
std::string parse_tcp(std::string_view rest, RedisOptions& options) {
  if (rest.find_first_of("?#") != rest.npos) {
    return "a `?` or `#` does not belong here: parameters follow the URL, and in a password they "
           "are "
           "%3F and %23";
  }
  const std::size_t at = rest.rfind('@');
  if (at != rest.npos) {
    const std::string_view userinfo = rest.substr(0, at);
    if (userinfo.find_first_of("/@") != userinfo.npos) {
      return "in a user or password `/` is %2F and `@` is %40";
    }
    std::string error = parse_userinfo(userinfo, options);
    if (!error.empty()) {
      return error;
    }
    rest.remove_prefix(at + 1);
  }
  const std::string_view host = authority_of(rest);
  const std::size_t slash = rest.find('/');
  if (!is_host_and_port(host)) {
    return std::string(kExample);
  }
  options.address = host;
  if (slash != rest.npos && slash + 1 < rest.size()) {
    const auto database = number(rest.substr(slash + 1), kMaxDatabase);
    if (!database) {
      return "what follows the `/` is the number of a database";
    }
    options.database = *database;
  }
  return "";
}

// What follows redis+unix:
std::string parse_unix(std::string_view rest, RedisOptions& options) {
  const std::size_t query = rest.find('?');
  const std::string_view path = rest.substr(0, query);
  if (path.size() < 2 || path.front() != '/' || path[1] == '/') {
    return "write redis+unix:/PATH, for example redis+unix:/run/redis/redis-server.sock?db=0";
  }
  options.address = "unix:" + std::string(path);
  const std::string_view members = query == rest.npos ? "" : rest.substr(query + 1);
  for (const std::string_view member : split_words(members, '&')) {
    if (starts_with(member, "db=")) {
      const auto database = number(member.substr(3), kMaxDatabase);
      if (!database) {
        return "db= is the number of a database";
      }
      options.database = *database;
    } else if (starts_with(member, "user=")) {
      const auto user = percent_decode(member.substr(5));
      if (!user) {
        return "the user needs percent-encoding, `%` itself is %25";
      }
      options.user = *user;
    } else {
      return "behind the path only db= and user= are known; a password goes into password_file=";
    }
  }
  return "";
}

std::string parse_parameter(std::string_view parameter, RedisOptions& options) {
  const std::size_t equals = parameter.find('=');
  const std::string_view name = parameter.substr(0, equals);
  const std::string_view value =
      equals == parameter.npos ? std::string_view() : parameter.substr(equals + 1);
  if (name == "password_file" && !value.empty()) {
    options.password_file = value;
    return "";
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
  if (starts_with(name, "tls_")) {
    return "tls_ca=, tls_cert= and tls_key= belong to rediss://, which is not available yet";
  }
  return "known parameters are password_file=, prefix=, timeout= and connections=";
}

std::string parse(std::string_view url, const std::vector<std::string_view>& parameters,
                  RedisOptions& options) {
  std::string error;
  if (starts_with(url, kTcp)) {
    error = parse_tcp(url.substr(kTcp.size()), options);
  } else if (starts_with(url, kUnix)) {
    error = parse_unix(url.substr(kUnix.size()), options);
  } else if (starts_with(url, "rediss:")) {
    return "TLS to Redis is not available yet: use redis:// in a trusted network, or redis+unix:";
  } else if (starts_with(url, "redis+sentinel:") || starts_with(url, "redis+cluster:")) {
    return "Sentinel and cluster are not available yet: use redis:// and name one server";
  } else {
    return "write shm:NAME:SIZE, redis://HOST[:PORT][/DB] or redis+unix:/PATH";
  }
  for (const std::string_view parameter : parameters) {
    if (error.empty()) {
      error = parse_parameter(parameter, options);
    }
  }
  if (!error.empty()) {
    return error;
  }
  if (!options.password.empty() && !options.password_file.empty()) {
    return "the password stands in the URL and in password_file=: keep the file";
  }
  if (!options.user.empty() && options.password.empty() && options.password_file.empty()) {
    return "there is a user but no password: add password_file=PATH";
  }
  return "";
}

}  // namespace

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
  return is_host_and_port(authority) ? std::string(shown) + hidden_query
                                     : std::string(url.substr(0, scheme + 3)) + "***";
}

}  // namespace oauth
