#include "oauth/jose/alg.hpp"

#include "jose/support.hpp"

namespace oauth {
namespace {

TEST(Alg, EveryNameReadsBackAsItself) {
  for (Alg alg : kAlgs) {
    EXPECT_EQ(parse_alg(alg_name(alg)), alg) << alg_name(alg);
  }
  EXPECT_EQ(alg_name(Alg::es512), "ES512");
  EXPECT_EQ(alg_name(Alg::eddsa), "EdDSA");
}

TEST(Alg, NoneInAnySpellingAndUnknownNamesAreNoAlgorithm) {
  for (std::string_view name : {"none", "None", "NONE", "nOnE", "", "rs256", "RS256 ", "RS1",
                                "ES256K", "ES521", "A256GCM", "RSA-OAEP", "dir"}) {
    EXPECT_EQ(parse_alg(name), std::nullopt) << name;
  }
  EXPECT_EQ(parse_alg(std::string_view("RS256\0", 6)), std::nullopt);
}

TEST(AlgSet, HoldsWhatWasAddedAndNothingElse) {
  AlgSet set{Alg::rs256, Alg::hs512};
  EXPECT_TRUE(set.has(Alg::rs256));
  EXPECT_TRUE(set.has(Alg::hs512));
  EXPECT_FALSE(set.has(Alg::es256));
  EXPECT_TRUE((set & AlgSet{Alg::es256}).empty());
  EXPECT_EQ(set & kAsymmetric, AlgSet{Alg::rs256});
}

TEST(AlgSet, WhatMayComeFromAJwksHoldsNoMac) {
  for (Alg alg : kAlgs) {
    EXPECT_EQ(kAsymmetric.has(alg), !alg_name(alg).starts_with("HS")) << alg_name(alg);
  }
}

}  // namespace
}  // namespace oauth
