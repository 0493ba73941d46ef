// POST /token (dexie-contract 4): a code for tokens, in Dexie's JSON shape. Shape, types, key and
// Origin are checked before the code is taken; taking it is the one round trip, and final.
#pragma once

#include "oauth/base/task.hpp"
#include "oauth/flow/ports.hpp"
#include "oauth/flow/request.hpp"
#include "oauth/flow/verdict.hpp"

namespace oauth {

Task<Verdict> token(const Request& in, Ports& io);

// What a problem that arose before the flow (a body too large) looks like at this endpoint.
Verdict token_error(const Request& in, Problem problem);

}  // namespace oauth
