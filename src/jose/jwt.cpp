#include "oauth/jose/jwt.hpp"

#include <optional>
#include <utility>

#include "oauth/base/text.hpp"

namespace oauth {
namespace {

constexpr Json::Limits kLimits{.bytes = kMaxToken, .depth = 16};
constexpr std::size_t kMaxKid = 512;

Result<Json> parse_part(std::string_view text) {
  Result<Json> object = Json::parse_object(text, kLimits);
  return object ? std::move(object) : Problem::token_malformed;
}

Check read_header(Jws& jws) {
  // RFC 7515 4.1.11: a `crit` that is not understood must be refused, and we understand none.
  // RFC 7797 7, RFC 8725 3.6 and RFC 7516: no unencoded payload, no compression, no JWE.
  for (std::string_view name : {"crit", "b64", "zip", "enc"}) {
    if (jws.header.has(name)) {
      return Problem::token_header_refused;
    }
  }
  const std::optional<Alg> alg = parse_alg(jws.header.string("alg").value_or(""));
  if (!alg) {
    return Problem::token_alg_refused;
  }
  const std::optional<std::string_view> kid = jws.header.string("kid");
  const std::optional<std::string_view> typ = jws.header.string("typ");
  if ((jws.header.has("kid") && !kid) || kid.value_or("").size() > kMaxKid ||
      (jws.header.has("typ") && !typ)) {
    return Problem::token_header_refused;
  }
  jws.alg = *alg;
  jws.kid = kid.value_or("");
  jws.typ = typ.value_or("");
  return kDone;
}

}  // namespace

Result<Jwt> split(std::string_view token) {
  Result<Jws> jws = split_jws(token);
  if (!jws) {
    return jws.problem();
  }
  Result<Json> claims = parse_part(jws->payload);
  if (!claims) {
    return claims.problem();
  }
  return Jwt{std::move(*jws), std::move(*claims)};
}

Result<Jws> split_jws(std::string_view token) {
  if (token.size() > kMaxToken) {
    return Problem::token_too_large;
  }
  // Two searches, however many dots there are; base64url has none, so a third is refused below.
  const std::size_t first = token.find('.');
  const std::size_t second = first == token.npos ? first : token.find('.', first + 1);
  if (second == token.npos) {
    return Problem::token_malformed;
  }
  std::optional<std::string> header = base64url_decode(token.substr(0, first));
  std::optional<std::string> payload =
      base64url_decode(token.substr(first + 1, second - first - 1));
  std::optional<std::string> signature = base64url_decode(token.substr(second + 1));
  if (!header || !payload || !signature) {
    return Problem::token_malformed;
  }
  Result<Json> members = parse_part(*header);
  if (!members) {
    return members.problem();
  }
  Jws jws;
  jws.header = std::move(*members);
  if (const Check fit = read_header(jws); !fit) {
    return fit.problem();
  }
  jws.payload = std::move(*payload);
  jws.signature = std::move(*signature);
  jws.signing_input = token.substr(0, second);
  return jws;
}

}  // namespace oauth
