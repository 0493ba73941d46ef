// Documents of providers: metadata and keys, fetched when needed, once for all who wait, kept for
// all workers, served stale while a new copy cannot be had.
#pragma once

#include <cstdint>
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

// One acceptable document: what the provider publishes at a URL.
struct DocumentQuery {
  std::string url;
  const Provider& provider;
  // False for what must not replace a good copy.
  bool (*acceptable)(std::string_view body, const Provider& provider);
  std::int64_t not_before;  // a copy fetched earlier than this is not fresh enough
};

// discovery_refused for a document that is not acceptable, discovery_cooling while failures are
// not tried again, or the fetch's own problem; none of them while a stale copy serves.
Task<Result<Documents::Document>> document(const DocumentQuery& query, Ports& io);

// The provider's metadata; nothing is fetched where the configuration says all of it.
Task<Result<Metadata>> metadata_of(const Provider& provider, Ports& io);

// The provider's keys, no older than `not_before`.
Task<Result<KeySet>> keys_of(const Provider& provider, const Metadata& metadata,
                             std::int64_t not_before, Ports& io);

}  // namespace oauth
