#include "ngx/enter.hpp"

#include "ngx/body.hpp"
#include "ngx/call.hpp"
#include "ngx/endpoints.hpp"
#include "ngx/mask.hpp"
#include "ngx/memo.hpp"
#include "ngx/reply.hpp"
#include "ngx/request.hpp"
#include "oauth/flow/protect.hpp"

namespace oauth {
namespace {

void on_body(ngx_http_request_t* r, Result<std::string> body);
void run(ngx_http_request_t* r, Task<Verdict>&& flow);
void resume(ngx_http_request_t* r) noexcept;
void finish(ngx_http_request_t* r, const Verdict& verdict);
void refuse(ngx_http_request_t* r, Problem problem);
void log_verdict(ngx_http_request_t* r, std::string_view what, const Verdict& verdict);
ngx_int_t guard(ngx_http_request_t* r);
ngx_int_t judge(ngx_http_request_t* r, const Guard& guard, Memo& memo);
ngx_int_t enforce(ngx_http_request_t* r, const Outcome& outcome);

}  // namespace

ngx_int_t enter_endpoint(ngx_http_request_t* r) noexcept try {
  if (r != r->main) {
    return NGX_HTTP_NOT_FOUND;
  }
  const Endpoint& endpoint = *location_conf(r).endpoint;
  Call* call = call_of(r);
  if (call == nullptr) {
    return NGX_HTTP_INTERNAL_SERVER_ERROR;
  }
  call->request.emplace(read_request(r, *server_conf(r).broker, endpoint));
  if ((r->method & endpoint.methods) != 0 && r->method == NGX_HTTP_POST) {
    return read_body(r, kMaxBody, on_body);
  }
  const ngx_int_t rc = ngx_http_discard_request_body(r);
  if (rc != NGX_OK) {
    return rc;
  }
  r->main->count++;
  if ((r->method & endpoint.methods) == 0) {
    if (add_header(r, "Allow", endpoint.allow) != NGX_OK) {
      return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }
    refuse(r, Problem::method_not_allowed);
  } else {
    run(r, endpoint.flow(*call->request, call->ports()));
  }
  return NGX_DONE;
} catch (...) {
  return NGX_HTTP_INTERNAL_SERVER_ERROR;
}

ngx_int_t guard_request(ngx_http_request_t* r) noexcept try {
  return r == r->main ? guard(r) : NGX_DECLINED;
} catch (...) {
  return NGX_HTTP_INTERNAL_SERVER_ERROR;
}

ngx_int_t guard_subrequest(ngx_http_request_t* r) noexcept try {
  return r == r->main ? NGX_DECLINED : guard(r);
} catch (...) {
  return NGX_HTTP_INTERNAL_SERVER_ERROR;
}

namespace {

void on_body(ngx_http_request_t* r, Result<std::string> body) {
  if (!body) {
    refuse(r, body.problem());
    return;
  }
  Call& call = *find_call(r);
  call.request->body = *std::move(body);
  run(r, location_conf(r).endpoint->flow(*call.request, call.ports()));
}

// From here on the request is ours to finish: it is counted, and nobody waits for a return value.
void run(ngx_http_request_t* r, Task<Verdict>&& flow) {
  r->write_event_handler = resume;
  find_call(r)->flow().start(std::move(flow));
  resume(r);
}

void resume(ngx_http_request_t* r) noexcept try {
  if (const Verdict* verdict = find_call(r)->flow().advance()) {
    r->write_event_handler = ngx_http_request_empty_handler;
    finish(r, *verdict);
  }
} catch (...) {
  ngx_http_finalize_request(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
}

void refuse(ngx_http_request_t* r, Problem problem) {
  finish(r, location_conf(r).endpoint->refuse(*find_call(r)->request, problem));
}

void finish(ngx_http_request_t* r, const Verdict& verdict) {
  if (!verdict.reply) {
    // The runtime's word for an exception; it has no dress yet.
    refuse(r, verdict.problem.value_or(Problem::internal));
    return;
  }
  if (Memo* memo = memo_of(r)) {
    memo->flow_id = verdict.flow_id;
    memo->outcomes.push_back({nullptr, std::nullopt, verdict.problem});
  }
  log_verdict(r, location_conf(r).endpoint->name, verdict);
  ngx_http_finalize_request(r, send_reply(r, *verdict.reply));
}

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

// One line a story. Names of problems, providers and endpoints are ours; nothing is the client's.
void log_verdict(ngx_http_request_t* r, std::string_view what, const Verdict& verdict) {
  const ngx_uint_t level =
      verdict.problem ? log_level(row(*verdict.problem).level) : ngx_uint_t{NGX_LOG_INFO};
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
  ngx_log_error(level, r->connection->log, 0, "%s", line.c_str());
}

ngx_int_t guard(ngx_http_request_t* r) {
  const Guard* guard = location_conf(r).guard.get();
  if (guard == nullptr) {
    return NGX_DECLINED;
  }
  Memo* memo = memo_of(r);
  if (memo == nullptr) {
    return NGX_HTTP_INTERNAL_SERVER_ERROR;
  }
  if (const Outcome* known = memo->outcome_of(guard)) {
    return enforce(r, *known);
  }
  return judge(r, *guard, *memo);
}

ngx_int_t judge(ngx_http_request_t* r, const Guard& guard, Memo& memo) {
  Call* call = call_of(r);
  if (call == nullptr) {
    return NGX_HTTP_INTERNAL_SERVER_ERROR;
  }
  Flow& flow = call->flow();
  if (!flow.running()) {
    if (!memo.authorization) {
      memo.authorization = header_values(r, "authorization");
    }
    call->credentials.authorization = *memo.authorization;
    flow.start(protect(call->credentials, guard, call->ports()));
  }
  Verdict* verdict = flow.advance();
  if (verdict == nullptr) {
    return NGX_AGAIN;
  }
  if (verdict->problem) {
    log_verdict(r, "request", *verdict);
  }
  memo.outcomes.push_back({&guard, std::move(verdict->admission), verdict->problem});
  flow.reset();
  return enforce(r, memo.outcomes.back());
}

bool is_authorization(const ngx_table_elt_t& header) {
  return lower_name(header) == "authorization";
}

// A refused token goes no further, whoever else lets the request pass (RFC 9700 4.9); with
// auth_request it is the main request that is let pass.
ngx_int_t drop_token(ngx_http_request_t* r) {
  for (ngx_http_request_t* one : {r, r->main}) {
    one->headers_in.authorization = nullptr;
    if (remove_headers(one, is_authorization) != NGX_OK) {
      return NGX_ERROR;
    }
  }
  return NGX_OK;
}

ngx_int_t refuse_entry(ngx_http_request_t* r, const Guard& guard, Problem problem) {
  // Another scheme's credentials are another module's to judge.
  if (problem != Problem::token_missing && drop_token(r) != NGX_OK) {
    return NGX_HTTP_INTERNAL_SERVER_ERROR;
  }
  const auto status = static_cast<ngx_int_t>(row(problem).status);
  if (status >= NGX_HTTP_INTERNAL_SERVER_ERROR) {
    return status;
  }
  return add_challenge(r, challenge(guard, problem)) == NGX_OK ? status
                                                               : NGX_HTTP_INTERNAL_SERVER_ERROR;
}

ngx_int_t enforce(ngx_http_request_t* r, const Outcome& outcome) {
  if (!outcome.admission) {
    return refuse_entry(r, *outcome.guard, outcome.problem.value_or(Problem::internal));
  }
  // Anonymous where that is allowed is no reason to let a request past another module's guard; in
  // a subrequest's phase NGX_OK would skip what else runs there, try_files for one.
  const bool is_known = outcome.admission->claims.is_object();
  return is_known && r == r->main ? NGX_OK : NGX_DECLINED;
}

}  // namespace

}  // namespace oauth
