#include "oauth/proto/issue.hpp"

#include <algorithm>

#include "oauth/base/json_tape.hpp"
#include "oauth/base/json_text.hpp"
#include "oauth/base/pack.hpp"
#include "oauth/base/text.hpp"
#include "oauth/jose/sign.hpp"

namespace oauth {
namespace {

// The claims of every access token; a person's may add others.
constexpr std::string_view kOurs[] = {"iss", "aud", "sub", "client_id", "iat",
                                      "exp", "jti", "sid", "scope"};

std::string join(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) {
    text += text.empty() ? "" : " ";
    text += word;
  }
  return text;
}

std::vector<std::string> split(std::string_view text) {
  const auto words = split_words(text);
  return {words.begin(), words.end()};
}

// RFC 9068 2.2.1: a string, or an array where there are several.
Json audience_of(const Broker& broker) {
  if (broker.audiences.size() == 1) {
    return Json::of(std::string_view(broker.audiences.front()));
  }
  Json audiences = Json::array();
  for (const std::string& audience : broker.audiences) {
    audiences.push(Json::of(std::string_view(audience)));
  }
  return audiences;
}

}  // namespace

void begin_issue(Issue& issue, const Broker& broker, std::string_view random, std::int64_t now) {
  constexpr std::size_t kName = kIssueRandom / 3;
  issue.family = base64url_encode(random.substr(0, kName));
  issue.jti = base64url_encode(random.substr(kName, kName));
  if (issue.flow_id.empty()) {
    issue.flow_id = hex_encode(random.substr(2 * kName, kName));
  }
  issue.now = now;
  issue.refresh_expires = now + broker.lifetimes.refresh_token;
}

Result<std::vector<std::string>> grant_scopes(const std::vector<std::string>& asked,
                                              const std::vector<std::string>& allowed) {
  std::vector<std::string> granted;
  for (const std::string& scope : allowed) {
    if (asked.empty() || std::find(asked.begin(), asked.end(), scope) != asked.end()) {
      granted.push_back(scope);
    }
  }
  if (granted.empty()) {
    return Problem::scope_refused;
  }
  return granted;
}

Result<std::string> mint_access_token(const Issue& issue, const Broker& broker) {
  const Key* key = broker.signing_key();
  if (key == nullptr) {
    return Problem::internal;
  }
  // RFC 9068 2.2; no `nbf`, which only makes clocks matter more.
  JsonText claims;
  claims.set("iss", broker.url)
      .set("aud", audience_of(broker))
      .set("sub", issue.claims.string("sub").value_or(""))
      .set("client_id", issue.client_id)
      .set("iat", issue.now)
      .set("exp", issue.now + broker.lifetimes.access_token)
      .set("jti", issue.jti)
      .set("sid", issue.family)
      .set("scope", join(issue.scopes));
  // The person's, and what the operator's service added; never what stands here already.
  for (const auto& [name, value] : issue.claims.members()) {
    if (std::find(std::begin(kOurs), std::end(kOurs), name) == std::end(kOurs)) {
      claims.set(name, value);
    }
  }
  return sign(claims.take(), *key, broker.alg, "at+jwt");
}

Result<std::string> seal_refresh_token(const Issue& issue, const Broker& broker) {
  Pack pack;
  pack.add(issue.family)
      .add(issue.claims.dump())
      .add(issue.origin)
      .add(join(issue.scopes))
      .add(issue.public_key)
      .add(issue.client_id)
      .add(issue.user_type)
      .add(issue.provider)
      .add(issue.flow_id);
  const auto blob = broker.keyring->seal({Purpose::refresh, broker.url, {}}, pack.bytes(),
                                         issue.now, issue.refresh_expires);
  if (!blob) {
    return blob.problem();
  }
  return base64url_encode(*blob);
}

Result<Issue> open_refresh_token(std::string_view token, const Broker& broker, std::int64_t now) {
  const auto blob = base64url_decode(token);
  if (!blob) {
    return Problem::refresh_refused;
  }
  const auto opened =
      broker.keyring->open({Purpose::refresh, broker.url, {}}, *blob, now, broker.skew);
  if (!opened) {
    switch (opened.problem()) {
      case Problem::seal_expired:
        return Problem::refresh_expired;
      case Problem::seal_unknown_key:
        return Problem::refresh_unknown_key;
      default:
        return Problem::refresh_refused;
    }
  }
  Unpack unpack(opened->payload.bytes());
  Issue issue;
  issue.family = unpack.text();
  const auto claims = read_object(unpack.text());
  issue.origin = unpack.text();
  issue.scopes = split(unpack.text());
  issue.public_key = unpack.text();
  issue.client_id = unpack.text();
  issue.user_type = unpack.text();
  issue.provider = unpack.text();
  issue.flow_id = unpack.text();
  if (!claims || !unpack.at_end()) {
    return Problem::refresh_refused;
  }
  issue.claims = *claims;
  issue.refresh_expires = opened->expires;
  return issue;
}

}  // namespace oauth
