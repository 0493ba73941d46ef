#include "oauth/proto/preset.hpp"

#include <gtest/gtest.h>

#include "oauth/proto/identity.hpp"
#include "proto/support.hpp"

namespace oauth {
namespace {

using test::json;
using test::outcome;

Provider of_type(ProviderType type) {
  Provider provider;
  provider.name = preset_of(type).type;
  provider.type = type;
  provider.client_id = "client-1";
  return provider;
}

std::string settled(Provider& provider) {
  return preset_of(provider.type).settle(provider);
}

Statement said(std::string_view id_token, std::string_view userinfo = "null") {
  Statement statement;
  if (id_token != "null") {
    statement.id_token = json(id_token);
  }
  if (userinfo != "null") {
    statement.userinfo = json(userinfo);
  }
  return statement;
}

std::string claims(const Statement& statement, const Provider& provider) {
  const auto who = identity_of(statement, provider);
  return who ? who->claims().dump() : std::string(name(who.problem()));
}

TEST(Preset, IsFoundByItsWord) {
  for (const ProviderType type :
       {ProviderType::google, ProviderType::github, ProviderType::microsoft, ProviderType::apple,
        ProviderType::cognito, ProviderType::oidc, ProviderType::oauth2, ProviderType::demo}) {
    EXPECT_EQ(parse_provider_type(preset_of(type).type), type);
  }
  EXPECT_FALSE(parse_provider_type("Google"));
  EXPECT_FALSE(parse_provider_type(""));
  EXPECT_EQ(provider_type_names(), "google, github, microsoft, apple, cognito, oidc, oauth2, demo");
}

// dexie-contract 1
TEST(Preset, HasATypeThatTheDexieClientKnows) {
  EXPECT_EQ(preset_of(ProviderType::google).dexie_type, "google");
  EXPECT_EQ(preset_of(ProviderType::github).dexie_type, "github");
  EXPECT_EQ(preset_of(ProviderType::microsoft).dexie_type, "microsoft");
  EXPECT_EQ(preset_of(ProviderType::apple).dexie_type, "apple");
  for (const ProviderType type :
       {ProviderType::cognito, ProviderType::oidc, ProviderType::oauth2}) {
    EXPECT_EQ(preset_of(type).dexie_type, "custom-oauth2");
  }
}

// ---- google

std::string issuer_of(const Provider& provider, std::string_view id_token,
                      std::string_view issuer) {
  Metadata metadata;
  metadata.issuer = issuer;
  const auto expected = expected_issuer(json(id_token), provider, metadata);
  return expected ? *expected : std::string(name(expected.problem()));
}

TEST(Google, SpellsItsIssuerInTwoWays) {
  Provider google = of_type(ProviderType::google);
  EXPECT_EQ(settled(google), "");
  const auto expected = [&](std::string_view iss) {
    return issuer_of(google, R"({"iss":")" + std::string(iss) + R"("})", google.issuer);
  };
  EXPECT_EQ(expected("accounts.google.com"), "accounts.google.com");
  EXPECT_EQ(expected("https://accounts.google.com"), "https://accounts.google.com");
  EXPECT_EQ(expected("http://accounts.google.com"), "https://accounts.google.com");
  EXPECT_EQ(expected("https://evil.example"), "https://accounts.google.com");
}

// ---- github

TEST(GitHub, IsWhereItIs) {
  Provider github = of_type(ProviderType::github);
  EXPECT_EQ(settled(github), "");
  EXPECT_EQ(github.endpoints.authorization, "https://github.com/login/oauth/authorize");
  EXPECT_EQ(github.endpoints.token, "https://github.com/login/oauth/access_token");
  EXPECT_EQ(github.endpoints.userinfo, "https://api.github.com/user");
  EXPECT_EQ(github.endpoints.emails, "https://api.github.com/user/emails");
}

TEST(GitHub, OfAnEnterpriseIsOnItsOwnHost) {
  Provider github = of_type(ProviderType::github);
  github.host = "git.example.com";
  EXPECT_EQ(settled(github), "");
  EXPECT_EQ(github.endpoints.authorization, "https://git.example.com/login/oauth/authorize");
  EXPECT_EQ(github.endpoints.token, "https://git.example.com/login/oauth/access_token");
  EXPECT_EQ(github.endpoints.userinfo, "https://git.example.com/api/v3/user");
  EXPECT_EQ(github.endpoints.emails, "https://git.example.com/api/v3/user/emails");
}

TEST(GitHub, NumbersItsUsersAndListsTheirAddresses) {
  Statement statement =
      said("null", R"({"id":583231,"login":"octocat","name":null,"email":"shown@example.com",)"
                   R"("avatar_url":"https://a.example/1"})");
  statement.emails = json(R"([{"email":"old@example.com","primary":false,"verified":true},)"
                          R"({"email":"me@example.com","primary":true,"verified":true}])");
  EXPECT_EQ(claims(statement, of_type(ProviderType::github)),
            R"({"sub":"github:583231","email":"me@example.com","email_verified":true,)"
            R"("name":"octocat","picture":"https://a.example/1"})");
}

TEST(GitHub, AnAddressThatIsNotPrimaryAndVerifiedIsNotVerified) {
  const Provider github = of_type(ProviderType::github);
  for (const std::string_view emails :
       {R"([])", R"([{"email":"a@b.c","primary":true,"verified":false}])",
        R"([{"email":"a@b.c","primary":false,"verified":true}])",
        R"([{"email":"a@b.c","primary":true}])",
        R"([{"email":null,"primary":true,"verified":true}])",
        R"([{"email":"a@b.c","primary":true,"verified":"true"}])", R"({"message":"no"})"}) {
    Statement statement = said("null", R"({"id":1,"login":"x","email":"shown@example.com"})");
    statement.emails = *Json::parse(emails);
    const auto who = identity_of(statement, github);
    ASSERT_TRUE(who);
    EXPECT_FALSE(who->email_verified) << emails;
    EXPECT_NE(who->email, "shown@example.com");
    EXPECT_EQ(outcome(admit(*who, github)), "email_unverified");
  }
}

TEST(GitHub, WithoutANumberIsNobody) {
  const Provider github = of_type(ProviderType::github);
  for (const std::string_view user :
       {R"({"login":"x"})", R"({"id":null})", R"({"id":true})", R"({"id":1.5})", R"({"id":""})"}) {
    EXPECT_EQ(claims(said("null", user), github), "token_subject_wrong") << user;
  }
}

// ---- microsoft

constexpr std::string_view kTenant = "72f988bf-86f1-41af-91ab-2d7cd011db47";
constexpr std::string_view kOther = "11111111-2222-3333-4444-555555555555";
constexpr std::string_view kPersonal = "9188040d-6c67-4c5b-b112-36a304b66dad";

std::string login(std::string_view tenant) {
  return "https://login.microsoftonline.com/" + std::string(tenant) + "/v2.0";
}

Provider microsoft(std::string_view tenant) {
  Provider provider = of_type(ProviderType::microsoft);
  provider.tenant = tenant;
  EXPECT_EQ(settled(provider), "");
  return provider;
}

bool accepts(const Provider& provider, std::string_view issuer) {
  return preset_of(provider.type).is_issuer(issuer, provider);
}

TEST(Microsoft, IsEverybodysUnlessATenantIsNamed) {
  EXPECT_EQ(microsoft("").issuer, login("common"));
  EXPECT_EQ(microsoft("organizations").issuer, login("organizations"));
  EXPECT_EQ(microsoft("consumers").issuer, login(kPersonal));
  EXPECT_EQ(microsoft(kTenant).issuer, login(kTenant));
}

TEST(Microsoft, MetadataOfAllTenantsNamesATemplate) {
  EXPECT_TRUE(accepts(microsoft("common"), login("{tenantid}")));
  EXPECT_FALSE(accepts(microsoft("common"), login("common")));
  EXPECT_FALSE(accepts(microsoft("common"), login(kTenant)));
  EXPECT_FALSE(accepts(microsoft("common"), "https://evil.example/{tenantid}/v2.0"));
  EXPECT_TRUE(accepts(microsoft(kTenant), login(kTenant)));
  EXPECT_FALSE(accepts(microsoft(kTenant), login(kOther)));
  EXPECT_FALSE(accepts(microsoft(kTenant), login("{tenantid}")));
}

TEST(Microsoft, ATenantCalledByItsDomainIsNamedByItsId) {
  EXPECT_TRUE(accepts(microsoft("contoso.com"), login(kTenant)));
  EXPECT_FALSE(accepts(microsoft("contoso.com"), login("{tenantid}")));
  EXPECT_FALSE(accepts(microsoft("contoso.com"), login("fabrikam.com")));
  EXPECT_FALSE(
      accepts(microsoft("contoso.com"), "https://sts.windows.net/" + std::string(kTenant)));
  EXPECT_FALSE(accepts(microsoft("contoso.com"), ""));
}

std::string token_of(std::string_view tid) {
  return R"({"tid":")" + std::string(tid) + R"("})";
}

TEST(Microsoft, TheIssuerIsTheTokensOwnTenant) {
  const std::string all = login("{tenantid}");
  EXPECT_EQ(issuer_of(microsoft("common"), token_of(kTenant), all), login(kTenant));
  // What the configuration alone says is no template yet.
  EXPECT_EQ(issuer_of(microsoft("common"), token_of(kTenant), login("common")), login(kTenant));
  EXPECT_EQ(issuer_of(microsoft(kTenant), token_of(kTenant), login(kTenant)), login(kTenant));
  EXPECT_EQ(issuer_of(microsoft(kTenant), token_of(kOther), login(kTenant)), "tenant_refused");
  EXPECT_EQ(issuer_of(microsoft("consumers"), token_of(kTenant), login(kPersonal)),
            "tenant_refused");
  for (const std::string_view wrong : {R"({})", R"({"tid":"common"})", R"({"tid":7})",
                                       R"({"tid":"72F988BF-86F1-41AF-91AB-2D7CD011DB47"})"}) {
    EXPECT_EQ(issuer_of(microsoft("common"), wrong, all), "tenant_refused") << wrong;
  }
}

TEST(Microsoft, OnlyAllowedTenantsAreLetIn) {
  Provider some = microsoft("common");
  some.tenants = {std::string(kOther)};
  EXPECT_EQ(issuer_of(some, token_of(kTenant), login("{tenantid}")), "tenant_refused");
  EXPECT_EQ(issuer_of(some, token_of(kOther), login("{tenantid}")), login(kOther));
  EXPECT_EQ(issuer_of(microsoft("organizations"), token_of(kPersonal), login("{tenantid}")),
            "tenant_refused");
}

TEST(Microsoft, AnAccountIsATenantAndAnObjectNeverAnAddress) {
  const std::string base = R"("tid":"72f988bf-86f1-41af-91ab-2d7cd011db47","sub":"pairwise")";
  const Provider all = microsoft("common");
  EXPECT_EQ(claims(said("{" + base + R"(,"oid":"o1","email":"a@b.c","name":"A"})"), all),
            R"({"sub":"microsoft:72f988bf-86f1-41af-91ab-2d7cd011db47.o1","email":"a@b.c",)"
            R"("email_verified":false,"name":"A"})");
  EXPECT_EQ(claims(said("{" + base + "}"), all),
            R"({"sub":"microsoft:72f988bf-86f1-41af-91ab-2d7cd011db47.pairwise"})");
  for (const std::string_view flag : {"true", "1", R"("1")", R"("true")"}) {
    const auto who = identity_of(
        said("{" + base + R"(,"email":"a@b.c","xms_edov":)" + std::string(flag) + "}"), all);
    EXPECT_TRUE(who->email_verified) << flag;
  }
  for (const std::string_view flag : {"false", "0", R"("0")", R"("false")", "null", "2"}) {
    const auto who =
        identity_of(said("{" + base + R"(,"email":"a@b.c","email_verified":true,"xms_edov":)" +
                         std::string(flag) + "}"),
                    all);
    EXPECT_FALSE(who->email_verified) << flag;
  }
}

// ---- apple

TEST(Apple, NeedsWhatItsSecretIsSignedWith) {
  Provider apple = of_type(ProviderType::apple);
  EXPECT_TRUE(test::contains(settled(apple), "team_id"));
  apple.team_id = "TEAM123456";
  apple.client_key = test::keys().p256.with_kid("");
  EXPECT_TRUE(test::contains(settled(apple), "key_id"));
  apple.client_key = test::keys().rsa.with_kid("K");
  EXPECT_TRUE(test::contains(settled(apple), "not P-256"));
  apple.client_key = test::keys().p256.with_kid("K");
  EXPECT_EQ(settled(apple), "");
  apple.client_secret = Secret("s");
  EXPECT_TRUE(test::contains(settled(apple), "no client_secret"));
}

TEST(Apple, WritesFlagsAsTextOrNot) {
  const Provider apple = of_type(ProviderType::apple);
  const std::string base = R"({"sub":"a1","email":"a@b.c","email_verified":)";
  for (const std::string_view flag : {"true", R"("true")"}) {
    EXPECT_TRUE(identity_of(said(base + std::string(flag) + "}"), apple)->email_verified) << flag;
  }
  for (const std::string_view flag : {"false", R"("false")", R"("TRUE")", "1", "null"}) {
    EXPECT_FALSE(identity_of(said(base + std::string(flag) + "}"), apple)->email_verified) << flag;
  }
}

TEST(Apple, TheBrowsersWordIsGoodForANameAndNothingElse) {
  const Provider apple = of_type(ProviderType::apple);
  const auto greeted = [&](std::string_view user, std::string_view id_token) {
    Statement statement = said(id_token);
    statement.user = json(user);
    return claims(statement, apple);
  };
  const std::string_view user =
      R"({"name":{"firstName":"Ann","lastName":"Example"},"email":"evil@example.com"})";
  EXPECT_EQ(greeted(user, R"({"sub":"a1"})"), R"({"sub":"apple:a1","name":"Ann Example"})");
  EXPECT_EQ(greeted(user, R"({"sub":"a1","name":"Signed"})"),
            R"({"sub":"apple:a1","name":"Signed"})");
  EXPECT_EQ(greeted(R"({"name":{"lastName":"Example"}})", R"({"sub":"a1"})"),
            R"({"sub":"apple:a1","name":"Example"})");
  EXPECT_EQ(greeted(R"({"name":{"firstName":"A\u0007"}})", R"({"sub":"a1"})"),
            R"({"sub":"apple:a1"})");
  EXPECT_EQ(greeted(R"({"name":"Ann"})", R"({"sub":"a1"})"), R"({"sub":"apple:a1"})");
}

// ---- cognito

TEST(Cognito, KnowsItsIssuerFromThePool) {
  Provider cognito = of_type(ProviderType::cognito);
  EXPECT_TRUE(test::contains(settled(cognito), "user_pool_id"));
  cognito.user_pool_id = "eu-central-1_Ab12";
  EXPECT_EQ(settled(cognito), "");
  EXPECT_EQ(cognito.issuer, "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_Ab12");
  EXPECT_EQ(cognito.endpoints.token, "");
}

TEST(Cognito, WithItsDomainIsNotAsked) {
  Provider cognito = of_type(ProviderType::cognito);
  cognito.user_pool_id = "eu-central-1_Ab12";
  cognito.domain = "auth.example.com";
  EXPECT_EQ(settled(cognito), "");
  EXPECT_TRUE(configured_metadata(cognito));
  EXPECT_EQ(cognito.endpoints.authorization, "https://auth.example.com/oauth2/authorize");
  EXPECT_EQ(cognito.endpoints.jwks, cognito.issuer + "/.well-known/jwks.json");
}

TEST(Cognito, UserinfoWritesFlagsAsText) {
  const Provider cognito = of_type(ProviderType::cognito);
  const auto verified = [&](std::string_view flag) {
    return identity_of(said(R"({"sub":"c1"})", R"({"sub":"c1","email":"a@b.c","email_verified":)" +
                                                   std::string(flag) + "}"),
                       cognito)
        ->email_verified;
  };
  EXPECT_TRUE(verified(R"("true")"));
  EXPECT_TRUE(verified("true"));
  EXPECT_FALSE(verified(R"("false")"));
  EXPECT_FALSE(verified("1"));
}

// ---- claim FROM=TO

TEST(ClaimRule, TakesAMemberOrWhatAPointerLeadsTo) {
  Provider custom = of_type(ProviderType::oauth2);
  custom.claims = {{"/user/id", "sub"}, {"mail", "email"}, {"/user/ok", "email_verified"}};
  EXPECT_EQ(
      claims(said("null", R"({"user":{"id":7,"ok":true},"mail":"a@b.c","name":"N"})"), custom),
      R"({"sub":"oauth2:7","email":"a@b.c","email_verified":true,"name":"N"})");
  EXPECT_EQ(claims(said("null", R"({"id":7})"), custom), "token_subject_wrong");
}

// An address from one member, "verified" said of another: that would be anybody's address.
TEST(ClaimRule, AnAddressLeavesTheOldVerificationBehind) {
  Provider custom = of_type(ProviderType::oidc);
  custom.claims = {{"upn", "email"}};
  const auto who = identity_of(
      said(R"({"sub":"u","email":"a@b.c","email_verified":true,"upn":"boss@b.c"})"), custom);
  EXPECT_EQ(who->email, "boss@b.c");
  EXPECT_FALSE(who->email_verified);
}

// ---- allow_email_domain

TEST(Admit, OnlyAddressesOfAnAllowedDomain) {
  Provider of = test::provider();
  of.email_domains = {"example.com"};
  const auto judged = [&](std::string_view email, bool verified) {
    Identity who;
    who.email = email;
    who.email_verified = verified;
    return outcome(admit(who, of));
  };
  EXPECT_EQ(judged("a@example.com", true), "");
  EXPECT_EQ(judged("a@EXAMPLE.com", true), "");
  EXPECT_EQ(judged("a@sub.example.com", true), "email_not_allowed");
  EXPECT_EQ(judged("a@example.com.evil.example", true), "email_not_allowed");
  EXPECT_EQ(judged("a@notexample.com", true), "email_not_allowed");
  EXPECT_EQ(judged("a@example.com", false), "email_unverified");
  of.require_verified_email = false;
  EXPECT_EQ(judged("a@example.com", false), "email_not_allowed");
  EXPECT_EQ(judged("", true), "email_not_allowed");
}

}  // namespace
}  // namespace oauth
