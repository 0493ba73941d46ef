// grant_type client_credentials (RFC 6749 4.4, dexie-contract 4.4): an `oauth_client` gets tokens
// for itself, or, where it may act for users, for one of them. What standard clients ask of other
// grants ends here too, because none of them is registered for one yet.
#pragma once

#include "oauth/base/task.hpp"
#include "oauth/flow/granted.hpp"
#include "oauth/flow/ports.hpp"
#include "oauth/proto/grant.hpp"

namespace oauth {

Task<Granted> grant_client(const TokenCall& call, const ClientRequest& request, Ports& io);

}  // namespace oauth
