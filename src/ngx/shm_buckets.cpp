#include "ngx/shm_buckets.hpp"

#include <algorithm>

namespace oauth {
namespace {

// The first half of a digest chooses the set, the second is what a slot is known by.
std::uint64_t name_of(const ShmKey& key) noexcept {
  return std::max<std::uint64_t>(shm_hash(key.data() + key.size() / 2), 1);
}

}  // namespace

void ShmBuckets::format(void* memory, std::size_t bytes) noexcept {
  sets_ = static_cast<Set*>(memory);
  count_ = bytes / sizeof(Set);
}

Bucket ShmBuckets::find(const ShmKey& key) const noexcept {
  const std::uint64_t name = name_of(key);
  for (const Slot& slot : set_of(key).slots) {
    if (slot.name == name) {
      return slot.bucket;
    }
  }
  return {};
}

void ShmBuckets::keep(const ShmKey& key, const Bucket& bucket) noexcept {
  const std::uint64_t name = name_of(key);
  auto& slots = set_of(key).slots;
  auto slot =
      std::find_if(slots.begin(), slots.end(), [&](const Slot& s) { return s.name == name; });
  if (slot == slots.end()) {
    slot = std::min_element(slots.begin(), slots.end(), [](const Slot& a, const Slot& b) {
      return a.bucket.last < b.bucket.last;  // an empty slot's is 0
    });
  }
  // A worker may be killed anywhere here: then the slot is empty, and nobody has another's level.
  slot->name = 0;
  ngx_memory_barrier();
  slot->bucket = bucket;
  ngx_memory_barrier();
  slot->name = name;
}

ShmBuckets::Set& ShmBuckets::set_of(const ShmKey& key) const noexcept {
  return sets_[shm_hash(key.data()) % count_];
}

}  // namespace oauth
