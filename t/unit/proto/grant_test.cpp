#include "oauth/proto/grant.hpp"

#include <gtest/gtest.h>

#include "oauth/base/text.hpp"
#include "proto/support.hpp"

namespace oauth {
namespace {

using test::keys;
using test::outcome;

const std::string kCode(64, 'c');

// A request with members replaced, added, or (null) taken out.
std::string request(std::string_view changes = "{}") {
  const Json changed = test::json(changes);
  Json body = Json::object();
  const auto set = [&](std::string_view name, const Json& value) {
    if (!changed.has(name)) {
      body.set(name, value);
    }
  };
  set("grant_type", Json::of("authorization_code"));
  set("code", Json::of(std::string_view(kCode)));
  set("public_key", Json::of(std::string_view(test::client_pem())));
  for (const auto& [name, value] : changed.members()) {
    if (value.kind() != Json::Kind::null) {
      body.set(name, value);
    }
  }
  return body.dump();
}

std::string judged(std::string_view body) {
  return outcome(parse_dexie_request(body));
}

TEST(DexieRequest, OfTheRealClientIsRead) {
  const auto read = parse_dexie_request(request(R"({"scopes":["ACCESS_DB"],"intent":"login"})"));
  ASSERT_TRUE(read);
  const auto* code = std::get_if<CodeRequest>(&read->grant);
  ASSERT_NE(code, nullptr);
  EXPECT_EQ(code->code, kCode);
  EXPECT_EQ(code->code_verifier, "");
  EXPECT_EQ(code->public_key, keys().rsa.public_der());
  EXPECT_EQ(read->scopes, std::vector<std::string>{"ACCESS_DB"});
}

TEST(DexieRequest, MayNameNoScopesAndMayBringAVerifier) {
  const auto read = parse_dexie_request(request(R"({"code_verifier":"v"})"));
  ASSERT_TRUE(read);
  EXPECT_TRUE(read->scopes.empty());
  EXPECT_EQ(std::get<CodeRequest>(read->grant).code_verifier, "v");
  const std::string null = request().substr(0, request().size() - 1) + R"(,"scopes":null})";
  const auto with_null = parse_dexie_request(null);
  ASSERT_TRUE(with_null);
  EXPECT_TRUE(with_null->scopes.empty());
}

TEST(DexieRequest, IsJudgedByShapeThenGrantThenScopesThenKeyThenCode) {
  const std::vector<std::pair<std::string, std::string>> table{
      {"", "json_invalid"},
      {"[]", "json_invalid"},
      {"null", "json_invalid"},
      {"grant_type=authorization_code&code=x", "json_invalid"},
      {request() + "x", "json_invalid"},
      {R"({"grant_type":"a","grant_type":"a"})", "json_invalid"},
      {std::string(64 * 1024, ' ') + request(), "json_too_large"},
      {"{}", "request_malformed"},
      {request(R"({"grant_type":null})"), "request_malformed"},
      {request(R"({"grant_type":""})"), "request_malformed"},
      {request(R"({"grant_type":7})"), "request_malformed"},
      {request(R"({"code":7})"), "request_malformed"},
      {request(R"({"code":["x"]})"), "request_malformed"},
      {request(R"({"public_key":{}})"), "request_malformed"},
      {request(R"({"code_verifier":true})"), "request_malformed"},
      {R"({"grant_type":"refresh_token","code":null})", "request_malformed"},
      {request(R"({"grant_type":"password"})"), "grant_unsupported"},
      {request(R"({"grant_type":"Authorization_code"})"), "grant_unsupported"},
      {request(R"({"scopes":"ACCESS_DB"})"), "request_malformed"},
      {request(R"({"scopes":{}})"), "request_malformed"},
      {request(R"({"scopes":["ACCESS_DB",7]})"), "request_malformed"},
      {request(R"({"scopes":[]})"), "scope_refused"},
      {request(R"({"public_key":null})"), "public_key_refused"},
      {request(R"({"public_key":""})"), "public_key_refused"},
      {request(R"({"public_key":"-----BEGIN PUBLIC KEY-----"})"), "public_key_refused"},
      {request(R"({"public_key":"x","code":"x"})"), "public_key_refused"},
      {request(R"({"code":null})"), "code_invalid"},
      {request(R"({"code":""})"), "code_invalid"},
      {request(R"({"code":"short"})"), "code_invalid"},
  };
  for (const auto& [body, wanted] : table) {
    EXPECT_EQ(judged(body), wanted) << body.substr(0, 120);
  }
}

TEST(DexieRequest, OnlyAnRsaKeyCanBeTheClients) {
  Json body = test::json(request(R"({"public_key":null})"));
  const std::string pem = test::client_pem(keys().p256);
  EXPECT_EQ(judged(body.set("public_key", std::string_view(pem)).dump()), "public_key_refused");
}

// dexie-contract 4.2
std::string refresh(std::string_view changes = "{}") {
  const Json changed = test::json(changes);
  Json body = Json::object();
  const Json good = test::json(
      R"({"grant_type":"refresh_token","refresh_token":"r","scopes":["ACCESS_DB"],)"
      R"("signature":"c2ln","signing_algorithm":"RSASSA-PKCS1-v1_5","time_stamp":1700000000123})");
  for (const auto& [name, value] : good.members()) {
    if (!changed.has(name)) {
      body.set(name, value);
    }
  }
  for (const auto& [name, value] : changed.members()) {
    if (value.kind() != Json::Kind::null) {
      body.set(name, value);
    }
  }
  return body.dump();
}

TEST(DexieRequest, OfARefreshIsRead) {
  const auto read = parse_dexie_request(refresh());
  ASSERT_TRUE(read);
  const auto* asked = std::get_if<RefreshRequest>(&read->grant);
  ASSERT_NE(asked, nullptr);
  EXPECT_EQ(asked->refresh_token, "r");
  EXPECT_EQ(asked->signature, "sig");
  EXPECT_EQ(asked->time_stamp, 1700000000123);
  EXPECT_EQ(judged(refresh(R"({"public_key":"of somebody else"})")), "")
      << "the proof does not sign it, so it is not looked at";
}

TEST(DexieRequest, OfARefreshMustBringAProofAsTheRealClientWritesIt) {
  for (const std::string_view changes : {
           R"({"refresh_token":null})",
           R"({"refresh_token":""})",
           R"({"signature":null})",
           R"({"signature":""})",
           R"({"signature":"c2lnbg"})",
           R"({"signature":"c2-_"})",
           R"({"signature":"c2ln "})",
           R"({"signing_algorithm":null})",
           R"({"signing_algorithm":"RSA256"})",
           R"({"signing_algorithm":"rsassa-pkcs1-v1_5"})",
           R"({"time_stamp":null})",
           R"({"time_stamp":"1700000000123"})",
           R"({"time_stamp":1700000000123.5})",
           R"({"time_stamp":1.700000000123e12})",
           R"({"time_stamp":1700000000})",
           R"({"time_stamp":-1700000000123})",
           R"({"time_stamp":17000000001234})",
           R"({"time_stamp":0})",
       }) {
    EXPECT_EQ(judged(refresh(changes)), "proof_malformed") << changes;
  }
}

TEST(DexieRequest, OfAOneTimePasswordHasTwoSteps) {
  const auto first = parse_dexie_request(R"({"grant_type":"otp","email":"x@example.com"})");
  ASSERT_TRUE(first);
  EXPECT_EQ(std::get<OtpAsk>(first->grant).email, "x@example.com");
  Json body =
      test::json(R"({"grant_type":"otp","email":"x@example.com","otp":"ABCDEFGH","otp_id":"id"})");
  EXPECT_EQ(judged(body.dump()), "public_key_refused");
  body.set("public_key", std::string_view(test::client_pem()));
  const auto second = parse_dexie_request(body.dump());
  ASSERT_TRUE(second);
  const auto& answer = std::get<OtpAnswer>(second->grant);
  EXPECT_EQ(answer.otp + answer.otp_id + answer.email, "ABCDEFGHidx@example.com");
  EXPECT_EQ(answer.public_key, keys().rsa.public_der());
}

TEST(DexieRequest, OfADemoUserAndOfAClientIsRead) {
  Json body = test::json(R"({"grant_type":"demo","demo_user":"foo@demo.local"})");
  EXPECT_EQ(judged(body.dump()), "public_key_refused");
  body.set("public_key", std::string_view(test::client_pem()));
  const auto demo = parse_dexie_request(body.dump());
  ASSERT_TRUE(demo);
  EXPECT_EQ(std::get<DemoRequest>(demo->grant).user, "foo@demo.local");
  Json asked =
      test::json(R"({"grant_type":"client_credentials","client_id":"c","client_secret":"s",)"
                 R"("claims":{"sub":"u"}})");
  const auto client = parse_dexie_request(asked.dump());
  ASSERT_TRUE(client);
  const auto& of = std::get<ClientRequest>(client->grant);
  EXPECT_EQ(of.grant_type, "client_credentials");
  EXPECT_EQ(of.credentials.id + of.credentials.secret, "cs");
  EXPECT_FALSE(of.credentials.basic);
  EXPECT_EQ(of.claims.string("sub"), "u");
  EXPECT_EQ(of.public_key, "");
  EXPECT_EQ(judged(asked.set("claims", "u").dump()), "request_malformed");
  asked.set("claims", Json::object()).set("public_key", "x");
  EXPECT_EQ(judged(asked.dump()), "public_key_refused");
}

// ---- RFC 6749's shape

std::string basic(std::string_view pair) {
  return "Basic " + base64_encode(pair);
}

std::string form_judged(std::string_view body, const std::vector<std::string>& headers = {}) {
  return outcome(parse_form_request(body, headers));
}

TEST(FormRequest, HasItsClientFromTheBodyOrTheHeader) {
  const auto in_body = parse_form_request(
      "grant_type=client_credentials&client_id=c&client_secret=s%26+x&scope=a++b", {});
  ASSERT_TRUE(in_body);
  const auto& body = std::get<ClientRequest>(in_body->grant);
  EXPECT_EQ(body.grant_type, "client_credentials");
  EXPECT_EQ(body.credentials.id, "c");
  EXPECT_EQ(body.credentials.secret, "s& x");
  EXPECT_FALSE(body.credentials.basic);
  EXPECT_EQ(in_body->scopes, (std::vector<std::string>{"a", "b"}));
  // req 037
  const auto in_header = parse_form_request("grant_type=client_credentials&client_id=a%3Ab",
                                            {basic("a%3Ab:p%25+w%3A\xc3\xa9:x")});
  ASSERT_TRUE(in_header);
  const auto& header = std::get<ClientRequest>(in_header->grant);
  EXPECT_EQ(header.credentials.id, "a:b");
  EXPECT_EQ(header.credentials.secret, "p% w:\xc3\xa9:x");
  EXPECT_TRUE(header.credentials.basic);
}

TEST(FormRequest, ThatCannotBeReadIsRefused) {
  // req 009, 013, 036, 053
  const std::vector<std::pair<std::string, std::string>> table{
      {"", "request_malformed"},
      {"&&&", "request_malformed"},
      {"grant_type=%zz", "request_malformed"},
      {"grant_type=%00", "request_malformed"},
      {"grant_type=", "request_malformed"},
      {"grant_type=client_credentials&grant_type=client_credentials", "request_repeated"},
      {"grant_type=client_credentials&client_id=a&client_id=a", "request_repeated"},
      {"grant_type=client_credentials&client_secret=&client_secret=a", "request_repeated"},
      {"grant_type=client_credentials&scope=a&scope=b", "request_repeated"},
      {"grant_type=password&username=u&password=p", "grant_unsupported"},
      {"grant_type=otp", "grant_unsupported"},
      {"grant_type=demo", "grant_unsupported"},
  };
  for (const auto& [body, wanted] : table) {
    EXPECT_EQ(form_judged(body), wanted) << body;
  }
  const std::string asked = "grant_type=client_credentials";
  const std::string good = basic("c:s");
  EXPECT_EQ(form_judged(asked, {good}), "");
  EXPECT_EQ(form_judged(asked, {good, good}), "client_auth_repeated");
  EXPECT_EQ(form_judged(asked + "&client_secret=s", {good}), "client_auth_repeated");
  EXPECT_EQ(form_judged(asked + "&client_id=d", {good}), "client_auth_repeated");
  for (const std::string& header :
       {std::string("Bearer x"), std::string("Basic"), std::string("Basic "),
        std::string("Basic ***"), basic("no colon"), "Basic  " + base64_encode("c:s")}) {
    EXPECT_EQ(form_judged(asked, {header}), "client_refused") << header;
  }
  const auto odd = parse_form_request(asked, {basic("c&v=d:s%zz")});
  ASSERT_TRUE(odd);
  EXPECT_EQ(std::get<ClientRequest>(odd->grant).credentials.id, "") << "no such form encoding";
  EXPECT_EQ(std::get<ClientRequest>(odd->grant).credentials.secret, "");
}

}  // namespace
}  // namespace oauth
