#include "oauth/proto/trust.hpp"

#include <algorithm>

#include "oauth/base/pack.hpp"
#include "oauth/base/secret.hpp"

namespace oauth {
namespace {

void write(Pack& pack, const Trust& trust);

}  // namespace

Trust own_trust(const Broker& broker, std::int64_t grace) {
  Trust trust;
  trust.expect.issuer = broker.url;
  trust.expect.audiences = broker.audiences;
  trust.expect.algs = kAsymmetric;
  trust.expect.typs = {"at+jwt"};
  trust.expect.skew = broker.skew;
  trust.expect.grace = grace;
  trust.keys = broker.signing;
  trust.is_own = true;
  return trust;
}

bool is_cognito_issuer(std::string_view issuer) noexcept {
  constexpr std::string_view kBefore = "https://cognito-idp.";
  constexpr std::string_view kBehind = ".amazonaws.com/";
  if (!issuer.starts_with(kBefore)) {
    return false;
  }
  const auto region = issuer.substr(kBefore.size());
  const auto end = region.find_first_of("./");
  return end != std::string_view::npos && end > 0 && region.substr(end).starts_with(kBehind);
}

void expect_cognito(Trust& trust) {
  trust.is_cognito = true;
  trust.any_client = trust.expect.any_audience;
  trust.expect.any_audience = true;
}

// https://docs.aws.amazon.com/cognito/latest/developerguide
// amazon-cognito-user-pools-using-tokens-verifying-a-jwt.html
Check check_trust_claims(const JsonView& claims, const Trust& trust) {
  if (!trust.is_cognito) {
    return kDone;
  }
  if (claims.string("token_use") != "access") {
    return Problem::token_kind_refused;
  }
  const std::vector<std::string>& clients = trust.expect.audiences;
  const std::string_view client = claims.string("client_id").value_or("");
  if (!trust.any_client && std::find(clients.begin(), clients.end(), client) == clients.end()) {
    return Problem::token_audience_wrong;
  }
  return kDone;
}

std::string subject_of(const JsonView& claims, const Trust& trust) {
  const std::string subject(claims.string("sub").value_or(""));
  return subject.empty() || trust.subject_prefix.empty() ? subject
                                                         : trust.subject_prefix + ':' + subject;
}

PolicyId policy_of(const std::vector<Trust>& trusts) {
  Pack pack;
  for (const Trust& trust : trusts) {
    write(pack, trust);
  }
  const std::string digest = sha256(pack.bytes());
  PolicyId id{};
  for (std::size_t i = 0; i < 16; ++i) {
    id[i / 8] = id[i / 8] << 8U | static_cast<unsigned char>(digest[i]);
  }
  return id;
}

namespace {

void write_list(Pack& pack, const std::vector<std::string>& list) {
  pack.add(static_cast<std::int64_t>(list.size()));
  for (const std::string& one : list) {
    pack.add(one);
  }
}

void write_algs(Pack& pack, AlgSet algs) {
  for (const Alg alg : kAlgs) {
    pack.add(std::int64_t{algs.has(alg)});
  }
}

void write(Pack& pack, const Trust& trust) {
  const Expectations& expect = trust.expect;
  pack.add(expect.issuer);
  write_list(pack, expect.audiences);
  pack.add(std::int64_t{expect.any_audience});
  write_algs(pack, expect.algs);
  write_list(pack, expect.typs);
  pack.add(expect.skew).add(expect.grace).add(trust.jwks_uri).add(trust.max_stale);
  pack.add(trust.scope_claim).add(trust.subject_prefix);
  pack.add(std::int64_t{trust.is_cognito}).add(std::int64_t{trust.any_client});
  pack.add(std::int64_t{trust.is_own}).add(std::int64_t{trust.keys != nullptr});
  std::vector<std::string> keys;
  for (const Key& key : trust.keys != nullptr ? trust.keys->keys() : std::vector<Key>()) {
    keys.push_back(key.fingerprint());
  }
  write_list(pack, keys);
}

}  // namespace

}  // namespace oauth
