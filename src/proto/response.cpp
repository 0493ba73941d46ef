#include "oauth/proto/response.hpp"

#include "oauth/base/pack.hpp"

namespace oauth {
namespace {

constexpr std::size_t kMaxCode = 2048;
constexpr std::size_t kMaxUser = 2048;
constexpr std::size_t kMaxIssuer = 2048;

}  // namespace

Result<AuthorizationResponse> read_response(std::string_view text) {
  const auto form = Form::parse(text);
  if (!form) {
    return Problem::request_malformed;
  }
  // RFC 6749 3.1: no parameter more than once.
  if (form->repeated({"state", "code", "error", "iss", "error_description", "user"})) {
    return Problem::request_repeated;
  }
  AuthorizationResponse response;
  response.state = form->get("state");
  response.code = form->get("code");
  response.error = form->get("error");
  response.iss = form->get("iss");
  if (const auto user = form->get("user"); user.size() <= kMaxUser) {
    response.user = user;
  }
  if (response.state.empty()) {
    return Problem::state_missing;
  }
  if (response.code.empty() == response.error.empty()) {
    return Problem::code_missing;  // neither, or both
  }
  // RFC 6749 appendix A.11: a code is printable ASCII.
  if (response.code.size() > kMaxCode || !is_printable_ascii(response.code)) {
    return Problem::code_malformed;
  }
  return response.iss.size() > kMaxIssuer ? Result<AuthorizationResponse>(Problem::issuer_mismatch)
                                          : response;
}

Result<std::string> seal_response(const AuthorizationResponse& response, const Broker& broker,
                                  std::int64_t now) {
  // Most of a response is the state, which is base64url already: the bytes that it stands for.
  const auto state = base64url_decode(response.state);
  if (!state) {
    return Problem::state_refused;
  }
  Pack pack;
  pack.add(*state).add(response.code).add(response.error).add(response.iss).add(response.user);
  const auto blob = broker.keyring->seal({Purpose::form_post, broker.url, {}}, pack.bytes(), now,
                                         now + kHandover);
  if (!blob) {
    return blob.problem();
  }
  std::string sealed = base64url_encode(*blob);
  if (sealed.size() > kMaxHandover) {
    return Problem::request_too_large;
  }
  return sealed;
}

Result<AuthorizationResponse> open_response(std::string_view sealed, const Broker& broker,
                                            std::int64_t now) {
  const auto blob = base64url_decode(sealed.substr(0, kMaxHandover + 1));
  if (!blob) {
    return Problem::state_refused;
  }
  const auto opened =
      broker.keyring->open({Purpose::form_post, broker.url, {}}, *blob, now, broker.skew);
  if (!opened) {
    return Problem::state_refused;
  }
  Unpack unpack(opened->payload.bytes());
  AuthorizationResponse response;
  response.state = base64url_encode(unpack.text());
  response.code = unpack.text();
  response.error = unpack.text();
  response.iss = unpack.text();
  response.user = unpack.text();
  return unpack.at_end() ? Result<AuthorizationResponse>(std::move(response))
                         : Problem::state_refused;
}

}  // namespace oauth
