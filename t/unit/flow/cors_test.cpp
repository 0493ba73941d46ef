#include "oauth/flow/cors.hpp"

#include <gtest/gtest.h>

#include "proto/support.hpp"

namespace oauth {
namespace {

Guard guard() {
  Guard guard;
  guard.origins = test::rules({"https://app.example.com", "myapp://", "capacitor://localhost"});
  return guard;
}

// "name: value" of each, in order.
std::vector<std::string> said(std::vector<std::string_view> origins, bool is_preflight = false) {
  Credentials in;
  in.origins = std::move(origins);
  in.is_preflight = is_preflight;
  std::vector<std::string> lines;
  for (const Header& header : cors_headers(in, guard())) {
    lines.push_back(header.name + ": " + header.value);
  }
  return lines;
}

using Lines = std::vector<std::string>;

TEST(Cors, AnAllowedOriginMayReadTheAnswerAndSendCredentials) {
  EXPECT_EQ(said({"https://app.example.com"}),
            (Lines{"Vary: Origin", "Access-Control-Allow-Origin: https://app.example.com",
                   "Access-Control-Allow-Credentials: true",
                   "Access-Control-Expose-Headers: Ratelimit-Limit, Ratelimit-Remaining, "
                   "Ratelimit-Reset"}));
  EXPECT_EQ(said({"capacitor://localhost"})[1],
            "Access-Control-Allow-Origin: capacitor://localhost");
}

TEST(Cors, APreflightIsToldWhatMayBeSent) {
  EXPECT_EQ(said({"https://app.example.com"}, true),
            (Lines{"Vary: Origin", "Access-Control-Allow-Origin: https://app.example.com",
                   "Access-Control-Allow-Credentials: true",
                   "Access-Control-Allow-Methods: GET, HEAD, POST, PUT, PATCH, DELETE",
                   "Access-Control-Allow-Headers: authorization, content-type",
                   "Access-Control-Max-Age: 600"}));
}

TEST(Cors, NobodyElseIsToldAnything) {
  for (const std::vector<std::string_view>& origins :
       {std::vector<std::string_view>{},
        {"null"},
        {""},
        {"*"},
        {"https://app.example.com.evil.example"},
        {"https://evil.example"},
        {"http://app.example.com"},
        {"https://app.example.com:444"},
        {"HTTPS://app.example.com"},
        {"https://app.example.com", "https://app.example.com"},
        {"https://app.example.com https://evil.example"},
        {"myapp://"}}) {
    EXPECT_EQ(said(origins), Lines{"Vary: Origin"});
    EXPECT_EQ(said(origins, true), Lines{"Vary: Origin"});
  }
}

}  // namespace
}  // namespace oauth
