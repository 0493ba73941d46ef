// Fetch by subrequest through nginx's own proxy module (DESIGN section 3, "Talking to providers").
#pragma once

#include "ngx/nginx.hpp"
#include "ngx/run.hpp"
#include "oauth/flow/ports.hpp"

namespace oauth {

// What a broker's fetches need to know; filled at load, read-only afterwards.
struct FetchPlan {
  ngx_str_t location{};                             // URI of the internal location
  ngx_http_core_loc_conf_t* location_conf = nullptr;  // a reply counts only if it ended here
  bool trust_store = false;                         // false: https is refused (fetch_untrusted)
  ngx_uint_t limit = 64;                            // in flight a worker and provider
};

class SubrequestFetch final : public Fetch {
 public:
  SubrequestFetch(Flow& flow, const FetchPlan& plan) noexcept : flow_(flow), plan_(plan) {}
  Task<Result<FetchReply>> send(const FetchRequest& request) override;

 private:
  Flow& flow_;
  const FetchPlan& plan_;
};

// Makes the internal location in the server block being parsed and fills `plan`. NGX_CONF_OK or an
// error that nginx prints with file and line.
char* make_fetch_location(ngx_conf_t* cf, std::string_view broker_path, FetchPlan& plan);
// At the end of load, once locations are merged: gives the location a resolver from
// /etc/resolv.conf where the configuration has none.
char* finish_fetch_location(ngx_conf_t* cf, FetchPlan& plan);
// preconfiguration: the $oauth_fetch_* variables.
ngx_int_t add_fetch_variables(ngx_conf_t* cf);
// postconfiguration: the body filter that collects a fetch's reply, bounded.
ngx_int_t add_fetch_filter(ngx_conf_t* cf);

}  // namespace oauth
