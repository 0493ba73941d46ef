#include "oauth/base/pack.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

namespace oauth {
namespace {

TEST(Pack, WhatIsWrittenIsReadInTheSameOrder) {
  Pack pack;
  pack.add("one").add(std::int64_t{42}).add("").add(std::string_view("\0\xff", 2));
  Unpack unpack(pack.bytes());
  EXPECT_EQ(unpack.text(), "one");
  EXPECT_EQ(unpack.number(), 42);
  EXPECT_EQ(unpack.text(), "");
  EXPECT_FALSE(unpack.at_end()) << "one field is left";
  EXPECT_EQ(unpack.text(), std::string("\0\xff", 2));
  EXPECT_TRUE(unpack.ok());
  EXPECT_TRUE(unpack.at_end());
}

TEST(Pack, AFieldIsItsLengthInTwoBytesAndItself) {
  EXPECT_EQ(Pack().bytes(), "");
  EXPECT_EQ(Pack().add("abc").bytes(), std::string("\0\3abc", 5));
  EXPECT_EQ(Pack().add(std::string(0x0102, 'x')).bytes().substr(0, 3), "\1\2x");
  EXPECT_EQ(Pack().add(std::int64_t{0x0102030405060708}).bytes(),
            std::string("\0\10\1\2\3\4\5\6\7\10", 10));
}

TEST(Pack, NumbersOfEverySignAndSizeSurvive) {
  using Limits = std::numeric_limits<std::int64_t>;
  for (const std::int64_t number :
       {Limits::min(), std::int64_t{-1}, std::int64_t{0}, std::int64_t{1} << 40, Limits::max()}) {
    const Pack pack = Pack().add(number);
    Unpack unpack(pack.bytes());
    EXPECT_EQ(unpack.number(), number);
    EXPECT_TRUE(unpack.at_end());
  }
}

TEST(Pack, TheLongestFieldSurvives) {
  const std::string longest(65535, 'x');
  const Pack pack = Pack().add(longest).add("next");
  Unpack unpack(pack.bytes());
  EXPECT_EQ(unpack.text(), longest);
  EXPECT_EQ(unpack.text(), "next");
  EXPECT_TRUE(unpack.at_end());
}

TEST(Pack, NoTwoListsOfFieldsHaveTheSameForm) {
  EXPECT_NE(Pack().add("ab").add("c").bytes(), Pack().add("a").add("bc").bytes());
  EXPECT_NE(Pack().add("ab").bytes(), Pack().add("ab").add("").bytes());
}

TEST(Unpack, NoBytesAreNoField) {
  Unpack unpack("");
  EXPECT_TRUE(unpack.at_end());
  EXPECT_EQ(unpack.text(), "");
  EXPECT_FALSE(unpack.ok());
  EXPECT_FALSE(unpack.at_end());
}

TEST(Unpack, EveryTruncationIsNoticed) {
  const std::string whole = Pack().add("abc").add(std::int64_t{7}).bytes();
  for (std::size_t size = 0; size < whole.size(); ++size) {
    Unpack unpack(std::string_view(whole).substr(0, size));
    unpack.text();
    EXPECT_EQ(unpack.number(), 0) << size;
    EXPECT_FALSE(unpack.ok()) << size;
    EXPECT_FALSE(unpack.at_end()) << size;
  }
}

TEST(Unpack, ANumberIsEightBytes) {
  for (const std::size_t size : {0U, 7U, 9U}) {
    const std::string bytes = Pack().add(std::string(size, '\1')).bytes();
    Unpack unpack(bytes);
    EXPECT_EQ(unpack.number(), 0) << size;
    EXPECT_FALSE(unpack.ok()) << size;
  }
}

TEST(Unpack, AfterAFailureNothingIsRead) {
  const std::string bytes = Pack().add("short").add("next").bytes();
  Unpack unpack(bytes);
  EXPECT_EQ(unpack.number(), 0);
  EXPECT_EQ(unpack.text(), "");
  EXPECT_EQ(unpack.number(), 0);
  EXPECT_FALSE(unpack.ok());
}

TEST(Unpack, WhatIsLeftOverIsNoticed) {
  const std::string bytes = Pack().add("a").bytes() + "x";
  Unpack unpack(bytes);
  EXPECT_EQ(unpack.text(), "a");
  EXPECT_TRUE(unpack.ok());
  EXPECT_FALSE(unpack.at_end());
}

}  // namespace
}  // namespace oauth
