// admit_user: whether the operator lets this person in, by his rules (`oauth_allow`) and then by
// his own service (`oauth_admit`). Nobody is admitted by a service that fails.
#pragma once

#include "oauth/base/json.hpp"
#include "oauth/base/result.hpp"
#include "oauth/base/task.hpp"
#include "oauth/flow/ports.hpp"
#include "oauth/proto/broker.hpp"
#include "oauth/proto/identity.hpp"

namespace oauth {

// The claims that the code shall carry.
Task<Result<Json>> admit_user(const Broker& broker, const Identity& identity, Ports& io);

}  // namespace oauth
