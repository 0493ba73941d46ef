// Fetch by subrequest through nginx's own proxy module (DESIGN section 3, "Talking to providers").
#pragma once

#include <deque>

#include "ngx/names.hpp"
#include "ngx/nginx.hpp"
#include "ngx/run.hpp"
#include "oauth/flow/ports.hpp"

namespace oauth {

// An internal location that fetches go to.
struct FetchRoute {
  ngx_str_t location{};                               // its URI
  ngx_http_core_loc_conf_t* location_conf = nullptr;  // a reply counts only if it ended here
  ngx_http_handler_pt proxy = nullptr;                // what `proxy_pass` put there
  bool is_users = false;                              // `fetch_location`: not made by us
};

// What a broker's fetches need to know; filled at load, read-only afterwards.
struct FetchPlan {
  FetchRoute made;
  std::deque<FetchRoute> users;
  const Hosts* hosts = nullptr;  // names that need no resolver
  bool trust_store = false;      // false: https is refused (fetch_untrusted)
  ngx_uint_t limit = 64;         // in flight a worker and provider

  // `location` of a FetchRequest; null when there is none of that name.
  const FetchRoute* route(std::string_view location) const noexcept;
};

// A fetch as a whole ends within this time, however slowly the provider dribbles.
inline constexpr ngx_msec_t kFetchDeadline = 10000;
inline constexpr std::size_t kMaxFetchReply = std::size_t{1024} * 1024;

class SubrequestFetch final : public Fetch {
 public:
  SubrequestFetch(Flow& flow, const FetchPlan& plan) noexcept : flow_(flow), plan_(plan) {}
  Task<Result<FetchReply>> send(const FetchRequest& request) override;
  void refresh(const FetchRequest& request, Heard heard) override;

 private:
  // The route that it may take, or why not.
  Result<const FetchRoute*> allow(const FetchRequest& request) const;

  Flow& flow_;
  const FetchPlan& plan_;
};

// Makes the internal location in the server block being parsed and fills `plan`. NGX_CONF_OK or an
// error that nginx prints with file and line.
char* make_fetch_location(ngx_conf_t* cf, std::string_view broker_path, FetchPlan& plan);
// From merge_srv_conf: lets fetches go to the user's own location of that name, which must be
// exact, internal and proxied. Once a name is enough, more do no harm.
char* add_fetch_route(ngx_conf_t* cf, FetchPlan& plan, std::string_view location,
                      std::string_view directive);
// At the end of load, once locations are merged: gives the location a resolver from
// /etc/resolv.conf where the configuration has none.
char* finish_fetch_location(ngx_conf_t* cf, FetchPlan& plan);
// preconfiguration: the $oauth_fetch_* variables.
ngx_int_t add_fetch_variables(ngx_conf_t* cf);

}  // namespace oauth
