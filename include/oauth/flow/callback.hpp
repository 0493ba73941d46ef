// GET /oauth/callback/:provider (dexie-contract 3): ends a login. Everything that can be checked is
// checked before anything is spent (DESIGN 2); until the attempt is believed every answer is the
// same page.
#pragma once

#include "oauth/base/task.hpp"
#include "oauth/flow/ports.hpp"
#include "oauth/flow/request.hpp"
#include "oauth/flow/verdict.hpp"

namespace oauth {

Task<Verdict> callback(const Request& in, Ports& io);

}  // namespace oauth
