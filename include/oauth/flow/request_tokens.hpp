// RequestTokens: the token cache as one request sees it. What was verified in one of its locations
// is known in the next, though the cache is off or has forgotten it: a token is verified once a
// request (DESIGN 2).
#pragma once

#include <memory>
#include <new>
#include <string_view>

#include "oauth/flow/ports.hpp"

namespace oauth {

// What the last verification in a request found.
struct VerifiedToken {
  PolicyId policy{};
  std::string_view token;
  TokenFacts facts;
};

class RequestTokens final : public TokenCache {
 public:
  // `header` is the request's Authorization header: a token is remembered where it lies in that,
  // which is there as long as the request and `last` are.
  RequestTokens(TokenCache& shared, std::string_view header,
                std::unique_ptr<VerifiedToken>& last) noexcept
      : shared_(shared), header_(header), last_(last) {}

  bool find(std::string_view token, const PolicyId& policy, TokenFacts& facts) noexcept override {
    return last_ == nullptr ? shared_.find(token, policy, facts) : find_last(token, policy, facts);
  }
  void keep(std::string_view token, const PolicyId& policy,
            const TokenFacts& facts) noexcept override {
    if (header_.ends_with(token)) {
      last_.reset(new (std::nothrow)
                      VerifiedToken{policy, header_.substr(header_.size() - token.size()), facts});
    }
    shared_.keep(token, policy, facts);
  }

 private:
  [[gnu::noinline]] bool find_last(std::string_view token, const PolicyId& policy,
                                   TokenFacts& facts) noexcept {
    if (last_->policy == policy && last_->token == token) {
      facts = last_->facts;
      return true;
    }
    return shared_.find(token, policy, facts);
  }

  TokenCache& shared_;
  std::string_view header_;
  std::unique_ptr<VerifiedToken>& last_;
};

}  // namespace oauth
