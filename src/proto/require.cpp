#include "oauth/proto/require.hpp"

#include <algorithm>

#include "oauth/base/text.hpp"
#include "oauth/proto/claim_path.hpp"
#include "oauth/proto/scope.hpp"

namespace oauth {
namespace {

constexpr std::string_view kScope = "scope=";
constexpr std::string_view kClaim = "claim:";

std::nullopt_t refuse(std::string* why, std::string_view reason) {
  *why = reason;
  return std::nullopt;
}

// Where the path ends: at the first `=`, or `~` that is no part of a JSON Pointer (RFC 6901 3).
std::size_t find_operator(std::string_view text) {
  const bool is_pointer = text.starts_with('/');
  auto at = text.find_first_of("=~");
  while (is_pointer && at != text.npos && text[at] == '~' && at + 1 < text.size() &&
         (text[at + 1] == '0' || text[at + 1] == '1')) {
    at = text.find_first_of("=~", at + 1);
  }
  return at;
}

}  // namespace

std::optional<Requirement> Requirement::parse(std::string_view word, const CompilePattern& compile,
                                              std::string* why) {
  if (word.starts_with(kClaim)) {
    return parse_claim(word.substr(kClaim.size()), compile, why);
  }
  if (!word.starts_with(kScope)) {
    return refuse(why,
                  "is no requirement; possible are: scope=NAME, claim:PATH=VALUE, "
                  "claim:PATH~REGEX");
  }
  Requirement requirement;
  requirement.scope_ = word.substr(kScope.size());
  if (!is_scope(requirement.scope_)) {
    return refuse(why,
                  "write one scope, e.g. scope=ACCESS_DB: printable ASCII without space, quote and "
                  "backslash (RFC 6749 3.3)");
  }
  return requirement;
}

std::optional<Requirement> Requirement::parse_claim(std::string_view text,
                                                    const CompilePattern& compile,
                                                    std::string* why) {
  const auto at = find_operator(text);
  const std::string_view path = text.substr(0, at);
  const std::string_view value = at == text.npos ? "" : text.substr(at + 1);
  if (path.empty() || value.empty() || !is_utf8(text)) {
    return refuse(why,
                  "write claim:PATH=VALUE, e.g. claim:role=admin, or claim:PATH~REGEX, e.g. "
                  "claim:role~(admin|owner)");
  }
  if (!is_claim_path(path, why)) {
    return std::nullopt;
  }
  Requirement requirement;
  requirement.path_ = path;
  if (text[at] == '=') {
    requirement.value_ = value;
    return requirement;
  }
  requirement.pattern_ = compile(value, why);
  return requirement.pattern_ ? std::optional<Requirement>(requirement) : std::nullopt;
}

Check Requirement::check(const JsonView& claims, std::string_view scope_claim) const {
  if (!scope_.empty()) {
    return has_scope(claim_at(claims, scope_claim), scope_) ? Check(kDone)
                                                            : Problem::scope_insufficient;
  }
  const JsonView claim = claim_at(claims, path_);
  if (pattern_) {
    return match(claim);
  }
  return claim_is(claim, value_) ? Check(kDone) : Problem::claim_insufficient;
}

// Another element cannot make up for one that could not be decided.
Check Requirement::match(const JsonView& claim) const {
  bool gave_up = false;
  const bool found = any_text(claim, [&](std::string_view text) {
    const auto matched = pattern_->matches(text);
    gave_up = !matched;
    return gave_up || *matched;
  });
  if (gave_up) {
    return Problem::claim_unmatched;
  }
  return found ? Check(kDone) : Problem::claim_insufficient;
}

Check check_requirements(const JsonView& claims, std::string_view scope_claim,
                         const std::vector<Requirement>& requirements) {
  for (const Requirement& requirement : requirements) {
    const auto met = requirement.check(claims, scope_claim);
    if (!met) {
      return met;
    }
  }
  return kDone;
}

std::string required_scope(const std::vector<Requirement>& requirements) {
  std::string scopes;
  for (auto it = requirements.begin(); it != requirements.end(); ++it) {
    const auto before = [&](const Requirement& other) { return other.scope() == it->scope(); };
    if (!it->scope().empty() && std::none_of(requirements.begin(), it, before)) {
      scopes += scopes.empty() ? "" : " ";
      scopes += it->scope();
    }
  }
  return scopes;
}

}  // namespace oauth
