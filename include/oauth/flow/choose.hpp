// GET /oauth/login?redirect_uri=…: the broker's providers for people. Each is a link to its own
// login, with the same wish; a wish that a login would refuse is refused here, so that this page
// opens no door of its own.
#pragma once

#include "oauth/base/task.hpp"
#include "oauth/flow/ports.hpp"
#include "oauth/flow/request.hpp"
#include "oauth/flow/verdict.hpp"

namespace oauth {

Task<Verdict> choose(const Request& in, Ports& io);

}  // namespace oauth
