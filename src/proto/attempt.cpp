#include "oauth/proto/attempt.hpp"

#include <algorithm>

#include "oauth/base/pack.hpp"
#include "oauth/base/text.hpp"

namespace oauth {
namespace {

bool is_unreserved(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '.' || c == '_' || c == '~';
}

Problem why_not_open(Problem problem) {
  switch (problem) {
    case Problem::seal_unknown_key:
      return Problem::state_unknown_key;
    case Problem::seal_expired:
      return Problem::state_expired;
    default:
      return Problem::state_refused;
  }
}

}  // namespace

Result<std::string> seal_attempt(const Attempt& attempt, const Broker& broker) {
  Pack pack;
  pack.add(attempt.id)
      .add(attempt.provider)
      .add(attempt.verifier)
      .add(attempt.nonce)
      .add(attempt.target)
      .add(attempt.client_state)
      .add(attempt.challenge)
      .add(attempt.browser)
      .add(attempt.flow_id)
      .add(static_cast<std::int64_t>(attempt.delivery));
  const auto blob = broker.keyring->seal({Purpose::attempt, broker.url, {}}, pack.bytes(),
                                         attempt.issued, attempt.expires);
  if (!blob) {
    return blob.problem();
  }
  std::string state = base64url_encode(*blob);
  if (state.size() > kMaxState) {
    return Problem::attempt_too_large;
  }
  return state;
}

Result<Attempt> open_attempt(std::string_view state, const Broker& broker, std::int64_t now) {
  if (state.size() > kMaxState) {
    return Problem::state_refused;
  }
  const auto blob = base64url_decode(state);
  if (!blob) {
    return Problem::state_refused;
  }
  const auto opened =
      broker.keyring->open({Purpose::attempt, broker.url, {}}, *blob, now, broker.skew);
  if (!opened) {
    return why_not_open(opened.problem());
  }
  Unpack unpack(opened->payload.bytes());
  Attempt attempt;
  attempt.id = unpack.text();
  attempt.provider = unpack.text();
  attempt.verifier = unpack.text();
  attempt.nonce = unpack.text();
  attempt.target = unpack.text();
  attempt.client_state = unpack.text();
  attempt.challenge = unpack.text();
  attempt.browser = unpack.text();
  attempt.flow_id = unpack.text();
  attempt.delivery = static_cast<Delivery>(unpack.number());
  attempt.issued = opened->issued;
  attempt.expires = opened->expires;
  if (!unpack.at_end()) {
    return Problem::state_refused;
  }
  return attempt;
}

std::string claim_name(const Attempt& attempt, const Broker& broker) {
  // Not by the keyring: in the middle of a rotation nodes differ in which secret is the first.
  return base64url_encode(hmac_sha256(attempt.id, "claim " + broker.url));
}

std::string pkce_challenge(std::string_view verifier) {
  return base64url_encode(sha256(verifier));
}

bool is_pkce_challenge(std::string_view text) noexcept {
  return text.size() == 43 && std::all_of(text.begin(), text.end(), [](char c) {
           return is_unreserved(c) && c != '.' && c != '~';
         });
}

bool is_pkce_verifier(std::string_view text) noexcept {
  return text.size() >= 43 && text.size() <= 128 &&
         std::all_of(text.begin(), text.end(), is_unreserved);
}

}  // namespace oauth
