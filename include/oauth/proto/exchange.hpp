// Exchange: the token request to a provider and its reply (RFC 6749 4.1.3, 4.1.4, 5.1, 5.2; RFC
// 7636 4.5), and userinfo (OpenID Connect Core 5.3).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "oauth/base/json.hpp"
#include "oauth/base/result.hpp"
#include "oauth/proto/attempt.hpp"
#include "oauth/proto/metadata.hpp"

namespace oauth {

// When and how an assertion is made: it lives for minutes and is never used twice.
struct Moment {
  std::int64_t now = 0;  // s
  std::string jti;       // base64url
};

// The JWT by which the broker proves to be the client: RFC 7523 3 with private_key_jwt (`audience`
// is the token endpoint, OpenID Connect Core 9), Apple's client_secret otherwise.
Result<std::string> client_assertion(const Provider& provider, std::string_view audience,
                                     const Moment& moment);

struct TokenRequest {
  std::string body;           // application/x-www-form-urlencoded
  std::string authorization;  // Authorization header, only with TokenAuth basic
};

Result<TokenRequest> token_request(const Provider& provider, const Broker& broker,
                                   const Metadata& metadata, std::string_view code,
                                   std::string_view verifier, const Moment& moment);

struct TokenReply {
  std::string access_token;
  std::string id_token;  // empty when there is none
};

// For the provider's own error (4xx, or GitHub's 200 with `error`): exchange_client_refused and
// exchange_redirect_refused where it blames the configuration, email_unverified where the user has
// yet to verify an address, else exchange_refused. exchange_malformed for everything that is not a
// JSON object with a string access_token and token_type Bearer (in any case).
Result<TokenReply> parse_token_reply(int status, std::string_view content_type,
                                     std::string_view body);

// OpenID Connect Core 5.3.2: JSON with `sub` equal to the id_token's. userinfo_refused,
// userinfo_other_subject.
Result<Json> parse_userinfo(int status, std::string_view content_type, std::string_view body,
                            std::string_view subject);
// What OAuth 2.0 providers offer in its place, where nothing says who is meant but the token: JSON,
// an object or (GitHub's addresses) an array. userinfo_refused.
Result<Json> parse_resource(int status, std::string_view content_type, std::string_view body);

}  // namespace oauth
