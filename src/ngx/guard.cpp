#include "ngx/guard.hpp"

#include "ngx/call.hpp"
#include "ngx/log.hpp"
#include "ngx/mask.hpp"
#include "ngx/reply.hpp"
#include "ngx/request.hpp"
#include "ngx/status.hpp"
#include "ngx/stream.hpp"
#include "oauth/base/text.hpp"
#include "oauth/flow/cors.hpp"
#include "oauth/flow/protect.hpp"
#include "oauth/flow/request_tokens.hpp"

namespace oauth {
namespace {

// What few requests come to is cold, so that the others need no room on the stack for it.
ngx_int_t enter(ngx_http_request_t* r);
ngx_int_t judge_request(ngx_http_request_t* r, const Guard& guard, Memo& memo);
[[gnu::cold, gnu::noinline]] ngx_int_t seek_keys(ngx_http_request_t* r, const Guard& guard,
                                                 Memo& memo, Credentials&& in,
                                                 const Decision& decision);
[[gnu::cold, gnu::noinline]] ngx_int_t wait_for(ngx_http_request_t* r, Call& call,
                                                const Guard& guard, Memo& memo);
ngx_int_t settle(ngx_http_request_t* r, const Guard& guard, Memo& memo, const Decision& decision);
Credentials read_credentials(ngx_http_request_t* r, const Guard& guard, const Memo* memo);
[[gnu::noinline]] void read_page(ngx_http_request_t* r, const Memo* memo, Credentials& in);
[[gnu::cold, gnu::noinline]] Problem reason(ngx_http_request_t* r, Problem problem);
[[gnu::cold, gnu::noinline]] void log_refusal(ngx_http_request_t* r, Problem problem);
ngx_int_t enforce(ngx_http_request_t* r, const Outcome& outcome, const Memo& memo);
[[gnu::cold, gnu::noinline]] ngx_int_t refuse(ngx_http_request_t* r, const Guard& guard,
                                              Problem problem);
ngx_int_t hand_on_token(ngx_http_request_t* r, const Outcome& outcome, const Memo& memo);
[[gnu::cold, gnu::noinline]] ngx_int_t drop_token(ngx_http_request_t* r);
[[gnu::cold, gnu::noinline]] ngx_int_t add_token(ngx_http_request_t* r, std::string_view token);
ngx_int_t say_cors(ngx_http_request_t* r, const Guard& guard);

ngx_http_output_header_filter_pt next_header_filter;

ngx_int_t header_filter(ngx_http_request_t* r) noexcept try {
  if (r == r->main && !r->header_sent) {
    const Guard* guard = location_conf(r).guard.get();
    const bool done = guard == nullptr || !guard->cors || say_cors(r, *guard) == NGX_OK;
    if (!done || limit_stream(r) != NGX_OK) {
      return NGX_ERROR;
    }
  }
  return next_header_filter(r);
} catch (...) {
  return NGX_ERROR;
}

}  // namespace

ngx_int_t guard_request(ngx_http_request_t* r) noexcept try {
  return r == r->main ? enter(r) : NGX_DECLINED;
} catch (...) {
  return NGX_HTTP_INTERNAL_SERVER_ERROR;
}

ngx_int_t guard_subrequest(ngx_http_request_t* r) noexcept try {
  return r == r->main ? NGX_DECLINED : enter(r);
} catch (...) {
  return NGX_HTTP_INTERNAL_SERVER_ERROR;
}

void add_guard_filter() noexcept {
  next_header_filter = std::exchange(ngx_http_top_header_filter, header_filter);
}

const Outcome* outcome_for(ngx_http_request_t* r) noexcept {
  const Memo* memo = find_memo(r);
  if (memo == nullptr) {
    return nullptr;
  }
  const Outcome* here = memo->outcomes.of(location_conf(r).guard.get());
  return here != nullptr ? here : memo->outcomes.last();
}

namespace {

ngx_int_t enter(ngx_http_request_t* r) {
  const Guard* guard = location_conf(r).guard.get();
  if (guard == nullptr) {
    return NGX_DECLINED;
  }
  Memo* memo = memo_of(r);
  if (memo == nullptr) {
    return NGX_HTTP_INTERNAL_SERVER_ERROR;
  }
  if (const Outcome* known = memo->outcomes.of(guard)) {
    return enforce(r, *known, *memo);
  }
  return judge_request(r, *guard, *memo);
}

ngx_int_t judge_request(ngx_http_request_t* r, const Guard& guard, Memo& memo) {
  Call* call = find_call(r);
  if (call != nullptr && call->flow().running()) {
    return wait_for(r, *call, guard, memo);
  }
  if (!memo.authorization) {
    const HeaderCount sent = count_headers(r, "authorization");
    memo.authorization = Authorization{sent.first, sent.count};
  }
  Credentials in = read_credentials(r, guard, &memo);
  const MainConf& main = main_conf(r);
  const SharedRevocations revocations(main.revocations, *server_conf(r).revocation_lag);
  RequestTokens tokens(token_cache_of(main), memo.authorization->value, memo.verified);
  const Decision decision = judge(in, guard, knowledge_of(main, tokens, revocations));
  if (decision.wants_keys == nullptr && decision.outdated == nullptr) {
    return settle(r, guard, memo, decision);
  }
  return seek_keys(r, guard, memo, std::move(in), decision);
}

// Only now is there something to wait for, or to do behind the request.
ngx_int_t seek_keys(ngx_http_request_t* r, const Guard& guard, Memo& memo, Credentials&& in,
                    const Decision& decision) {
  Call* call = call_of(r);
  if (call == nullptr) {
    return NGX_HTTP_INTERNAL_SERVER_ERROR;
  }
  if (decision.outdated != nullptr) {
    call->ports().trust_keys.refresh(*decision.outdated, call->ports());
    return settle(r, guard, memo, decision);
  }
  call->credentials = std::move(in);
  call->flow().start(protect(call->credentials, guard, call->ports()));
  return wait_for(r, *call, guard, memo);
}

ngx_int_t wait_for(ngx_http_request_t* r, Call& call, const Guard& guard, Memo& memo) {
  Verdict* verdict = call.flow().advance();
  if (verdict == nullptr) {
    return NGX_AGAIN;
  }
  const ngx_int_t rc = settle(r, guard, memo, decision_of(*verdict));
  call.flow().reset();
  return rc;
}

ngx_int_t settle(ngx_http_request_t* r, const Guard& guard, Memo& memo, const Decision& decision) {
  if (decision.kind == Decision::Kind::answer_preflight) {
    return NGX_HTTP_NO_CONTENT;  // a preflight is nobody's visit: nothing is kept of it
  }
  if (decision.kind == Decision::Kind::refuse) {
    const Problem problem = reason(r, decision.problem);
    count_refusal(problem);
    log_refusal(r, problem);
    return enforce(r, memo.outcomes.add(guard, problem), memo);
  }
  count(decision.admission.trust != nullptr ? Own::entered : Own::entered_anonymous);
  Outcome& outcome = memo.outcomes.add(guard, decision.admission);
  // A token out of the query has lain in the flow's memory, which the log phase does not see.
  if (memo.authorization->count == 0) {
    outcome.admission->token = view(pool_copy(r->pool, outcome.admission->token));
  }
  return enforce(r, outcome, memo);
}

// A node with keys of its own knows nothing of tokens that the others have signed.
Problem reason(ngx_http_request_t* r, Problem problem) {
  const StoreBackend* store = main_conf(r).store;
  const bool is_alone = store != nullptr && !store->has_shared_keys();
  return is_alone && problem == Problem::token_key_unknown ? Problem::keyset_mismatch : problem;
}

void log_refusal(ngx_http_request_t* r, Problem problem) {
  Verdict verdict;
  verdict.problem = problem;
  log_verdict(r, "request", verdict);
}

// As the client sent them; a subrequest is judged by what its main request brought. Only what the
// guard looks at is looked for.
Credentials read_credentials(ngx_http_request_t* r, const Guard& guard, const Memo* memo) {
  Credentials in;
  if (memo != nullptr && memo->authorization) {
    in.authorization = memo->authorization->value;
    in.authorizations = memo->authorization->count;
  }
  if (guard.checks_origin()) {
    read_page(r, memo, in);
  }
  return in;
}

void read_page(ngx_http_request_t* r, const Memo* memo, Credentials& in) {
  if (memo != nullptr && memo->rest().query) {
    in.query = *memo->rest().query;
  }
  for (const ngx_table_elt_t* header : headers_named(r, "origin")) {
    in.origins.push_back(view(header->value));
  }
  const HeaderCount upgrade = count_headers(r, "upgrade");
  in.is_upgrade = r->main->method == NGX_HTTP_GET && upgrade.count == 1 &&
                  iequals_ascii(upgrade.first, "websocket");
  in.is_preflight = r->method == NGX_HTTP_OPTIONS && !in.origins.empty() &&
                    count_headers(r, "access-control-request-method").count > 0;
}

ngx_int_t enforce(ngx_http_request_t* r, const Outcome& outcome, const Memo& memo) {
  if (!outcome.admission) {
    return refuse(r, *outcome.guard, outcome.problem.value_or(Problem::internal));
  }
  if (hand_on_token(r, outcome, memo) != NGX_OK) {
    return NGX_HTTP_INTERNAL_SERVER_ERROR;
  }
  // Anonymous where that is allowed is no reason to let a request past another module's guard; in
  // a subrequest's phase NGX_OK would skip what else runs there, try_files for one.
  const bool is_known = outcome.admission->trust != nullptr;
  return is_known && r == r->main ? NGX_OK : NGX_DECLINED;
}

ngx_int_t refuse(ngx_http_request_t* r, const Guard& guard, Problem problem) {
  // A refused token goes no further, whoever else lets the request pass (RFC 9700 4.9); with
  // auth_request it is the main request that is let pass. Another scheme's credentials are another
  // module's to judge.
  if (problem != Problem::token_missing &&
      (drop_token(r) != NGX_OK || drop_token(r->main) != NGX_OK)) {
    return NGX_HTTP_INTERNAL_SERVER_ERROR;
  }
  const auto status = static_cast<ngx_int_t>(row(problem).status);
  if (status == NGX_HTTP_SERVICE_UNAVAILABLE) {  // a token that nobody can judge now
    return add_header(r, "Retry-After", std::to_string(kRetryAfter)) == NGX_OK
               ? status
               : NGX_HTTP_INTERNAL_SERVER_ERROR;
  }
  // No token would help a page of another origin: it is not challenged.
  if (status >= NGX_HTTP_INTERNAL_SERVER_ERROR || problem == Problem::origin_not_allowed) {
    return status;
  }
  return add_challenge(r, challenge(guard, problem)) == NGX_OK ? status
                                                               : NGX_HTTP_INTERNAL_SERVER_ERROR;
}

// `oauth_pass_token`: the upstream hears of a verified token in one Authorization header or not at
// all. An earlier location of this request may have said otherwise.
ngx_int_t hand_on_token(ngx_http_request_t* r, const Outcome& outcome, const Memo& memo) {
  if (outcome.admission->trust == nullptr) {
    // Without the client's own there is none but what a location with `query=` has added.
    return memo.authorization->count == 0 ? drop_token(r) : NGX_OK;
  }
  if (!outcome.guard->pass_token) {
    return drop_token(r);
  }
  return r->headers_in.authorization == nullptr ? add_token(r, outcome.admission->token) : NGX_OK;
}

bool is_authorization(const ngx_table_elt_t& header) {
  return lower_name(header) == "authorization";
}

ngx_int_t drop_token(ngx_http_request_t* r) {
  r->headers_in.authorization = nullptr;
  return count_headers(r, "authorization").count == 0 ? NGX_OK
                                                      : remove_headers(r, is_authorization);
}

ngx_int_t add_token(ngx_http_request_t* r, std::string_view token) {
  // A subrequest's list is a copy whose end may still be its parent's: this makes it its own.
  if (remove_headers(r, is_authorization) != NGX_OK) {
    return NGX_ERROR;
  }
  ngx_table_elt_t* header = add_request_header(r, "Authorization", "Bearer " + std::string(token));
  if (header == nullptr) {
    return NGX_ERROR;
  }
  r->headers_in.authorization = header;
  return NGX_OK;
}

// dexie-contract 5: exactly one component says them; the upstream's own would double them.
ngx_int_t say_cors(ngx_http_request_t* r, const Guard& guard) {
  constexpr std::string_view kPrefix = "Access-Control-";
  for (ngx_list_part_t* part = &r->headers_out.headers.part; part != nullptr; part = part->next) {
    auto* headers = static_cast<ngx_table_elt_t*>(part->elts);
    for (ngx_uint_t i = 0; i < part->nelts; ++i) {
      if (iequals_ascii(view(headers[i].key).substr(0, kPrefix.size()), kPrefix)) {
        headers[i].hash = 0;
      }
    }
  }
  for (const Header& header : cors_headers(read_credentials(r, guard, find_memo(r)), guard)) {
    if (add_header(r, header.name, header.value) != NGX_OK) {
      return NGX_ERROR;
    }
  }
  return NGX_OK;
}

}  // namespace

}  // namespace oauth
