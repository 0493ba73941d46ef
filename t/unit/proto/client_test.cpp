#include "oauth/proto/client.hpp"

#include <gtest/gtest.h>

#include "proto/support.hpp"

namespace oauth {
namespace {

using test::outcome;

TEST(Client, HasAnIdThatNeedsNoEscaping) {
  for (const std::string_view id : {"a", "web-1", "A.b_c~d", "0"}) {
    EXPECT_TRUE(is_client_id(id)) << id;
  }
  for (const std::string_view id : {"", "dexie", "a b", "a:b", "a%b", "\xc3\xa9", "a\"b"}) {
    EXPECT_FALSE(is_client_id(id)) << id;
  }
  EXPECT_TRUE(is_client_id(std::string(64, 'a')));
  EXPECT_FALSE(is_client_id(std::string(65, 'a')));
}

TEST(Client, IsKnownByIdAndSecretTogether) {
  const std::vector<Client> clients{{"a", sha256("one"), {}, {}}, {"b", sha256("two"), {}, {}}};
  const auto a = authenticate({"a", "one"}, clients);
  ASSERT_TRUE(a);
  EXPECT_EQ((*a)->id, "a");
  EXPECT_EQ(outcome(authenticate({"a", "two"}, clients)), "client_refused");
  EXPECT_EQ(outcome(authenticate({"a", ""}, clients)), "client_refused");
  EXPECT_EQ(outcome(authenticate({"c", "one"}, clients)), "client_refused");
  EXPECT_EQ(outcome(authenticate({"", ""}, clients)), "client_refused");
  EXPECT_EQ(outcome(authenticate({"a", "one"}, {})), "client_refused");
}

TEST(Client, MayUseTheGrantsThatItIsRegisteredFor) {
  const Client client{"a", {}, {"client_credentials"}, {}};
  EXPECT_EQ(outcome(may_use(client, "client_credentials")), "");
  EXPECT_EQ(outcome(may_use(client, "authorization_code")), "client_grant_refused");
  EXPECT_EQ(outcome(may_use(client, "")), "client_grant_refused");
}

}  // namespace
}  // namespace oauth
