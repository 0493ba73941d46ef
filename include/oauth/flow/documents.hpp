// Documents of providers: metadata and keys, fetched when needed, once for all who wait, kept for
// all workers, served stale while a new copy cannot be had.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "oauth/base/result.hpp"
#include "oauth/base/task.hpp"
#include "oauth/flow/ports.hpp"
#include "oauth/proto/metadata.hpp"

namespace oauth {

inline constexpr std::int64_t kDocumentFresh = 60 * 60;       // s: older ones are fetched anew
inline constexpr std::int64_t kDocumentStale = 24 * 60 * 60;  // s: older ones are not used
inline constexpr std::int64_t kDocumentCoolDown = 10;         // s between two tries
inline constexpr std::int64_t kDocumentHold = 15;             // s one fetch may hold the others

// One acceptable document: what a provider or an issuer publishes at a URL.
struct DocumentQuery {
  std::string url;
  std::string owner;     // whose it is: whose limit counts the fetch, and what the log calls it
  std::string location;  // fetch_location of the user; empty: the module's own
  // False for what must not replace a good copy; asked once for each that was fetched.
  std::function<bool(std::string_view body)> acceptable;
  std::int64_t not_before;                  // a copy fetched earlier than this is not fresh enough
  std::int64_t max_stale = kDocumentStale;  // s: a copy that is older is not used
};

// discovery_refused for a document that is not acceptable, discovery_cooling while failures are
// not tried again, or the fetch's own problem; none of them while a stale copy serves.
Task<Result<Documents::Document>> document(const DocumentQuery& query, Ports& io);

// Fetches it anew behind the request that is at work, unless somebody else does or a failure has
// not cooled down yet. A failure changes nothing but the time of the next try.
void refresh_document(const DocumentQuery& query, Ports& io);

// The provider's metadata; nothing is fetched where the configuration says all of it.
Task<Result<Metadata>> metadata_of(const Provider& provider, Ports& io);

// The provider's keys, no older than `not_before`.
Task<Result<KeySet>> keys_of(const Provider& provider, const Metadata& metadata,
                             std::int64_t not_before, Ports& io);

}  // namespace oauth
