#include "oauth/proto/client.hpp"

#include <algorithm>

#include "oauth/proto/issue.hpp"

namespace oauth {

bool is_client_id(std::string_view id) noexcept {
  return !id.empty() && id.size() <= 64 && id != kDexieClient &&
         std::all_of(id.begin(), id.end(), [](char c) {
           return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
                  c == '.' || c == '_' || c == '~' || c == '-';
         });
}

const Client* find_client(std::string_view id, const std::vector<Client>& clients) noexcept {
  const auto found = std::find_if(clients.begin(), clients.end(),
                                  [id](const Client& client) { return client.id == id; });
  return found == clients.end() ? nullptr : &*found;
}

Result<const Client*> authenticate(const ClientCredentials& credentials,
                                   const std::vector<Client>& clients) {
  const Client* client = find_client(credentials.id, clients);
  const std::string given = sha256(credentials.secret);
  const std::string kept = client != nullptr ? client->secret_digest : std::string(given.size(), 0);
  if (!equal_constant_time(given, kept) || client == nullptr) {
    return Problem::client_refused;
  }
  return client;
}

Check may_use(const Client& client, std::string_view grant_type) {
  const bool is_listed =
      std::find(client.grants.begin(), client.grants.end(), grant_type) != client.grants.end();
  return is_listed ? Check(kDone) : Problem::client_grant_refused;
}

}  // namespace oauth
