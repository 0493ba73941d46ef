// GET /oauth/demo/:provider?state=… — the page of `type demo`: pick an account. Only on this
// machine (DESIGN 4); every choice leads to the callback like any provider's redirect.
#pragma once

#include "oauth/base/task.hpp"
#include "oauth/flow/ports.hpp"
#include "oauth/flow/request.hpp"
#include "oauth/flow/verdict.hpp"

namespace oauth {

Task<Verdict> demo(const Request& in, Ports& io);

}  // namespace oauth
