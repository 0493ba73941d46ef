#include "oauth/proto/admission.hpp"

#include <algorithm>
#include <array>

#include "oauth/base/text.hpp"
#include "oauth/base/uri.hpp"
#include "oauth/proto/claim_path.hpp"

namespace oauth {
namespace {

constexpr std::size_t kMaxExtra = 2048;
constexpr std::size_t kMaxClaims = 5632;  // with the person's own: a store takes 8 KiB
constexpr Json::Limits kAnswerLimits{std::size_t{8} * 1024, 4};

// What RFC 7519 4.1, RFC 8693 4, RFC 9068 2.2, OpenID Connect Core 2 and 5.1.2 give a meaning, and
// what this broker says itself: whoever could set it could be somebody else, or do more.
constexpr std::string_view kReserved[] = {"iss",
                                          "sub",
                                          "aud",
                                          "exp",
                                          "nbf",
                                          "iat",
                                          "jti",
                                          "typ",
                                          "sid",
                                          "scope",
                                          "client_id",
                                          "email",
                                          "email_verified",
                                          "name",
                                          "picture",
                                          "license",
                                          "azp",
                                          "nonce",
                                          "auth_time",
                                          "acr",
                                          "amr",
                                          "at_hash",
                                          "c_hash",
                                          "s_hash",
                                          "cnf",
                                          "act",
                                          "may_act",
                                          "events",
                                          "sub_jwk",
                                          "sub_id",
                                          "_claim_names",
                                          "_claim_sources",
                                          "provider"};

struct PolicyCode {
  std::string_view code;
  Problem problem;
};
// dexie-contract 4.5
constexpr std::array<PolicyCode, 5> kPolicyCodes{{
    {"USER_NOT_REGISTERED", Problem::user_not_registered},
    {"USER_NOT_ACCEPTED", Problem::user_not_accepted},
    {"NO_SEATS_AVAILABLE", Problem::no_seats_available},
    {"USER_DEACTIVATED", Problem::user_deactivated},
    {"WEBHOOK_ERROR", Problem::webhook_error},
}};

std::string_view domain_of(std::string_view email) {
  return email.substr(email.find('@') + 1);
}

// Exactly a host as the one strict parser reads it.
bool is_domain(std::string_view text) {
  const auto uri = Uri::parse("https://" + std::string(text));
  return uri && uri->host() == ascii_lower(text) && !uri->is_ip_literal();
}

// One that can match: what looks like a pattern or a list was meant as one.
bool is_address(std::string_view text) {
  const auto at = text.find('@');
  return at != std::string_view::npos && at > 0 && is_printable_ascii(text) &&
         text.find_first_of(" \",;<>*") == std::string_view::npos && is_domain(text.substr(at + 1));
}

bool is_in_group(const Json& said, std::string_view group) {
  for (const std::string_view name : {"groups", "cognito:groups", "roles"}) {
    const Json groups = said.get(name);
    if (claim_is(groups, group)) {
      return true;
    }
  }
  return false;
}

std::optional<AllowRule> refuse(std::string* why, std::string_view reason) {
  *why = reason;
  return std::nullopt;
}

bool is_extra(std::string_view name, const Json& value) {
  if (name.empty() ||
      std::find(std::begin(kReserved), std::end(kReserved), name) != std::end(kReserved)) {
    return false;
  }
  if (!value.is_array()) {
    return value.kind() != Json::Kind::object && value.kind() != Json::Kind::null;
  }
  for (std::size_t i = 0; i < value.size(); ++i) {
    if (!value.at(i).string()) {
      return false;
    }
  }
  return true;
}

Result<Json> admitted(const Json& answer, const Identity& identity) {
  const Json extra = answer.get("claims");
  // Nothing said, or something that is not what it should be: the difference matters.
  if (answer.has("claims") && !extra.is_object()) {
    return Problem::admit_claims_refused;
  }
  return add_claims(identity.claims(), extra);
}

Problem refusal(const Json& answer) {
  const auto code = answer.string("code");
  for (const PolicyCode& policy : kPolicyCodes) {
    if (code == policy.code) {
      return policy.problem;
    }
  }
  return Problem::email_not_allowed;
}

}  // namespace

std::optional<AllowRule> AllowRule::parse(std::string_view text, std::string* why) {
  constexpr std::string_view kClaim = "claim:";
  if (text.starts_with(kClaim)) {
    return parse_claim(text.substr(kClaim.size()), why);
  }
  const auto equals = text.find('=');
  const std::string_view kind = text.substr(0, equals);
  const std::string_view value = equals == text.npos ? "" : text.substr(equals + 1);
  if (kind == "email") {
    return is_address(value) ? AllowRule(Kind::email, {}, std::string(value))
                             : refuse(why, "write one whole address, email=ann@example.com");
  }
  if (kind == "domain") {
    return is_domain(value)
               ? AllowRule(Kind::domain, {}, std::string(value))
               : refuse(why,
                        "write one whole domain, domain=example.com; each subdomain is a rule of "
                        "its own");
  }
  if (kind == "group" && equals != text.npos) {
    return !value.empty() && is_utf8(value) ? AllowRule(Kind::group, {}, std::string(value))
                                            : refuse(why, "write the group's name, group=admins");
  }
  return refuse(
      why, "is no rule; possible are: email=ADDRESS, domain=DOMAIN, group=NAME, claim:PATH=VALUE");
}

std::optional<AllowRule> AllowRule::parse_claim(std::string_view text, std::string* why) {
  const auto equals = text.find('=');
  const std::string_view path = text.substr(0, equals);
  const std::string_view value = equals == text.npos ? "" : text.substr(equals + 1);
  if (path.empty() || value.empty() || !is_utf8(text)) {
    return refuse(why, "write claim:PATH=VALUE, e.g. claim:hd=example.com");
  }
  if (!is_claim_path(path, why)) {
    return std::nullopt;
  }
  if (path == "email" || path == "/email") {
    return refuse(why, "would also admit an address that nobody verified: write email=ADDRESS");
  }
  return AllowRule(Kind::claim, std::string(path), std::string(value));
}

bool AllowRule::admits(const Identity& identity) const {
  switch (kind_) {
    case Kind::email:
      return identity.email_verified && iequals_ascii(identity.email, value_);
    case Kind::domain:
      return identity.email_verified && iequals_ascii(domain_of(identity.email), value_);
    case Kind::claim:
      return claim_is(claim_at(identity.said, path_), value_);
    case Kind::group:
      return is_in_group(identity.said, value_);
  }
  return false;
}

bool AllowRules::admits(const Identity& identity) const {
  return rules_.empty() || std::any_of(rules_.begin(), rules_.end(), [&](const AllowRule& rule) {
           return rule.admits(identity);
         });
}

Result<Json> add_claims(const Json& claims, const Json& extra) {
  if (extra.dump().size() > kMaxExtra) {
    return Problem::admit_claims_refused;
  }
  Json all = Json::object();
  for (const auto& [name, value] : claims.members()) {
    all.set(name, value);
  }
  for (const auto& [name, value] : extra.members()) {
    if (!is_extra(name, value)) {
      return Problem::admit_claims_refused;
    }
    all.set(name, value);
  }
  return all.dump().size() <= kMaxClaims ? Result<Json>(all) : Problem::admit_claims_refused;
}

Json admission_question(const Identity& identity) {
  const Json claims = identity.claims();
  Json question = Json::object();
  question.set("provider", std::string_view(identity.provider));
  for (const auto& [name, value] : claims.members()) {
    question.set(name, value);
  }
  question.set("claims", identity.said.is_object() ? identity.said : Json::object());
  return question;
}

Result<Json> parse_admission(int status, std::string_view content_type, std::string_view body,
                             const Identity& identity) {
  if (status == 204) {
    return identity.claims();
  }
  if (status != 200 && status != 403) {
    return Problem::admit_failed;
  }
  const bool is_json = media_type(content_type) == "application/json";
  const auto answer = is_json ? Json::parse_object(body, kAnswerLimits) : Problem::json_invalid;
  if (status == 403) {
    return refusal(answer ? *answer : Json());
  }
  return answer ? admitted(*answer, identity) : Problem::admit_failed;
}

}  // namespace oauth
