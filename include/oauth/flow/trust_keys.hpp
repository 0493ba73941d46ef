// TrustKeys: the keys of the issuers that are trusted, as this worker has parsed them. Behind it
// are Documents, which all workers share: what one has fetched the others find. One instance a
// worker.
//
// Keys are fetched at first use, once for all who wait. From then on they are at hand without
// waiting: an hour later they are fetched anew behind a request that the old ones serve, and where
// that fails they serve until `max_stale`; then nobody is believed.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "oauth/base/result.hpp"
#include "oauth/base/task.hpp"
#include "oauth/flow/documents.hpp"
#include "oauth/flow/ports.hpp"
#include "oauth/proto/trust.hpp"

namespace oauth {

// Until at_hand() is asked again.
struct KeysAtHand {
  const KeySet* keys;
  std::int64_t fetched = 0;  // s; local ones: now
};

class TrustKeys {
 public:
  // A line for the log: keys that are left out, documents that cannot be used. Once a document.
  using Warn = std::function<void(const std::string& line)>;

  explicit TrustKeys(Warn warn) : warn_(std::move(warn)) {}
  TrustKeys(const TrustKeys&) = delete;
  TrustKeys& operator=(const TrustKeys&) = delete;

  // Without waiting: local keys, or the parsed copy of fetched ones; nothing where there are none
  // or they are older than `max_stale`. Whether there is a newer document is looked at once a
  // second, so that a request takes no lock.
  std::optional<KeysAtHand> at_hand(const Trust& trust, Documents& documents, std::int64_t now);

  // Where there are none at hand: fetched no earlier than this will do.
  static std::int64_t fresh_since(const Trust& trust, std::int64_t now) noexcept;
  // Whether a token whose key is not among them is a reason to fetch them again.
  static bool may_be_outdated(const Trust& trust, const KeysAtHand& keys,
                              std::int64_t now) noexcept;

  // Fetches them, or waits for who does; a copy that was fetched since `not_before` will do, and
  // where no new one can be had one that is not too old. Then at_hand() has them. Problems are
  // those of document(). The trust must outlive the task.
  Task<Check> fetch_keys(const Trust& trust, std::int64_t not_before, Ports& io);

  // Whether it is time to fetch them anew while they serve: true once a cool-down at most.
  bool wants_refresh(const Trust& trust, std::int64_t now);
  // Does so behind the request that is at work.
  void refresh(const Trust& trust, Ports& io);

 private:
  struct Source {
    std::string issuer;
    std::string jwks_uri;                // as the trust says it
    std::string location;                // where they are; empty: not known yet
    std::int64_t described = 0;          // s: when the metadata that says so was fetched
    std::shared_ptr<const KeySet> keys;  // null before the first fetch
    std::string keys_from;               // the location that they came from
    std::int64_t fetched = 0;            // s
    std::int64_t looked = -1;            // s: when Documents were last looked at
    std::int64_t asked = 0;              // s: when a refresh was last wanted
  };

  Source& source_of(const Trust& trust);
  static void look(Source& source, Documents& documents);
  DocumentQuery metadata_query(const Trust& trust, std::int64_t not_before);
  DocumentQuery keys_query(const Trust& trust, const std::string& location,
                           std::int64_t not_before);

  Warn warn_;
  std::deque<Source> sources_;  // a deque: flows that wait point into it
};

}  // namespace oauth
