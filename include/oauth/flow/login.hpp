// GET /oauth/login/:provider?redirect_uri=… (dexie-contract 2): sends the browser to the provider.
// Everything that can be wrong with the request is a 4xx page without Location and without a
// request to anyone.
#pragma once

#include "oauth/base/task.hpp"
#include "oauth/flow/ports.hpp"
#include "oauth/flow/request.hpp"
#include "oauth/flow/verdict.hpp"

namespace oauth {

Task<Verdict> login(const Request& in, Ports& io);

}  // namespace oauth
