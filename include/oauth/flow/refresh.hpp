// grant_type refresh_token of the Dexie client (dexie-contract 4.2): new access tokens for whoever
// proves the key that signed in. The refresh token is not rotated, because this client never stores
// another: its proof, fresh at each use, is what a stolen one lacks (RFC 9700 4.14.2).
#pragma once

#include "oauth/base/task.hpp"
#include "oauth/flow/granted.hpp"
#include "oauth/flow/ports.hpp"
#include "oauth/proto/grant.hpp"

namespace oauth {

inline constexpr std::int64_t kRefreshesAMinute = 10;  // of one refresh token
inline constexpr std::int64_t kUsesOfATimeStamp = 20;  // of one refresh token

Task<Granted> refresh(const TokenCall& call, const RefreshRequest& request, Ports& io);

}  // namespace oauth
