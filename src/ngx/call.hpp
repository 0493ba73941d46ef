// Call: what one run of a flow stands on — its input and its ports. Attached to the request behind
// the Flow, hence destroyed before it: it ends the flow first, while all that the flow uses is
// alive.
#pragma once

#include <memory>

#include "ngx/clock.hpp"
#include "ngx/conf.hpp"
#include "ngx/fetch.hpp"
#include "ngx/hook.hpp"
#include "ngx/run.hpp"
#include "ngx/throttle.hpp"
#include "ngx/token_cache.hpp"
#include "oauth/flow/protect.hpp"
#include "oauth/flow/request.hpp"

namespace oauth {

// This worker's.
SplitTokens& split_tokens() noexcept;

class Call {
 public:
  Call(Flow& flow, const ServerConf& server, const MainConf& main, std::unique_ptr<Store> store,
       TrustKeys& trust_keys)
      : flow_(flow),
        clock_(flow),
        fetch_(flow, server.fetch),
        hook_(flow, server.hooks),
        throttle_(flow.request(), server, *main.throttle),
        revocations_(main.revocations, *server.revocation_lag),
        store_(std::move(store)),
        ports_{*store_,        fetch_,
               hook_,          documents_of(*main.documents),
               throttle_,      token_cache_of(main),
               trust_keys,     revocations_,
               split_tokens(), clock_,
               random_} {}
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;
  ~Call() { flow_.reset(); }

  Flow& flow() noexcept { return flow_; }
  Ports& ports() noexcept { return ports_; }

  // The flow's input; which one is set is the caller's matter.
  std::optional<Request> request;
  Credentials credentials;

 private:
  Flow& flow_;
  NginxClock clock_;
  SystemRandom random_;
  SubrequestFetch fetch_;
  SubrequestHook hook_;
  AddressThrottle throttle_;
  SharedRevocations revocations_;
  std::unique_ptr<Store> store_;
  Ports ports_;
};

// For decisions that wait for nothing.
Knowledge knowledge_of(const MainConf& main, TokenCache& tokens,
                       const Revocations& revocations) noexcept;

// The request's call, made at first need together with its flow; null when out of memory.
Call* call_of(ngx_http_request_t* r) noexcept;
Call* find_call(ngx_http_request_t* r) noexcept;

}  // namespace oauth
