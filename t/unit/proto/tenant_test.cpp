#include "oauth/proto/tenant.hpp"

#include <gtest/gtest.h>

namespace oauth {
namespace {

constexpr std::string_view kId = "72f988bf-86f1-41af-91ab-2d7cd011db47";

TEST(Tenant, IsALowerCaseGuid) {
  EXPECT_TRUE(is_tenant_id(kId));
  for (const std::string_view wrong :
       {"", "common", "72F988BF-86F1-41AF-91AB-2D7CD011DB47", "72f988bf-86f1-41af-91ab-2d7cd011db4",
        "72f988bf-86f1-41af-91ab-2d7cd011db477", "72f988bf086f1-41af-91ab-2d7cd011db47",
        "72f988bg-86f1-41af-91ab-2d7cd011db47", "{tenantid}"}) {
    EXPECT_FALSE(is_tenant_id(wrong)) << wrong;
  }
}

TEST(Tenant, IsPutIntoATemplate) {
  EXPECT_EQ(in_tenant("https://h/{tenantid}/v2.0", kId),
            "https://h/72f988bf-86f1-41af-91ab-2d7cd011db47/v2.0");
  EXPECT_EQ(in_tenant("https://h/x/v2.0", kId), "https://h/x/v2.0");
}

TEST(Tenant, OfATemplateIsAGuidAndNothingElse) {
  const std::string_view pattern = "https://h/{tenantid}/v2.0";
  EXPECT_TRUE(names_issuer(pattern, in_tenant(pattern, kId)));
  EXPECT_TRUE(names_issuer("https://h/v2.0", "https://h/v2.0"));
  for (const std::string_view issuer :
       {"https://h//v2.0", "https://h/common/v2.0", "https://h/{tenantid}/v2.0", "https://h/v2.0",
        "https://g/72f988bf-86f1-41af-91ab-2d7cd011db47/v2.0",
        "https://h/72f988bf-86f1-41af-91ab-2d7cd011db47/v1.0",
        "https://h/a/72f988bf-86f1-41af-91ab-2d7cd011db47/v2.0"}) {
    EXPECT_FALSE(names_issuer(pattern, issuer)) << issuer;
  }
}

}  // namespace
}  // namespace oauth
