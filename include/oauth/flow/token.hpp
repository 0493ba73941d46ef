// POST /token (dexie-contract 4, RFC 6749 3.2): reads what is asked, in Dexie's shape or RFC
// 6749's, has the grant's own flow decide, and answers in the same shape. Who fails often is
// throttled.
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
