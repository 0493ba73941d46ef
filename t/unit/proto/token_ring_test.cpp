#include "oauth/proto/token_ring.hpp"

#include <gtest/gtest.h>

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <optional>

#include <atomic>
#include <cstring>
#include <string>
#include <vector>

namespace oauth {
namespace {

constexpr std::uint64_t kSeed = 0x0123456789abcdef;
constexpr PolicyId kPolicy{1, 2};
constexpr std::size_t kEntry = 88;  // bytes beside the token
constexpr std::size_t kAlign = 32;
constexpr std::size_t kReserved = 8;  // which word of the memory `reserved` is

// A piece of memory that ends where no byte may be read, shared with children, and a ring in it.
class Memory {
 public:
  explicit Memory(std::size_t bytes = TokenRing::kMinimum, std::uint64_t seed = kSeed)
      : page_(static_cast<std::size_t>(sysconf(_SC_PAGESIZE))),
        mapped_((bytes + page_ - 1) / page_ * page_ + page_),
        bytes_(bytes),
        map_(static_cast<std::uint8_t*>(
            mmap(nullptr, mapped_, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0))) {
    EXPECT_EQ(mprotect(map_ + mapped_ - page_, page_, PROT_NONE), 0);
    TokenRing::format(data(), bytes, seed);
  }
  ~Memory() { munmap(map_, mapped_); }
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;

  std::uint8_t* data() const { return map_ + mapped_ - page_ - bytes_; }
  std::uint64_t* words() const { return reinterpret_cast<std::uint64_t*>(data()); }
  std::size_t size() const { return bytes_; }
  TokenRing ring() const { return TokenRing(data()); }
  std::uint8_t* arena() const { return data() + bytes_ - ring().capacity(); }
  std::uint64_t& reserved() const { return words()[kReserved]; }
  // Where the entry of this token lies in the arena.
  std::size_t place_of(std::string_view token) const {
    const auto* found = memmem(arena(), ring().capacity(), token.data(), token.size());
    EXPECT_NE(found, nullptr);
    return static_cast<std::size_t>(static_cast<const std::uint8_t*>(found) - arena()) - kEntry;
  }

