// Exchange: the token request to a provider and its reply (RFC 6749 4.1.3, 4.1.4, 5.1, 5.2; RFC
// 7636 4.5), and userinfo (OpenID Connect Core 5.3).
#pragma once

#include <string>
#include <string_view>

#include "oauth/base/json.hpp"
#include "oauth/base/result.hpp"
#include "oauth/proto/attempt.hpp"
#include "oauth/proto/provider.hpp"

namespace oauth {

struct TokenRequest {
  std::string body;           // application/x-www-form-urlencoded
  std::string authorization;  // Authorization header, empty with TokenAuth post and none
};

TokenRequest token_request(const Provider& provider, const Broker& broker, std::string_view code,
                           std::string_view verifier);

struct TokenReply {
  std::string access_token;
  std::string id_token;  // empty when there is none
};

// exchange_refused for the provider's own error, exchange_malformed for everything that is not a
// JSON object with a string access_token and token_type Bearer (in any case).
Result<TokenReply> parse_token_reply(int status, std::string_view content_type,
                                     std::string_view body);

// OpenID Connect Core 5.3.2: JSON with `sub` equal to the id_token's. userinfo_refused,
// userinfo_other_subject.
Result<Json> parse_userinfo(int status, std::string_view content_type, std::string_view body,
                            std::string_view subject);

}  // namespace oauth
