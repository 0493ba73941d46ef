#include "ngx/hook.hpp"

#include <algorithm>

#include "ngx/hook_call.hpp"
#include "ngx/made_location.hpp"

namespace oauth {
namespace {

// The first handler of every location: a question is asked in its own, or nowhere.
ngx_int_t enter_location(ngx_http_request_t* r) noexcept {
  if (!HookCall::made(r)) {
    return NGX_DECLINED;
  }
  HookCall* call = HookCall::of(r);
  return call == nullptr ? NGX_HTTP_NOT_FOUND : call->enter();
}

ngx_http_output_body_filter_pt next_body_filter;

// Nothing of the reply goes on to the client, nor to filters that would make more of it (SSI).
ngx_int_t body_filter(ngx_http_request_t* r, ngx_chain_t* in) noexcept {
  if (!HookCall::made(r)) {
    return next_body_filter(r, in);
  }
  HookCall* call = HookCall::of(r);
  for (ngx_chain_t* link = in; link != nullptr; link = link->next) {
    ngx_buf_t* buffer = link->buf;
    if (call != nullptr) {
      std::string_view piece;
      if (ngx_buf_in_memory(buffer)) {
        piece = {reinterpret_cast<const char*>(buffer->pos),
                 static_cast<std::size_t>(buffer->last - buffer->pos)};
      }
      call->collect(piece, buffer->last_buf != 0 || buffer->last_in_chain != 0);
    }
    buffer->pos = buffer->last;
    buffer->file_pos = buffer->file_last;
  }
  return NGX_OK;
}

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

ngx_int_t add_hook_filter(ngx_conf_t* cf) {
  auto* core = static_cast<ngx_http_core_main_conf_t*>(
      ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module));
  auto* handler = static_cast<ngx_http_handler_pt*>(
      ngx_array_push(&core->phases[NGX_HTTP_REWRITE_PHASE].handlers));
  if (handler == nullptr) {
    return NGX_ERROR;
  }
  *handler = enter_location;
  next_body_filter = std::exchange(ngx_http_top_body_filter, body_filter);
  return NGX_OK;
}

}  // namespace oauth
