#include "oauth/proto/claim_path.hpp"

#include "oauth/base/text.hpp"

namespace oauth {
namespace {

// RFC 6901 3: after a tilde comes 0 or 1.
bool is_pointer(std::string_view path) {
  for (auto at = path.find('~'); at != path.npos; at = path.find('~', at + 1)) {
    if (at + 1 == path.size() || (path[at + 1] != '0' && path[at + 1] != '1')) {
      return false;
    }
  }
  return true;
}

}  // namespace

bool is_claim_path(std::string_view path, std::string* why) {
  if (path.empty() || !is_utf8(path)) {
    *why = "names no claim: write the name of a member, e.g. groups, or a JSON Pointer";
    return false;
  }
  if (path.front() == '/' && !is_pointer(path)) {
    *why = "is no JSON Pointer (RFC 6901): a tilde in a name is written ~0, a slash ~1";
    return false;
  }
  return true;
}

Json claim_at(const Json& claims, std::string_view path) {
  return path.starts_with('/') ? claims.at_pointer(path) : claims.get(path);
}

std::optional<std::string> claim_text(const Json& claim) {
  switch (claim.kind()) {
    case Json::Kind::string:
      return std::string(claim.string().value_or(""));
    case Json::Kind::boolean:
    case Json::Kind::integer:
    case Json::Kind::real:
      return claim.dump();
    default:
      return std::nullopt;
  }
}

bool claim_is(const Json& claim, std::string_view value) {
  return any_text(claim, [value](std::string_view text) { return text == value; });
}

bool any_text(const Json& claim, const std::function<bool(std::string_view)>& test) {
  if (!claim.is_array()) {
    const auto text = claim_text(claim);
    return text && test(*text);
  }
  for (std::size_t i = 0; i < claim.size(); ++i) {
    const auto text = claim_text(claim.at(i));
    if (text && test(*text)) {
      return true;
    }
  }
  return false;
}

}  // namespace oauth
