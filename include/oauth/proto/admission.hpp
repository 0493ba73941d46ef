// Admission: who may sign in, by the operator's rules (`oauth_allow`): any one that matches admits,
// and without a rule everybody does. And what the operator's own service says of it
// (`oauth_admit`): its question and its answer.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "oauth/base/json.hpp"
#include "oauth/base/result.hpp"
#include "oauth/proto/identity.hpp"

namespace oauth {

class AllowRule {
 public:
  // `email=ADDRESS` and `domain=DOMAIN` (a verified address; equal but for ASCII case, a subdomain
  // is another domain), `claim:PATH=VALUE` (PATH a member's name or a JSON Pointer; VALUE a string,
  // or a number or boolean as JSON writes it; any element of an array), `group=NAME` (any element
  // of `groups`, `cognito:groups` or `roles`). Otherwise nullopt and `why` says what to write.
  static std::optional<AllowRule> parse(std::string_view text, std::string* why);

  bool admits(const Identity& identity) const;

 private:
  enum class Kind { email, domain, claim, group };
  AllowRule(Kind kind, std::string path, std::string value)
      : kind_(kind), path_(std::move(path)), value_(std::move(value)) {}

  static std::optional<AllowRule> parse_claim(std::string_view text, std::string* why);

  Kind kind_;
  std::string path_;  // claim only
  std::string value_;
};

class AllowRules {
 public:
  AllowRules() = default;
  explicit AllowRules(std::vector<AllowRule> rules) : rules_(std::move(rules)) {}
  bool admits(const Identity& identity) const;

 private:
  std::vector<AllowRule> rules_;
};

// The question of `oauth_admit`: {provider, sub, email, email_verified, name, picture, claims: {all
// that the provider said}}.
Json admission_question(const Identity& identity);

// `claims` and `extra`: strings, numbers, booleans or arrays of strings, at most 2 KiB, and none
// that has a meaning here already, else admit_claims_refused.
Result<Json> add_claims(const Json& claims, const Json& extra);

// Its answer, as the claims that the code shall carry: 204, or 200 with the JSON
// {"claims": {…}}: those of `identity` and these (add_claims). 403 with
// the JSON {"code": …}: user_not_registered, user_not_accepted, no_seats_available,
// user_deactivated or webhook_error (dexie-contract 4.5); any other 403: email_not_allowed.
// Everything else: admit_failed.
Result<Json> parse_admission(int status, std::string_view content_type, std::string_view body,
                             const Identity& identity);

}  // namespace oauth
