// Read this first: what the module is to nginx. Every directive in one table, every phase in one
// function; what they do stands in the file that the name says.
#include <algorithm>

#include "ngx/conf.hpp"
#include "ngx/endpoints.hpp"
#include "ngx/enter.hpp"
#include "ngx/fetch.hpp"
#include "ngx/guard.hpp"
#include "ngx/guard_conf.hpp"
#include "ngx/headers_conf.hpp"
#include "ngx/mask.hpp"
#include "ngx/own_subrequest.hpp"
#include "ngx/require_conf.hpp"
#include "ngx/setters.hpp"
#include "ngx/status.hpp"
#include "ngx/token_cache.hpp"
#include "ngx/vars.hpp"

namespace oauth {
namespace {

constexpr ngx_uint_t kHttp = NGX_HTTP_MAIN_CONF;
constexpr ngx_uint_t kServer = NGX_HTTP_SRV_CONF;
constexpr ngx_uint_t kLocation = NGX_HTTP_LOC_CONF;

constexpr std::int64_t kDay = 24 * 3600;  // s

#define OAUTH_MAIN NGX_HTTP_MAIN_CONF_OFFSET
#define OAUTH_SERVER NGX_HTTP_SRV_CONF_OFFSET
#define OAUTH_LOCATION NGX_HTTP_LOC_CONF_OFFSET

// {name, contexts and number of values, setter, level}
// clang-format off
#define OAUTH_DIRECTIVE(name, where, set, level) {ngx_string(name), where, set, level, 0, nullptr}
ngx_command_t commands[] = {
    OAUTH_DIRECTIVE("oauth_provider", kHttp | NGX_CONF_BLOCK | NGX_CONF_TAKE1, set_provider, OAUTH_MAIN),
    OAUTH_DIRECTIVE("oauth_store", kHttp | NGX_CONF_1MORE, set_store, OAUTH_MAIN),
    OAUTH_DIRECTIVE("oauth_cache_zone", kHttp | NGX_CONF_TAKE1, set_cache_zone, OAUTH_MAIN),
    OAUTH_DIRECTIVE("oauth_token_cache", kHttp | NGX_CONF_TAKE1, set_token_cache, OAUTH_MAIN),
    OAUTH_DIRECTIVE("oauth_signing_key", kHttp | NGX_CONF_TAKE1, set_signing_key, OAUTH_MAIN),
    OAUTH_DIRECTIVE("oauth_secret", kHttp | NGX_CONF_TAKE1, set_secret, OAUTH_MAIN),
    OAUTH_DIRECTIVE("oauth_state_dir", kHttp | NGX_CONF_TAKE1, set_state_dir, OAUTH_MAIN),
    OAUTH_DIRECTIVE("oauth_fetch_limit", kHttp | NGX_CONF_TAKE1, set_fetch_limit, OAUTH_MAIN),
    OAUTH_DIRECTIVE("oauth_broker", kServer | NGX_CONF_TAKE1, set_broker, OAUTH_SERVER),
    OAUTH_DIRECTIVE("oauth_use", kServer | NGX_CONF_1MORE, set_use, OAUTH_SERVER),
    OAUTH_DIRECTIVE("oauth_allow_origin", kHttp | kServer | NGX_CONF_1MORE, set_allow_origin, OAUTH_SERVER),
    OAUTH_DIRECTIVE("oauth_allow", kServer | NGX_CONF_1MORE, set_allow, OAUTH_SERVER),
    OAUTH_DIRECTIVE("oauth_admit", kServer | NGX_CONF_TAKE1, set_admit, OAUTH_SERVER),
    OAUTH_DIRECTIVE("oauth_otp", kServer | NGX_CONF_BLOCK | NGX_CONF_NOARGS, set_otp, OAUTH_SERVER),
    OAUTH_DIRECTIVE("oauth_scope", kHttp | kServer | NGX_CONF_1MORE, set_scope, OAUTH_SERVER),
    OAUTH_DIRECTIVE("oauth_audience", kHttp | kServer | NGX_CONF_1MORE, set_audience, OAUTH_SERVER),
    OAUTH_DIRECTIVE("oauth_access_token_alg", kHttp | kServer | NGX_CONF_TAKE1, set_access_token_alg, OAUTH_SERVER),
    OAUTH_DIRECTIVE("oauth_require_pkce", kHttp | kServer | NGX_CONF_FLAG, set_require_pkce, OAUTH_SERVER),
    OAUTH_DIRECTIVE("oauth_state_lifetime", kHttp | kServer | NGX_CONF_TAKE1, (set_seconds<&ServerConf::state_lifetime, 60, kDay>), OAUTH_SERVER),
    OAUTH_DIRECTIVE("oauth_code_lifetime", kHttp | kServer | NGX_CONF_TAKE1, (set_seconds<&ServerConf::code_lifetime, 1, 300>), OAUTH_SERVER),
    OAUTH_DIRECTIVE("oauth_access_token_lifetime", kHttp | kServer | NGX_CONF_TAKE1, (set_seconds<&ServerConf::access_token_lifetime, 60, kDay>), OAUTH_SERVER),
    OAUTH_DIRECTIVE("oauth_refresh_token_lifetime", kHttp | kServer | NGX_CONF_TAKE1, (set_seconds<&ServerConf::refresh_token_lifetime, 60, 400 * kDay>), OAUTH_SERVER),
    OAUTH_DIRECTIVE("oauth_refresh_window", kHttp | kServer | NGX_CONF_TAKE1, (set_seconds<&ServerConf::refresh_window, 10, 600>), OAUTH_SERVER),
    OAUTH_DIRECTIVE("oauth_client", kHttp | kServer | NGX_CONF_BLOCK | NGX_CONF_TAKE1, set_client, OAUTH_SERVER),
    OAUTH_DIRECTIVE("oauth_trust", kHttp | kServer | NGX_CONF_BLOCK | NGX_CONF_TAKE1, set_trust, OAUTH_SERVER),
    OAUTH_DIRECTIVE("oauth_clock_skew", kHttp | kServer | NGX_CONF_TAKE1, (set_seconds<&ServerConf::clock_skew, 0, 600>), OAUTH_SERVER),
    OAUTH_DIRECTIVE("oauth_revocation_lag", kHttp | kServer | NGX_CONF_TAKE12, set_revocation_lag, OAUTH_SERVER),
    OAUTH_DIRECTIVE("oauth_limit", kHttp | kServer | NGX_CONF_1MORE, set_limit, OAUTH_SERVER),
    OAUTH_DIRECTIVE("oauth_protect", kHttp | kServer | kLocation | NGX_CONF_1MORE, set_protect, OAUTH_LOCATION),
    OAUTH_DIRECTIVE("oauth_require", kHttp | kServer | kLocation | NGX_CONF_1MORE, set_require, OAUTH_LOCATION),
    OAUTH_DIRECTIVE("oauth_pass_token", kHttp | kServer | kLocation | NGX_CONF_FLAG, set_pass_token, OAUTH_LOCATION),
    OAUTH_DIRECTIVE("oauth_set_header", kHttp | kServer | kLocation | NGX_CONF_TAKE2, set_header, OAUTH_LOCATION),
    OAUTH_DIRECTIVE("oauth_clear_header", kHttp | kServer | kLocation | NGX_CONF_1MORE, set_header, OAUTH_LOCATION),
    OAUTH_DIRECTIVE("oauth_claim", kHttp | NGX_CONF_TAKE2, set_claim, OAUTH_MAIN),
    OAUTH_DIRECTIVE("oauth_cors", kServer | kLocation | NGX_CONF_FLAG, set_cors, OAUTH_LOCATION),
    OAUTH_DIRECTIVE("oauth_expired_grace", kServer | kLocation | NGX_CONF_TAKE1, set_expired_grace, OAUTH_LOCATION),
    OAUTH_DIRECTIVE("oauth_stream_lifetime", kServer | kLocation | NGX_CONF_TAKE1, set_stream_lifetime, OAUTH_LOCATION),
    OAUTH_DIRECTIVE("oauth_status", kLocation | NGX_CONF_NOARGS, set_status, OAUTH_LOCATION),
    ngx_null_command};
// clang-format on

ngx_int_t add_to(ngx_conf_t* cf, ngx_uint_t phase, ngx_http_handler_pt handler) noexcept {
  auto* core = static_cast<ngx_http_core_main_conf_t*>(
      ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module));
  auto* slot = static_cast<ngx_http_handler_pt*>(ngx_array_push(&core->phases[phase].handlers));
  if (slot == nullptr) {
    return NGX_ERROR;
  }
  *slot = handler;
  return NGX_OK;
}

// In front of all others: of what writes the access log.
ngx_int_t add_first(ngx_conf_t* cf, ngx_uint_t phase, ngx_http_handler_pt handler) noexcept {
  if (add_to(cf, phase, handler) != NGX_OK) {
    return NGX_ERROR;
  }
  auto* core = static_cast<ngx_http_core_main_conf_t*>(
      ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module));
  const ngx_array_t& handlers = core->phases[phase].handlers;
  auto* first = static_cast<ngx_http_handler_pt*>(handlers.elts);
  std::rotate(first, first + handlers.nelts - 1, first + handlers.nelts);
  return NGX_OK;
}

