#include "ngx/call.hpp"

#include "ngx/attached.hpp"
#include "ngx/no_store.hpp"
#include "oauth/flow/trust_keys.hpp"

namespace oauth {
namespace {

// This worker's.
TrustKeys& trust_keys() {
  static TrustKeys keys([](const std::string& line) {
    ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0, "oauth: %s", line.c_str());
  });
  return keys;
}

}  // namespace

Call* find_call(ngx_http_request_t* r) noexcept {
  return find_attached<Call>(r);
}

Knowledge knowledge_of(ngx_http_request_t* r, TokenCache& tokens,
                       const Revocations& revocations) noexcept {
  return {tokens, trust_keys(), documents_of(*main_conf(r).documents), revocations, ngx_time()};
}

Call* call_of(ngx_http_request_t* r) noexcept try {
  if (Call* found = find_call(r)) {
    return found;
  }
  const MainConf& main = main_conf(r);
  Flow* flow = Flow::create(r);
  if (flow == nullptr) {
    return nullptr;
  }
  std::unique_ptr<Store> store =
      main.store == nullptr ? std::make_unique<NoStore>() : main.store->open(*flow);
  return attach<Call>(r, *flow, server_conf(r), main, std::move(store), trust_keys());
} catch (...) {
  return nullptr;
}

}  // namespace oauth
