// What a location with `oauth_cors on` says to browsers, whatever it answers (Fetch 3.2,
// dexie-contract 5).
#pragma once

#include <string>
#include <vector>

#include "oauth/flow/ports.hpp"
#include "oauth/flow/protect.hpp"
#include "oauth/proto/guard.hpp"

namespace oauth {

// All Access-Control-* headers of the answer, and `Vary: Origin`. An origin that is not allowed is
// told nothing.
std::vector<Header> cors_headers(const Credentials& in, const Guard& guard);

}  // namespace oauth
