// grant_type demo (dexie-contract 4.4): tokens for an account of `type demo`, for the asking. Only
// on this machine, like the provider's own page.
#pragma once

#include "oauth/base/task.hpp"
#include "oauth/flow/granted.hpp"
#include "oauth/flow/ports.hpp"
#include "oauth/proto/grant.hpp"

namespace oauth {

Task<Granted> grant_demo(const TokenCall& call, const DemoRequest& request, Ports& io);

}  // namespace oauth
