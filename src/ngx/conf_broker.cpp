// A broker from all that its server block says, and the checks that only the whole can fail.
#include <algorithm>

#include "ngx/conf.hpp"
#include "ngx/peer.hpp"
#include "oauth/base/text.hpp"

namespace oauth {
namespace {

// Every `listen` of the server being merged is loopback or a unix socket.
bool listens_locally(ngx_conf_t* cf) {
  auto* core_main = static_cast<ngx_http_core_main_conf_t*>(
      ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module));
  auto* core_server = static_cast<ngx_http_core_srv_conf_t*>(
      ngx_http_conf_get_module_srv_conf(cf, ngx_http_core_module));
  if (core_main->ports == nullptr) {
    return false;
  }
  auto* ports = static_cast<ngx_http_conf_port_t*>(core_main->ports->elts);
  for (ngx_uint_t p = 0; p < core_main->ports->nelts; ++p) {
    auto* addrs = static_cast<ngx_http_conf_addr_t*>(ports[p].addrs.elts);
    for (ngx_uint_t a = 0; a < ports[p].addrs.nelts; ++a) {
      auto** servers = static_cast<ngx_http_core_srv_conf_t**>(addrs[a].servers.elts);
      const bool ours = std::find(servers, servers + addrs[a].servers.nelts, core_server) !=
                        servers + addrs[a].servers.nelts;
      if (ours && !is_local_address(addrs[a].opt.sockaddr)) {
        return false;
      }
    }
  }
  return true;
}

// Our own cycle's log, and what the server has instead of it.
bool logs_debug(ngx_conf_t* cf) {
  auto* core_server = static_cast<ngx_http_core_srv_conf_t*>(
      ngx_http_conf_get_module_srv_conf(cf, ngx_http_core_module));
  auto* core = static_cast<ngx_http_core_loc_conf_t*>(
      core_server->ctx->loc_conf[ngx_http_core_module.ctx_index]);
  return (core->error_log->log_level & NGX_LOG_DEBUG_ALL) != 0;
}

char* choose_providers(ngx_conf_t* cf, const MainConf& main, const ServerConf& server,
                       Broker& broker) {
  const bool is_alone = main.brokers.size() == 1;
  if (!server.use) {
    // DESIGN 2: with more than one broker each says which providers it offers. One that has codes
    // by mail to offer need not have any.
    if (!is_alone && !server.otp) {
      return conf_error(cf, "there are several brokers: each needs \"oauth_use PROVIDER…;\" (\"" +
                                broker.url + "\" has none)");
    }
    for (auto provider = main.providers.begin(); is_alone && provider != main.providers.end();
         ++provider) {
      broker.providers.push_back(&*provider);
    }
  }
  const PointingTo place(cf, server.use_place);
  for (const std::string& name : server.use.value_or(std::vector<std::string>())) {
    const auto provider = std::find_if(main.providers.begin(), main.providers.end(),
                                       [&](const Provider& p) { return p.name == name; });
    if (provider == main.providers.end()) {
      return conf_error(cf, "\"oauth_use " + name + "\" at \"" + broker.url +
                                "\" names a provider that no oauth_provider block defines");
    }
    broker.providers.push_back(&*provider);
  }
  if (broker.providers.empty() && !server.otp) {
    return conf_error(cf, "the broker \"" + broker.url +
                              "\" has no provider: add \"oauth_provider NAME { … }\" to http");
  }
  return static_cast<char*>(NGX_CONF_OK);
}

char* check_demo(ngx_conf_t* cf, const Broker& broker) {
  const bool has_demo =
      std::any_of(broker.providers.begin(), broker.providers.end(),
                  [](const Provider* p) { return p->type == ProviderType::demo; });
  if (has_demo && (!broker.uri.is_loopback() || !listens_locally(cf))) {
    return conf_error(cf,
                      "the broker \"" + broker.url +
                          "\" offers a demo provider, where everybody may be anybody: its URL "
                          "and every \"listen\" of its server must be loopback or a unix socket");
  }
  return static_cast<char*>(NGX_CONF_OK);
}

char* check_lifetimes(ngx_conf_t* cf, const Lifetimes& lifetimes) {
  if (lifetimes.refresh_token < lifetimes.access_token) {
    return conf_error(cf,
                      "\"oauth_refresh_token_lifetime\" must be no shorter than "
                      "\"oauth_access_token_lifetime\"");
  }
  // dexie-contract 4.1: the real client refreshes when less than 5 minutes remain.
  if (lifetimes.access_token <= 300) {
    conf_warning(cf,
                 "with \"oauth_access_token_lifetime\" of 5m or less the Dexie client asks for "
                 "a new token at every request");
  }
  return static_cast<char*>(NGX_CONF_OK);
}

// `fetch_location` names a location of each server that offers the provider.
char* find_routes(ngx_conf_t* cf, ServerConf& server) {
  for (const Provider* provider : server.broker->providers) {
    const std::string& location = provider->fetch_location;
    if (!location.empty() &&
        add_fetch_route(cf, server.fetch, location, "fetch_location") != NGX_CONF_OK) {
      return static_cast<char*>(NGX_CONF_ERROR);
    }
  }
  return static_cast<char*>(NGX_CONF_OK);
}

// `said` is what names the location, `service` who is behind it.
char* find_hook(ngx_conf_t* cf, ServerConf& server, const std::string& uri, std::string_view said,
                std::string_view service) {
  const std::string what = "\"" + std::string(said) + " " + uri + "\" ";
  const bool is_taken =
      std::any_of(server.hooks.targets.begin(), server.hooks.targets.end(),
                  [&](const HookPlan::Target& target) { return target.uri == uri; });
  if (is_taken || server.fetch.route(uri) != nullptr) {
    return conf_error(cf, what + "names a \"" + (is_taken ? "oauth_admit" : "fetch_location") +
                              "\": give it a location of its own");
  }
  return add_hook(cf, uri, server.hooks)
             ? static_cast<char*>(NGX_CONF_OK)
             : conf_error(cf,
                          what + "needs \"location = " + uri +
                              " { internal; … }\" in this server, e.g. with \"proxy_pass\" to " +
                              std::string(service));
}

// The locations of the user's own that the broker asks.
char* find_hooks(ngx_conf_t* cf, ServerConf& server) {
  const Uri& url = server.broker->uri;
  const std::string origin = url.origin();
  server.hooks.host = url.host();
  server.hooks.authority = origin.substr(url.scheme().size() + std::string_view("://").size());
  char* found = static_cast<char*>(NGX_CONF_OK);
  if (!server.admit.empty()) {
    const PointingTo place(cf, server.admit_place);
    found = find_hook(cf, server, server.admit, "oauth_admit", "the service that decides");
  }
  if (server.otp && found == NGX_CONF_OK) {
    const PointingTo place(cf, server.otp_place);
    found = find_hook(cf, server, server.otp->send_via, "send_via", "what sends the mail");
  }
  return found;
}

void warn(ngx_conf_t* cf, const MainConf& main, const Broker& broker) {
  if (broker.targets.empty()) {
    conf_warning(cf, "the broker \"" + broker.url +
                         "\" has no \"oauth_allow_origin\": no application may receive a code");
  }
  if (main.store->is_remote() && (main.secrets.empty() || main.signing_keys.empty())) {
    conf_warning(cf,
                 "with a store that several nodes share they must share their keys too: give "
                 "\"oauth_secret FILE;\" and \"oauth_signing_key FILE;\"");
  }
  for (const Provider* provider : broker.providers) {
    if (provider->type == ProviderType::apple && broker.uri.is_loopback()) {
      conf_warning(cf, "\"" + provider->name +
                           "\" is Apple, which returns to public https addresses alone, not to \"" +
                           broker.url + "\"");
    }
  }
  if (logs_debug(cf)) {
    conf_warning(cf,
                 "\"error_log … debug\" writes requests with codes and tokens as they come: "
                 "never beside a broker that real people use");
  }
}

}  // namespace

