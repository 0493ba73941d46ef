// RevocationList: the marks of what was revoked, in a fixed piece of memory that processes share.
// `has` takes no lock and is asked for every request; writers hold a lock of their own. Nothing is
// ever forgotten before its time: a list that is full refuses.
//
// Two tables of slots with open addressing. In the active one a slot only ever goes from empty to
// taken, so a reader meets no entry that moves. Entries whose time is over are left behind when the
// rest is copied to the other table, which then becomes the active one by one store; a reader that
// was overtaken by that looks again. A writer that dies half way has changed nothing that counts.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <limits>

#include "oauth/proto/token_facts.hpp"

namespace oauth {

class RevocationList {
 public:
  enum class Outcome : std::uint8_t { added, known, full };
  static constexpr std::size_t kLimit = 100'000;
  // What was accepted elsewhere (read from a journal, from a store) may go a little beyond.
  static constexpr std::size_t kHardLimit = 110'000;

  // kNoMark is never on it.
  bool has(const RevocationMark& mark) const noexcept {
    return !is_certainly_empty() && find(mark);
  }
  bool has_either(const RevocationMark& one, const RevocationMark& other) const noexcept {
    return !is_certainly_empty() && (find(one) || find(other));
  }

  // For writers, one at a time. Times in s; an entry may be forgotten from `expires` on. Who adds a
  // mark again may only make it last longer.
  Outcome add(const RevocationMark& mark, std::int64_t expires, std::int64_t now,
              std::size_t limit = kLimit) noexcept;
  // Whether `add` would not be `full`.
  bool has_room(const RevocationMark& mark, std::int64_t now, std::size_t limit = kLimit) noexcept;
  // Forgets what has expired.
  void sweep(std::int64_t now) noexcept;
  std::size_t size() const noexcept { return active().used.load(std::memory_order_relaxed); }

  // Calls `visit(mark, expires)` for each.
  template <class Visit>
  void each(Visit visit) const {
    for (const Slot& slot : active().slots) {
      if (slot.expires.load(std::memory_order_acquire) != 0) {
        visit(slot.mark(), slot.expires.load(std::memory_order_relaxed));
      }
    }
  }

 private:
  bool find(const RevocationMark& mark) const noexcept;

  struct Slot {
    std::atomic<std::uint64_t> words[2];
    std::atomic<std::int64_t> expires;  // 0: empty. Written last.

    RevocationMark mark() const noexcept {
      return {words[0].load(std::memory_order_relaxed), words[1].load(std::memory_order_relaxed)};
    }
  };
  static constexpr std::size_t kSlots = std::size_t{1} << 17;
  static_assert(kHardLimit < kSlots, "a search ends at an empty slot");

  struct Table {
    std::atomic<std::size_t> used;
    std::int64_t soonest;  // no entry ends before
    std::array<Slot, kSlots> slots;

    // The slot of the mark, or the empty one where it would stand.
    const Slot& find(const RevocationMark& mark) const noexcept;
    Slot& find(const RevocationMark& mark) noexcept;
    void clear() noexcept;
    void put(Slot& slot, const RevocationMark& mark, std::int64_t expires) noexcept;
  };

  const Table& active() const noexcept {
    return tables_[generation_.load(std::memory_order_acquire) & 1U];
  }
  Table& active() noexcept { return tables_[generation_.load(std::memory_order_acquire) & 1U]; }

  // As nearly all are: nothing need be looked for then.
  bool is_certainly_empty() const noexcept {
    const std::uint32_t generation = generation_.load(std::memory_order_acquire);
    const bool is_empty = tables_[generation & 1U].used.load(std::memory_order_acquire) == 0;
    std::atomic_thread_fence(std::memory_order_acquire);
    return is_empty && generation_.load(std::memory_order_relaxed) == generation;
  }

  std::atomic<std::uint32_t> generation_;
  std::array<Table, 2> tables_;
};

}  // namespace oauth
