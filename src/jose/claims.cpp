#include "oauth/jose/claims.hpp"

#include <algorithm>
#include <string_view>

#include "oauth/base/text.hpp"

namespace oauth {
namespace {

Check check_audience(JsonView claims, const Expectations& expect);
Check check_times(JsonView claims, const Expectations& expect, std::int64_t now);
Check check_kind(JsonView claims, const Expectations& expect);

}  // namespace

Check check_claims(JsonView claims, const Expectations& expect, std::int64_t now) {
  if (expect.issuer.empty() || claims.string("iss") != expect.issuer) {
    return Problem::token_issuer_wrong;
  }
  if (const Check meant = check_audience(claims, expect); !meant) {
    return meant.problem();
  }
  if (const Check alive = check_times(claims, expect, now); !alive) {
    return alive.problem();
  }
  if (const Check kind = check_kind(claims, expect); !kind) {
    return kind.problem();
  }
  // OpenID Connect Core 2: at most 255 ASCII characters.
  const std::string_view subject = claims.string("sub").value_or("");
  if (subject.empty() || subject.size() > 255 || !is_printable_ascii(subject)) {
    return Problem::token_subject_wrong;
  }
  return kDone;
}

namespace {

// RFC 7519 4.1.3: a string, or an array of strings; nothing when it is neither.
std::vector<std::string_view> audiences_of(JsonView claims) {
  const JsonView aud = claims.get("aud");
  if (const std::optional<std::string_view> one = aud.string()) {
    return {*one};
  }
  std::vector<std::string_view> all;
  for (const JsonView& element : aud.elements()) {
    const std::optional<std::string_view> one = element.string();
    if (!one) {
      return {};
    }
    all.push_back(*one);
  }
  return all;
}

Check check_audience(JsonView claims, const Expectations& expect) {
  const std::vector<std::string_view> audiences = audiences_of(claims);
  const auto is_ours = [&expect](std::string_view audience) {
    const std::vector<std::string>& ours = expect.audiences;
    return std::find(ours.begin(), ours.end(), audience) != ours.end();
  };
  if (!expect.any_audience && std::none_of(audiences.begin(), audiences.end(), is_ours)) {
    return Problem::token_audience_wrong;
  }
  if (!expect.authorized_party) {
    return kDone;
  }
  // OpenID Connect Core 3.1.3.7, 3 to 5.
  if (!std::all_of(audiences.begin(), audiences.end(), is_ours)) {
    return Problem::token_audience_wrong;
  }
  const bool needed = audiences.size() > 1;
  if ((needed || claims.has("azp")) && claims.string("azp") != *expect.authorized_party) {
    return Problem::token_azp_wrong;
  }
  return kDone;
}

// RFC 7519 2, NumericDate: nullopt for what is no moment between 1970 and 2^53 s.
std::optional<double> moment(JsonView claim) {
  constexpr double kLast = 9007199254740992.0;
  const std::optional<double> value = claim.number();
  return value && *value >= 0 && *value <= kLast ? value : std::nullopt;
}

Check check_times(JsonView claims, const Expectations& expect, std::int64_t now) {
  const std::optional<double> exp = moment(claims.get("exp"));
  if (!exp) {
    return Problem::token_time_malformed;
  }
  const auto present = static_cast<double>(now);
  const auto skew = static_cast<double>(expect.skew);
  const bool expired = *exp + skew + static_cast<double>(expect.grace) <= present;
  bool early = false;
  for (std::string_view name : {"nbf", "iat"}) {
    if (!claims.has(name)) {
      continue;
    }
    const std::optional<double> from = moment(claims.get(name));
    if (!from) {
      return Problem::token_time_malformed;
    }
    early = early || *from - skew > present;
  }
  if (expect.require_iat && !claims.has("iat")) {
    return Problem::token_time_malformed;
  }
  if (expired) {
    return Problem::token_expired;
  }
  return early ? Check(Problem::token_not_yet_valid) : kDone;
}

Check check_kind(JsonView claims, const Expectations& expect) {
  if (expect.nonce) {
    // OpenID Connect Core 3.1.3.7, 11.
    return claims.string("nonce") == *expect.nonce ? Check(kDone) : Problem::token_nonce_wrong;
  }
  // RFC 8725 3.12: an ID token, a logout token or a security event is no access token. RFC 9449 6,
  // RFC 8705 3: a bound token is worth nothing without its binding, which nothing here can check.
  for (std::string_view name : {"nonce", "events", "cnf"}) {
    if (claims.has(name)) {
      return Problem::token_kind_refused;
    }
  }
  return kDone;
}

}  // namespace
}  // namespace oauth
