// ShmBuckets: the leaky buckets of many addresses in a fixed piece of shared memory. Sets of eight
// slots; a name belongs to one set, and where that is full the slot that was written longest ago
// gives way. Nothing is allocated, no index can break, and a lookup reads one set.
#pragma once

#include "ngx/shm_zone.hpp"
#include "oauth/proto/limit.hpp"

namespace oauth {

class ShmBuckets {
 public:
  // Takes `bytes` of zeroed memory, enough for at least one set.
  void format(void* memory, std::size_t bytes) noexcept;
  // An empty one for a name that is not known.
  Bucket find(const ShmKey& key) const noexcept;
  void keep(const ShmKey& key, const Bucket& bucket) noexcept;

 private:
  // 64 bits of the digest, and it takes another 64 to be in the same set: two names with the same
  // would share a bucket, and no client can look for them, since the digest is seeded.
  struct Slot {
    std::uint64_t name;  // 0: empty. Written last, erased first.
    Bucket bucket;
  };
  static constexpr std::size_t kWays = 8;
  struct Set {
    std::array<Slot, kWays> slots;
  };

  Set& set_of(const ShmKey& key) const noexcept;

  Set* sets_;
  std::size_t count_;
};

}  // namespace oauth
