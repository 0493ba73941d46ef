#include "oauth/jose/sign.hpp"

#include "oauth/base/text.hpp"

namespace oauth {

Result<std::string> sign(const Json& claims, const Key& key, Alg alg, std::string_view typ) {
  if (!claims.is_object()) {
    return Problem::internal;
  }
  Json header = Json::object();
  header.set("alg", alg_name(alg));
  if (!typ.empty()) {
    header.set("typ", typ);
  }
  if (!key.kid().empty()) {
    header.set("kid", key.kid());
  }
  std::string token = base64url_encode(header.dump());
  token.append(".").append(base64url_encode(claims.dump()));
  const Result<std::string> signature = key.sign(alg, token);
  if (!signature) {
    return signature.problem();
  }
  return token.append(".").append(base64url_encode(*signature));
}

}  // namespace oauth
