// stub
#pragma once
#include "oauth/base/task.hpp"
#include "oauth/flow/documents.hpp"
#include "oauth/flow/ports.hpp"
#include "oauth/proto/trust.hpp"
namespace oauth {
struct KeysAtHand {
  std::shared_ptr<const KeySet> keys;
  std::int64_t fetched = 0;
};
class TrustKeys {
 public:
  std::optional<KeysAtHand> at_hand(const Trust& trust, Documents&, std::int64_t now) {
    if (trust.keys) {
      return KeysAtHand{trust.keys, now};
    }
    return std::nullopt;
  }
};
inline Task<Check> fetch_keys(const Trust&, std::int64_t, Ports&) {
  co_return Problem::discovery_cooling;
}
}  // namespace oauth
