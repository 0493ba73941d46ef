// Memo: what this module remembers of a request, in the request's pool: found again after internal
// redirects, shared by its subrequests, still there in the log phase and for variables.
#pragma once

#include <forward_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ngx/nginx.hpp"
#include "oauth/flow/request_tokens.hpp"
#include "oauth/flow/verdict.hpp"
#include "oauth/jose/jwt.hpp"
#include "oauth/proto/guard.hpp"

namespace oauth {

// What one guard decided: the token is verified once a request, the decision stands for that guard
// alone.
struct Outcome {
  Outcome() = default;
  Outcome(const Guard& by, const Admission& in) : guard(&by), admission(in) {}
  Outcome(const Guard& by, Problem why) : guard(&by), problem(why) {}

  const Guard* guard = nullptr;
  std::optional<Admission> admission;
  std::optional<Problem> problem;
  mutable std::shared_ptr<const Jwt> jwt;  // taken apart when first asked for

  // Of the token that was let in; null where there is none.
  JsonView claims() const;
};

// Of all guards that have decided. The first, as a rule the only one, needs no memory of
// its own.
class Outcomes {
 public:
  template <class... What>
  Outcome& add(What&&... what) {
    return first_ ? others_.emplace_front(std::forward<What>(what)...)
                  : first_.emplace(std::forward<What>(what)...);
  }
  const Outcome* last() const noexcept {
    return others_.empty() ? (first_ ? &*first_ : nullptr) : &others_.front();
  }
  // Null where that guard has not decided yet.
  const Outcome* of(const Guard* guard) const noexcept;

 private:
  std::optional<Outcome> first_;
  std::forward_list<Outcome> others_;  // the last one first; their addresses stay
};

// The Authorization headers that the client sent: the first one's value, which stays in the
// request's memory when the header is taken away, and how many there were.
struct Authorization {
  std::string_view value;
  std::size_t count = 0;
};

struct HeaderRule;

// A request header that `oauth_set_header` made, known by where its name lies.
struct OwnHeader {
  const u_char* name = nullptr;
  const HeaderRule* rule = nullptr;
};

struct Memo {
  // What few requests have.
  struct Rest {
    // As they came, before anything was masked or taken away.
    std::optional<std::string> query;
    std::optional<std::vector<std::string>> cookies;
    std::string flow_id;
    std::vector<OwnHeader> headers;
  };

  bool has_rest() const noexcept { return rest_ != nullptr; }
  const Rest& rest() const noexcept;
  Rest& rest();

  bool masked = false;  // the target, in every form that a log can show
  std::optional<Authorization> authorization;
  std::unique_ptr<VerifiedToken> verified;
  Outcomes outcomes;

 private:
  std::unique_ptr<Rest> rest_;
};

Memo* find_memo(ngx_http_request_t* r) noexcept;
// Made at first need; null when out of memory.
Memo* memo_of(ngx_http_request_t* r) noexcept;

}  // namespace oauth
