// What nginx.conf said, at its three levels. Filled while the configuration is read and merged,
// read-only afterwards: request code never writes here (all requests of a worker share it).
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ngx/fetch.hpp"
#include "ngx/guard_headers.hpp"
#include "ngx/hook.hpp"
#include "ngx/nginx.hpp"
#include "ngx/revocations.hpp"
#include "ngx/store.hpp"
#include "oauth/proto/broker.hpp"
#include "oauth/proto/guard.hpp"
#include "oauth/proto/limit.hpp"

namespace oauth {

struct Endpoint;
class StatusZone;
class ThrottleZone;
class TokenCacheZone;

// Where something was said; line 0 is nowhere.
struct Place {
  ngx_str_t file{};
  ngx_uint_t line = 0;
};

struct NamedFile {
  std::string path;
  Place place;
};

// What an `oauth_trust` says.
struct SaidTrust {
  Trust trust;
  Place place;
  bool names_broker = false;  // an empty block: a broker of the same NGINX, and nothing else
};

// One `oauth_require`, and whether a protected location goes by it.
struct SaidRequirement {
  Place place;
  bool in_location = false;
  bool holds = false;
};

struct MainConf {
  std::deque<Provider> providers;  // a deque: brokers point into it
  StoreBackend* store = nullptr;
  DocumentZone* documents = nullptr;
  ThrottleZone* throttle = nullptr;
  StatusZone* status = nullptr;                 // null without oauth_status
  TokenCacheZone* token_cache = nullptr;        // asked for by token_cache_of()
  std::optional<std::size_t> cache_zone;        // bytes
  std::optional<std::size_t> token_cache_size;  // bytes; 0: off
  RevocationZone* revocations = nullptr;        // null without a broker
  std::vector<NamedFile> secrets;
  std::vector<NamedFile> signing_keys;
  std::optional<NamedFile> state_dir;
  std::optional<ngx_uint_t> fetch_limit;
  std::vector<struct ServerConf*> brokers;  // every server with oauth_broker
  std::vector<FetchPlan*> fetch_plans;      // of every server with a location for fetches
  std::vector<SaidTrust> trusts;            // every oauth_trust, wherever it stands
  std::vector<std::shared_ptr<SaidRequirement>> requirements;
  bool sets_headers = false;               // anywhere
  bool shows_status = false;               // anywhere
  std::shared_ptr<const Keyring> keyring;  // null without a broker, and where `nginx -t` finds none
  std::shared_ptr<const KeySet> signing;
};

struct ServerConf {
  std::optional<Uri> broker_url;
  Place broker_place, use_place, alg_place;
  std::optional<std::vector<std::string>> use;
  std::optional<std::vector<TargetRule>> origins;
  std::optional<std::vector<std::string>> scopes;
  std::optional<std::vector<std::string>> audiences;
  std::optional<Alg> alg;
  std::optional<bool> require_pkce;
  std::optional<std::int64_t> state_lifetime, code_lifetime, access_token_lifetime,
      refresh_token_lifetime, refresh_window, clock_skew;  // s

  // As said; once merged never without.
  std::optional<Limits> limits;
  std::optional<RevocationLag> revocation_lag;

  std::optional<std::vector<Client>> clients;
  std::vector<AllowRule> allow;
  std::string admit;
  std::optional<OtpRules> otp;
  Place allow_place, admit_place, otp_place;

