// The primitives under a JWS: raw signatures as RFC 7518 3 and RFC 8037 3.1 lay them out.
// Nothing here decides whether a key may carry an algorithm: Key does, and is what others call.
// The OpenSSL error queue is left empty.
#pragma once

#include <string>
#include <string_view>

#include "oauth/base/result.hpp"
#include "oauth/jose/alg.hpp"

struct evp_pkey_st;

namespace oauth {

// RS*: PKCS#1 v1.5; PS*: MGF1 of the same hash, salt as long as the hash; ES*: R || S, each as long
// as the curve's field; EdDSA: Ed25519. A signature of another size is wrong before OpenSSL sees
// it. `key` must be of the type and curve of `alg`, which must not be HS*.
bool check_signature(evp_pkey_st& key, Alg alg, std::string_view message,
                     std::string_view signature);
// Problem::internal when OpenSSL fails.
Result<std::string> make_signature(evp_pkey_st& key, Alg alg, std::string_view message);

// HS*: the MAC; empty when OpenSSL fails or `alg` is not HS*.
std::string make_mac(Alg alg, std::string_view key, std::string_view message);

// The hash that `alg` uses (SHA-512 for EdDSA: Ed25519 is built on it), as raw bytes, and its size.
std::string hash_of(Alg alg, std::string_view text);
std::size_t hash_size(Alg alg) noexcept;

}  // namespace oauth
