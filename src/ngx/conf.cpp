#include "ngx/conf.hpp"

#include <sys/stat.h>

#include <cstdio>

#include "ngx/guard_conf.hpp"
#include "ngx/made_location.hpp"
#include "ngx/status.hpp"
#include "ngx/throttle.hpp"
#include "ngx/token_cache.hpp"

namespace oauth {
namespace {

constexpr std::size_t kDefaultCacheZone = std::size_t{8} * 1024 * 1024;
// The smallest cache zone has beside it the smallest zone that nginx makes. 8m: 40,000 addresses.
constexpr std::size_t kThrottlePart = 8;

// A rule that nobody asks would lock nobody out.
char* refuse_idle_admission(ngx_conf_t* cf, const ServerConf& server) {
  for (const Place& said : {server.allow_place, server.admit_place, server.otp_place}) {
    if (said.line != 0) {
      const PointingTo place(cf, said);
      return conf_error(cf,
                        "who may sign in is said in a server without a broker: put it into the "
                        "server that has \"oauth_broker URL;\"");
    }
  }
  return static_cast<char*>(NGX_CONF_OK);
}

// DESIGN 3: what was revoked in the memory of one machine is journaled there.
char* make_revocations(ngx_conf_t* cf, MainConf& main) {
  std::string journal;
  if (!main.store->is_remote()) {
    journal = state_path(cf, main, "revoked");
    if (journal.empty()) {
      return static_cast<char*>(NGX_CONF_ERROR);
    }
  }
  main.revocations = RevocationZone::make(cf, journal);
  if (main.revocations == nullptr) {
    return static_cast<char*>(NGX_CONF_ERROR);
  }
  main.store->keep(*main.revocations);
  return static_cast<char*>(NGX_CONF_OK);
}

template <class T>
void* make_conf(ngx_conf_t* cf) noexcept {
  return make_in<T>(cf->pool);
}

}  // namespace

MainConf& main_conf(ngx_conf_t* cf) noexcept {
  return *static_cast<MainConf*>(ngx_http_conf_get_module_main_conf(cf, ngx_http_oauth_module));
}

ServerConf& server_conf(ngx_conf_t* cf) noexcept {
  return *static_cast<ServerConf*>(ngx_http_conf_get_module_srv_conf(cf, ngx_http_oauth_module));
}

void* create_main_conf(ngx_conf_t* cf) noexcept {
  return make_conf<MainConf>(cf);
}
void* create_server_conf(ngx_conf_t* cf) noexcept {
  return make_conf<ServerConf>(cf);
}
void* create_location_conf(ngx_conf_t* cf) noexcept {
  return make_conf<LocationConf>(cf);
}

char* init_main_conf(ngx_conf_t* cf, void* conf) noexcept {
  auto& main = *static_cast<MainConf*>(conf);
  main.status = main.shows_status ? StatusZone::make(cf, main) : nullptr;
  if (main.shows_status && main.status == nullptr) {
    return static_cast<char*>(NGX_CONF_ERROR);
  }
  if (main.brokers.empty() && main.trusts.empty()) {
    return NGX_CONF_OK;  // nobody to trust: no cache
  }
  const std::size_t bytes = main.cache_zone.value_or(kDefaultCacheZone);
  main.documents = make_document_zone(cf, bytes);
  main.throttle = ThrottleZone::make(cf, bytes / kThrottlePart);
  if (main.documents == nullptr || main.throttle == nullptr || !make_token_cache(cf, main) ||
      check_trusts(cf, main) != NGX_CONF_OK) {
    return static_cast<char*>(NGX_CONF_ERROR);
  }
  if (main.brokers.empty()) {
    main.store = nullptr;
    return NGX_CONF_OK;  // no broker: no store, no keys
  }
  if (main.store == nullptr) {
    main.store = make_default_store(cf);
  }
  if (main.store == nullptr || load_keys(cf, main) != NGX_CONF_OK) {
    return static_cast<char*>(NGX_CONF_ERROR);
  }
  main.store->keep(main.keyring, main.signing);
  return make_revocations(cf, main);
}

char* merge_server_conf(ngx_conf_t* cf, void* parent, void* child) noexcept {
  const auto& outer = *static_cast<ServerConf*>(parent);
  auto& inner = *static_cast<ServerConf*>(child);
  inner.use_place = inner.use ? inner.use_place : outer.use_place;
  inner.alg_place = inner.alg ? inner.alg_place : outer.alg_place;
  inherit(inner.use, outer.use);
  inherit(inner.origins, outer.origins);
  inherit(inner.scopes, outer.scopes);
  inherit(inner.audiences, outer.audiences);
  inherit(inner.alg, outer.alg);
  inherit(inner.require_pkce, outer.require_pkce);
  inherit(inner.state_lifetime, outer.state_lifetime);
  inherit(inner.code_lifetime, outer.code_lifetime);
  inherit(inner.access_token_lifetime, outer.access_token_lifetime);
  inherit(inner.refresh_token_lifetime, outer.refresh_token_lifetime);
  inherit(inner.refresh_window, outer.refresh_window);
  inherit(inner.clients, outer.clients);
  inherit(inner.clock_skew, outer.clock_skew);
  inherit(inner.limits, outer.limits);
  inherit(inner.revocation_lag, outer.revocation_lag);
  inner.revocation_lag = inner.revocation_lag.value_or(RevocationLag());
  if (RevocationZone* revocations = main_conf(cf).revocations) {
    revocations->demand(*inner.revocation_lag);
  }
  for (const std::string& name : outer.token_arguments) {
    add_token_argument(inner, name);
  }
  char* taken = resolve_trusts(cf, outer, inner);
  const char* maker = inner.broker_url ? "oauth_broker" : "oauth_trust";
  for (const ngx_http_core_loc_conf_t* made : inner.made) {
    taken = taken == NGX_CONF_OK ? refuse_twin(cf, *made, maker) : taken;
  }
  if (taken != NGX_CONF_OK) {
    return taken;
  }
  return inner.broker_url ? build_broker(cf, main_conf(cf), inner)
                          : refuse_idle_admission(cf, inner);
}

char* merge_location_conf(ngx_conf_t* cf, void* parent, void* child) noexcept {
  return merge_guard(cf, *static_cast<LocationConf*>(parent), *static_cast<LocationConf*>(child));
}

char* conf_error(ngx_conf_t* cf, const std::string& message) noexcept {
  ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "%s", message.c_str());
  return static_cast<char*>(NGX_CONF_ERROR);
}

