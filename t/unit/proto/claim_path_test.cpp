#include "oauth/proto/claim_path.hpp"

#include <gtest/gtest.h>

#include "proto/support.hpp"

namespace oauth {
namespace {

using test::json;

TEST(ClaimPath, IsTheNameOfAMemberOrAPointer) {
  std::string why;
  for (const std::string_view path : {"groups", "a/b", "cognito:groups", "https://x.example/role",
                                      "/a/b", "/a~1b/~0", "/", "a~b"}) {
    EXPECT_TRUE(is_claim_path(path, &why)) << path << ": " << why;
  }
  EXPECT_FALSE(is_claim_path("", &why));
  EXPECT_FALSE(is_claim_path("\xC3", &why));
  for (const std::string_view path : {"/a~b", "/a~", "/~2"}) {
    why.clear();
    EXPECT_FALSE(is_claim_path(path, &why)) << path;
    EXPECT_NE(why.find("~1"), std::string::npos) << why;
  }
}

TEST(ClaimPath, LeadsToAClaimOrNowhere) {
  const auto expect = [](const auto& claims) {
    EXPECT_EQ(claim_at(claims, "/a/b/1/c").string(), "x");
    EXPECT_EQ(claim_at(claims, "a/b").integer(), 2);
    EXPECT_EQ(claim_at(claims, "/a~1b").integer(), 2);
    EXPECT_EQ(claim_at(claims, "/").integer(), 3);
    for (const std::string_view path : {"b", "A", "/a/b/2", "/a/b/01", "/a/x/y", "a.b"}) {
      EXPECT_EQ(claim_at(claims, path).kind(), Json::Kind::null) << path;
    }
  };
  constexpr std::string_view kText = R"({"a":{"b":[1,{"c":"x"}]},"a/b":2,"":3})";
  expect(json(kText));
  expect(*test::Taped(kText));
}

TEST(ClaimText, IsThatOfStringsNumbersAndBooleans) {
  const auto expect = [](const auto& claims) {
    EXPECT_EQ(claim_text(claims.get("s")), "x y");
    EXPECT_EQ(claim_text(claims.get("i")), "42");
    EXPECT_EQ(claim_text(claims.get("r")), "1.5");
    EXPECT_EQ(claim_text(claims.get("t")), "true");
    for (const std::string_view name : {"n", "o", "l", "absent"}) {
      EXPECT_FALSE(claim_text(claims.get(name))) << name;
    }
  };
  constexpr std::string_view kText =
      R"({"s":"x y","i":42,"r":1.5,"t":true,"n":null,"o":{},"l":["x"]})";
  expect(json(kText));
  expect(*test::Taped(kText));
}

TEST(ClaimIs, TheWholeTextOfItOrOfAnyElement) {
  const auto expect = [](const auto& claims) {
    EXPECT_TRUE(claim_is(claims.get("s"), "admin"));
    for (const std::string_view element : {"user", "admin", "7", "true"}) {
      EXPECT_TRUE(claim_is(claims.get("l"), element)) << element;
    }
    EXPECT_FALSE(claim_is(claims.get("l"), "deep"));
    EXPECT_FALSE(claim_is(claims.get("l"), ""));
    EXPECT_FALSE(claim_is(claims.get("e"), ""));
    EXPECT_FALSE(claim_is(claims.get("absent"), ""));
    for (const std::string_view other : {"Admin", "admi", "administrator", "admin ", ""}) {
      EXPECT_FALSE(claim_is(claims.get("s"), other)) << other;
    }
  };
  constexpr std::string_view kText = R"({"s":"admin","l":["user","admin",7,true,["deep"]],"e":[]})";
  expect(json(kText));
  expect(*test::Taped(kText));
}

}  // namespace
}  // namespace oauth
