#include "oauth/proto/cookie.hpp"

#include <gtest/gtest.h>

namespace oauth {
namespace {

struct Row {
  std::vector<std::string> headers;
  std::string value;
};

TEST(Cookie, TheOnlyOneOfItsNameIsFound) {
  const std::vector<Row> table{
      {{"n=v"}, "v"},          {{"a=b; n=v; c=d"}, "v"}, {{"a=b;n=v;c=d"}, "v"},
      {{" n = v ; a=b"}, "v"}, {{"\tn=v\t"}, "v"},       {{"a=b", "n=v", "c=d"}, "v"},
      {{"n=v=w"}, "v=w"},      {{"n=\"v\""}, "\"v\""},   {{"nn=1; n=v; n2=2; N=3"}, "v"},
      {{";;; n=v;;"}, "v"},
  };
  for (const Row& row : table) {
    EXPECT_EQ(only_cookie(row.headers, "n"), row.value) << row.headers.front();
  }
}

TEST(Cookie, NoneAndSeveralAreTheSame) {
  const std::vector<std::vector<std::string>> table{
      {},           {""},           {"a=b"},
      {"n"},        {"N=v"},        {"n=1; n=2"},
      {"n=1; n=1"}, {"n=1", "n=2"}, {"n=1; a=b", "c=d;n=2"},
      {"n=; n=2"},  {"a=n=v"},      {"a=\"x; y\""},
  };
  for (const auto& headers : table) {
    EXPECT_EQ(only_cookie(headers, "n"), "") << (headers.empty() ? "" : headers.front());
  }
}

TEST(Cookie, IsTakenOutOfAHeaderAndTheRestStays) {
  const std::vector<std::pair<std::string, std::string>> table{
      {"n=v", ""},
      {"", ""},
      {"; ;", ""},
      {"a=b; n=v; c=d", "a=b; c=d"},
      {"n=v; a=b", "a=b"},
      {"a=b;n=v", "a=b"},
      {"n=1; n=2; a=b; n=3", "a=b"},
      {" n = v ;a=b", "a=b"},
      {"nn=v; N=v; bare; x=n=v", "nn=v; N=v; bare; x=n=v"},
      {"a=\"x y\"", "a=\"x y\""},
  };
  for (const auto& [header, rest] : table) {
    EXPECT_EQ(without_cookie(header, "n"), rest) << header;
  }
}

TEST(Cookie, IsSetForTheWholeHostHiddenFromScriptsAndLax) {
  EXPECT_EQ(set_cookie("__Host-n", "v", 1800, true),
            "__Host-n=v; Path=/; Max-Age=1800; HttpOnly; SameSite=Lax; Secure");
  EXPECT_EQ(set_cookie("n", "v", 60, false), "n=v; Path=/; Max-Age=60; HttpOnly; SameSite=Lax");
}

}  // namespace
}  // namespace oauth
