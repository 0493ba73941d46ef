// Wish: what an application asks of a login (dexie-contract 2, DESIGN 5), read from the query of
// /oauth/login and /oauth/login/NAME. Everything that can be wrong with it is a 4xx.
#pragma once

#include <string>

#include "oauth/base/result.hpp"
#include "oauth/base/uri.hpp"
#include "oauth/flow/request.hpp"
#include "oauth/proto/attempt.hpp"

namespace oauth {

struct Wish {
  Uri target;
  std::string client_state;
  std::string challenge;
  Delivery delivery = Delivery::redirect;
};

Result<Wish> read_wish(const Request& in);

// A parameter of ours: this request was redirected to the broker's own host already.
inline constexpr std::string_view kSentHome = "at";

// The same wish for another address: the request's parameters without kSentHome, written anew. Only
// after read_wish.
std::string rewrite_wish(const Request& in);

}  // namespace oauth
