// TokenRing: facts about verified tokens in one piece of memory that several processes share. A
// hit takes no lock. Entries lie in an arena that is written round and round, so a new one takes
// the place of the oldest ones and nothing ever has to be freed, moved or rebuilt: a writer may die
// at any instruction. It is a cache of facts: whatever it forgets is verified again.
//
// An entry is named by its offset in an arena thought to be endless, which only ever grows; its
// place is that offset modulo the capacity. `reserved` is the offset up to which anything may have
// been written, and it is moved before a byte is. A reader therefore compares and copies what may
// be overwritten meanwhile, and looks at `reserved` afterwards: where it has come around to the
// entry, what was read counts for nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "oauth/proto/token_facts.hpp"

namespace oauth {

class TokenRing {
 public:
  static constexpr std::size_t kMinimum = std::size_t{32} * 1024;   // bytes of memory
  static constexpr std::size_t kMaxToken = std::size_t{16} * 1024;  // a longer one is not kept

  // `old`: about to be overwritten; who goes on using it puts it again.
  enum class Found : std::uint8_t { no, yes, old };

  // Makes a ring of `memory`, of at least kMinimum bytes, aligned to 64.
  // `seed` is random and secret: whoever does not know it cannot choose where tokens go.
  static void format(void* memory, std::size_t bytes, std::uint64_t seed) noexcept;

  // The ring that `memory` was made to be.
  explicit TokenRing(void* memory) noexcept;

  // The facts of exactly this token under exactly this policy. At any time, in any process.
  // With `no` they are of no use.
  Found find(std::string_view token, const PolicyId& policy, TokenFacts& facts) const noexcept;

  // Under a lock that all writers share. Replaces what was known of this token and policy. A token
  // that is longer than kMaxToken, or would take more than a 16th of the ring, is not kept.
  void put(std::string_view token, const PolicyId& policy, const TokenFacts& facts) noexcept;

  std::size_t capacity() const noexcept { return capacity_; }  // bytes, of tokens and their entries

 private:
  struct Header;
  struct Entry;

  Found read(std::uint64_t offset, std::string_view token, const PolicyId& policy,
             TokenFacts& facts) const noexcept;
  std::uint64_t reserve(std::size_t bytes) noexcept;
  std::uint64_t* bucket_of(std::uint64_t hash) const noexcept;
  std::uint64_t* slot_for(std::uint64_t hash, std::string_view token,
                          const PolicyId& policy) const noexcept;
  std::uint8_t* at(std::uint64_t offset) const noexcept { return arena_ + offset % capacity_; }
  std::uint64_t hash_of(std::string_view token, const PolicyId& policy) const noexcept;

  Header* header_;
  std::uint64_t* index_;
  std::uint8_t* arena_;
  // Of the header, copied: who reads the memory relies on no number in it.
  std::uint64_t seed_;
  std::uint64_t buckets_;
  std::uint64_t capacity_;
};

}  // namespace oauth
