// Hook: a question to the operator's own service, by a subrequest into an internal location of his
// own, whatever content handler it has. The subrequest is ours alone: it carries the question and
// nothing of the client's request, and nothing of its reply reaches the client.
#pragma once

#include <string>
#include <vector>

#include "ngx/nginx.hpp"
#include "ngx/run.hpp"
#include "oauth/flow/ports.hpp"

namespace oauth {

// The locations that a server's hooks may ask; filled at load, read-only afterwards.
struct HookPlan {
  struct Target {
    std::string uri;
    const ngx_http_core_loc_conf_t* location;
  };
  std::vector<Target> targets;
  std::string host, authority;  // of the broker's URL: the client's Host goes nowhere
};

// A reply as a whole comes within this time: so much for what speaks over the network (proxy_pass,
// fastcgi_pass, …); other content handlers end by themselves.
inline constexpr ngx_msec_t kHookDeadline = 10000;
inline constexpr std::size_t kMaxHookReply = std::size_t{64} * 1024;

class SubrequestHook final : public Hook {
 public:
  SubrequestHook(Flow& flow, const HookPlan& plan) noexcept : flow_(flow), plan_(plan) {}
  Task<Result<FetchReply>> ask(const std::string& location, const Json& question) override;
  void tell(const std::string& location, const Json& message) override;

 private:
  const HookPlan::Target* find(const std::string& location) const noexcept;

  Flow& flow_;
  const HookPlan& plan_;
};

// From merge_srv_conf: takes the exact internal location of that URI into the plan; false where the
// server has none.
bool add_hook(ngx_conf_t* cf, const std::string& uri, HookPlan& plan);

}  // namespace oauth
