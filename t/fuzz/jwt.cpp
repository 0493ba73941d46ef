// A token is taken apart without harm, nobody's key is mistaken for its own, and what check_claims
// believes holds.
#include "fuzz.hpp"
#include "oauth/base/text.hpp"
#include "oauth/jose/sign.hpp"
#include "oauth/jose/verify.hpp"

namespace {

using namespace oauth;

constexpr std::int64_t kNow = 1'700'000'000;

const KeySet& stranger() {
  static const KeySet kSet({*Key::generate_es256()});
  return kSet;
}

Expectations expectations() {
  Expectations expect;
  expect.issuer = "i";
  expect.audiences = {"a"};
  expect.typs = {"", "JWT"};
  return expect;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = input(data, size);
  const auto jws = split_jws(text);
  const auto jwt = split(text);
  must(jws || !jwt);
  if (jws) {
    must(std::string(jws->signing_input) + '.' + base64url_encode(jws->signature) == text);
    must(!verify_signature(*jws, stranger()));
  }
  if (jwt) {
    must(jwt->header.is_object() && jwt->claims.is_object());
    must(!verify(*jwt, stranger(), expectations(), kNow));
  }
  // The rest of a token's way, which no mutation of a signed one would reach.
  const Json::Limits limits{.bytes = kMaxToken, .depth = 16};
  JsonTape tape;
  if (tape.parse(text, limits) && tape.root().is_object() &&
      check_claims(tape.root(), expectations(), kNow)) {
    const JsonView claims = tape.root();
    must(claims.string("iss") == "i" && claims.has("aud") && claims.has("sub"));
    must(!claims.has("nonce") && claims.get("exp").number().value_or(0) > kNow - 30);
    const auto token =
        sign(*Json::parse_object(text, limits), stranger().keys().front(), Alg::es256, "JWT");
    must(!!token);
    const auto again = split(*token);
    must(again ? !!verify(*again, stranger(), expectations(), kNow)
               : again.problem() == Problem::token_too_large);
  }
  return 0;
}
