// GET /oauth/icons/NAME.svg: the mark of a provider that this broker offers.
#pragma once

#include "oauth/base/task.hpp"
#include "oauth/flow/ports.hpp"
#include "oauth/flow/request.hpp"
#include "oauth/flow/verdict.hpp"

namespace oauth {

Task<Verdict> icons(const Request& in, Ports& io);

}  // namespace oauth
