#include "ngx/call.hpp"

#include "ngx/attached.hpp"
#include "ngx/no_store.hpp"
#include "oauth/flow/trust_keys.hpp"

namespace oauth {
namespace {

// This worker's.
struct Known {
  TrustKeys trust_keys{[](const std::string& line) {
    ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0, "oauth: %s", line.c_str());
  }};
  SplitTokens split_tokens;
};
Known known;

}  // namespace

SplitTokens& split_tokens() noexcept {
  return known.split_tokens;
}

Call* find_call(ngx_http_request_t* r) noexcept {
  return find_attached<Call>(r);
}

Knowledge knowledge_of(const MainConf& main, TokenCache& tokens,
                       const Revocations& revocations) noexcept {
  return {tokens,      known.trust_keys,   documents_of(*main.documents),
          revocations, known.split_tokens, ngx_time()};
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
  return attach<Call>(r, *flow, server_conf(r), main, std::move(store), known.trust_keys);
} catch (...) {
  return nullptr;
}

}  // namespace oauth
