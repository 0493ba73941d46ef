#include "ngx/hook.hpp"

#include <algorithm>

#include "ngx/hook_call.hpp"
#include "ngx/made_location.hpp"

namespace oauth {
namespace {

// What the flow makes of a reply is its own; the log says what came.
void log_failure(ngx_http_request_t* r, const std::string& uri, const Result<FetchReply>& outcome) {
  if (!outcome) {
    ngx_log_error(NGX_LOG_ERR, r->connection->log, 0, "oauth: the question to \"%*s\": %*s",
                  uri.size(), uri.data(), name(outcome.problem()).size(),
                  name(outcome.problem()).data());
  } else if (outcome->status != 200 && outcome->status != 204 && outcome->status != 403) {
    ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                  "oauth: the question to \"%*s\" was answered with status %d", uri.size(),
                  uri.data(), outcome->status);
  }
}

}  // namespace

Task<Result<FetchReply>> SubrequestHook::ask(const std::string& location, const Json& question) {
  const auto target =
      std::find_if(plan_.targets.begin(), plan_.targets.end(),
                   [&](const HookPlan::Target& one) { return one.uri == location; });
  if (target == plan_.targets.end()) {
    co_return Problem::internal;  // the configuration names each
  }
  const std::string text = question.dump();
  auto outcome = co_await HookCall(flow_, plan_, *target, text);
  log_failure(flow_.request(), location, outcome);
  co_return outcome;
}

bool add_hook(ngx_conf_t* cf, const std::string& uri, HookPlan& plan) {
  const ngx_http_core_loc_conf_t* location = find_exact_location(cf, uri);
  if (location == nullptr || location->internal == 0) {
    return false;
  }
  plan.targets.push_back({uri, location});
  return true;
}

}  // namespace oauth