  std::unique_ptr<Broker> broker;    // null without oauth_broker
  std::vector<OwnPolicy> judged_by;  // Broker::judged_by, while the configuration is read
  FetchPlan fetch;
  HookPlan hooks;
  std::optional<std::vector<SaidTrust>> said_trusts;
  std::vector<Trust> trusts;                          // the same, ready to judge by
  std::vector<const ngx_http_core_loc_conf_t*> made;  // every location that oauth_broker made
  std::vector<std::string> token_arguments;  // each NAME of `query=NAME` in any of its locations
};

enum class Protection : std::uint8_t { off, bearer };

// `oauth_require`; once merged, with what the levels around say.
struct RequirementsConf {
  bool off = false;  // those do not count
  std::vector<Requirement> list;
  std::vector<std::shared_ptr<SaidRequirement>> said;
};

struct LocationConf {
  std::optional<Protection> protection;
  Place protect_place;
  bool optional = false;  // belongs to `protection`, as does the next
  TokenArgument argument;
  std::optional<bool> pass_token, cors;
  Place cors_place;
  std::optional<std::int64_t> expired_grace;  // s
  std::optional<StreamLifetime> stream;
  Place idle_place;  // of the first of these that a location block says
  std::string idle_directive;
  std::shared_ptr<Guard> guard;  // null: not protected
  RequirementsConf requirements;
  std::vector<HeaderRule> headers;  // once merged, with those of the levels around
  const Endpoint* endpoint = nullptr;
};

inline MainConf& main_conf(ngx_http_request_t* r) noexcept {
  return *static_cast<MainConf*>(ngx_http_get_module_main_conf(r, ngx_http_oauth_module));
}
inline ServerConf& server_conf(ngx_http_request_t* r) noexcept {
  return *static_cast<ServerConf*>(ngx_http_get_module_srv_conf(r, ngx_http_oauth_module));
}
inline LocationConf& location_conf(ngx_http_request_t* r) noexcept {
  return *static_cast<LocationConf*>(ngx_http_get_module_loc_conf(r, ngx_http_oauth_module));
}
MainConf& main_conf(ngx_conf_t* cf) noexcept;
ServerConf& server_conf(ngx_conf_t* cf) noexcept;

// Scalar directives inherit (DESIGN 4).
template <class T>
void inherit(std::optional<T>& child, const std::optional<T>& parent) {
  if (!child) {
    child = parent;
  }
}

// nginx's module hooks.
void* create_main_conf(ngx_conf_t* cf) noexcept;
char* init_main_conf(ngx_conf_t* cf, void* conf) noexcept;
void* create_server_conf(ngx_conf_t* cf) noexcept;
char* merge_server_conf(ngx_conf_t* cf, void* parent, void* child) noexcept;
void* create_location_conf(ngx_conf_t* cf) noexcept;
char* merge_location_conf(ngx_conf_t* cf, void* parent, void* child) noexcept;

// "file:line" is nginx's; `message` says what is wrong and what to write instead.
char* conf_error(ngx_conf_t* cf, const std::string& message) noexcept;
void conf_warning(ngx_conf_t* cf, const std::string& message) noexcept;
Place place_of(const ngx_conf_t* cf) noexcept;

// While it lives, errors and warnings point to `place`: what only the whole configuration shows is
// found when nginx has read on.
class PointingTo {
 public:
  PointingTo(ngx_conf_t* cf, const Place& place) noexcept;
  ~PointingTo();
  PointingTo(const PointingTo&) = delete;
  PointingTo& operator=(const PointingTo&) = delete;

 private:
  ngx_conf_file_t* file_;
  Place saved_;
};

std::string_view conf_arg(ngx_conf_t* cf, std::size_t index) noexcept;  // 0 is the directive

// A server with a broker: its Broker from all that was said. In conf_broker.cpp.
char* build_broker(ngx_conf_t* cf, MainConf& main, ServerConf& server);

// `oauth_provider NAME { … }`. In conf_provider.cpp.
char* set_provider(ngx_conf_t* cf, ngx_command_t* command, void* conf) noexcept;

// `oauth_trust ISSUER { … }`. In conf_trust.cpp.
char* set_trust(ngx_conf_t* cf, ngx_command_t* command, void* conf) noexcept;
// What only shows when all of the file is read: names that collide.
char* check_trusts(ngx_conf_t* cf, const MainConf& main);
// A server's trusts from what was said in it, or else in `http`.
char* resolve_trusts(ngx_conf_t* cf, const ServerConf& http, ServerConf& server);

// `oauth_otp { … }`. In conf_otp.cpp.
char* set_otp(ngx_conf_t* cf, ngx_command_t* command, void* conf) noexcept;

// Loads or makes secret and signing keys. In conf_keys.cpp.
char* load_keys(ngx_conf_t* cf, MainConf& main);
// The path of a file in the state folder that is written later; empty after an [emerg] line. In
// conf_keys.cpp.
std::string state_path(ngx_conf_t* cf, const MainConf& main, std::string_view name);

// A `file:` value's content, or a whole small file (DESIGN 4): nullopt after an [emerg] line, or
// with the reason in `why`.
std::optional<std::string> read_small_file(ngx_conf_t* cf, std::string_view path,
                                           std::size_t max = 4096);
std::optional<std::string> read_small_file(ngx_conf_t* cf, std::string_view path, std::string& why,
                                           std::size_t max = 4096);
// The same without removing a final newline, which may be one of random bytes. What is not secret
// everybody may read.
std::optional<std::string> read_whole_file(ngx_conf_t* cf, std::string_view path, std::string& why,
                                           std::size_t max, bool is_secret = true);

}  // namespace oauth
