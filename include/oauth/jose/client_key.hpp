// The RSA public key that a Dexie client brings to /token (dexie-contract 4.1), looked at without
// making a key of it: OpenSSL's decoder takes longer than everything else a redemption does, and
// the key is needed only when a refresh proves it (Key::from_client_public_der).
#pragma once

#include <string>
#include <string_view>

#include "oauth/base/result.hpp"

namespace oauth {

// From `-----BEGIN PUBLIC KEY-----` PEM (RFC 7468 13) to its SubjectPublicKeyInfo (RFC 5280 4.1,
// RFC 3279 2.3.1) in DER. Nothing may stand before or after it but white space at its end.
// public_key_refused unless it is an RSA key of 2048 to 4096 bit, odd, with e = 65537, in strict
// DER and nothing more.
Result<std::string> client_key_der(std::string_view pem);

}  // namespace oauth
