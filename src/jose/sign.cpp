#include "oauth/jose/sign.hpp"

#include "oauth/base/json_text.hpp"
#include "oauth/base/text.hpp"

namespace oauth {

Result<std::string> sign(const Json& claims, const Key& key, Alg alg, std::string_view typ) {
  return claims.is_object() ? sign(claims.dump(), key, alg, typ) : Problem::internal;
}

Result<std::string> sign(std::string_view claims, const Key& key, Alg alg, std::string_view typ) {
  JsonText header;
  header.set("alg", alg_name(alg));
  if (!typ.empty()) {
    header.set("typ", typ);
  }
  if (!key.kid().empty()) {
    header.set("kid", key.kid());
  }
  std::string token = base64url_encode(header.take());
  token.append(".").append(base64url_encode(claims));
  const Result<std::string> signature = key.sign(alg, token);
  if (!signature) {
    return signature.problem();
  }
  return token.append(".").append(base64url_encode(*signature));
}

}  // namespace oauth
