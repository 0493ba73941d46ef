#include "oauth/jose/verify.hpp"

#include <algorithm>

#include "oauth/base/text.hpp"
#include "oauth/jose/signature.hpp"

namespace oauth {
namespace {

bool is_allowed_typ(std::string_view typ, const std::vector<std::string>& allowed);

}  // namespace

Check verify(const Jwt& jwt, const KeySet& keys, const Expectations& expect, std::int64_t now) {
  if (!expect.algs.has(jwt.alg)) {
    return Problem::token_alg_refused;
  }
  if (!is_allowed_typ(jwt.typ, expect.typs)) {
    return Problem::token_typ_refused;
  }
  if (const Check genuine = verify_signature(jwt, keys); !genuine) {
    return genuine.problem();
  }
  return check_claims(jwt.claims, expect, now);
}

Check verify_signature(const Jws& jws, const KeySet& keys) {
  constexpr int kMaxTried = 4;  // each costs a verification that whoever sent the token ordered
  int tried = 0;
  for (const Key& key : keys.keys()) {
    if (!key.algs().has(jws.alg) || (!jws.kid.empty() && key.kid() != jws.kid)) {
      continue;
    }
    if (key.verify(jws.alg, jws.signing_input, jws.signature)) {
      return kDone;
    }
    if (++tried == kMaxTried) {
      break;
    }
  }
  return tried == 0 ? Problem::token_key_unknown : Problem::token_signature_wrong;
}

std::string left_half_hash(Alg alg, std::string_view text) {
  const std::string hash = hash_of(alg, text);
  return base64url_encode(std::string_view(hash).substr(0, hash.size() / 2));
}

namespace {

// RFC 7515 4.1.9: a media type; "application/" may be left out when no other slash follows.
std::string_view without_application(std::string_view typ) {
  constexpr std::string_view kApplication = "application/";
  if (typ.size() > kApplication.size() &&
      iequals_ascii(typ.substr(0, kApplication.size()), kApplication) &&
      typ.find('/', kApplication.size()) == typ.npos) {
    typ.remove_prefix(kApplication.size());
  }
  return typ;
}

bool is_allowed_typ(std::string_view typ, const std::vector<std::string>& allowed) {
  return std::any_of(allowed.begin(), allowed.end(), [typ](const std::string& one) {
    return iequals_ascii(without_application(typ), without_application(one));
  });
}

}  // namespace
}  // namespace oauth
