#include "oauth/proto/trust.hpp"

#include <algorithm>

#include "oauth/base/secret.hpp"

namespace oauth {
namespace {

// Writes fields one behind the other, so that no two lists of fields are one text.
class FieldWriter {
 public:
  FieldWriter& add(std::string_view field) {
    text_ += std::to_string(field.size()) + ':';
    text_ += field;
    return *this;
  }
  FieldWriter& add(std::int64_t number) { return add(std::to_string(number)); }
  FieldWriter& add(const std::vector<std::string>& list) {
    add(static_cast<std::int64_t>(list.size()));
    for (const std::string& one : list) {
      add(one);
    }
    return *this;
  }
  FieldWriter& add(AlgSet algs) {
    std::string names;
    for (const Alg alg : kAlgs) {
      names += algs.has(alg) ? std::string(alg_name(alg)) + ' ' : "";
    }
    return add(names);
  }
  const std::string& text() const noexcept { return text_; }

 private:
  std::string text_;
};

void write_keys(FieldWriter& writer, const KeySet& keys);
void write(FieldWriter& writer, const Trust& trust);

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
  FieldWriter writer;
  for (const Trust& trust : trusts) {
    write(writer, trust);
  }
  const std::string digest = sha256(writer.text());
  PolicyId id{};
  for (std::size_t i = 0; i < 16; ++i) {
    id[i / 8] = id[i / 8] << 8U | static_cast<unsigned char>(digest[i]);
  }
  return id;
}

namespace {

void write(FieldWriter& writer, const Trust& trust) {
  const Expectations& expect = trust.expect;
  writer.add(expect.issuer).add(expect.audiences).add(std::int64_t{expect.any_audience});
  writer.add(expect.algs).add(expect.typs).add(expect.skew).add(expect.grace);
  writer.add(trust.jwks_uri).add(trust.max_stale);
  writer.add(trust.scope_claim).add(trust.subject_prefix);
  writer.add(std::int64_t{trust.is_cognito}).add(std::int64_t{trust.any_client});
  writer.add(std::int64_t{trust.is_own}).add(std::int64_t{trust.keys != nullptr});
  if (trust.keys != nullptr) {
    write_keys(writer, *trust.keys);
  }
}

// A secret key is told from others by what only it can make.
void write_keys(FieldWriter& writer, const KeySet& keys) {
  writer.add(static_cast<std::int64_t>(keys.keys().size()));
  for (const Key& key : keys.keys()) {
    std::string material = key.public_der();
    for (const Alg alg : {Alg::hs256, Alg::hs384, Alg::hs512}) {
      const auto mac = key.is_symmetric() ? key.sign(alg, "policy") : Problem::internal;
      material += mac ? *mac : std::string();
    }
    writer.add(key.kid()).add(key.issuer()).add(key.algs()).add(material);
  }
}

}  // namespace

}  // namespace oauth
