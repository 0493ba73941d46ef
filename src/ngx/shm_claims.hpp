// ShmClaims: which single-use things were spent, in shared memory. A ring of fixed slots with a
// hash over it; 44 bytes a claim. When the ring is full the oldest claim gives way, and from then
// on everything issued no later than it is refused: a flood can make users begin again, but nothing
// is ever spent twice and nothing is ever answered with "full".
#pragma once

#include "ngx/shm_zone.hpp"

namespace oauth {

class ShmClaims {
 public:
  enum class Outcome : std::uint8_t { fresh, taken, too_old };

  // Takes `bytes` of zeroed memory. Whatever was issued before `now` may have been spent in a
  // memory that is gone, so it is refused too. (What was issued within that second is accepted: a
  // server that has just started must be able to sign in its first user.)
  void format(void* memory, std::size_t bytes, std::int64_t now) noexcept;
  Outcome claim(const ShmKey& key, std::int64_t issued, std::int64_t expires,
                std::int64_t now) noexcept;
  // The first half of `rebuild`: an index without a single entry.
  void forget_index() noexcept;
  void rebuild() noexcept;
  std::size_t capacity() const noexcept { return capacity_; }
  // Slots with a claim, even one that has expired: they are written in turn.
  std::size_t used() const noexcept { return slots_[next_].expires != 0 ? capacity_ : next_; }

 private:
  // 128 bits of the name's digest: two names with the same would have to be found among 2^64, and
  // would only refuse each other.
  struct Slot {
    std::array<std::uint8_t, 16> digest;
    std::int64_t issued;
    std::int64_t expires;  // 0: empty. The store that commits a slot is the one to this field.
    std::uint32_t next;    // index of the next older slot of the same bucket
  };
  static constexpr std::uint32_t kNone = 0xFFFFFFFFU;
  static_assert(sizeof(Slot) + sizeof(std::uint32_t) <= 64);

  std::uint32_t& bucket_of(const std::uint8_t* digest) noexcept;
  void link(std::uint32_t index) noexcept;
  void unlink(std::uint32_t index) noexcept;

  Slot* slots_;
  std::uint32_t* buckets_;
  std::uint32_t capacity_;
  std::uint32_t next_;  // the slot that is written next: the oldest, once the ring is full
  std::int64_t floor_;  // what was issued no later than this is refused
};

}  // namespace oauth
