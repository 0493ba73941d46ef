// The block `oauth_client ID { … }`: an application with credentials of its own.
#include "ngx/block.hpp"
#include "ngx/setters.hpp"
#include "oauth/base/text.hpp"
#include "oauth/proto/scope.hpp"

namespace oauth {
namespace {

constexpr std::size_t kLeastSecret = 16;  // bytes

std::string set_secret_member(ngx_conf_t* cf, Client& client, const Words& words) {
  constexpr std::string_view kFile = "file:";
  Secret secret{words[0]};
  if (words[0].starts_with(kFile)) {
    std::string why;
    const auto content = read_small_file(cf, words[0].substr(kFile.size()), why);
    if (!content) {
      return "cannot be read: " + why;
    }
    secret = Secret(*content);
  }
  if (secret.bytes().size() < kLeastSecret) {
    return "must have at least 16 characters: openssl rand -hex 32 makes a good one";
  }
  client.secret_digest = sha256(secret.bytes());
  return {};
}

// Codes and refresh tokens of standard clients need /oauth/authorize, which is not there yet: a
// client that is registered for them would only be refused later.
std::string set_grants(ngx_conf_t*, Client& client, const Words& words) {
  for (const std::string_view word : words) {
    if (word != "client_credentials") {
      return "\"" + std::string(word) + "\" is not possible: write \"grants client_credentials;\"";
    }
    client.grants.emplace_back(word);
  }
  return {};
}

std::string set_client_scope(ngx_conf_t*, Client& client, const Words& words) {
  for (const std::string_view word : words) {
    if (!is_scope(word)) {
      return "\"" + std::string(word) +
             "\": a scope is printable ASCII without space, quote and backslash (RFC 6749 3.3)";
    }
    client.scopes.emplace_back(word);
  }
  return {};
}

std::string set_act_for_users(ngx_conf_t*, Client& client, const Words& words) {
  client.act_for_users = words[0] == "on";
  return words[0] == "on" || words[0] == "off" ? "" : "must be \"on\" or \"off\"";
}

const std::vector<BlockMember<Client>>& client_members() {
  // {name, fewest and most values, repeatable, setter}
  static const std::vector<BlockMember<Client>> kMembers{
      {"secret", 1, 1, false, set_secret_member},
      {"grants", 1, 1, false, set_grants},
      {"scope", 1, 32, false, set_client_scope},
      {"act_for_users", 1, 1, false, set_act_for_users},
  };
  return kMembers;
}

std::string what_is_wrong(const Client& client, const std::vector<Client>& others) {
  if (!is_client_id(client.id)) {
    return "must be named [A-Za-z0-9._~-]{1,64}, and not \"dexie\", which is the client that needs "
           "no block";
  }
  if (find_client(client.id, others) != nullptr) {
    return "is defined twice";
  }
  if (client.secret_digest.empty()) {
    return "needs \"secret VALUE;\" or \"secret file:PATH;\"";
  }
  if (client.grants.empty()) {
    return "needs \"grants client_credentials;\"";
  }
  return client.scopes.empty() ? "needs \"scope NAME…;\": all that it can be granted" : "";
}

}  // namespace

char* set_client(ngx_conf_t* cf, ngx_command_t*, void* conf) noexcept {
  auto& server = *static_cast<ServerConf*>(conf);
  if (!server.clients) {
    server.clients.emplace();
  }
  const Place place = place_of(cf);
  Client client;
  client.id = conf_arg(cf, 1);
  const std::string title = "oauth_client \"" + client.id + "\"";
  BlockReader<Client> block(title, client, client_members());
  if (char* read = block.read(cf); read != NGX_CONF_OK) {
    return read;
  }
  const PointingTo opening_line(cf, place);
  const std::string wrong = what_is_wrong(client, *server.clients);
  if (!wrong.empty()) {
    return conf_error(cf, title + " " + wrong);
  }
  server.clients->push_back(std::move(client));
  return static_cast<char*>(NGX_CONF_OK);
}

}  // namespace oauth
