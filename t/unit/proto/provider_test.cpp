#include "oauth/proto/provider.hpp"

#include <gtest/gtest.h>

#include "proto/support.hpp"

namespace oauth {
namespace {

using test::outcome;

TEST(ProviderName, IsALowerCaseWordOfAtMost32Characters) {
  for (const std::string& good :
       {std::string("a"), std::string("0"), std::string("acme-id_2"), std::string(32, 'a')}) {
    EXPECT_TRUE(is_provider_name(good)) << good;
  }
  for (const std::string& wrong :
       {std::string(), std::string("-a"), std::string("_a"), std::string("Acme"),
        std::string("a b"), std::string("a:b"), std::string("a/b"), std::string("a.b"),
        std::string("\xC3\xA4"), std::string("a\0", 2), std::string(33, 'a')}) {
    EXPECT_FALSE(is_provider_name(wrong)) << wrong;
  }
}

TEST(ProviderName, SomeAreReserved) {
  for (const std::string_view reserved : {"otp", "email", "client", "demo"}) {
    EXPECT_TRUE(is_reserved_provider_name(reserved)) << reserved;
  }
  for (const std::string_view free : {"google", "demo2", "", "OTP", "emai"}) {
    EXPECT_FALSE(is_reserved_provider_name(free)) << free;
  }
}

}  // namespace
}  // namespace oauth
