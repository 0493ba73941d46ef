#include "oauth/flow/client_grant.hpp"

#include "flow/stage.hpp"
#include "oauth/jose/jwt.hpp"

namespace oauth {
namespace {

using test::body;
using test::changed;
using test::header;
using test::json;
using test::kNow;
using test::reason;
using test::Stage;
using test::status;

struct WithClients : Stage {
  WithClients() {
    Client api{
        "api", sha256("a-secret-of-the-api"), {"client_credentials"}, {"read", "write"}, false};
    Client server = api;
    server.id = "server";
    server.secret_digest = sha256("a-secret-of-the-server");
    server.act_for_users = true;
    Client idle = api;
    idle.id = "idle";
    idle.grants.clear();
    broker.clients = {api, server, idle};
  }

  Request form(std::string_view body) {
    Request post = request("POST", "/token");
    post.content_type = "application/x-www-form-urlencoded";
    post.body = body;
    return post;
  }
  Request dexie(std::string_view changes = "{}") {
    const Json good = json(R"({"grant_type":"client_credentials","client_id":"server",)"
                           R"("client_secret":"a-secret-of-the-server","scopes":["read"]})");
    Request post = request("POST", "/token");
    post.content_type = "application/json";
    post.body = changed(good, changes).dump();
    return post;
  }
};

const std::string kForm =
    "grant_type=client_credentials&client_id=api&client_secret=a-secret-of-the-api";

TEST(ClientGrant, AnswersAFormInRfc6749sShape) {
  WithClients stage;
  const Verdict verdict = stage.call_token(stage.form(kForm + "&scope=read+admin"));
  ASSERT_EQ(reason(verdict), "");
  EXPECT_EQ(header(verdict, "Cache-Control"), "no-store");
  const Json tokens = body(verdict);
  EXPECT_EQ(tokens.string("token_type"), "Bearer");
  EXPECT_EQ(tokens.integer("expires_in"), 3600);
  EXPECT_EQ(tokens.string("scope"), "read");
  EXPECT_FALSE(tokens.has("refresh_token"));  // RFC 6749 4.4.3
  const auto jwt = split(*tokens.string("access_token"));
  EXPECT_EQ(jwt->claims.string("sub"), "client:api");
  EXPECT_EQ(jwt->claims.string("client_id"), "api");
  EXPECT_EQ(jwt->claims.string("scope"), "read");
}

TEST(ClientGrant, AnswersJsonInDexiesShape) {
  WithClients stage;
  const Verdict verdict = stage.call_token(stage.dexie());
  ASSERT_EQ(reason(verdict), "");
  const Json tokens = body(verdict);
  EXPECT_EQ(tokens.string("type"), "tokens");
  EXPECT_EQ(tokens.string("userType"), "client");
  EXPECT_EQ(tokens.get("claims").string("sub"), "client:server");
  EXPECT_FALSE(tokens.has("refreshToken"));
}

// req 035
TEST(ClientGrant, NeedsTheClientsOwnSecret) {
  WithClients stage;
  for (const std::string_view credentials :
       {"client_id=api", "client_id=api&client_secret=", "client_id=api&client_secret=wrong",
        "client_id=api&client_secret=a-secret-of-the-server", "client_id=nobody&client_secret=x",
        "client_secret=a-secret-of-the-api", "client_id=API&client_secret=a-secret-of-the-api"}) {
    const Verdict verdict =
        stage.call_token(stage.form("grant_type=client_credentials&" + std::string(credentials)));
    EXPECT_EQ(reason(verdict), "client_refused") << credentials;
    EXPECT_EQ(status(verdict), 401);
    EXPECT_EQ(body(verdict).string("error"), "invalid_client");
    EXPECT_EQ(header(verdict, "WWW-Authenticate"), "") << "no header was used";
  }
  Request in = stage.form("grant_type=client_credentials");
  in.authorization = {"Basic " + base64_encode("api:wrong")};
  EXPECT_EQ(header(stage.call_token(in), "WWW-Authenticate"),
            "Basic realm=\"https://auth.example.com\"");
  in.authorization = {"Basic " + base64_encode("api:a-secret-of-the-api")};
  EXPECT_EQ(reason(stage.call_token(in)), "");
  EXPECT_EQ(reason(stage.call_token(stage.dexie(R"({"client_secret":"wrong"})"))),
            "client_refused");
}

// DESIGN 2: each grant has one shape; a client may use those that it is registered for.
TEST(ClientGrant, OtherGrantsAreRefusedAndNothingIsTaken) {
  WithClients stage;
  const std::string code = stage.code_for(test::attempt());
  const std::string client = "client_id=api&client_secret=a-secret-of-the-api&";
  for (const std::string& grant :
       {"grant_type=authorization_code&code=" + code, std::string("grant_type=refresh_token")}) {
    const Verdict verdict = stage.call_token(stage.form(client + grant));
    EXPECT_EQ(reason(verdict), "client_grant_refused") << grant;
    EXPECT_EQ(body(verdict).string("error"), "unauthorized_client");
    EXPECT_EQ(reason(stage.call_token(stage.form(grant))), "client_refused")
        << "who says nothing of himself learns nothing";
  }
  EXPECT_TRUE(stage.untouched());
  EXPECT_EQ(reason(stage.call_token(stage.token_request(code))), "") << "Dexie's code still works";
  EXPECT_EQ(reason(stage.call_token(stage.form(
                "grant_type=client_credentials&client_id=idle&client_secret=a-secret-of-the-api"))),
            "client_grant_refused");
}

TEST(ClientGrant, HasScopesOfItsOwn) {
  WithClients stage;
  EXPECT_EQ(body(stage.call_token(stage.form(kForm))).string("scope"), "read write");
  EXPECT_EQ(reason(stage.call_token(stage.form(kForm + "&scope=ACCESS_DB"))), "scope_refused");
}

TEST(ClientGrant, MayActForAUserWhereItIsAllowedTo) {
  WithClients stage;
  const Verdict verdict = stage.call_token(stage.dexie(
      Json::object()
          .set("claims", json(R"({"sub":"acme:u1","email":"a@example.com","email_verified":true,)"
                              R"("name":"Ann","role":"admin","groups":["a"]})"))
          .set("public_key", std::string_view(test::client_pem()))
          .dump()));
  ASSERT_EQ(reason(verdict), "");
  const Json tokens = body(verdict);
  EXPECT_EQ(tokens.string("userType"), "prod");
  EXPECT_EQ(tokens.get("claims").string("sub"), "acme:u1");
  EXPECT_EQ(tokens.get("claims").string("role"), "admin");
  const auto jwt = split(*tokens.string("accessToken"));
  EXPECT_EQ(jwt->claims.string("sub"), "acme:u1");
  EXPECT_EQ(jwt->claims.string("client_id"), "server");
  const auto refresh = open_refresh_token(*tokens.string("refreshToken"), stage.broker, kNow);
  ASSERT_TRUE(refresh);
  EXPECT_EQ(refresh->client_id, "server");
  EXPECT_EQ(refresh->public_key, test::keys().rsa.public_der());
}

TEST(ClientGrant, OfAUserIsRefusedToWhoMayNotActForUsers) {
  WithClients stage;
  const std::string changes =
      R"({"client_id":"api","client_secret":"a-secret-of-the-api","claims":{"sub":"acme:u1"}})";
  EXPECT_EQ(reason(stage.call_token(stage.dexie(changes))), "client_subject_refused");
}

TEST(ClientGrant, NamesAUserThatIsNoClient) {
  WithClients stage;
  const auto judged = [&](std::string_view claims) {
    return reason(stage.call_token(stage.dexie(Json::object().set("claims", json(claims)).dump())));
  };
  for (const std::string_view claims :
       {R"({})", R"({"sub":""})", R"({"sub":7})", R"({"sub":"client:api"})",
        R"({"sub":"a\u0007b"})", R"({"sub":"\u00c6"})", R"({"email":"a@example.com"})"}) {
    EXPECT_EQ(judged(claims), "client_subject_refused") << claims;
  }
  EXPECT_EQ(judged(Json::object().set("sub", std::string_view(std::string(256, 's'))).dump()),
            "client_subject_refused");
  EXPECT_EQ(judged(R"({"sub":"u","email_verified":"yes"})"), "request_malformed");
  EXPECT_EQ(judged(R"({"sub":"u","email":7})"), "request_malformed");
  EXPECT_EQ(judged(R"({"sub":"u","scope":"admin"})"), "client_subject_refused");
  EXPECT_EQ(judged(R"({"sub":"u","iss":"x"})"), "client_subject_refused");
  EXPECT_EQ(judged(R"({"sub":"u","nested":{"a":1}})"), "client_subject_refused");
  EXPECT_EQ(judged(R"({"sub":"u"})"), "");
}

}  // namespace
}  // namespace oauth
