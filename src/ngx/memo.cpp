#include "ngx/memo.hpp"

namespace oauth {
namespace {

void destroy(void* data) {
  static_cast<Memo*>(data)->~Memo();
}

}  // namespace

JsonView Outcome::claims() const {
  if (!jwt && admission && admission->trust != nullptr) {
    if (auto apart = split(admission->token)) {
      jwt = *std::move(apart);
    }
  }
  return jwt ? jwt->claims : JsonView();
}

const Outcome* Outcomes::of(const Guard* guard) const noexcept {
  if (first_ && first_->guard == guard) {
    return &*first_;
  }
  for (const Outcome& outcome : others_) {
    if (outcome.guard == guard) {
      return &outcome;
    }
  }
  return nullptr;
}

Memo* find_memo(ngx_http_request_t* r) noexcept {
  for (ngx_pool_cleanup_t* it = r->pool->cleanup; it != nullptr; it = it->next) {
    if (it->handler == destroy) {
      return static_cast<Memo*>(it->data);
    }
  }
  return nullptr;
}

Memo* memo_of(ngx_http_request_t* r) noexcept {
  if (Memo* found = find_memo(r)) {
    return found;
  }
  ngx_pool_cleanup_t* cleanup = ngx_pool_cleanup_add(r->pool, sizeof(Memo));
  if (cleanup == nullptr) {
    return nullptr;
  }
  Memo* memo = new (cleanup->data) Memo();
  cleanup->handler = destroy;
  return memo;
}

}  // namespace oauth
