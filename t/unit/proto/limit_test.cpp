#include "oauth/proto/limit.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "oauth/base/text.hpp"

namespace oauth {
namespace {

std::vector<std::string> words(std::string_view text) {
  std::vector<std::string> words;
  for (const std::string_view word : split_words(text, ' ')) {
    words.emplace_back(word);
  }
  return words;
}

// "token/burst callback/burst", "off" for one that is not there; what is wrong in brackets.
std::string told(std::string_view text) {
  std::string why;
  const auto limits = Limits::parse(words(text), &why);
  if (!limits) {
    return "[" + why + "]";
  }
  std::string told;
  for (const auto& limit : {limits->token, limits->callback}) {
    told += told.empty() ? "" : " ";
    told += limit ? std::to_string(limit->per_minute) + "/" + std::to_string(limit->burst) : "off";
  }
  return told;
}

TEST(Limits, AreAsWritten) {
  EXPECT_EQ(told("token=600r/m burst=200 callback=120r/m"), "600/200 120/120");
  EXPECT_EQ(told("callback=5r/s burst=7 token=1r/m burst=0"), "1/0 300/7");
  EXPECT_EQ(told("token=10000r/s burst=1000000"), "600000/1000000 120/120");
  EXPECT_EQ(told("off"), "off off");
}

TEST(Limits, WhatIsLeftOutIsUsual) {
  EXPECT_EQ(told("token=600r/m"), "600/200 120/120");
  EXPECT_EQ(told("callback=120r/m"), "600/200 120/120");
  EXPECT_EQ(told("token=30r/m"), "30/30 120/120");
  EXPECT_EQ(told("callback=10r/s"), "600/200 600/200");
  const Limits usual;
  EXPECT_EQ(usual.token->per_minute, 600U);
  EXPECT_EQ(usual.token->burst, 200U);
  EXPECT_EQ(usual.callback->per_minute, 120U);
  EXPECT_EQ(usual.callback->burst, 120U);
}

TEST(Limits, SayWhatToWriteInstead) {
  const auto expect = [](std::string_view text, std::string_view why) {
    EXPECT_NE(told(text).find(why), std::string::npos) << text << ": " << told(text);
  };
  for (const std::string_view rate :
       {"", "600", "600r", "600r/h", "r/m", "0r/m", "-1r/m", "+1r/m", " 1r/m", "1.5r/s", "0x1r/s",
        "10001r/s", "600001r/m", "99999999999r/m", "600r/m/m"}) {
    std::string why;
    EXPECT_FALSE(Limits::parse({"token=" + std::string(rate)}, &why)) << rate;
    EXPECT_NE(why.find("is no rate: write Nr/s (1 to 10000) or Nr/m (1 to 600000)"), why.npos)
        << rate << ": " << why;
  }
  for (const std::string_view burst : {"", "-1", "1000001", "many", "1m"}) {
    expect("token=1r/m burst=" + std::string(burst), "is no burst: write a number of tries");
  }
  expect("burst=1 token=1r/m", "stands before any rate");
  expect("token=1r/m burst=1 burst=2", "is the second burst of one rate");
  expect("token=1r/m token=2r/m", "comes after another \"token=\"");
  expect("callback=1r/m callback=1r/m", "comes after another \"callback=\"");
  expect("login=1r/m", "\"login=1r/m\" is unknown here: write e.g. token=600r/m burst=200");
  expect("token", "is no rate");
  expect("on", "is unknown here");
  expect("off off", "is unknown here");
  expect("token=1r/m off", "is unknown here");
}

constexpr std::int64_t kStart = 1'000'000;  // ms

// How many tries are let in of `asked` at that time.
int let_in(Bucket& bucket, const Limit& limit, std::int64_t now_ms, int asked) {
  int count = 0;
  for (int i = 0; i < asked; ++i) {
    if (bucket.is_open(limit, now_ms)) {
      bucket.pour(limit, now_ms);
      ++count;
    }
  }
  return count;
}

TEST(Bucket, LetsABurstInAndThenWhatTheRateAllows) {
  const Limit limit{60, 5};
  Bucket bucket{};
  EXPECT_EQ(let_in(bucket, limit, kStart, 100), 6);
  EXPECT_EQ(let_in(bucket, limit, kStart + 999, 100), 0);
  EXPECT_EQ(let_in(bucket, limit, kStart + 1000, 100), 1);
  EXPECT_EQ(let_in(bucket, limit, kStart + 4000, 100), 3);
  EXPECT_EQ(let_in(bucket, limit, kStart + 1'000'000, 100), 6) << "all has leaked away";
}

TEST(Bucket, WithoutABurstOneAtATime) {
  const Limit limit{1, 0};
  Bucket bucket{};
  EXPECT_EQ(let_in(bucket, limit, kStart, 10), 1);
  EXPECT_EQ(let_in(bucket, limit, kStart + 59'999, 10), 0);
  EXPECT_EQ(let_in(bucket, limit, kStart + 60'000, 10), 1);
}

TEST(Bucket, ARefusalCostsNothing) {
  const Limit limit{60, 0};
  Bucket bucket{};
  EXPECT_EQ(let_in(bucket, limit, kStart, 1), 1);
  for (int ms = 0; ms < 1000; ++ms) {
    EXPECT_EQ(let_in(bucket, limit, kStart + ms, 1), 0) << ms;
  }
  EXPECT_EQ(let_in(bucket, limit, kStart + 1000, 1), 1);
}

TEST(Bucket, TriesThatWereUnderWayTogetherAllCount) {
  const Limit limit{60, 0};
  Bucket bucket{};
  for (int i = 0; i < 30; ++i) {
    bucket.pour(limit, kStart);
  }
  EXPECT_FALSE(bucket.is_open(limit, kStart + 29'999));
  EXPECT_TRUE(bucket.is_open(limit, kStart + 30'000));
}

TEST(Bucket, IsFullAtItsFullest) {
  const Limit limit{1, 1'000'000};
  Bucket bucket{kStart, std::numeric_limits<std::uint32_t>::max()};
  bucket.pour(limit, kStart);
  EXPECT_EQ(bucket.level, std::numeric_limits<std::uint32_t>::max());
  EXPECT_FALSE(bucket.is_open(limit, kStart));
}

TEST(Bucket, BearsClocksThatDiffer) {
  const Limit limit{60, 0};
  Bucket bucket{};
  bucket.pour(limit, kStart);
  EXPECT_FALSE(bucket.is_open(limit, kStart - 500)) << "another worker's is a little behind";
  EXPECT_TRUE(bucket.is_open(limit, kStart - 3'600'000)) << "a clock that was set back an hour";
  EXPECT_TRUE(bucket.is_open(limit, kStart + 400 * 86'400'000LL)) << "a year later";
}

}  // namespace
}  // namespace oauth
