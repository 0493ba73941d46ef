// Target rules: who may receive a code (`oauth_allow_origin`). One parsed rule per value; a
// redirect target is decided by the one strict Uri parser, a CORS Origin by equality of its
// serialisation.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "oauth/base/uri.hpp"

namespace oauth {

class TargetRule {
 public:
  // `https://host[:port][/path]`, http only on loopback, `scheme://`, `scheme://host`. Otherwise
  // nullopt and `why` says what to write instead.
  static std::optional<TargetRule> parse(std::string_view text, std::string* why);

  // RFC 9700 4.1.3, dexie-contract 2: scheme, host and port equal; path below the rule's, if any.
  bool allows(const Uri& target) const;
  // RFC 6454 7: an Origin header's value equals ours. False for rules that are a bare scheme.
  bool allows_origin(std::string_view origin) const noexcept { return origin == origin_; }

 private:
  std::string scheme_;
  std::string origin_;  // empty for a bare `scheme://`
  std::string path_;    // prefix, empty: any
};

class TargetRules {
 public:
  TargetRules() = default;
  explicit TargetRules(std::vector<TargetRule> rules) : rules_(std::move(rules)) {}
  bool allows(const Uri& target) const;
  bool allows_origin(std::string_view origin) const;
  bool empty() const noexcept { return rules_.empty(); }

 private:
  std::vector<TargetRule> rules_;
};

}  // namespace oauth
