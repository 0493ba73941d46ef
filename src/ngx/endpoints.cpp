#include "ngx/endpoints.hpp"

#include "ngx/conf.hpp"
#include "ngx/enter.hpp"
#include "ngx/made_location.hpp"
#include "oauth/flow/answer.hpp"
#include "oauth/flow/callback.hpp"
#include "oauth/flow/choose.hpp"
#include "oauth/flow/demo.hpp"
#include "oauth/flow/icons.hpp"
#include "oauth/flow/keys.hpp"
#include "oauth/flow/login.hpp"
#include "oauth/flow/revoke.hpp"
#include "oauth/flow/token.hpp"

namespace oauth {
namespace {

constexpr ngx_uint_t kGet = NGX_HTTP_GET | NGX_HTTP_HEAD;

// Where reloading the page may help, the popup that it may be in keeps its opener.
Verdict refuse_page(const Request&, Problem problem) {
  return deny(problem, {}, row(problem).status == 503 ? Opener::maybe : Opener::none);
}

// What a server block would else impose on our endpoints (DESIGN 3). The error_page is one that can
// never be used: having one of its own keeps the server's away.
std::string location_text(ngx_conf_t* cf) {
  std::string text = "client_max_body_size 0; error_page 599 /; oauth_protect off;";
  for (const std::string_view name : {"auth_basic", "auth_request"}) {
    if (has_directive(cf, name)) {
      text += " " + std::string(name) + " off;";
    }
  }
  return text;
}

char* make_locations(ngx_conf_t* cf, ServerConf& server) {
  const std::string text = location_text(cf);
  for (const Endpoint& endpoint : endpoints()) {
    const std::string path = std::string(server.broker_url->path()) + std::string(endpoint.path);
    ngx_http_core_loc_conf_t* location = make_location(cf, endpoint.modifier, path, text);
    if (location == nullptr) {
      return static_cast<char*>(NGX_CONF_ERROR);
    }
    location->handler = enter_endpoint;
    auto* ours = static_cast<LocationConf*>(location->loc_conf[ngx_http_oauth_module.ctx_index]);
    ours->endpoint = &endpoint;
    server.made.push_back(location);
  }
  return ensure_fetch_location(cf, server.broker_url->path(), server);
}

}  // namespace

const std::vector<Endpoint>& endpoints() noexcept {
  static const std::vector<Endpoint> kEndpoints{
      {"providers", "=", "/auth-providers", kGet | NGX_HTTP_OPTIONS, "GET, HEAD, OPTIONS",
       auth_providers, refuse_page},
      {"icons", "^~", "/oauth/icons/", kGet, "GET, HEAD", icons, refuse_page},
      {"chooser", "=", "/oauth/login", kGet, "GET, HEAD", choose, refuse_page, true},
      {"login", "^~", "/oauth/login/", kGet, "GET, HEAD", login, refuse_page, true},
      {"callback", "^~", "/oauth/callback/", NGX_HTTP_GET | NGX_HTTP_POST, "GET, POST", callback,
       refuse_page, true},
      {"demo", "^~", "/oauth/demo/", kGet, "GET, HEAD", demo, refuse_page},
      {"token", "=", "/token", NGX_HTTP_POST | NGX_HTTP_OPTIONS, "POST, OPTIONS", token,
       token_error, true},
      {"revoke", "=", "/oauth/revoke", NGX_HTTP_POST | NGX_HTTP_OPTIONS, "POST, OPTIONS", revoke,
       revoke_error, true},
      {"jwks", "=", "/.well-known/jwks.json", kGet, "GET, HEAD", jwks, refuse_page},
  };
  return kEndpoints;
}

char* ensure_fetch_location(ngx_conf_t* cf, std::string_view path, ServerConf& server) {
  if (server.fetch.made.location_conf != nullptr) {
    return static_cast<char*>(NGX_CONF_OK);
  }
  if (make_fetch_location(cf, path, server.fetch) != NGX_CONF_OK) {
    return static_cast<char*>(NGX_CONF_ERROR);
  }
  server.made.push_back(server.fetch.made.location_conf);
  main_conf(cf).fetch_plans.push_back(&server.fetch);
  return static_cast<char*>(NGX_CONF_OK);
}

char* set_broker(ngx_conf_t* cf, ngx_command_t*, void* conf) noexcept {
  auto& server = *static_cast<ServerConf*>(conf);
  if (server.broker_url) {
    return conf_error(cf, "\"oauth_broker\" may stand once in a server");
  }
  std::string why;
  server.broker_url = parse_broker_url(conf_arg(cf, 1), &why);
  if (!server.broker_url) {
    return conf_error(cf, "\"oauth_broker " + std::string(conf_arg(cf, 1)) + "\": " + why);
  }
  for (const ServerConf* other : main_conf(cf).brokers) {
    if (other->broker_url->text() == server.broker_url->text()) {
      return conf_error(cf, "\"oauth_broker " + server.broker_url->text() +
                                "\" is another server's broker already: each needs its own URL");
    }
  }
  server.broker_place = place_of(cf);
  main_conf(cf).brokers.push_back(&server);
  return make_locations(cf, server);
}

}  // namespace oauth
