// protect: may this request enter the location? (RFC 6750, RFC 9068 4, RFC 8725). The answer is an
// admission or a problem; src/ngx turns the latter into the status and WWW-Authenticate, so that
// error_page and satisfy work as with any access module.
#pragma once

#include <string>

#include "oauth/base/task.hpp"
#include "oauth/flow/ports.hpp"
#include "oauth/flow/verdict.hpp"
#include "oauth/proto/guard.hpp"

namespace oauth {

struct Credentials {
  std::vector<std::string> authorization;  // every Authorization header
};

// Both must outlive the task.
Task<Verdict> protect(const Credentials& in, const Guard& guard, Ports& io);

}  // namespace oauth
