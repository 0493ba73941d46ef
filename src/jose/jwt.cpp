#include "oauth/jose/jwt.hpp"

#include <optional>
#include <utility>

#include "oauth/base/text.hpp"

namespace oauth {
namespace {

constexpr Json::Limits kLimits{.bytes = kMaxToken, .depth = 16};
constexpr std::size_t kMaxKid = 512;

Result<JsonView> parse_part(std::string_view text, JsonTape& tape) {
  const Check read = tape.parse(text, kLimits);
  return read && tape.root().is_object() ? Result<JsonView>(tape.root()) : Problem::token_malformed;
}

// Into `room`, which then starts behind it.
std::optional<std::string_view> decode_part(std::string_view text, char*& room) {
  const std::optional<std::size_t> size = base64url_decode(text, room);
  if (!size) {
    return std::nullopt;
  }
  const std::string_view part(room, *size);
  room += *size;
  return part;
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
  const Result<JsonView> claims = parse_part(jws->payload, jws->parts->claims);
  if (!claims) {
    return claims.problem();
  }
  return Jwt{std::move(*jws), *claims};
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
  Jws jws;
  jws.parts = std::make_unique_for_overwrite<Jws::Parts>();
  jws.parts->bytes = std::make_unique_for_overwrite<char[]>(decoded_size(token.size()));
  char* room = jws.parts->bytes.get();
  const auto header = decode_part(token.substr(0, first), room);
  const auto payload = decode_part(token.substr(first + 1, second - first - 1), room);
  const auto signature = decode_part(token.substr(second + 1), room);
  if (!header || !payload || !signature) {
    return Problem::token_malformed;
  }
  const Result<JsonView> members = parse_part(*header, jws.parts->header);
  if (!members) {
    return members.problem();
  }
  jws.header = *members;
  if (const Check fit = read_header(jws); !fit) {
    return fit.problem();
  }
  jws.payload = *payload;
  jws.signature = *signature;
  jws.signing_input = token.substr(0, second);
  return jws;
}

}  // namespace oauth
