#include "ngx/enter.hpp"

#include "ngx/body.hpp"
#include "ngx/call.hpp"
#include "ngx/endpoints.hpp"
#include "ngx/log.hpp"
#include "ngx/memo.hpp"
#include "ngx/reply.hpp"
#include "ngx/request.hpp"
#include "ngx/status.hpp"

namespace oauth {
namespace {

void on_body(ngx_http_request_t* r, Result<std::string> body);
void run(ngx_http_request_t* r);
void resume(ngx_http_request_t* r) noexcept;
void finish(ngx_http_request_t* r, const Verdict& verdict);
void refuse(ngx_http_request_t* r, Problem problem);

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
    run(r);
  }
  return NGX_DONE;
} catch (...) {
  return NGX_HTTP_INTERNAL_SERVER_ERROR;
}

namespace {

void on_body(ngx_http_request_t* r, Result<std::string> body) {
  if (!body) {
    refuse(r, body.problem());
    return;
  }
  find_call(r)->request->body = *std::move(body);
  run(r);
}

// From here on the request is ours to finish: it is counted, and nobody waits for a return value.
void run(ngx_http_request_t* r) {
  const Endpoint& endpoint = *location_conf(r).endpoint;
  if (endpoint.needs_shared_keys && r->method != NGX_HTTP_OPTIONS &&
      !main_conf(r).store->has_shared_keys()) {
    refuse(r, Problem::keyset_mismatch);
    return;
  }
  Call& call = *find_call(r);
  r->write_event_handler = resume;
  call.flow().start(endpoint.flow(*call.request, call.ports()));
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
    memo->rest().flow_id = verdict.flow_id;
    memo->outcomes.add().problem = verdict.problem;
  }
  count_verdict(*location_conf(r).endpoint, verdict);
  log_verdict(r, location_conf(r).endpoint->name, verdict);
  ngx_http_finalize_request(r, send_reply(r, *verdict.reply));
}

}  // namespace

}  // namespace oauth
