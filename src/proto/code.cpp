#include "oauth/proto/code.hpp"

#include <algorithm>

#include "oauth/base/json_tape.hpp"
#include "oauth/base/pack.hpp"
#include "oauth/base/text.hpp"

namespace oauth {
namespace {
constexpr std::string_view kUnbound = "-";
}

bool is_code(std::string_view text) noexcept {
  return text.size() == 64 && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
                  c == '-' || c == '_';
         });
}

std::string code_binding(const Attempt& attempt) {
  const auto target = Uri::parse(attempt.target);
  if (!attempt.challenge.empty() || !target || !target->is_http()) {
    return std::string(kUnbound);
  }
  return target->origin();
}

std::int64_t code_lifetime(const Attempt& attempt, const Broker& broker) {
  return attempt.challenge.empty() ? broker.lifetimes.code
                                   : std::min(broker.lifetimes.code, kBoundCodeLifetime);
}

std::string code_name(const Broker& broker, std::string_view code, std::string_view binding,
                      std::size_t key) {
  return broker.keyring->name({"code", broker.url, code, binding}, key);
}

std::vector<std::string> code_names(const Broker& broker, std::string_view code,
                                    std::string_view origin) {
  std::vector<std::string> names;
  names.reserve(2 * broker.keyring->size());
  for (std::size_t key = 0; key < broker.keyring->size(); ++key) {
    if (!origin.empty()) {
      names.push_back(code_name(broker, code, origin, key));
    }
    names.push_back(code_name(broker, code, kUnbound, key));
  }
  return names;
}

Result<std::string> seal_code(const CodeGrant& grant, const Broker& broker, std::string_view name,
                              std::int64_t now, std::int64_t expires) {
  Pack pack;
  pack.add(grant.claims.dump())
      .add(grant.said.size() <= kMaxSaid ? grant.said : std::string())
      .add(grant.provider)
      .add(grant.flow_id)
      .add(grant.challenge);
  return broker.keyring->seal({Purpose::code, broker.url, name}, pack.bytes(), now, expires);
}

Result<CodeGrant> open_code(std::string_view value, const Broker& broker,
                            const std::vector<std::string>& names, std::int64_t now) {
  for (const std::string& name : names) {
    const auto opened =
        broker.keyring->open({Purpose::code, broker.url, name}, value, now, broker.skew);
    if (!opened) {
      continue;
    }
    Unpack unpack(opened->payload.bytes());
    CodeGrant grant;
    const auto claims = read_object(unpack.text());
    grant.said = unpack.text();
    grant.provider = unpack.text();
    grant.flow_id = unpack.text();
    grant.challenge = unpack.text();
    if (!claims || !unpack.at_end()) {
      break;
    }
    grant.claims = *claims;
    return grant;
  }
  return Problem::code_invalid;
}

}  // namespace oauth
