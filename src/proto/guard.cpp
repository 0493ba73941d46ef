#include "oauth/proto/guard.hpp"

#include <algorithm>

#include "oauth/base/text.hpp"

namespace oauth {

Trust own_trust(const Broker& broker) {
  Trust trust;
  trust.expect.issuer = broker.url;
  trust.expect.audiences = broker.audiences;
  trust.expect.algs = kAsymmetric;
  trust.expect.typs = {"at+jwt"};
  trust.expect.skew = broker.skew;
  trust.keys = broker.signing;
  return trust;
}

std::string challenge(const Guard& guard, Problem problem) {
  std::string text = "Bearer realm=\"" + guard.realm + "\"";
  const ProblemRow& why = row(problem);
  if (!why.oauth_error.empty()) {
    text += ", error=\"" + std::string(why.oauth_error) + "\"";
    text += ", error_description=\"" + std::string(why.text) + "\"";
  }
  return text;
}

Result<std::string_view> bearer_token(std::string_view authorization) {
  // A tab ends the scheme for lenient readers behind us, so it does here, and is refused below.
  const auto space = authorization.find_first_of(" \t");
  if (!iequals_ascii(authorization.substr(0, space), "Bearer")) {
    return std::string_view{};
  }
  std::string_view token =
      space == std::string_view::npos ? std::string_view{} : authorization.substr(space);
  while (!token.empty() && token.front() == ' ') {
    token.remove_prefix(1);
  }
  // RFC 6750 2.1: b64token.
  const auto is_b64 = [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~' || c == '+' || c == '/' || c == '=';
  };
  if (token.empty() || !std::all_of(token.begin(), token.end(), is_b64)) {
    return Problem::token_malformed;
  }
  return token;
}

}  // namespace oauth
