#include "oauth/jose/jwk.hpp"

#include <algorithm>

#include "oauth/base/secret.hpp"
#include "oauth/base/text.hpp"

namespace oauth {
namespace {

// RFC 7517 4.5: kids tell keys apart; which of two was meant is not for us to guess. A key that
// says itself that it is for encryption is not meant in any case.
bool is_shared(std::string_view kid, const Json& members, std::size_t count) {
  int holders = 0;
  for (std::size_t i = 0; i < count && !kid.empty(); ++i) {
    const Json member = members.at(i);
    if (member.string("kid") == kid && member.string("use") != "enc") {
      ++holders;
    }
  }
  return holders > 1;
}

}  // namespace

KeySet::KeySet(std::vector<Key> keys) : keys_(std::move(keys)) {
  std::string fingerprints;
  for (const Key& key : keys_) {
    fingerprints += key.fingerprint();
  }
  const std::string digest = sha256(fingerprints);
  for (std::size_t i = 0; i < sizeof digest_; ++i) {
    digest_ = digest_ << 8 | static_cast<unsigned char>(digest[i]);
  }
}

Result<KeySet> KeySet::parse(std::string_view json, bool symmetric) {
  const Result<Json> set = Json::parse_object(json, {.bytes = kMaxBytes, .depth = 16});
  if (!set) {
    return Problem::key_set_empty;
  }
  const Json members = set->get("keys");
  KeySet result;  // not finished: without a digest
  const std::size_t count = std::min(members.size(), kMaxKeys);
  for (std::size_t i = 0; i < count; ++i) {
    const Json member = members.at(i);
    std::string_view why;
    Result<Key> key = Key::from_jwk(member, symmetric, why);
    const std::string_view kid = member.string("kid").value_or("");
    if (!key) {
      result.leave_out(kid, why);
    } else if (is_shared(kid, members, count)) {
      result.leave_out(kid, "another key has the same kid");
    } else {
      result.keys_.push_back(std::move(*key));
    }
  }
  if (members.size() > kMaxKeys) {
    result.left_out_.emplace_back("every key after the first 64");
  }
  result.leave_out_published_secrets();
  if (result.keys_.empty()) {
    return Problem::key_set_empty;
  }
  KeySet usable(std::move(result.keys_));
  usable.left_out_ = std::move(result.left_out_);
  return usable;
}

// RFC 8725 3.1: a set with public keys in it is there to be published, and what is published is no
// secret: a MAC under it proves nothing.
void KeySet::leave_out_published_secrets() {
  const auto is_symmetric = [](const Key& key) { return key.is_symmetric(); };
  if (std::all_of(keys_.begin(), keys_.end(), is_symmetric)) {
    return;
  }
  for (const Key& key : keys_) {
    if (key.is_symmetric()) {
      leave_out(key.kid(), "symmetric key beside public keys");
    }
  }
  std::erase_if(keys_, is_symmetric);
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
