#include "ngx/memo.hpp"

#include "ngx/call.hpp"

namespace oauth {
namespace {

const Memo::Rest nothing;

void destroy(void* data) {
  static_cast<Memo*>(data)->~Memo();
}

}  // namespace

const Memo::Rest& Memo::rest() const noexcept {
  return rest_ == nullptr ? nothing : *rest_;
}

Memo::Rest& Memo::rest() {
  if (rest_ == nullptr) {
    rest_ = std::make_unique<Rest>();
  }
  return *rest_;
}

JsonView Outcome::claims() const {
  if (jwt == nullptr && admission && admission->trust != nullptr) {
    jwt = split_tokens().get(admission->token);
  }
  return jwt != nullptr ? jwt->claims : JsonView();
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

// As ngx_pool_cleanup_add() does it, with one allocation instead of two.
Memo* memo_of(ngx_http_request_t* r) noexcept {
  struct Kept {
    ngx_pool_cleanup_t cleanup;
    Memo memo;
  };
  if (Memo* found = find_memo(r)) {
    return found;
  }
  void* memory = ngx_palloc(r->pool, sizeof(Kept));
  if (memory == nullptr) {
    return nullptr;
  }
  Kept* kept = new (memory) Kept();
  kept->cleanup = {destroy, &kept->memo, r->pool->cleanup};
  r->pool->cleanup = &kept->cleanup;
  return &kept->memo;
}

}  // namespace oauth
