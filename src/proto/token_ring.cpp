#include "oauth/proto/token_ring.hpp"

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstring>
#include <new>
#include <type_traits>
#include <utility>

namespace oauth {

// NOLINTNEXTLINE(clang-analyzer-optin.performance.Padding): what it is for
struct TokenRing::Header {
  std::uint64_t seed;
  std::uint64_t buckets;
  std::uint64_t capacity;
  alignas(64) std::uint64_t reserved;  // apart from what never changes: every `put` writes it
};

// The token's bytes follow.
struct TokenRing::Entry {
  PolicyId policy;
  TokenFacts facts;
  std::uint64_t size;  // of the token
};

namespace {

using Word = std::atomic_ref<std::uint64_t>;
static_assert(Word::is_always_lock_free, "several processes share these words");

constexpr std::size_t kAlign = 32;      // of an entry
constexpr std::size_t kWays = 8;        // words in a bucket, which is one cache line
constexpr std::size_t kIndexPart = 16;  // one byte in so many is index: a word for 128 bytes
constexpr std::size_t kLargest = 16;    // no entry takes more than one 16th of the arena
constexpr std::size_t kOldPart = 8;     // the oldest 8th is old

// A word of the index: 14 bits of the hash, and where the entry is in units of kAlign. An empty one
// is a word like any other: offset 0 is overtaken from the beginning. After 2^55 bytes (ten years
// of 100 MB a second) every word is.
constexpr unsigned kOffsetBits = 50;
constexpr std::uint64_t kOffsetMask = (std::uint64_t{1} << kOffsetBits) - 1;

constexpr std::uint64_t offset_in(std::uint64_t word) noexcept {
  return (word & kOffsetMask) * kAlign;
}

constexpr bool is_tagged(std::uint64_t word, std::uint64_t hash) noexcept {
  return ((word ^ (hash << kOffsetBits)) >> kOffsetBits) == 0;
}

constexpr std::uint64_t word_of(std::uint64_t hash, std::uint64_t offset) noexcept {
  return (hash << kOffsetBits) | (offset / kAlign);
}

// Both halves of a product of 64 bits each.
__extension__ using Wide = unsigned __int128;

std::uint64_t fold(std::uint64_t a, std::uint64_t b) noexcept {
  const Wide product = static_cast<Wide>(a) * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

std::uint64_t load(const char* bytes) noexcept {
  std::uint64_t value = 0;
  std::memcpy(&value, bytes, sizeof(value));
  return value;
}

// Odd numbers with half of their bits set: the fractions of the square roots of 2, 3 and 5.
constexpr std::uint64_t kOne = 0x6a09e667f3bcc909;
constexpr std::uint64_t kTwo = 0xbb67ae8584caa73b;
constexpr std::uint64_t kThree = 0x3c6ef372fe94f82b;

// The end of a token is the end of its signature, in which every token differs from every other: as
// good as all of it. Not cryptographic: it says where to look, never whether a token is the same.
constexpr std::size_t kHashed = 16;

std::uint64_t hash_end(const char* end, std::size_t size, std::uint64_t seed) noexcept {
  return fold(fold(load(end) ^ kOne, load(end + 8) ^ seed) ^ size, seed ^ kThree);
}

[[gnu::noinline]] std::uint64_t hash_short(std::string_view text, std::uint64_t seed) noexcept {
  std::array<char, kHashed> padded{};
  std::memcpy(padded.data(), text.data(), text.size());
  return hash_end(padded.data(), text.size(), seed);
}

std::uint64_t hash(std::string_view text, std::uint64_t seed) noexcept {
  return text.size() < kHashed ? hash_short(text, seed)
                               : hash_end(text.data() + text.size() - kHashed, text.size(), seed);
}

// Word by word, as another process may write the same words meanwhile: what is read may be torn,
// and `reserved` judges it. The same goes for the token's bytes.
template <class T>
constexpr std::size_t kWords = sizeof(T) / sizeof(std::uint64_t);

void load_word(std::uint8_t* from, void* to, std::size_t i) noexcept {
  const auto word = Word(reinterpret_cast<std::uint64_t*>(from)[i]).load(std::memory_order_relaxed);
  std::memcpy(static_cast<char*>(to) + i * sizeof word, &word, sizeof word);
}

template <class T, std::size_t... I>
void load_words(std::uint8_t* from, T& to, std::index_sequence<I...>) noexcept {
  static_assert(std::is_trivially_copyable_v<T> && sizeof(T) % sizeof(std::uint64_t) == 0);
  (load_word(from, &to, I), ...);
}
template <class T>
void load_words(std::uint8_t* from, T& to) noexcept {
  load_words(from, to, std::make_index_sequence<kWords<T>>());
}

template <class T>
void store_words(std::uint8_t* to, const T& value) noexcept {
  static_assert(std::is_trivially_copyable_v<T> && sizeof(T) % sizeof(std::uint64_t) == 0);
  std::array<std::uint64_t, kWords<T>> words;
  std::memcpy(words.data(), &value, sizeof(T));
  for (std::size_t i = 0; i < words.size(); i++) {
    Word(reinterpret_cast<std::uint64_t*>(to)[i]).store(words[i], std::memory_order_relaxed);
  }
}

constexpr std::size_t round_up(std::size_t bytes) noexcept {
  return (bytes + kAlign - 1) / kAlign * kAlign;
}

}  // namespace

void TokenRing::format(void* memory, std::size_t bytes, std::uint64_t seed) noexcept {
  const std::uint64_t buckets = bytes / kIndexPart / (kWays * sizeof(std::uint64_t));
  const std::size_t index = buckets * kWays * sizeof(std::uint64_t);
  const std::uint64_t capacity = (bytes - sizeof(Header) - index) / kAlign * kAlign;
  auto* header = new (memory) Header{seed, buckets, capacity, 2 * capacity};
  std::memset(header + 1, 0, index);
}

TokenRing::TokenRing(void* memory) noexcept
    : header_(static_cast<Header*>(memory)),
      index_(reinterpret_cast<std::uint64_t*>(header_ + 1)),
      arena_(reinterpret_cast<std::uint8_t*>(index_ + header_->buckets * kWays)),
      seed_(header_->seed),
      buckets_(header_->buckets),
      capacity_(header_->capacity) {}

TokenRing::Found TokenRing::find(std::string_view token, const PolicyId& policy,
                                 TokenFacts& facts) const noexcept {
  const std::uint64_t name = hash_of(token, policy);
  std::uint64_t* bucket = bucket_of(name);
  Found found = Found::no;
  for (std::size_t i = 0; found == Found::no && i < kWays; i++) {
    const std::uint64_t word = Word(bucket[i]).load(std::memory_order_acquire);
    if (is_tagged(word, name)) {
      found = read(offset_in(word), token, policy, facts);
    }
  }
  return found;
}

TokenRing::Found TokenRing::read(std::uint64_t offset, std::string_view token,
                                 const PolicyId& policy, TokenFacts& facts) const noexcept {
  const std::uint64_t at = offset % capacity_;
  // Where something else lies by now an entry of this size may not even fit.
  if (at + sizeof(Entry) + token.size() > capacity_) {
    return Found::no;
  }
  std::uint8_t* place = arena_ + at;
  const auto word = [place](std::size_t byte) noexcept {
    return Word(*reinterpret_cast<std::uint64_t*>(place + byte)).load(std::memory_order_relaxed);
  };
  if (word(offsetof(Entry, size)) != token.size() || word(offsetof(Entry, policy)) != policy[0] ||
      word(offsetof(Entry, policy) + sizeof(policy[0])) != policy[1] ||
      std::memcmp(place + sizeof(Entry), token.data(), token.size()) != 0) {
    return Found::no;
  }
  load_words(place + offsetof(Entry, facts), facts);
  std::atomic_thread_fence(std::memory_order_acquire);
  const std::uint64_t age = Word(header_->reserved).load(std::memory_order_relaxed) - offset;
  if (age > capacity_) {
    return Found::no;  // overtaken
  }
  return age > capacity_ - capacity_ / kOldPart ? Found::old : Found::yes;
}

void TokenRing::put(std::string_view token, const PolicyId& policy,
                    const TokenFacts& facts) noexcept {
  const std::size_t bytes = round_up(sizeof(Entry) + token.size());
  if (token.size() > kMaxToken || bytes > capacity_ / kLargest) {
    return;
  }
  const std::uint64_t name = hash_of(token, policy);
  std::uint64_t* slot = slot_for(name, token, policy);
  const std::uint64_t offset = reserve(bytes);
  std::uint8_t* place = at(offset);
  store_words(place, Entry{policy, facts, token.size()});
  std::memcpy(place + sizeof(Entry), token.data(), token.size());
  Word(*slot).store(word_of(name, offset), std::memory_order_release);
}

// An entry never wraps: what is left at the end of the arena is skipped.
std::uint64_t TokenRing::reserve(std::size_t bytes) noexcept {
  const Word reserved(header_->reserved);
  std::uint64_t offset = reserved.load(std::memory_order_relaxed);
  const std::uint64_t left = capacity_ - offset % capacity_;
  if (bytes > left) {
    offset += left;
  }
  reserved.store(offset + bytes, std::memory_order_relaxed);
  // A release store would let the writes behind it come before it.
  std::atomic_thread_fence(std::memory_order_release);
  return offset;
}

std::uint64_t* TokenRing::bucket_of(std::uint64_t hash) const noexcept {
  const auto bucket = static_cast<std::uint64_t>((static_cast<Wide>(hash) * buckets_) >> 64);
  return index_ + bucket * kWays;
}

// Its own, else the oldest: a free word is older than any, and one that was overtaken than any that
// was not.
std::uint64_t* TokenRing::slot_for(std::uint64_t hash, std::string_view token,
                                   const PolicyId& policy) const noexcept {
  std::uint64_t* bucket = bucket_of(hash);
  std::uint64_t* oldest = bucket;
  TokenFacts facts;
  for (std::size_t i = 0; i < kWays; i++) {
    if (is_tagged(bucket[i], hash) &&
        read(offset_in(bucket[i]), token, policy, facts) != Found::no) {
      return &bucket[i];
    }
    oldest = offset_in(bucket[i]) < offset_in(*oldest) ? &bucket[i] : oldest;
  }
  return oldest;
}

// With the policy in it, the same token under many policies is not many in one bucket.
std::uint64_t TokenRing::hash_of(std::string_view token, const PolicyId& policy) const noexcept {
  return hash(token, seed_ ^ fold(policy[0] ^ kOne, policy[1] ^ kTwo));
}

}  // namespace oauth
