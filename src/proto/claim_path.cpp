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

template <class Value>
Value at_path(const Value& claims, std::string_view path) {
  return path.starts_with('/') ? claims.at_pointer(path) : claims.get(path);
}

template <class Value>
std::optional<std::string> text_of(const Value& claim) {
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

template <class Value, class Test>
bool any_text_of(const Value& claim, const Test& test) {
  if (!claim.is_array()) {
    const auto text = text_of(claim);
    return text && test(*text);
  }
  for (std::size_t i = 0; i < claim.size(); ++i) {
    const auto text = text_of(claim.at(i));
    if (text && test(*text)) {
      return true;
    }
  }
  return false;
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
  return at_path(claims, path);
}
JsonView claim_at(const JsonView& claims, std::string_view path) {
  return at_path(claims, path);
}

std::optional<std::string> claim_text(const Json& claim) {
  return text_of(claim);
}
std::optional<std::string> claim_text(const JsonView& claim) {
  return text_of(claim);
}

bool claim_is(const Json& claim, std::string_view value) {
  return any_text_of(claim, [value](std::string_view text) { return text == value; });
}
bool claim_is(const JsonView& claim, std::string_view value) {
  return any_text_of(claim, [value](std::string_view text) { return text == value; });
}

bool any_text(const JsonView& claim, const std::function<bool(std::string_view)>& test) {
  return any_text_of(claim, test);
}

}  // namespace oauth