ngx_int_t preconfigure(ngx_conf_t* cf) noexcept {
  return add_variables(cf) == NGX_OK ? add_fetch_variables(cf) : NGX_ERROR;
}

ngx_int_t postconfigure(ngx_conf_t* cf) noexcept {
  for (ServerConf* server : main_conf(cf).brokers) {
    server->broker->judged_by = server->judged_by;
  }
  for (FetchPlan* plan : main_conf(cf).fetch_plans) {
    if (finish_fetch_location(cf, *plan) != NGX_CONF_OK) {
      return NGX_ERROR;
    }
  }
  if (refuse_idle_requirements(cf) != NGX_CONF_OK) {
    return NGX_ERROR;
  }
  // nginx runs what was added last first: a location judges before it sets headers.
  if (main_conf(cf).sets_headers && add_to(cf, NGX_HTTP_PRECONTENT_PHASE, set_headers) != NGX_OK) {
    return NGX_ERROR;
  }
  const bool added = add_subrequest_handlers(cf) == NGX_OK &&
                     add_to(cf, NGX_HTTP_POST_READ_PHASE, mask_handler) == NGX_OK &&
                     add_first(cf, NGX_HTTP_LOG_PHASE, mask_log_handler) == NGX_OK &&
                     add_to(cf, NGX_HTTP_ACCESS_PHASE, guard_request) == NGX_OK &&
                     add_to(cf, NGX_HTTP_PRECONTENT_PHASE, guard_subrequest) == NGX_OK;
  add_guard_filter();
  return added ? NGX_OK : NGX_ERROR;
}

