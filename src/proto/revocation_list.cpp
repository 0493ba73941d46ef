#include "oauth/proto/revocation_list.hpp"

#include <algorithm>
#include <utility>

namespace oauth {

bool RevocationList::find(const RevocationMark& mark) const noexcept {
  for (;;) {
    const std::uint32_t generation = generation_.load(std::memory_order_acquire);
    const Table& table = tables_[generation & 1U];
    if (table.used.load(std::memory_order_acquire) != 0 && mark != kNoMark &&
        table.find(mark).expires.load(std::memory_order_relaxed) != 0) {
      return true;
    }
    // What was not found in a table that has become the other one meanwhile is looked for again.
    std::atomic_thread_fence(std::memory_order_acquire);
    if (generation_.load(std::memory_order_relaxed) == generation) {
      return false;
    }
  }
}

RevocationList::Outcome RevocationList::add(const RevocationMark& mark, std::int64_t expires,
                                            std::int64_t now, std::size_t limit) noexcept {
  if (!has_room(mark, now, limit)) {
    return Outcome::full;
  }
  Table& table = active();
  Slot& slot = table.find(mark);
  const std::int64_t until = slot.expires.load(std::memory_order_relaxed);
  if (until != 0) {
    slot.expires.store(std::max(until, expires), std::memory_order_release);
    return Outcome::known;
  }
  table.put(slot, mark, expires);
  return Outcome::added;
}

bool RevocationList::has_room(const RevocationMark& mark, std::int64_t now,
                              std::size_t limit) noexcept {
  if (size() >= limit && active().soonest <= now) {
    sweep(now);
  }
  return size() < limit || has(mark);
}

void RevocationList::sweep(std::int64_t now) noexcept {
  const std::uint32_t generation = generation_.load(std::memory_order_relaxed);
  Table& rest = tables_[(generation + 1) & 1U];
  rest.clear();
  each([&](const RevocationMark& mark, std::int64_t expires) {
    if (expires > now) {
      rest.put(rest.find(mark), mark, expires);
    }
  });
  generation_.store(generation + 1, std::memory_order_release);
}

// Marks are random: a part of one is as good a hash as any.
const RevocationList::Slot& RevocationList::Table::find(const RevocationMark& mark) const noexcept {
  for (std::size_t i = mark[0] % kSlots;; i = (i + 1) % kSlots) {
    const Slot& slot = slots[i];
    if (slot.expires.load(std::memory_order_acquire) == 0 || slot.mark() == mark) {
      return slot;
    }
  }
}

RevocationList::Slot& RevocationList::Table::find(const RevocationMark& mark) noexcept {
  return const_cast<Slot&>(std::as_const(*this).find(mark));
}

void RevocationList::Table::clear() noexcept {
  // A reader that sees a slot cleared sees, too, that this table is no longer the active one.
  std::atomic_thread_fence(std::memory_order_release);
  for (Slot& slot : slots) {
    slot.expires.store(0, std::memory_order_relaxed);
  }
  used.store(0, std::memory_order_relaxed);
  soonest = std::numeric_limits<std::int64_t>::max();
}

// Counted first: readers look at no slot of a table that says it has none.
void RevocationList::Table::put(Slot& slot, const RevocationMark& mark,
                                std::int64_t expires) noexcept {
  const std::size_t count = used.load(std::memory_order_relaxed);
  soonest = count == 0 ? expires : std::min(soonest, expires);
  used.store(count + 1, std::memory_order_release);
  slot.words[0].store(mark[0], std::memory_order_relaxed);
  slot.words[1].store(mark[1], std::memory_order_relaxed);
  slot.expires.store(expires, std::memory_order_release);
}

}  // namespace oauth
