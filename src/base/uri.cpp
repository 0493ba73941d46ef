#include "oauth/base/uri.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "oauth/base/text.hpp"

namespace oauth {
namespace {

bool is_alpha(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool is_digit(char c) noexcept {
  return c >= '0' && c <= '9';
}
bool is_unreserved(char c) noexcept {
  return is_alpha(c) || is_digit(c) || c == '-' || c == '.' || c == '_' || c == '~';
}

// RFC 3986 3.1
bool is_scheme(std::string_view text) noexcept {
  return !text.empty() && is_alpha(text[0]) && std::all_of(text.begin(), text.end(), [](char c) {
    return is_alpha(c) || is_digit(c) || c == '+' || c == '-' || c == '.';
  });
}

// RFC 3986 3.4 and 3.5, and what browsers leave as it is behind a path (WHATWG URL 1.3): a client
// sends its `location.href`. Nothing there tells one host from another.
constexpr std::string_view kBehindPath = "/?[]{}|^`";

// RFC 3986 3.3 to 3.5: what a path, a query and a fragment are made of, `extra` beside pchar.
bool is_made_of_pchars(std::string_view text, std::string_view extra) {
  static constexpr std::string_view kOthers = "!$&'()*+,;=:@%";
  return percent_decode(text) && std::all_of(text.begin(), text.end(), [extra](char c) {
           return is_unreserved(c) || kOthers.find(c) != std::string_view::npos ||
                  extra.find(c) != std::string_view::npos;
         });
}

// `.` and `..` in every spelling that some server or browser resolves: percent-encoded, behind an
// encoded slash or backslash, or with `;parameters`.
bool has_dot_segment(std::string_view path) {
  const std::string decoded = percent_decode(path).value_or("");
  std::string_view rest = decoded;
  while (!rest.empty()) {
    const std::string_view segment = rest.substr(0, rest.find_first_of("/\\"));
    rest.remove_prefix(std::min(segment.size() + 1, rest.size()));
    const std::string_view name = segment.substr(0, segment.find(';'));
    if (name == "." || name == "..") {
      return true;
    }
  }
  return false;
}

bool is_ipv4(const std::string& host) noexcept {
  in_addr address;
  return inet_pton(AF_INET, host.c_str(), &address) == 1;
}

// RFC 952, RFC 1123 2.1: letters, digits and inner hyphens.
bool is_ldh_label(std::string_view label) noexcept {
  return !label.empty() && label.size() <= 63 && label.front() != '-' && label.back() != '-' &&
         std::all_of(label.begin(), label.end(),
                     [](char c) { return is_alpha(c) || is_digit(c) || c == '-'; });
}

// What WHATWG URL ("ends in a number") and inet_aton take for a part of an IPv4 address.
bool is_number(std::string_view label) noexcept {
  if (label.starts_with("0x")) {
    return label.find_first_not_of("0123456789abcdef", 2) == std::string_view::npos;
  }
  return std::all_of(label.begin(), label.end(), is_digit);
}

bool is_dns_name(std::string_view host) noexcept {
  if (host.empty() || host.size() > 253) {
    return false;
  }
  std::string_view label;
  for (std::string_view rest = host;; rest.remove_prefix(label.size() + 1)) {
    label = rest.substr(0, rest.find('.'));
    if (!is_ldh_label(label)) {
      return false;
    }
    if (label.size() == rest.size()) {
      return !is_number(label);
    }
  }
}

// `text` stands between brackets. RFC 5952, by way of the binary form; a zone is no part of a URI
// that leaves this machine, and inet_pton refuses it.
std::optional<std::string> normal_ipv6(std::string_view text) {
  in6_addr address;
  std::array<char, INET6_ADDRSTRLEN> normal{};
  if (inet_pton(AF_INET6, std::string(text).c_str(), &address) != 1 ||
      inet_ntop(AF_INET6, &address, normal.data(), normal.size()) == nullptr) {
    return std::nullopt;
  }
  return '[' + std::string(normal.data()) + ']';
}

// RFC 3986 3.2.3, without its empty port and its leading zeros; 0 is no port.
std::optional<std::uint16_t> parse_port(std::string_view digits) noexcept {
  std::uint16_t port = 0;
  const char* const end = digits.data() + digits.size();
  const auto [stop, error] = std::from_chars(digits.data(), end, port);
  if (error != std::errc() || stop != end || digits[0] == '0') {
    return std::nullopt;
  }
  return port;
}

std::optional<std::string> parse_host(std::string_view text, bool http) {
  if (text.starts_with('[')) {
    return text.ends_with(']') ? normal_ipv6(text.substr(1, text.size() - 2)) : std::nullopt;
  }
  std::string host = ascii_lower(text);
  const bool good = http ? is_dns_name(host) || is_ipv4(host)
                         : std::all_of(host.begin(), host.end(), is_unreserved);
  return good ? std::optional(std::move(host)) : std::nullopt;
}

struct Authority {
  std::string host;
  std::uint16_t port;
};

// RFC 3986 3.2 without userinfo: `@` is in no host.
std::optional<Authority> parse_authority(std::string_view text, bool http,
                                         std::uint16_t default_port) {
  const std::size_t bracket = text.rfind(']');
  const std::size_t colon = text.find(':', bracket == std::string_view::npos ? 0 : bracket);
  auto host = parse_host(text.substr(0, colon), http);
  if (!host) {
    return std::nullopt;
  }
  if (colon == std::string_view::npos) {
    return Authority{std::move(*host), default_port};
  }
  const auto port = parse_port(text.substr(colon + 1));
  if (!port || host->empty()) {
    return std::nullopt;
  }
  return Authority{std::move(*host), *port};
}

std::uint16_t default_port(std::string_view scheme) noexcept {
  if (scheme == "https") {
    return 443;
  }
  return scheme == "http" ? 80 : 0;
}

// What stands behind the first `mark`, which is cut off together with it.
std::optional<std::string> cut_at(std::string_view& text, char mark) {
  const std::size_t at = text.find(mark);
  if (at == std::string_view::npos) {
    return std::nullopt;
  }
  std::string behind(text.substr(at + 1));
  text = text.substr(0, at);
  return behind;
}

// The query's bytes without the members whose name decodes to `name`; nullopt when none is left.
std::optional<std::string> without_member(const std::optional<std::string>& query,
                                          std::string_view name) {
  if (!query) {
    return std::nullopt;
  }
  std::optional<std::string> kept;
  std::string_view rest = *query;
  for (bool more = true; more;) {
    const std::string_view member = rest.substr(0, rest.find('&'));
    more = member.size() < rest.size();
    rest.remove_prefix(member.size() + (more ? 1 : 0));

    std::string spelled(member.substr(0, member.find('=')));
    std::replace(spelled.begin(), spelled.end(), '+', ' ');
    if (percent_decode(spelled) != name) {
      kept = kept ? std::move(*kept) + '&' : std::string();
      *kept += member;
    }
  }
  return kept;
}

std::string join(std::string_view text, const std::optional<std::string>& query,
                 const std::optional<std::string>& fragment) {
  std::string uri(text.substr(0, text.find_first_of("?#")));
  if (query) {
    uri.append(1, '?').append(*query);
  }
  if (fragment) {
    uri.append(1, '#').append(*fragment);
  }
  return uri;
}

}  // namespace

std::optional<Uri> Uri::parse(std::string_view text, std::size_t max) {
  const std::size_t colon = text.find(':');
  // Also keeps NUL, which would end a host early for inet_pton, out of everything below.
  if (text.size() > max || !is_printable_ascii(text) || colon == std::string_view::npos ||
      !is_scheme(text.substr(0, colon))) {
    return std::nullopt;
  }
  Uri uri;
  uri.text_ = text;
  uri.scheme_ = ascii_lower(text.substr(0, colon));
  if (is_forbidden_scheme(uri.scheme_)) {
    return std::nullopt;
  }
  std::string_view rest = text.substr(colon + 1);
  uri.fragment_ = cut_at(rest, '#');
  uri.query_ = cut_at(rest, '?');

  uri.has_authority_ = rest.starts_with("//");
  if (uri.has_authority_) {
    const std::string_view text_of_authority = rest.substr(2, rest.find('/', 2) - 2);
    auto authority = parse_authority(text_of_authority, uri.is_http(), default_port(uri.scheme_));
    if (!authority) {
      return std::nullopt;
    }
    uri.host_ = std::move(authority->host);
    uri.port_ = authority->port;
    rest.remove_prefix(2 + text_of_authority.size());
  } else if (uri.is_http()) {
    // RFC 9110 4.2.1, 4.2.2; browsers read `http:evil` and `http:/evil` as `http://evil`.
    return std::nullopt;
  }
  uri.path_ = rest;
  if (!is_made_of_pchars(uri.path_, "/") || has_dot_segment(uri.path_) ||
      !is_made_of_pchars(uri.query_.value_or(""), kBehindPath) ||
      !is_made_of_pchars(uri.fragment_.value_or(""), kBehindPath)) {
    return std::nullopt;
  }
  return uri;
}

std::optional<std::string_view> Uri::query() const noexcept {
  return query_ ? std::optional<std::string_view>(*query_) : std::nullopt;
}

std::optional<std::string_view> Uri::fragment() const noexcept {
  return fragment_ ? std::optional<std::string_view>(*fragment_) : std::nullopt;
}

bool Uri::is_loopback() const noexcept {
  return host_ == "localhost" || host_ == "[::1]" || (host_.starts_with("127.") && is_ipv4(host_));
}

bool Uri::is_ip_literal() const noexcept {
  return host_.starts_with('[') || is_ipv4(host_);
}

std::string Uri::origin() const {
  std::string origin = scheme_ + "://" + host_;
  if (port_ != default_port(scheme_)) {
    origin += ':' + std::to_string(port_);
  }
  return origin;
}

std::string Uri::with_query(std::string_view name, std::string_view value) const {
  std::string query = without_member(query_, name).value_or("");
  if (!query.empty()) {
    query += '&';
  }
  query += percent_encode(name) + '=' + percent_encode(value);
  return join(text_, query, fragment_);
}

std::string Uri::without_query(std::string_view name) const {
  return join(text_, without_member(query_, name), fragment_);
}

bool is_forbidden_scheme(std::string_view scheme) noexcept {
  // Script, local or embedded content in some browser, now or once; `intent` carries a fallback
  // address of its own, and the nested ones a whole second URI.
  constexpr std::array<std::string_view, 20> kForbidden{
      "about",  "blob",    "chrome",     "data",       "file",        "filesystem", "intent",
      "jar",    "jscript", "javascript", "livescript", "mhtml",       "mk",         "mocha",
      "ms-its", "res",     "resource",   "vbscript",   "view-source", "wyciwyg"};
  return std::any_of(kForbidden.begin(), kForbidden.end(), [scheme](std::string_view forbidden) {
    return iequals_ascii(forbidden, scheme);
  });
}

}  // namespace oauth
