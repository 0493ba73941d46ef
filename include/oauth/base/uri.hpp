// Uri: the one parser behind every redirect decision, every configured URL and every endpoint.
// RFC 3986 generic syntax, narrowed to what all browsers and servers read alike: absolute, ASCII,
// no userinfo, no backslash, no control character or space, no bad percent sequence, no `.` or `..`
// segment however encoded, no leading zero in a port, no empty host for http(s), no forbidden
// scheme; wider only where every browser is: `[]{}|^` and backtick may stand in query and fragment.
// What this refuses has several readings somewhere; it is never repaired.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace oauth {

class Uri {
 public:
  // nullopt for anything outside the narrowed grammar, or longer than `max` bytes.
  static std::optional<Uri> parse(std::string_view text, std::size_t max = 2048);

  const std::string& text() const noexcept { return text_; }      // exactly as given
  const std::string& scheme() const noexcept { return scheme_; }  // lower case
  // Lower case; IPv6 in brackets, RFC 5952 form. Empty for `myapp:/path` and `myapp:///path`.
  // An http(s) host is a DNS name of LDH labels (no trailing dot), a dotted-quad IPv4, or IPv6:
  // `127.1`, `0x7f.1` and other spellings of numbers are refused.
  const std::string& host() const noexcept { return host_; }
  std::uint16_t port() const noexcept {
    return port_;
  }  // explicit, or the scheme's default; 0: none
  bool has_authority() const noexcept { return has_authority_; }
  std::string_view path() const noexcept { return path_; }  // as given, may be empty
  // Without `?` and `#`; nullopt differs from empty ("a?" has an empty query).
  std::optional<std::string_view> query() const noexcept;
  std::optional<std::string_view> fragment() const noexcept;

  bool is_http() const noexcept { return scheme_ == "http" || scheme_ == "https"; }
  // `localhost`, 127.0.0.0/8, [::1] after parsing; nothing else, no name is looked up.
  bool is_loopback() const noexcept;
  // An IP literal of any kind, e.g. to refuse link-local endpoints in provider metadata.
  bool is_ip_literal() const noexcept;
  // RFC 6454 ASCII serialisation: `https://app.example.com`, port only when not the default;
  // `myapp://host` for custom schemes with an authority, `myapp://` without.
  std::string origin() const;

  // The same URI with `name=value` set in its query, before any fragment: every occurrence of the
  // parameter `name` goes, one is appended; every other byte stays. `value` is percent-encoded.
  std::string with_query(std::string_view name, std::string_view value) const;
  // The same URI without any occurrence of the parameter `name`.
  std::string without_query(std::string_view name) const;

 private:
  std::string text_, scheme_, host_, path_;
  std::optional<std::string> query_, fragment_;
  std::uint16_t port_ = 0;
  bool has_authority_ = false;
};

// True for schemes that run script or read local content in some browser (javascript, data,
// vbscript, file, blob, about, ...): never a redirect target, refused at configuration too.
bool is_forbidden_scheme(std::string_view scheme) noexcept;

}  // namespace oauth