void conf_warning(ngx_conf_t* cf, const std::string& message) noexcept {
  ngx_conf_log_error(NGX_LOG_WARN, cf, 0, "%s", message.c_str());
}

Place place_of(const ngx_conf_t* cf) noexcept {
  return {cf->conf_file->file.name, cf->conf_file->line};
}

PointingTo::PointingTo(ngx_conf_t* cf, const Place& place) noexcept
    : file_(cf->conf_file), saved_(place_of(cf)) {
  if (place.line != 0) {
    file_->file.name = place.file;
    file_->line = place.line;
  }
}

PointingTo::~PointingTo() {
  file_->file.name = saved_.file;
  file_->line = saved_.line;
}

std::string_view conf_arg(ngx_conf_t* cf, std::size_t index) noexcept {
  return view(static_cast<ngx_str_t*>(cf->args->elts)[index]);
}

std::optional<std::string> read_small_file(ngx_conf_t* cf, std::string_view path, std::size_t max) {
  std::string why;
  auto content = read_small_file(cf, path, why, max);
  if (!content) {
    conf_error(cf, why);
  }
  return content;
}

std::optional<std::string> read_small_file(ngx_conf_t* cf, std::string_view path, std::string& why,
                                           std::size_t max) {
  auto content = read_whole_file(cf, path, why, max);
  if (content && content->back() == '\n') {
    content->pop_back();
  }
  if (content && content->empty()) {
    why = "the file \"" + std::string(path) + "\" is empty";
    return std::nullopt;
  }
  return content;
}

std::optional<std::string> read_whole_file(ngx_conf_t* cf, std::string_view path, std::string& why,
                                           std::size_t max, bool is_secret) {
  ngx_str_t name = pool_copy(cf->pool, path);
  if (name.data == nullptr || ngx_conf_full_name(cf->cycle, &name, 1) != NGX_OK) {
    why = "out of memory";
    return std::nullopt;
  }
  const auto* c_name = reinterpret_cast<const char*>(name.data);
  const std::string shown = "the file \"" + std::string(c_name) + "\" ";
  std::FILE* file = std::fopen(c_name, "rb");
  struct stat status {};
  if (file == nullptr || fstat(fileno(file), &status) != 0 || !S_ISREG(status.st_mode)) {
    why = shown + "must exist and be readable for the user who starts nginx";
    if (file != nullptr) {
      (void)std::fclose(file);
    }
    return std::nullopt;
  }
  std::string content(max + 1, '\0');
  content.resize(std::fread(content.data(), 1, content.size(), file));
  (void)std::fclose(file);
  if (content.size() > max) {
    why = shown + "is larger than " + std::to_string(max) + " bytes";
    return std::nullopt;
  }
  if ((status.st_mode & (is_secret ? S_IROTH | S_IWOTH : S_IWOTH)) != 0) {
    conf_warning(cf, std::string("everybody on this machine may ") +
                         (is_secret ? "read \"" : "write \"") + c_name +
                         (is_secret ? "\": chmod 600 it" : "\": chmod 644 it"));
  }
  if (content.empty()) {
    why = shown + "is empty";
    return std::nullopt;
  }
  return content;
}

}  // namespace oauth