// Null where there is no http block.
const MainConf* main_in(ngx_cycle_t* cycle) noexcept {
  return static_cast<MainConf*>(ngx_http_cycle_get_module_main_conf(cycle, ngx_http_oauth_module));
}

StoreBackend* store_in(ngx_cycle_t* cycle) noexcept {
  const MainConf* main = main_in(cycle);
  return main == nullptr || main->brokers.empty() ? nullptr : main->store;
}

ngx_int_t init_worker(ngx_cycle_t* cycle) noexcept {
  const MainConf* main = main_in(cycle);
  begin_status(main == nullptr ? nullptr : main->status);
  StoreBackend* store = store_in(cycle);
  if (store == nullptr) {
    return NGX_OK;
  }
  // The cached time is that of reading the configuration, and making keys takes its time: a timer
  // set by it would be over before it began.
  ngx_time_update();
  return store->init_worker(cycle);
}

void exit_worker(ngx_cycle_t* cycle) noexcept {
  if (StoreBackend* store = store_in(cycle)) {
    store->exit_worker(cycle);
  }
  end_status();
}

ngx_http_module_t hooks = {
    preconfigure,       postconfigure,     create_main_conf,     init_main_conf,
    create_server_conf, merge_server_conf, create_location_conf, merge_location_conf,
};

}  // namespace
}  // namespace oauth

extern "C" {

ngx_module_t ngx_http_oauth_module = {NGX_MODULE_V1,      &oauth::hooks, oauth::commands,
                                      NGX_HTTP_MODULE,    nullptr,       nullptr,
                                      oauth::init_worker, nullptr,       nullptr,
                                      oauth::exit_worker, nullptr,       NGX_MODULE_V1_PADDING};

}  // extern "C"
