// sign: claims to a compact JWS (RFC 7515 7.1) with `alg`, `typ` and `kid` in its header, in that
// order; an empty `typ` or kid is left out. `claims` must be an object or the text of one, `key`
// private and able to carry `alg`; else Problem::internal.
#pragma once

#include <string>
#include <string_view>

#include "oauth/base/json.hpp"
#include "oauth/base/result.hpp"
#include "oauth/jose/jwk.hpp"

namespace oauth {

Result<std::string> sign(std::string_view claims, const Key& key, Alg alg, std::string_view typ);
Result<std::string> sign(const Json& claims, const Key& key, Alg alg, std::string_view typ);

}  // namespace oauth
