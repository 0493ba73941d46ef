#include "oauth/flow/remedy.hpp"

#include "flow/stage.hpp"

namespace oauth {
namespace {

using test::Stage;

std::string for_target(std::string_view target) {
  Stage stage;
  FormWriter query;
  query.add("redirect_uri", target);
  return remedy(stage.login_request(query.text()), Problem::redirect_not_allowed);
}

std::string for_origins(std::vector<std::string> origins) {
  Stage stage;
  Request in = stage.request("POST", "/token");
  in.origins = std::move(origins);
  return remedy(in, Problem::origin_not_allowed);
}

TEST(Remedy, IsTheLineForALoopbackTarget) {
  const std::vector<std::pair<std::string, std::string>> table{
      {"http://localhost:3000/deep?x=1#y", "oauth_allow_origin http://localhost:3000;"},
      {"http://LOCALHOST", "oauth_allow_origin http://localhost;"},
      {"http://localhost:80/", "oauth_allow_origin http://localhost;"},
      {"https://127.0.0.1:8443", "oauth_allow_origin https://127.0.0.1:8443;"},
      {"http://127.9.8.7/", "oauth_allow_origin http://127.9.8.7;"},
      {"http://[0::1]:3000/", "oauth_allow_origin http://[::1]:3000;"},
  };
  for (const auto& [target, line] : table) {
    EXPECT_EQ(for_target(target), line);
  }
}

TEST(Remedy, NamesNobodyElse) {
  for (const std::string_view target :
       {"https://evil.example/", "http://localhost.evil.example/", "http://localhost@evil.example/",
        "http://10.0.0.1:3000/", "http://0.0.0.0:3000/", "http://app.localhost:3000/",
        "myapp://localhost/", "javascript://localhost/", "http://localhost:3000;/", "", "null",
        "http://evil.example/?http://localhost:3000"}) {
    EXPECT_EQ(for_target(target), "") << target;
  }
}

TEST(Remedy, IsTheLineForALoopbackOrigin) {
  EXPECT_EQ(for_origins({"http://localhost:3000"}), "oauth_allow_origin http://localhost:3000;");
  EXPECT_EQ(for_origins({"https://[::1]"}), "oauth_allow_origin https://[::1];");
}

TEST(Remedy, NamesNoOtherOrigin) {
  const std::vector<std::vector<std::string>> table{
      {},
      {""},
      {"null"},
      {"https://evil.example"},
      {"http://localhost.evil.example"},
      {"http://localhost:3000/"},
      {"http://localhost:3000\n[emerg] all is lost"},
      {"http://LOCALHOST:3000"},
      {"capacitor://localhost"},
      {"http://localhost:3000", "http://localhost:3000"},
  };
  for (const auto& origins : table) {
    EXPECT_EQ(for_origins(origins), "") << (origins.empty() ? "" : origins.front());
  }
}

TEST(Remedy, IsForTheTwoProblemsThatItMends) {
  Stage stage;
  Request in = stage.login_request("redirect_uri=http%3A%2F%2Flocalhost%3A3000");
  in.origins = {"http://localhost:3000"};
  EXPECT_EQ(remedy(in, Problem::redirect_malformed), "");
  EXPECT_EQ(remedy(in, Problem::code_invalid), "");
}

}  // namespace
}  // namespace oauth
