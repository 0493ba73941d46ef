#include "ngx/hook.hpp"

#include <algorithm>

#include "ngx/attached.hpp"
#include "ngx/hook_call.hpp"
#include "ngx/made_location.hpp"

namespace oauth {
namespace {

// What the flow makes of a reply is its own; the log says what came.
void log_failure(ngx_http_request_t* r, const char* what, const std::string& uri,
                 const Result<FetchReply>& outcome) noexcept {
  if (outcome) {
    ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                  "oauth: the %s to \"%*s\" was answered with status %d", what, uri.size(),
                  uri.data(), outcome->status);
  } else {
    ngx_log_error(NGX_LOG_ERR, r->connection->log, 0, "oauth: the %s to \"%*s\": %*s", what,
                  uri.size(), uri.data(), name(outcome.problem()).size(),
                  name(outcome.problem()).data());
  }
}

// Something told, until it has arrived: lives with the client's request, which nginx keeps for as
// long as the subrequest runs, though the reply is out and the flow over.
class Notice final : private OwnSubrequest::Listener {
 public:
  Notice(ngx_http_request_t* r, const HookPlan& plan, const HookPlan::Target& target,
         std::string text) noexcept
      : request_(r), target_(target), text_(std::move(text)), call_(r, plan, target, text_) {}

  // nginx runs it when the handler that is at work has returned: behind the reply.
  bool send() noexcept { return call_.begin(*this, NGX_HTTP_SUBREQUEST_BACKGROUND); }

 private:
  void over(Result<FetchReply> outcome) noexcept override {
    if (!outcome || outcome->status < 200 || outcome->status > 299) {
      log_failure(request_, "message", target_.uri, outcome);
    }
  }

  ngx_http_request_t* request_;
  const HookPlan::Target& target_;
  std::string text_;
  HookCall call_;
};

}  // namespace

Task<Result<FetchReply>> SubrequestHook::ask(const std::string& location, const Json& question) {
  const HookPlan::Target* target = find(location);
  if (target == nullptr) {
    co_return Problem::internal;  // the configuration names each
  }
  const std::string text = question.dump();
  HookCall call(flow_.request(), plan_, *target, text);
  auto outcome = co_await Ended(flow_, call);
  if (!outcome || (outcome->status != 200 && outcome->status != 204 && outcome->status != 403)) {
    log_failure(flow_.request(), "question", location, outcome);
  }
  co_return outcome;
}

void SubrequestHook::tell(const std::string& location, const Json& message) {
  ngx_http_request_t* r = flow_.request();
  const HookPlan::Target* target = find(location);
  Notice* notice =
      target == nullptr ? nullptr : attach<Notice>(r, r, plan_, *target, message.dump());
  if (notice == nullptr || !notice->send()) {
    log_failure(r, "message", location, Problem::internal);
  }
}

const HookPlan::Target* SubrequestHook::find(const std::string& location) const noexcept {
  const auto target =
      std::find_if(plan_.targets.begin(), plan_.targets.end(),
                   [&](const HookPlan::Target& one) { return one.uri == location; });
  return target == plan_.targets.end() ? nullptr : &*target;
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
