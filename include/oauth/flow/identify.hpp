// identify: from the provider's authorization code to a person. Exchanges the code, verifies the
// id_token, reads userinfo (OpenID Connect), or asks the API who it is (OAuth 2.0); for `type demo`
// looks the account up. One function a protocol.
#pragma once

#include <string>

#include "oauth/base/result.hpp"
#include "oauth/base/task.hpp"
#include "oauth/flow/ports.hpp"
#include "oauth/proto/attempt.hpp"
#include "oauth/proto/identity.hpp"

namespace oauth {

// What the callback knows once it believes the attempt.
struct Proof {
  const Broker& broker;
  const Provider& provider;
  const Metadata& metadata;
  const Attempt& attempt;
  std::string code;  // the provider's
  std::string user;  // Apple's JSON of the first sign-in; empty otherwise
};

Task<Result<Identity>> identify(const Proof& proof, Ports& io);

}  // namespace oauth
