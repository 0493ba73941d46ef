// Client: an application with credentials of its own (`oauth_client ID { … }`, RFC 6749 2), and how
// it says who it is at the token endpoint.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "oauth/base/result.hpp"
#include "oauth/base/secret.hpp"

namespace oauth {

struct Client {
  std::string id;
  std::string secret_digest;        // SHA-256
  std::vector<std::string> grants;  // grant_type values (RFC 6749 4)
  std::vector<std::string> scopes;  // all that it can be granted
  bool act_for_users = false;       // may have tokens of users
};

// [A-Za-z0-9._~-]{1,64} and not `dexie`, the one client that needs no block.
bool is_client_id(std::string_view id) noexcept;

struct ClientCredentials {
  std::string id;
  std::string secret;
  bool basic = false;  // came in an Authorization header: a refusal says so (RFC 6749 5.2)
};

// Null when there is none of this id.
const Client* find_client(std::string_view id, const std::vector<Client>& clients) noexcept;

// RFC 6749 2.3.1: the client with this id and secret, else client_refused. Unknown ids take the
// same time as wrong secrets.
Result<const Client*> authenticate(const ClientCredentials& credentials,
                                   const std::vector<Client>& clients);
// Whether it is registered for this grant (RFC 6749 5.2, unauthorized_client):
// client_grant_refused.
Check may_use(const Client& client, std::string_view grant_type);

}  // namespace oauth
