// RequestTokens: the token cache as one request sees it. What was verified in one of its locations
// is known in the next, though the cache is off or has forgotten it: a token is verified once a
// request (DESIGN 2).
#pragma once

#include "ngx/memo.hpp"
#include "oauth/flow/ports.hpp"

namespace oauth {

class RequestTokens final : public TokenCache {
 public:
  RequestTokens(TokenCache& shared, Memo& memo) noexcept : shared_(shared), memo_(memo) {}

  std::optional<TokenFacts> find(std::string_view token, const PolicyId& policy) noexcept override {
    const auto& verified = memo_.verified;
    return verified && verified->policy == policy && verified->token == token
               ? std::optional(verified->facts)
               : shared_.find(token, policy);
  }
  void keep(std::string_view token, const PolicyId& policy,
            const TokenFacts& facts) noexcept override {
    // Only a header's value stays where it is.
    if (memo_.authorization && memo_.authorization->value.ends_with(token)) {
      const std::string_view& value = memo_.authorization->value;
      memo_.verified = {policy, value.substr(value.size() - token.size()), facts};
    }
    shared_.keep(token, policy, facts);
  }

 private:
  TokenCache& shared_;
  Memo& memo_;
};

}  // namespace oauth
