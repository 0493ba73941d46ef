// protect: may this request enter the location? (RFC 6750, RFC 9068 4, RFC 8725). The answer is an
// admission or a problem; src/ngx turns the latter into the status and WWW-Authenticate, so that
// error_page and satisfy work as with any access module. Only a preflight is answered here.
#pragma once

#include <string>

#include "oauth/base/task.hpp"
#include "oauth/flow/ports.hpp"
#include "oauth/flow/verdict.hpp"
#include "oauth/proto/guard.hpp"

namespace oauth {

// What a request brings, as the client sent it.
struct Credentials {
  std::vector<std::string> authorization;  // every Authorization header
  std::string query;                       // raw, with the argument that carries a token
  std::vector<std::string> origins;        // every Origin header
  bool is_upgrade = false;                 // GET with `Upgrade: websocket` (RFC 6455 4.1)
  bool is_preflight = false;  // OPTIONS with Origin and Access-Control-Request-Method (Fetch 4.8)
};

// Both must outlive the task.
Task<Verdict> protect(const Credentials& in, const Guard& guard, Ports& io);

}  // namespace oauth
