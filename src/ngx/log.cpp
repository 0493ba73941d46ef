#include "ngx/log.hpp"

#include "ngx/call.hpp"
#include "oauth/flow/remedy.hpp"

namespace oauth {
namespace {

ngx_uint_t log_level(Level level) {
  switch (level) {
    case Level::error:
      return NGX_LOG_ERR;
    case Level::warn:
      return NGX_LOG_WARN;
    case Level::notice:
      return NGX_LOG_NOTICE;
    default:
      return NGX_LOG_INFO;
  }
}

}  // namespace

void log_verdict(ngx_http_request_t* r, std::string_view what, const Verdict& verdict) {
  const auto reason = verdict.problem ? verdict.problem : verdict.cause;
  const ngx_uint_t level = reason ? log_level(row(*reason).level) : ngx_uint_t{NGX_LOG_INFO};
  if (r->connection->log->log_level < level) {
    return;
  }
  std::string line = "oauth: " + std::string(what);
  line += verdict.problem ? " refused: " + std::string(name(*verdict.problem)) : " done";
  if (verdict.cause && verdict.cause != verdict.problem) {
    line += " (" + std::string(name(*verdict.cause)) + ")";
  }
  if (!verdict.provider.empty()) {
    line += ", provider " + verdict.provider;
  }
  if (!verdict.flow_id.empty()) {
    line += ", flow " + verdict.flow_id;
  }
  const Call* call = find_call(r);
  if (reason && call != nullptr && call->request) {
    const std::string missing = remedy(*call->request, *reason);
    line += missing.empty() ? "" : ", allowed by: " + missing;
  }
  ngx_log_error(level, r->connection->log, 0, "%s", line.c_str());
}

}  // namespace oauth
