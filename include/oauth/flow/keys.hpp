// What a broker publishes: its keys (RFC 7517 5) and its providers (dexie-contract 1).
#pragma once

#include "oauth/base/task.hpp"
#include "oauth/flow/ports.hpp"
#include "oauth/flow/request.hpp"
#include "oauth/flow/verdict.hpp"

namespace oauth {

// GET /.well-known/jwks.json: public halves only, cacheable.
Task<Verdict> jwks(const Request& in, Ports& io);

// GET /auth-providers: public; CORS only for allowed origins.
Task<Verdict> auth_providers(const Request& in, Ports& io);

}  // namespace oauth
