#include "oauth/proto/target.hpp"

#include <algorithm>

#include "oauth/base/text.hpp"

namespace oauth {
namespace {

constexpr std::string_view kForeignScheme =
    "this scheme cannot be a redirect target; an app's own looks like myapp://";

void say(std::string* why, std::string_view text) {
  if (why != nullptr) {
    *why = text;
  }
}

// `.` and `..` segments in any spelling: browsers resolve them, so a prefix would not hold.
bool has_dot_segment(std::string_view path) {
  for (const std::string_view segment : split_words(path, '/')) {
    const auto decoded = percent_decode(segment);
    if (!decoded || *decoded == "." || *decoded == ".." ||
        decoded->find('/') != std::string::npos) {
      return true;
    }
  }
  return false;
}

// What keeps `text` from being scheme://host[:port], as far as it can be told.
std::string_view reason(std::string_view text) {
  const std::size_t slashes = text.find("://");
  if (slashes == std::string_view::npos || slashes == 0) {
    return "the scheme is missing";
  }
  const std::string_view rest = text.substr(slashes + 3);
  if (rest.find_first_of("?#") != std::string_view::npos) {
    return "a query or fragment cannot be part of it";
  }
  const std::string_view authority = rest.substr(0, rest.find('/'));
  if (authority.find('@') != std::string_view::npos) {
    return "a user name cannot be part of it";
  }
  if (has_dot_segment(rest.substr(authority.size()))) {
    return "a path is possible only without dot segments";
  }
  return "this is no plain host and port";
}

std::string explain(std::string_view text) {
  if (is_forbidden_scheme(text.substr(0, text.find(':')))) {
    return std::string(kForeignScheme);
  }
  return std::string(reason(text)) +
         ": write scheme://host[:port], e.g. https://app.example.com or myapp://";
}

// RFC 3986 3.1, and nothing that a browser would run.
bool is_custom_scheme(std::string_view scheme) {
  const auto is_alpha = [](char c) { return c >= 'a' && c <= 'z'; };
  const auto is_inner = [&](char c) {
    return is_alpha(c) || (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.';
  };
  return !scheme.empty() && is_alpha(scheme.front()) &&
         std::all_of(scheme.begin(), scheme.end(), is_inner) && !is_forbidden_scheme(scheme);
}

}  // namespace

std::optional<TargetRule> TargetRule::parse(std::string_view text, std::string* why) {
  TargetRule rule;
  if (text.find('*') != std::string_view::npos) {
    say(why, "wildcards are not possible: name each origin, e.g. https://app.example.com");
    return std::nullopt;
  }
  if (text.size() > 3 && text.substr(text.size() - 3) == "://") {
    rule.scheme_ = ascii_lower(text.substr(0, text.size() - 3));
    if (rule.scheme_ == "http" || rule.scheme_ == "https") {
      say(why, "name the host too, e.g. https://app.example.com");
      return std::nullopt;
    }
    if (!is_custom_scheme(rule.scheme_)) {
      say(why, kForeignScheme);
      return std::nullopt;
    }
    return rule;
  }
  const auto uri = Uri::parse(text);
  if (!uri || !uri->has_authority() || uri->query() || uri->fragment()) {
    say(why, explain(text));
    return std::nullopt;
  }
  rule.scheme_ = uri->scheme();
  if (rule.scheme_ == "http" && !uri->is_loopback()) {
    say(why, "plain http is possible only on loopback (localhost, 127.0.0.0/8, [::1]): use https");
    return std::nullopt;
  }
  if (!uri->is_http() && !is_custom_scheme(rule.scheme_)) {
    say(why, kForeignScheme);
    return std::nullopt;
  }
  rule.path_ = uri->path() == "/" ? "" : std::string(uri->path());
  if (!rule.path_.empty() && (!uri->is_http() || has_dot_segment(rule.path_))) {
    say(why, "a path is possible only after https://host, and without dot segments");
    return std::nullopt;
  }
  rule.origin_ = uri->origin();
  return rule;
}

bool TargetRule::allows(const Uri& target) const {
  if (target.scheme() != scheme_) {
    return false;
  }
  if (origin_.empty()) {
    return true;
  }
  if (target.origin() != origin_) {
    return false;
  }
  if (path_.empty()) {
    return true;
  }
  const std::string_view path = target.path();
  if (has_dot_segment(path) || path.substr(0, path_.size()) != path_) {
    return false;
  }
  return path.size() == path_.size() || path_.back() == '/' || path[path_.size()] == '/';
}

bool TargetRules::allows(const Uri& target) const {
  return std::any_of(rules_.begin(), rules_.end(),
                     [&](const TargetRule& rule) { return rule.allows(target); });
}

bool TargetRules::allows_origin(std::string_view origin) const {
  return !origin.empty() && std::any_of(rules_.begin(), rules_.end(), [&](const TargetRule& rule) {
    return rule.allows_origin(origin);
  });
}

}  // namespace oauth
