#include "oauth/jose/key.hpp"

#include <optional>

#include "oauth/base/text.hpp"

namespace oauth {
namespace {

// `why` gets the text, the caller returns the problem.
Problem refuse(std::string_view& why, Problem problem, std::string_view text) {
  why = text;
  return problem;
}

// RFC 7518 2: Base64urlUInt and octet strings alike; nullopt for an absent or malformed one.
std::optional<std::string> octets(const Json& jwk, std::string_view name) {
  const std::optional<std::string_view> text = jwk.string(name);
  return text ? base64url_decode(*text) : std::nullopt;
}

// RFC 7517 4.2, 4.3: empty when the key is meant for signatures.
std::string_view misuse(const Json& jwk) {
  if (jwk.has("use") && jwk.string("use") != "sig") {
    return "use is not sig";
  }
  if (!jwk.has("key_ops")) {
    return {};
  }
  const Json operations = jwk.get("key_ops");
  for (std::size_t i = 0; i < operations.size(); ++i) {
    if (operations.at(i).string() == "verify") {
      return {};
    }
  }
  return "key_ops without verify";
}

Result<Pkey> read_asymmetric(const Json& jwk, std::string_view& why) {
  const std::string_view kty = jwk.string("kty").value_or("");
  if (kty == "RSA") {
    const std::optional<std::string> n = octets(jwk, "n");
    const std::optional<std::string> e = octets(jwk, "e");
    return n && e ? make_rsa(*n, *e, why)
                  : refuse(why, Problem::key_malformed, "n or e is missing or not base64url");
  }
  if (kty == "EC") {
    const std::optional<std::string> x = octets(jwk, "x");
    const std::optional<std::string> y = octets(jwk, "y");
    return x && y ? make_ec(jwk.string("crv").value_or(""), *x, *y, why)
                  : refuse(why, Problem::key_malformed, "x or y is missing or not base64url");
  }
  if (kty == "OKP") {
    // RFC 8037 3.1 has Ed448 too; X25519 and X448 cannot sign.
    const std::optional<std::string> x = octets(jwk, "x");
    return x && jwk.string("crv") == "Ed25519"
               ? make_ed25519(*x, why)
               : refuse(why, Problem::key_malformed, "not Ed25519, or x is not base64url");
  }
  return refuse(why, Problem::key_malformed, "unknown kty");
}

}  // namespace

// ---- in -------------------------------------------------------------------------------------

Result<Key> Key::from_jwk(const Json& jwk, bool symmetric) {
  std::string_view why;
  return from_jwk(jwk, symmetric, why);
}

Result<Key> Key::from_jwk(const Json& jwk, bool symmetric, std::string_view& why) {
  if (jwk.has("kid") && !jwk.string("kid")) {
    return refuse(why, Problem::key_malformed, "kid is not a string");
  }
  if (const std::string_view text = misuse(jwk); !text.empty()) {
    return refuse(why, Problem::key_malformed, text);
  }
  Result<Key> key = read_material(jwk, symmetric, why);
  if (!key) {
    return key.problem();
  }
  if (jwk.has("alg")) {
    const std::optional<Alg> alg = parse_alg(jwk.string("alg").value_or(""));
    // RFC 8725 3.1: a key is for one algorithm where it says so.
    if (!alg || !key->algs_.has(*alg)) {
      return refuse(why, Problem::key_malformed, "alg is unknown or does not fit the key");
    }
    key->algs_ = AlgSet{*alg};
  }
  if (jwk.has("issuer") && !jwk.string("issuer")) {
    return refuse(why, Problem::key_malformed, "issuer is not a string");
  }
  key->kid_ = jwk.string("kid").value_or("");
  key->issuer_ = jwk.string("issuer").value_or("");
  return key;
}

Result<Key> Key::read_material(const Json& jwk, bool symmetric, std::string_view& why) {
  if (jwk.string("kty") != "oct") {
    return of(read_asymmetric(jwk, why), false);
  }
  // What anyone may fetch keeps no secret.
  if (!symmetric) {
    return refuse(why, Problem::key_malformed, "symmetric key");
  }
  const std::optional<std::string> k = octets(jwk, "k");
  if (!k) {
    return refuse(why, Problem::key_malformed, "k is missing or not base64url");
  }
  // RFC 7518 3.2: at least as long as the hash.
  AlgSet algs;
  for (Alg alg : {Alg::hs256, Alg::hs384, Alg::hs512}) {
    if (k->size() >= hash_size(alg)) {
      algs.add(alg);
    }
  }
  if (algs.empty()) {
    return refuse(why, Problem::key_weak, "k is shorter than the hash");
  }
  return Key(std::make_shared<MacKey>(*k), algs);
}

Result<Key> Key::from_private_pem(std::string_view pem) {
  std::string_view why;
  return from_private_pem(pem, why);
}

Result<Key> Key::from_private_pem(std::string_view pem, std::string_view& why) {
  return of(read_private_pem(pem, why), true);
}

Result<Key> Key::from_client_public_der(std::string_view der) {
  return of_client(read_client_der(der));
}

Result<Key> Key::generate_es256() {
  return of(generate_p256(), true);
}

Result<Key> Key::generate_rs256() {
  return of(generate_rsa(), true);
}

Result<Key> Key::of(Result<Pkey> pkey, bool is_private) {
  if (!pkey) {
    return pkey.problem();
  }
  std::string_view why;
  const Result<AlgSet> algs = algs_of(**pkey, why);
  if (!algs) {
    return algs.problem();
  }
  return Key(std::move(*pkey), *algs, is_private);
}

Result<Key> Key::of_client(Result<Pkey> pkey) {
  if (!pkey) {
    return pkey.problem();
  }
  return Key(std::move(*pkey), AlgSet{Alg::rs256}, false);
}

// ---- out ------------------------------------------------------------------------------------

Key Key::with_kid(std::string_view kid) const {
  Key copy = *this;
  copy.kid_ = kid;
  return copy;
}

Json Key::public_jwk() const {
  if (is_symmetric()) {
    return {};
  }
  Json jwk = Json::object();
  for (const auto& [name, value] : required_members(*pkey_)) {
    jwk.set(name, value);
  }
  jwk.set("use", "sig");
  for (Alg alg : kAlgs) {
    if (algs_ == AlgSet{alg}) {
      jwk.set("alg", alg_name(alg));
    }
  }
  if (!kid_.empty()) {
    jwk.set("kid", kid_);
  }
  return jwk;
}

std::string Key::thumbprint() const {
  if (is_symmetric()) {
    return {};
  }
  // RFC 7638 3: the required members in this order, without white space. None needs escaping.
  std::string text;
  for (const auto& [name, value] : required_members(*pkey_)) {
    text.append(text.empty() ? "{\"" : ",\"").append(name).append("\":\"");
    text.append(value).append("\"");
  }
  return base64url_encode(sha256(text.append("}")));
}

Secret Key::private_pem() const {
  return is_symmetric() || !is_private_ ? Secret() : write_private_pem(*pkey_);
}

std::string Key::public_der() const {
  return is_symmetric() ? std::string() : write_public_der(*pkey_);
}

std::string Key::fingerprint() const {
  std::string text;
  for (const std::string& part :
       {is_symmetric() ? sha256(mac_->secret()) : public_der(), kid_, issuer_}) {
    text.append(std::to_string(part.size())).append(":").append(part);
  }
  for (Alg alg : kAlgs) {
    if (algs_.has(alg)) {
      text.append(alg_name(alg)).append(",");
    }
  }
  return sha256(text);
}

// ---- signatures -----------------------------------------------------------------------------

bool Key::verify(Alg alg, std::string_view message, std::string_view signature) const {
  if (!algs_.has(alg)) {
    return false;
  }
  if (is_symmetric()) {
    return mac_->check(alg, message, signature);
  }
  return verifier_->check(alg, message, signature);
}

Result<std::string> Key::sign(Alg alg, std::string_view message) const {
  if (!algs_.has(alg) || !is_private_) {
    return Problem::internal;
  }
  std::string made = is_symmetric() ? mac_->make(alg, message) : signer_->make(alg, message);
  return made.empty() ? Result<std::string>(Problem::internal) : std::move(made);
}

}  // namespace oauth
