// Code: the broker's own single-use code, and what is kept sealed under it until it is redeemed.
// Its store name is an HMAC over broker, code and the origin it is bound to, so that a foreign
// origin looks under another name and cannot burn it (DESIGN 3).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "oauth/base/json.hpp"
#include "oauth/base/result.hpp"
#include "oauth/proto/attempt.hpp"
#include "oauth/proto/broker.hpp"

namespace oauth {

struct CodeGrant {
  Json claims;       // Identity::claims, and what `oauth_admit` added
  std::string said;  // what the provider said, as text, for features to come; empty beyond kMaxSaid
  std::string provider;
  std::string flow_id;
  std::string challenge;  // S256, empty: not bound by PKCE
};

inline constexpr std::size_t kMaxSaid =
    2048;  // bytes: a store takes 8 KiB, lists of groups are long
inline constexpr std::size_t kCodeBytes = 48;  // 64 base64url characters

// 64 characters of base64url: anything else cannot be a code and is not looked up.
bool is_code(std::string_view text) noexcept;

// What the code of this attempt is bound to: the target's origin, or "-" where it is bound by PKCE
// or the target is a custom scheme.
std::string code_binding(const Attempt& attempt);
// Lifetime in s: 60 with PKCE, else the broker's.
std::int64_t code_lifetime(const Attempt& attempt, const Broker& broker);

std::string code_name(const Broker& broker, std::string_view code, std::string_view binding,
                      std::size_t key = 0);
// Every name under which a request with this Origin (may be empty) could find the code.
std::vector<std::string> code_names(const Broker& broker, std::string_view code,
                                    std::string_view origin);

Result<std::string> seal_code(const CodeGrant& grant, const Broker& broker, std::string_view name,
                              std::int64_t now, std::int64_t expires);
// Tries each name; code_invalid when none fits or it has expired.
Result<CodeGrant> open_code(std::string_view value, const Broker& broker,
                            const std::vector<std::string>& names, std::int64_t now);

}  // namespace oauth
