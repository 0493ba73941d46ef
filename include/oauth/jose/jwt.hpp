// Jwt: a compact JWS taken apart (RFC 7515 7.1, RFC 7519). Nothing in it is trusted yet.
// Strict: exactly three parts of unpadded base64url, header and payload JSON objects, at most
// 16 KiB. JWE, JSON serialisation, detached payloads and `crit`, `b64`, `zip`, `enc` are refused
// here; `jku`, `x5u`, `jwk`, `x5c`, `x5t` are never read.
#pragma once

#include <memory>
#include <string_view>

#include "oauth/base/json_tape.hpp"
#include "oauth/base/result.hpp"
#include "oauth/jose/alg.hpp"

namespace oauth {

// A JWS of any payload, for what is signed but carries no claims. Moved, never copied; its views
// stay where they are when it moves, and end with it.
struct Jws {
  Alg alg{};
  std::string_view kid;  // empty when absent; at most 512 bytes
  std::string_view typ;  // as sent, empty when absent
  JsonView header;
  std::string_view payload;        // raw bytes
  std::string_view signature;      // raw bytes
  std::string_view signing_input;  // ASCII(header) "." ASCII(payload): part of the caller's token

  // What the others are views of.
  struct Parts {
    std::unique_ptr<char[]> bytes;
    JsonTape header;
    JsonTape claims;
  };
  std::unique_ptr<Parts> parts;
};

struct Jwt : Jws {
  JsonView claims;
};

inline constexpr std::size_t kMaxToken = 16 * 1024;

// token_too_large, token_malformed, token_header_refused, or token_alg_refused for an `alg` that
// is not in Alg (`none` included). `token` must outlive what is made of it.
Result<Jwt> split(std::string_view token);
Result<Jws> split_jws(std::string_view token);

}  // namespace oauth