char* build_broker(ngx_conf_t* cf, MainConf& main, ServerConf& server) {
  const PointingTo place(cf, server.broker_place);
  server.broker = std::make_unique<Broker>();
  Broker& broker = *server.broker;
  broker.set_url(*server.broker_url);
  broker.targets = TargetRules(server.origins.value_or(std::vector<TargetRule>()));
  broker.allow = AllowRules(server.allow);
  broker.otp = server.otp;
  broker.admit = server.admit;
  broker.scopes = server.scopes.value_or(broker.scopes);
  broker.audiences = server.audiences.value_or(std::vector<std::string>{broker.url});
  broker.alg = server.alg.value_or(Alg::es256);
  broker.require_pkce = server.require_pkce.value_or(false);
  broker.skew = server.clock_skew.value_or(broker.skew);
  broker.lifetimes.state = server.state_lifetime.value_or(broker.lifetimes.state);
  broker.lifetimes.code = server.code_lifetime.value_or(broker.lifetimes.code);
  broker.lifetimes.access_token =
      server.access_token_lifetime.value_or(broker.lifetimes.access_token);
  broker.lifetimes.refresh_token =
      server.refresh_token_lifetime.value_or(broker.lifetimes.refresh_token);
  broker.lifetimes.refresh_window = server.refresh_window.value_or(broker.lifetimes.refresh_window);
  broker.clients = server.clients.value_or(std::vector<Client>());
  broker.keyring = main.keyring;
  broker.signing = main.signing;
  server.limits = server.limits.value_or(Limits());

  char* checked = choose_providers(cf, main, server, broker);
  checked = checked == NGX_CONF_OK ? find_routes(cf, server) : checked;
  checked = checked == NGX_CONF_OK ? check_demo(cf, broker) : checked;
  checked = checked == NGX_CONF_OK ? check_lifetimes(cf, broker.lifetimes) : checked;
  checked = checked == NGX_CONF_OK ? find_hooks(cf, server) : checked;
  if (checked != NGX_CONF_OK) {
    return checked;
  }
  if (main.signing != nullptr && broker.signing_key() == nullptr) {
    const PointingTo alg_place(cf, server.alg_place);
    return conf_error(cf, "no \"oauth_signing_key\" can carry the algorithm " +
                              std::string(alg_name(broker.alg)) + " of \"oauth_access_token_alg\"");
  }
  warn(cf, main, broker);
  return static_cast<char*>(NGX_CONF_OK);
}

}  // namespace oauth
