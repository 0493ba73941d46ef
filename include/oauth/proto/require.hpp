// Requirement: what `oauth_require` demands of a verified token, one word of it each (DESIGN 4).
//   scope=ACCESS_DB            the token's scope claim has this token, whole (RFC 6749 3.3)
//   claim:PATH=VALUE           the claim, or any element of it, is VALUE
//   claim:PATH~REGEX           the same, matched from its first to its last character
// PATH and the text of a claim are those of claim_path.hpp. In a JSON Pointer ~0 and ~1 are part of
// the path; any other tilde begins a regular expression.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "oauth/base/json_view.hpp"
#include "oauth/base/result.hpp"

namespace oauth {

// A regular expression, compiled by whoever has an engine.
class Pattern {
 public:
  Pattern() = default;
  Pattern(const Pattern&) = delete;
  Pattern& operator=(const Pattern&) = delete;
  virtual ~Pattern() = default;

  // Whether it matches all of `text`; nullopt when that took more steps than it may.
  virtual std::optional<bool> matches(std::string_view text) const = 0;
};

// Null, and `why` says what is wrong with the expression.
using CompilePattern =
    std::function<std::unique_ptr<const Pattern>(std::string_view regex, std::string* why)>;

class Requirement {
 public:
  // One word; else nullopt, and `why` says what to write.
  static std::optional<Requirement> parse(std::string_view word, const CompilePattern& compile,
                                          std::string* why);

  // The scope that is demanded; empty where it is a claim.
  std::string_view scope() const noexcept { return scope_; }

  // scope_insufficient, claim_insufficient, or claim_unmatched when the expression gave up: what
  // could not be decided is refused.
  Check check(const JsonView& claims, std::string_view scope_claim) const;

 private:
  Requirement() = default;
  static std::optional<Requirement> parse_claim(std::string_view text,
                                                const CompilePattern& compile, std::string* why);
  Check match(const JsonView& claim) const;

  std::string scope_;
  std::string path_;
  std::string value_;
  std::shared_ptr<const Pattern> pattern_;  // in place of the value
};

// The first of them that is not met. `scope_claim` is where this token's issuer says scopes.
Check check_requirements(const JsonView& claims, std::string_view scope_claim,
                         const std::vector<Requirement>& requirements);

// RFC 6750 3: all the scopes that they demand, each once, between spaces.
std::string required_scope(const std::vector<Requirement>& requirements);

}  // namespace oauth
