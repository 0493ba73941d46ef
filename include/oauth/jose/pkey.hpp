// Pkey: OpenSSL's keys, made from numbers, PEM or DER, judged and taken apart again. Together with
// `signature` all of this ring that knows OpenSSL; Key puts RFC 7517's rules on top.
// Octets are raw bytes, numbers big-endian. A refusal sets `why` to a static text for a warning.
// The OpenSSL error queue is left empty.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "oauth/base/result.hpp"
#include "oauth/base/secret.hpp"
#include "oauth/jose/alg.hpp"

struct evp_pkey_st;

namespace oauth {

using Pkey = std::shared_ptr<evp_pkey_st>;  // never null inside a Result

// Public keys, judged as by algs_of: key_malformed or key_weak.
Result<Pkey> make_rsa(std::string_view n, std::string_view e, std::string_view& why);
// crv P-256, P-384, P-521; coordinates exactly as long as the field; a point of the curve.
Result<Pkey> make_ec(std::string_view crv, std::string_view x, std::string_view y,
                     std::string_view& why);
Result<Pkey> make_ed25519(std::string_view x, std::string_view& why);
// A fresh P-256 pair, or Problem::internal.
Result<Pkey> generate_p256();
// A fresh RSA pair of 2048 bit, or Problem::internal. Takes a noticeable part of a second.
Result<Pkey> generate_rsa();

// One unencrypted private key whose two halves belong together; key_malformed or key_weak.
Result<Pkey> read_private_pem(std::string_view pem, std::string_view& why);
// An RSA public key as SubjectPublicKeyInfo and not one byte more, 2048..4096 bit, e = 65537; else
// public_key_refused.
Result<Pkey> read_client_der(std::string_view der);

// What a key can carry by its type, curve and size; key_weak for RSA outside 2048..8192 bit or
// with e even, under 65537 or over 64 bit, key_malformed for every other type and curve.
Result<AlgSet> algs_of(const evp_pkey_st& key, std::string_view& why);

// Names and values (base64url where RFC 7518 6 says so) of the members that RFC 7638 3.2 requires,
// in its order.
std::vector<std::pair<std::string_view, std::string>> required_members(const evp_pkey_st& key);
Secret write_private_pem(const evp_pkey_st& key);      // PKCS#8; empty when it has no private half
std::string write_public_der(const evp_pkey_st& key);  // SubjectPublicKeyInfo

}  // namespace oauth
