#include "ngx/hook_call.hpp"

namespace oauth {
namespace {

ngx_str_t text(std::string_view words) noexcept {
  return {words.size(), reinterpret_cast<u_char*>(const_cast<char*>(words.data()))};
}

}  // namespace

HookCall::HookCall(ngx_http_request_t* parent, const HookPlan& plan, const HookPlan::Target& target,
                   const std::string& question) noexcept
    : OwnSubrequest(parent, text(target.uri), {kMaxHookReply, kHookDeadline}),
      plan_(plan),
      target_(target),
      question_(question) {}

ngx_int_t HookCall::arrive() noexcept {
  if (has_entered()) {
    return NGX_DECLINED;
  }
  if (!is_in(target_.location)) {
    return NGX_HTTP_NOT_FOUND;
  }
  return enter() && carry() ? NGX_DECLINED : NGX_HTTP_INTERNAL_SERVER_ERROR;
}

bool HookCall::carry() noexcept {
  ngx_http_headers_in_t& headers = subrequest()->headers_in;
  headers.server = text(plan_.host);
  headers.host = add_header("Host", plan_.authority);
  headers.content_length = add_header("Content-Length", std::to_string(question_.size()));
  headers.content_type = add_header("Content-Type", "application/json");
  subrequest()->filter_need_in_memory = 1;  // the reply may come from a file
  return headers.host != nullptr && headers.content_length != nullptr &&
         headers.content_type != nullptr && add_header("Accept", "application/json") != nullptr &&
         set_method("POST") && set_body(question_);
}

// A status that no content handler has sent comes as `rc`, without a body. A reply that was cut off
// also ends in NGX_OK: only a whole one has a last buffer.
Result<FetchReply> HookCall::judge(ngx_int_t rc) {
  if (is_too_large()) {
    return Problem::fetch_too_large;
  }
  if (!has_entered()) {
    return Problem::fetch_diverted;
  }
  if (is_late()) {
    return Problem::fetch_timeout;
  }
  FetchReply reply;
  if (rc >= NGX_HTTP_SPECIAL_RESPONSE || rc == NGX_HTTP_CREATED || rc == NGX_HTTP_NO_CONTENT) {
    reply.status = static_cast<int>(rc);
    return reply;
  }
  reply.status = static_cast<int>(subrequest()->headers_out.status);
  if (rc != NGX_OK || (!is_complete() && reply.status != NGX_HTTP_NO_CONTENT)) {
    return Problem::fetch_failed;
  }
  reply.content_type = view(subrequest()->headers_out.content_type);
  reply.body = take_body();
  return reply;
}

}  // namespace oauth
