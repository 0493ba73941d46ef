#include "ngx/shm_table.hpp"

#include <algorithm>

namespace oauth {

enum class BlockKind : std::uint32_t { free, entry, rest };

// Every block begins like this; the bytes of the value follow.
struct ShmTable::Block {
  Block* next;  // of the same value, or of the free list
  BlockKind kind;
  std::uint32_t size;  // of the whole value; in the first block only
};

// The first block of an entry.
class ShmTable::Entry {
 public:
  Block block;
  ngx_rbtree_node_t node;
  Entry* same_bucket;
  std::int64_t time;
  ShmKey key;
};

namespace {

template <class Header>
char* bytes_of(Header* header) noexcept {
  return reinterpret_cast<char*>(header + 1);
}

template <class Header>
const char* bytes_of(const Header* header) noexcept {
  return reinterpret_cast<const char*>(header + 1);
}

}  // namespace

void ShmTable::format(void* memory, std::size_t bytes, std::size_t block_bytes) noexcept {
  block_bytes_ = block_bytes;
  block_count_ = bytes / (block_bytes + sizeof(void*));
  blocks_ = static_cast<u_char*>(memory);
  buckets_ = reinterpret_cast<Entry**>(blocks_ + block_count_ * block_bytes_);
  rebuild();
}

ShmTable::Entry* ShmTable::find(const ShmKey& key) noexcept {
  Entry* entry = bucket_of(key);
  while (entry != nullptr && entry->key != key) {
    entry = entry->same_bucket;
  }
  return entry;
}

bool ShmTable::put(const ShmKey& key, std::int64_t time, std::string_view value,
                   std::int64_t evictable) noexcept {
  const std::size_t needed = blocks_for(value.size());
  if (needed > block_count_) {
    return false;
  }
  Entry* old = find(key);
  std::size_t reusable = old == nullptr ? 0 : blocks_for(old->block.size);
  while (free_count_ + reusable < needed) {
    Entry* oldest = first();
    if (oldest == nullptr || oldest->time > evictable) {
      return false;
    }
    if (oldest == old) {
      old = nullptr;
      reusable = 0;
    }
    remove(oldest);
  }
  if (old != nullptr) {
    remove(old);
  }

  auto* entry = reinterpret_cast<Entry*>(allocate());
  entry->time = time;
  entry->key = key;
  entry->block.size = static_cast<std::uint32_t>(value.size());
  std::size_t part = std::min(value.size(), block_bytes_ - sizeof(Entry));
  std::memcpy(bytes_of(entry), value.data(), part);
  Block** tail = &entry->block.next;
  for (value.remove_prefix(part); !value.empty(); value.remove_prefix(part)) {
    Block* block = allocate();
    part = std::min(value.size(), block_bytes_ - sizeof(Block));
    std::memcpy(bytes_of(block), value.data(), part);
    *tail = block;
    tail = &block->next;
  }
  ngx_memory_barrier();
  entry->block.kind = BlockKind::entry;
  link(entry);
  return true;
}

void ShmTable::remove(Entry* entry) noexcept {
  entry->block.kind = BlockKind::rest;
  ngx_memory_barrier();
  ngx_rbtree_delete(&order_, &entry->node);
  Entry** at = &bucket_of(entry->key);
  while (*at != entry) {
    at = &(*at)->same_bucket;
  }
  *at = entry->same_bucket;
  entries_--;
  for (Block* block = &entry->block; block != nullptr;) {
    Block* next = block->next;
    release(block);
    block = next;
  }
}

void ShmTable::sweep(std::int64_t until, std::size_t limit) noexcept {
  for (Entry* entry = first(); limit > 0 && entry != nullptr && entry->time <= until;
       entry = first(), limit--) {
    remove(entry);
  }
}

std::int64_t ShmTable::time_of(const Entry* entry) noexcept {
  return entry->time;
}
std::size_t ShmTable::size_of(const Entry* entry) noexcept {
  return entry->block.size;
}

void ShmTable::copy(const Entry* entry, char* out) const noexcept {
  std::size_t left = entry->block.size;
  std::size_t part = std::min(left, block_bytes_ - sizeof(Entry));
  std::memcpy(out, bytes_of(entry), part);
  for (const Block* block = entry->block.next; block != nullptr; block = block->next) {
    out += part;
    left -= part;
    part = std::min(left, block_bytes_ - sizeof(Block));
    std::memcpy(out, bytes_of(block), part);
  }
}

void ShmTable::forget_index() noexcept {
  std::fill_n(buckets_, block_count_, nullptr);
  ngx_rbtree_init(&order_, &sentinel_, ngx_rbtree_insert_timer_value);
  free_ = nullptr;
  free_count_ = 0;
  entries_ = 0;
}

void ShmTable::rebuild() noexcept {
  forget_index();
  for (std::size_t i = 0; i < block_count_; i++) {
    Block* block = block_at(i);
    if (block->kind != BlockKind::entry) {
      block->kind = BlockKind::free;
    }
  }
  for (std::size_t i = 0; i < block_count_; i++) {
    Block* block = block_at(i);
    if (block->kind == BlockKind::entry && !adopt(reinterpret_cast<Entry*>(block))) {
      block->kind = BlockKind::rest;  // freed with the next rebuild; its chain is not to be trusted
    }
  }
  for (std::size_t i = block_count_; i > 0; i--) {
    Block* block = block_at(i - 1);
    if (block->kind == BlockKind::free) {
      release(block);
    }
  }
}

// Puts a committed entry back into the indexes and marks its chain as used.
bool ShmTable::adopt(Entry* entry) noexcept {
  const auto begin = reinterpret_cast<std::uintptr_t>(blocks_);
  std::size_t left = blocks_for(entry->block.size) - 1;
  for (Block* block = entry->block.next; block != nullptr; block = block->next) {
    const std::uintptr_t offset = reinterpret_cast<std::uintptr_t>(block) - begin;
    if (left == 0 || offset >= block_count_ * block_bytes_ || offset % block_bytes_ != 0 ||
        block->kind != BlockKind::free) {
      return false;
    }
    block->kind = BlockKind::rest;
    left--;
  }
  if (left != 0) {
    return false;
  }
  link(entry);
  return true;
}

void ShmTable::link(Entry* entry) noexcept {
  Entry*& bucket = bucket_of(entry->key);
  entry->same_bucket = bucket;
  bucket = entry;
  entry->node.key = static_cast<ngx_rbtree_key_t>(entry->time);
  ngx_rbtree_insert(&order_, &entry->node);
  entries_++;
}

ShmTable::Entry* ShmTable::first() noexcept {
  if (order_.root == &sentinel_) {
    return nullptr;
  }
  ngx_rbtree_node_t* node = ngx_rbtree_min(order_.root, &sentinel_);
  return ngx_rbtree_data(node, Entry, node);
}

ShmTable::Entry*& ShmTable::bucket_of(const ShmKey& key) const noexcept {
  return buckets_[shm_hash(key.data()) % block_count_];
}

ShmTable::Block* ShmTable::allocate() noexcept {
  Block* block = free_;
  free_ = block->next;
  free_count_--;
  block->next = nullptr;
  block->kind = BlockKind::rest;
  return block;
}

void ShmTable::release(Block* block) noexcept {
  block->kind = BlockKind::free;
  block->next = free_;
  free_ = block;
  free_count_++;
}

ShmTable::Block* ShmTable::block_at(std::size_t index) const noexcept {
  return reinterpret_cast<Block*>(blocks_ + index * block_bytes_);
}

std::size_t ShmTable::blocks_for(std::size_t size) const noexcept {
  const std::size_t first_room = block_bytes_ - sizeof(Entry);
  const std::size_t room = block_bytes_ - sizeof(Block);
  return size <= first_room ? 1 : 1 + (size - first_room + room - 1) / room;
}

}  // namespace oauth
