#include "oauth/flow/cors.hpp"

namespace oauth {

std::vector<Header> cors_headers(const Credentials& in, const Guard& guard) {
  std::vector<Header> headers{{"Vary", "Origin"}};
  if (in.origins.empty() || !allows_origins(guard, in.origins)) {
    return headers;
  }
  headers.push_back({"Access-Control-Allow-Origin", std::string(in.origins.front())});
  headers.push_back({"Access-Control-Allow-Credentials", "true"});
  if (!in.is_preflight) {
    headers.push_back(
        {"Access-Control-Expose-Headers", "Ratelimit-Limit, Ratelimit-Remaining, Ratelimit-Reset"});
    return headers;
  }
  // With credentials `*` is no wildcard (Fetch 3.2.4): the methods are named.
  headers.push_back({"Access-Control-Allow-Methods", "GET, HEAD, POST, PUT, PATCH, DELETE"});
  headers.push_back({"Access-Control-Allow-Headers", "authorization, content-type"});
  headers.push_back({"Access-Control-Max-Age", "600"});
  return headers;
}

}  // namespace oauth
