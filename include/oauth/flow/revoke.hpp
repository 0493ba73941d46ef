// POST /oauth/revoke (RFC 7009): whoever holds a token of the Dexie client may end it, what was
// issued to an `oauth_client` only that client. A refresh token ends its whole sign-in, an access
// token only itself. What is no token of ours is as good as revoked: 200.
#pragma once

#include "oauth/base/task.hpp"
#include "oauth/flow/ports.hpp"
#include "oauth/flow/request.hpp"
#include "oauth/flow/verdict.hpp"
#include "oauth/proto/token_facts.hpp"

namespace oauth {

Task<Verdict> revoke(const Request& in, Ports& io);

// What a problem that arose before the flow (a body too large) looks like at this endpoint.
Verdict revoke_error(const Request& in, Problem problem);

}  // namespace oauth
