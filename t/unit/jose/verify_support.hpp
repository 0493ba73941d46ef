// A good token, what is expected of it, and a judge: for the tests of verify.
#pragma once

#include <string>
#include <string_view>

#include "jose/support.hpp"
#include "oauth/jose/verify.hpp"

namespace oauth::test {

inline constexpr std::int64_t kNow = 1'700'000'000;

inline constexpr std::string_view kGood =
    R"({"iss":"https://issuer.example","aud":"us","sub":"google:1","exp":1700000100})";

inline Expectations expectations() {
  Expectations expect;
  expect.issuer = "https://issuer.example";
  expect.audiences = {"us", "us too"};
  expect.typs = {"", "JWT", "at+jwt"};
  return expect;
}

inline KeySet public_keys() {
  return *KeySet::parse(KeySet(keys().all()).public_jwks().dump());
}

// "" or the name of the problem, from the text of a token to the end of verification.
inline std::string judge(const std::string& token, const KeySet& set = public_keys(),
                         const Expectations& expect = expectations()) {
  const auto jwt = split(token);
  return jwt ? outcome(verify(*jwt, set, expect, kNow)) : outcome(jwt);
}

inline std::string es256(std::string_view header, std::string_view claims = kGood) {
  return forge(header, claims, keys().p256, Alg::es256);
}

inline std::string judge_claims(std::string_view claims,
                                const Expectations& expect = expectations()) {
  return judge(es256(R"({"alg":"ES256","kid":"p256"})", claims), public_keys(), expect);
}

// kGood with members replaced, added, or (null) taken out.
inline std::string good_with(std::string_view members) {
  const Json base = test::json(kGood);
  const Json changes = test::json(members);
  Json claims = Json::object();
  for (const auto& [name, value] : base.members()) {
    if (!changes.has(name)) {
      claims.set(name, value);
    }
  }
  for (const auto& [name, value] : changes.members()) {
    if (value.kind() != Json::Kind::null) {
      claims.set(name, value);
    }
  }
  return claims.dump();
}

}  // namespace oauth::test
