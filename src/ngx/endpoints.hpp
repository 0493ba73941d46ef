// The endpoints of a broker (DESIGN 5): one row each. `oauth_broker` makes a location for each row.
#pragma once

#include <vector>

#include "ngx/nginx.hpp"
#include "oauth/flow/request.hpp"
#include "oauth/flow/verdict.hpp"

namespace oauth {

struct ServerConf;

struct Endpoint {
  std::string_view name;      // in the log
  std::string_view modifier;  // of its location
  std::string_view path;      // behind the path of the broker's URL
  ngx_uint_t methods;         // NGX_HTTP_GET | …
  std::string_view allow;     // the same for the Allow header (RFC 9110 10.2.1)
  Task<Verdict> (*flow)(const Request& in, Ports& io);
  // What a problem before the flow looks like here.
  Verdict (*refuse)(const Request& in, Problem problem);
  bool needs_shared_keys = false;  // opens or makes what every node must be able to open
};

const std::vector<Endpoint>& endpoints() noexcept;

inline constexpr std::size_t kMaxBody = std::size_t{64} * 1024;

// Inside a server block: the internal location that this server's fetches go to, if it has none
// yet; `path` goes before its name.
char* ensure_fetch_location(ngx_conf_t* cf, std::string_view path, ServerConf& server);

// `oauth_broker URL`, in a server block.
char* set_broker(ngx_conf_t* cf, ngx_command_t* command, void* conf) noexcept;

}  // namespace oauth
