// grant_type authorization_code (dexie-contract 4.1, RFC 6749 4.1.3): a code for tokens. What can
// be checked is checked before the code is taken; taking it is the one round trip, and final.
#pragma once

#include "oauth/base/task.hpp"
#include "oauth/flow/granted.hpp"
#include "oauth/flow/ports.hpp"
#include "oauth/proto/grant.hpp"

namespace oauth {

Task<Granted> redeem(const TokenCall& call, const CodeRequest& request, Ports& io);

}  // namespace oauth
