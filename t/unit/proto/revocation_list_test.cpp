#include "oauth/proto/revocation_list.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <thread>

namespace oauth {
namespace {

using Outcome = RevocationList::Outcome;

// As random marks are, and some that meet in one slot.
RevocationMark mark(std::uint64_t n) {
  return {n * 0x9E3779B97F4A7C15U, ~n};
}
RevocationMark crowded(std::uint64_t n) {
  return {7, n};
}

struct RevocationListTest : testing::Test {
  std::unique_ptr<RevocationList> list = std::make_unique<RevocationList>();
  void fill(std::int64_t expires) {
    for (std::size_t i = list->size(); i < RevocationList::kLimit; i++) {
      ASSERT_EQ(list->add(mark(i + 1), expires, 0), Outcome::added);
    }
  }
};

TEST_F(RevocationListTest, HasWhatWasAddedAndNothingElse) {
  EXPECT_FALSE(list->has(mark(1)));
  EXPECT_EQ(list->add(mark(1), 10, 0), Outcome::added);
  EXPECT_EQ(list->add(mark(1), 10, 0), Outcome::known);
  EXPECT_TRUE(list->has(mark(1)));
  EXPECT_FALSE(list->has(mark(2)));
  EXPECT_FALSE(list->has(kNoMark));
  EXPECT_EQ(list->size(), 1U);
}

TEST_F(RevocationListTest, TellsMarksThatMeetApart) {
  for (std::uint64_t i = 0; i < 100; i += 2) {
    EXPECT_EQ(list->add(crowded(i), 10, 0), Outcome::added);
  }
  for (std::uint64_t i = 0; i < 100; i++) {
    EXPECT_EQ(list->has(crowded(i)), i % 2 == 0) << i;
  }
}

TEST_F(RevocationListTest, RefusesWhenItIsFullAndForgetsNothing) {
  fill(100);
  EXPECT_EQ(list->add(mark(0), 100, 99), Outcome::full);
  EXPECT_EQ(list->add(mark(1), 100, 99), Outcome::known) << "what is there is there";
  EXPECT_FALSE(list->has(mark(0)));
  for (std::size_t i = 0; i < RevocationList::kLimit; i++) {
    ASSERT_TRUE(list->has(mark(i + 1))) << i;
  }
}

TEST_F(RevocationListTest, TakesALittleMoreOfWhatIsRevokedElsewhere) {
  fill(100);
  EXPECT_EQ(list->add(mark(0), 100, 0, RevocationList::kHardLimit), Outcome::added);
  EXPECT_TRUE(list->has(mark(0)));
}

TEST_F(RevocationListTest, MakesRoomOfWhatHasExpired) {
  ASSERT_EQ(list->add(crowded(1), 50, 0), Outcome::added);
  ASSERT_EQ(list->add(crowded(2), 200, 0), Outcome::added);
  fill(100);
  EXPECT_EQ(list->add(mark(0), 300, 49), Outcome::full);
  EXPECT_EQ(list->add(mark(0), 300, 50), Outcome::added);
  EXPECT_FALSE(list->has(crowded(1)));
  EXPECT_TRUE(list->has(crowded(2)));
  EXPECT_TRUE(list->has(mark(0)));
  list->sweep(100);
  EXPECT_EQ(list->size(), 2U);
  EXPECT_TRUE(list->has(crowded(2)));
}

TEST_F(RevocationListTest, WhoComesAgainMayOnlyLastLonger) {
  ASSERT_EQ(list->add(mark(1), 100, 0), Outcome::added);
  ASSERT_EQ(list->add(mark(1), 50, 0), Outcome::known);
  list->sweep(99);
  EXPECT_TRUE(list->has(mark(1)));
  ASSERT_EQ(list->add(mark(1), 200, 0), Outcome::known);
  list->sweep(199);
  EXPECT_TRUE(list->has(mark(1)));
  list->sweep(200);
  EXPECT_FALSE(list->has(mark(1)));
}

TEST_F(RevocationListTest, IsReadWhileItIsWritten) {
  for (std::uint64_t i = 1; i <= 1000; i++) {
    ASSERT_EQ(list->add(mark(i), 1'000'000, 0), Outcome::added);
  }
  std::atomic<bool> over{false};
  std::thread writer([&] {
    for (std::int64_t i = 1; i <= 300; i++) {
      (void)list->add(crowded(static_cast<std::uint64_t>(i)), i + 1, i);
      list->sweep(i);
    }
    over = true;
  });
  std::size_t missed = 0;
  while (!over) {
    for (std::uint64_t i = 1; i <= 1000; i++) {
      missed += list->has(mark(i)) ? 0U : 1U;
    }
  }
  writer.join();
  EXPECT_EQ(missed, 0U) << "not even while the tables change places";
}

}  // namespace
}  // namespace oauth
