// ShmTable: values under names, in a piece of shared memory of its own. Each share of the store has
// one, so none can take another's room, and so has the document cache.
//
// An entry is a chain of fixed blocks: found by a hash of its name, ordered by a time (when it
// expires, or how old it is) in nginx's own red-black tree, and reclaimed in that order. Work per
// operation is bounded by the length of one value. An entry counts while its first block says so,
// which is the last thing written and the first thing erased; hash, tree and free list are
// indexes that `rebuild` makes anew from the blocks (see shm_zone.hpp).
#pragma once

#include "ngx/shm_zone.hpp"

namespace oauth {

class ShmTable {
 public:
  class Entry;

  // Takes `bytes` of zeroed memory and cuts it into blocks of `block_bytes` (a multiple of 8).
  void format(void* memory, std::size_t bytes, std::size_t block_bytes) noexcept;

  Entry* find(const ShmKey& key) noexcept;
  // Replaces what is there. Makes room by removing entries in order of time, but only those with
  // a time up to `evictable`. False when that is not enough; nothing that counts is lost then.
  bool put(const ShmKey& key, std::int64_t time, std::string_view value,
           std::int64_t evictable) noexcept;
  void remove(Entry* entry) noexcept;
  // Removes at most `limit` entries with a time up to `until`.
  void sweep(std::int64_t until, std::size_t limit) noexcept;

  static std::int64_t time_of(const Entry* entry) noexcept;
  static std::size_t size_of(const Entry* entry) noexcept;
  // Copies the value, size_of() bytes.
  void copy(const Entry* entry, char* out) const noexcept;
  std::size_t entries() const noexcept { return entries_; }
  std::size_t blocks() const noexcept { return block_count_; }
  std::size_t free_blocks() const noexcept { return free_count_; }

  // The first half of `rebuild`: indexes without a single entry.
  void forget_index() noexcept;
  void rebuild() noexcept;

 private:
  struct Block;
  Block* block_at(std::size_t index) const noexcept;
  std::size_t blocks_for(std::size_t size) const noexcept;
  Entry* first() noexcept;
  Entry*& bucket_of(const ShmKey& key) const noexcept;
  Block* allocate() noexcept;
  void release(Block* block) noexcept;
  void link(Entry* entry) noexcept;
  bool adopt(Entry* entry) noexcept;

  std::size_t block_bytes_;
  std::size_t block_count_;
  u_char* blocks_;
  Entry** buckets_;  // as many as blocks
  Block* free_;
  std::size_t free_count_;
  std::size_t entries_;
  ngx_rbtree_t order_;
  ngx_rbtree_node_t sentinel_;
};

}  // namespace oauth