 private:
  std::size_t page_, mapped_, bytes_;
  std::uint8_t* map_;
};

// Each its own, all of one length.
std::string token(std::size_t number, std::size_t length = 200) {
  const std::string end = "." + std::to_string(number);
  return std::string(length - end.size(), 'x') + end;
}

// Told by the token alone, in every word.
TokenFacts facts_of(std::size_t number) {
  TokenFacts facts;
  facts.expires = static_cast<std::int64_t>(number);
  facts.valid_from = -static_cast<std::int64_t>(number);
  facts.keys = number * 3;
  facts.trust = static_cast<std::uint32_t>(number);
  facts.token = {number * 5, number * 7};
  facts.family = {number * 11, number * 13};
  return facts;
}

bool same(const TokenFacts& a, const TokenFacts& b) {
  return a.expires == b.expires && a.valid_from == b.valid_from && a.keys == b.keys &&
         a.trust == b.trust && a.token == b.token && a.family == b.family;
}

struct Hit {
  TokenFacts facts;
  bool is_old = false;
};
std::optional<Hit> find(const TokenRing& ring, std::string_view token, const PolicyId& policy) {
  Hit hit;
  const TokenRing::Found found = ring.find(token, policy, hit.facts);
  hit.is_old = found == TokenRing::Found::old;
  return found == TokenRing::Found::no ? std::nullopt : std::optional(hit);
}

bool has(const TokenRing& ring, std::size_t number, std::size_t length = 200) {
  const auto hit = find(ring, token(number, length), kPolicy);
  EXPECT_TRUE(!hit || same(hit->facts, facts_of(number))) << number;
  return hit.has_value();
}

void put(TokenRing& ring, std::size_t number, std::size_t length = 200) {
  ring.put(token(number, length), kPolicy, facts_of(number));
}

// How many entries of this token length one lap holds.
std::size_t lap_of(const TokenRing& ring, std::size_t length) {
  return ring.capacity() / ((kEntry + length + kAlign - 1) / kAlign * kAlign);
}

TEST(TokenRing, FindsWhatWasPut) {
  const Memory memory;
  TokenRing ring = memory.ring();
  EXPECT_FALSE(has(ring, 1));
  put(ring, 1);
  put(ring, 2);
  EXPECT_TRUE(has(ring, 1));
  EXPECT_TRUE(has(ring, 2));
  EXPECT_FALSE(has(ring, 3));
}

TEST(TokenRing, KnowsNothingAtFirst) {
  const Memory memory;
  for (std::uint64_t seed = 0; seed < 100'000; seed++) {
    TokenRing::format(memory.data(), memory.size(), seed);
    ASSERT_FALSE(find(memory.ring(), "", PolicyId{})) << seed;
  }
}

TEST(TokenRing, TakesTokensOfEveryLength) {
  const Memory memory(std::size_t{512} * 1024);
  TokenRing ring = memory.ring();
  for (std::size_t length = 6; length < 400; length++) {
    put(ring, 1000 + length, length);
    EXPECT_TRUE(has(ring, 1000 + length, length)) << length;
  }
  ring.put("", kPolicy, facts_of(7));
  EXPECT_TRUE(find(ring, "", kPolicy));
  EXPECT_FALSE(find(ring, std::string(1, '\0'), kPolicy));
}

TEST(TokenRing, ReplacesWhatItKnewOfATokenWhenItIsPutAgain) {
  const Memory memory;
  TokenRing ring = memory.ring();
  for (std::size_t round = 0; round < 100; round++) {
    ring.put(token(1), kPolicy, facts_of(round));
    const auto hit = find(ring, token(1), kPolicy);
    ASSERT_TRUE(hit);
    EXPECT_TRUE(same(hit->facts, facts_of(round))) << round;
  }
}

// The end finds an entry, and for one in 500,000 the bucket and the bits of a word are the same.
TEST(TokenRing, ComparesTheWholeToken) {
  const Memory memory;
  TokenRing ring = memory.ring();
  put(ring, 1'000'000);
  for (std::size_t place = 0; place < 200; place++) {
    std::string other = token(1'000'000);
    other[place] ^= 1;
    ASSERT_FALSE(find(ring, other, kPolicy)) << place;
  }
  for (std::size_t number = 1'000'001; number < 2'000'000; number++) {
    ASSERT_FALSE(find(ring, token(number), kPolicy)) << number;
  }
  EXPECT_TRUE(has(ring, 1'000'000));
}

// req 124
TEST(TokenRing, ComparesTheWholePolicy) {
  const Memory memory;
  TokenRing ring = memory.ring();
  put(ring, 1);
  const std::string known = token(1);
  for (std::uint64_t number = 0; number < 1'000'000; number++) {
    ASSERT_FALSE(find(ring, known, PolicyId{number + 3, 2})) << number;
    ASSERT_FALSE(find(ring, known, PolicyId{1, number + 3})) << number;
  }
  EXPECT_TRUE(has(ring, 1));
}

TEST(TokenRing, ComparesTheLength) {
  const Memory memory;
  TokenRing ring = memory.ring();
  put(ring, 1);
  auto* size = memory.arena() + memory.place_of(token(1)) + kEntry - 8;
  ASSERT_EQ(*size, 200);
  (*size)++;
  EXPECT_FALSE(has(ring, 1)) << "the token is a part of the one that was put";
}

TEST(TokenRing, KeepsATokenUnderManyPolicies) {
  const Memory memory(std::size_t{256} * 1024);
  TokenRing ring = memory.ring();
  for (std::uint64_t policy = 0; policy < 100; policy++) {
    ring.put(token(1), PolicyId{policy, 0}, facts_of(policy));
  }
  for (std::uint64_t policy = 0; policy < 100; policy++) {
    const auto hit = find(ring, token(1), PolicyId{policy, 0});
    ASSERT_TRUE(hit) << policy;
    EXPECT_TRUE(same(hit->facts, facts_of(policy)));
  }
}

TEST(TokenRing, ForgetsTheOldestAndNeverStalls) {
  for (const std::size_t length : {200U, 201U, 333U, 1000U, 1700U}) {
    const Memory memory(std::size_t{256} * 1024);
    TokenRing ring = memory.ring();
    const std::size_t lap = lap_of(ring, length);
    for (std::size_t number = 0; number < lap * 10; number++) {
      put(ring, number, length);
      ASSERT_TRUE(has(ring, number, length)) << number;
      ASSERT_FALSE(number > lap && has(ring, number - lap - 1, length)) << number;
    }
  }
}

TEST(TokenRing, HoldsNearlyAllThatFitsIn) {
  constexpr std::size_t kLength = 800;
  const Memory memory(std::size_t{16} * 1024 * 1024);
  TokenRing ring = memory.ring();
  const std::size_t lap = lap_of(ring, kLength);
  EXPECT_GT(lap, memory.size() / (kLength + 192)) << "what a token takes beside itself";
  std::size_t found = 0;
  for (std::size_t number = 0; number < lap; number++) {
    put(ring, number, kLength);
  }
  for (std::size_t number = 0; number < lap; number++) {
    found += has(ring, number, kLength) ? 1U : 0U;
  }
  EXPECT_GT(found, lap * 99 / 100);
}

TEST(TokenRing, KeepsNoTokenThatIsTooLarge) {
  const Memory large(std::size_t{1024} * 1024);
  TokenRing ring = large.ring();
  put(ring, 1, TokenRing::kMaxToken);
  put(ring, 2, TokenRing::kMaxToken + 1);
  EXPECT_TRUE(has(ring, 1, TokenRing::kMaxToken));
  EXPECT_FALSE(has(ring, 2, TokenRing::kMaxToken + 1));

  const Memory small;
  TokenRing little = small.ring();
  put(little, 1);
  const std::size_t most = little.capacity() / 16 / kAlign * kAlign - kEntry;
  put(little, 2, most);
  put(little, 3, most + 1);
  EXPECT_TRUE(has(little, 2, most));
  EXPECT_FALSE(has(little, 3, most + 1));
  EXPECT_TRUE(has(little, 1)) << "and what is there stays";
}

TEST(TokenRing, SaysWhatIsAboutToBeForgotten) {
  const Memory memory(std::size_t{64} * 1024);
  TokenRing ring = memory.ring();
  const std::size_t lap = lap_of(ring, 200);
  for (std::size_t number = 0; number < lap * 3; number++) {
    put(ring, number);
  }
  std::size_t old = 0;
  std::size_t fresh = 0;
  for (std::size_t age = 1; age < lap; age++) {
    const auto hit = find(ring, token(lap * 3 - age), kPolicy);
    if (hit && hit->is_old) {
      EXPECT_GT(age + 2, lap * 7 / 8) << "only the oldest eighth is old";
      old++;
    } else if (hit) {
      EXPECT_LT(age, lap * 7 / 8 + 2) << "all of the oldest eighth is old";
      fresh++;
    }
  }
  EXPECT_GT(old, lap / 10);
  EXPECT_GT(fresh, lap * 3 / 4);
}

TEST(TokenRing, KeepsForEverWhatIsPutAgainWhenOld) {
  constexpr std::size_t kLength = 800;
  constexpr std::size_t kRounds = 5000;
  const Memory memory(std::size_t{256} * 1024);
  TokenRing ring = memory.ring();
  put(ring, 0, kLength);
  std::size_t again = 0;
  for (std::size_t number = 1; number < kRounds; number++) {
    put(ring, number, kLength);
    const auto hit = find(ring, token(0, kLength), kPolicy);
    ASSERT_TRUE(hit) << number;
    if (hit->is_old) {
      put(ring, 0, kLength);
      again++;
    }
  }
  EXPECT_LE(again, kRounds / (lap_of(ring, kLength) * 3 / 4)) << "about once a lap";
}

TEST(TokenRing, IsTheSameForWhoComesLater) {
  const Memory memory;
  TokenRing first = memory.ring();
  put(first, 1);
  TokenRing second = memory.ring();
  EXPECT_TRUE(has(second, 1));
  put(second, 2);
  EXPECT_TRUE(has(first, 2));
}

TEST(TokenRing, BelievesNothingThatAWriterHasReachedForMeanwhile) {
  const Memory memory;
  TokenRing ring = memory.ring();
  put(ring, 1);
  const std::uint64_t before = memory.reserved();
  memory.reserved() = before - 288 + ring.capacity();
  EXPECT_TRUE(has(ring, 1)) << "a writer that is right in front of it";
  memory.reserved() += kAlign;
  EXPECT_FALSE(has(ring, 1)) << "a writer that has begun to overwrite it, though no byte is yet";
  memory.reserved() = before - 288 - kAlign;
  EXPECT_FALSE(has(ring, 1)) << "an entry of the future";
}

TEST(TokenRing, GoesOnAfterAWriterThatDied) {
  const Memory memory;
  TokenRing ring = memory.ring();
  put(ring, 1);
  // It reserved, and wrote some of the bytes.
  std::memset(memory.arena() + memory.reserved() % ring.capacity(), 0xff, 100);
  memory.reserved() += 320;
  EXPECT_TRUE(has(ring, 1));
  for (std::size_t number = 2; number < 500; number++) {
    put(ring, number);
    ASSERT_TRUE(has(ring, number)) << number;
  }
}

// A word of the index may be older than what lies where it points: here a whole entry claims to
// begin so late that its token would end behind the memory, and then each word of the index points
// to the very last bytes.
TEST(TokenRing, ReadsNothingBehindItsMemory) {
  const Memory memory;
  TokenRing ring = memory.ring();
  const std::size_t last = ring.capacity() - 128;  // room for the entry, not for its token
  put(ring, 1);
  std::uint8_t* entry = memory.arena() + memory.place_of(token(1));
  std::memcpy(memory.arena() + last, entry, 128);
  const auto units =
      static_cast<std::uint64_t>(ring.capacity() * 2 + memory.place_of(token(1))) / 32;
  std::uint64_t* const index = memory.words() + 16;
  std::uint64_t* const end = reinterpret_cast<std::uint64_t*>(memory.arena());
  std::size_t moved = 0;
  for (std::uint64_t* word = index; word < end; word++) {
    if (*word != 0 && (*word & ((std::uint64_t{1} << 50) - 1)) == units) {
      *word += last / 32 - memory.place_of(token(1)) / 32;
      moved++;
    }
  }
  ASSERT_EQ(moved, 1U);
  memory.reserved() += ring.capacity() / 2;
  EXPECT_FALSE(find(ring, token(1), kPolicy));

  std::fill(index, end, (std::uint64_t{ring.capacity()} * 3 - kAlign) / 32);
  for (std::size_t number = 0; number < 200'000; number++) {
    ASSERT_FALSE(find(ring, token(number), kPolicy));
  }
}

TEST(TokenRing, FindsNothingMoreAtTheEndOfItsOffsets) {
  const Memory memory;
  TokenRing ring = memory.ring();
  memory.reserved() = (std::uint64_t{1} << 55) - 1000 * kAlign;
  for (std::size_t number = 0; number < 50; number++) {
    put(ring, number);
    ASSERT_TRUE(has(ring, number)) << number;
  }
  for (std::size_t number = 50; number < 300; number++) {
    put(ring, number);
    ASSERT_FALSE(number > 150 && has(ring, number)) << number;
  }
}

TEST(TokenRing, PutsTokensElsewhereWithAnotherSeed) {
  const Memory one(TokenRing::kMinimum, 1);
  const Memory two(TokenRing::kMinimum, 2);
  TokenRing first = one.ring();
  TokenRing second = two.ring();
  std::size_t alike = 0;
  for (std::size_t number = 0; number < 50; number++) {
    put(first, number);
    put(second, number);
  }
  const auto index = static_cast<std::size_t>(one.arena() - one.data()) / 8;
  for (std::size_t word = 16; word < index; word++) {
    alike += one.words()[word] != 0 && one.words()[word] == two.words()[word] ? 1U : 0U;
  }
  EXPECT_EQ(alike, 0U);
}

// Several processes read while one overwrites what they read, lap after lap.
TEST(TokenRing, TellsNoReaderWrongFactsWhileAWriterLapsIt) {
  constexpr std::size_t kTokens = 400;  // more than there is room for
  const Memory memory;
  const Memory board(TokenRing::kMinimum);  // only its pages are used: results of the children
  std::vector<pid_t> readers;
  auto* const told = board.words();
  std::memset(told, 0, 64);
  for (std::size_t reader = 0; reader < 2; reader++) {
    const pid_t pid = fork();
    if (pid == 0) {
      const TokenRing ring = memory.ring();
      std::uint64_t hits = 0;
      for (std::size_t i = 0; std::atomic_ref<std::uint64_t>(told[0]).load() == 0; i++) {
        const std::size_t number = i * 7 % kTokens;
        const auto hit = find(ring, token(number), kPolicy);
        if (hit && !same(hit->facts, facts_of(number))) {
          _exit(1);
        }
        hits += hit ? 1U : 0U;
      }
      _exit(hits > 0 ? 0 : 2);
    }
    readers.push_back(pid);
  }
  TokenRing ring = memory.ring();
  for (std::size_t i = 0; i < 400'000; i++) {
    put(ring, i * 11 % kTokens);
  }
  std::atomic_ref<std::uint64_t>(told[0]).store(1);
  for (const pid_t reader : readers) {
    int status = -1;
    waitpid(reader, &status, 0);
    EXPECT_EQ(status, 0) << "exit status 256: wrong facts; 512: no hit at all";
  }
}

}  // namespace
}  // namespace oauth
