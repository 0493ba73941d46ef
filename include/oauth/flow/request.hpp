// Request: what a flow may know of an HTTP request to a broker's endpoint. src/ngx/request.cpp
// makes it from nginx's; the Host header and forwarding headers take part in nothing but what is
// said here.
#pragma once

#include <string>
#include <vector>

#include "oauth/proto/broker.hpp"

namespace oauth {

struct Request {
  const Broker& broker;
  std::string method;        // upper case
  std::string path;          // normalised, e.g. /oauth/login/acme
  std::string name;          // the last segment of /oauth/login/NAME, /oauth/callback/NAME
  std::string query;         // raw, before anything was masked
  std::string content_type;  // as sent
  std::string body;
  std::string authority;  // Host as sent, lower case; only compared with the broker's own
  bool https = false;     // the connection's scheme
  std::vector<std::string> origins;        // every Origin header
  std::vector<std::string> cookies;        // every Cookie header
  std::vector<std::string> authorization;  // every Authorization header
  // Peer is loopback, no forwarding header, Host is the broker's: what `type demo` demands.
  bool local = false;
};

}  // namespace oauth
