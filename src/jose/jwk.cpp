#include "oauth/jose/jwk.hpp"

#include <algorithm>

#include "oauth/base/text.hpp"

namespace oauth {
namespace {

bool shares_kid(const Key& key, const std::vector<Key>& all) {
  return !key.kid().empty() && std::count_if(all.begin(), all.end(), [&](const Key& other) {
                                 return other.kid() == key.kid();
                               }) > 1;
}

bool is_symmetric_among_public(const Key& key, const std::vector<Key>& all) {
  return key.is_symmetric() && !std::all_of(all.begin(), all.end(),
                                            [](const Key& other) { return other.is_symmetric(); });
}

}  // namespace

Result<KeySet> KeySet::parse(std::string_view json, bool symmetric) {
  const Result<Json> set = Json::parse_object(json, {.bytes = kMaxBytes, .depth = 16});
  if (!set) {
    return Problem::key_set_empty;
  }
  const Json members = set->get("keys");
  if (!members.is_array()) {
    return Problem::key_set_empty;
  }
  KeySet result;
  for (std::size_t i = 0; i < std::min(members.size(), kMaxKeys); ++i) {
    const Json member = members.at(i);
    std::string_view why;
    Result<Key> key = Key::from_jwk(member, symmetric, why);
    if (key) {
      result.keys_.push_back(std::move(*key));
    } else {
      result.leave_out(member.string("kid").value_or(""), why);
    }
  }
  if (members.size() > kMaxKeys) {
    result.left_out_.emplace_back("every key after the first 64");
  }
  // RFC 8725 3.1: what is published is no secret, so a MAC under it proves nothing.
  result.leave_out_if(is_symmetric_among_public, "symmetric key beside public keys");
  // RFC 7517 4.5: kids tell keys apart. Which of two was meant is not for us to guess.
  result.leave_out_if(shares_kid, "another key has the same kid");
  if (result.keys_.empty()) {
    return Problem::key_set_empty;
  }
  return result;
}

void KeySet::leave_out_if(bool (*unwanted)(const Key& key, const std::vector<Key>& all),
                          std::string_view why) {
  std::vector<Key> kept;
  for (const Key& key : keys_) {
    if (unwanted(key, keys_)) {
      leave_out(key.kid(), why);
    } else {
      kept.push_back(key);
    }
  }
  keys_ = std::move(kept);
}

void KeySet::leave_out(std::string_view kid, std::string_view why) {
  constexpr std::size_t kShownKid = 32;
  std::string line =
      kid.empty() ? "a key without kid" : "kid `" + header_encode(kid.substr(0, kShownKid)) + "`";
  left_out_.push_back(line.append(": ").append(why));
}

Json KeySet::public_jwks() const {
  Json keys = Json::array();
  for (const Key& key : keys_) {
    if (!key.is_symmetric()) {
      keys.push(key.public_jwk());
    }
  }
  return Json::object().set("keys", std::move(keys));
}

}  // namespace oauth
