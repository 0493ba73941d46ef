#include "oauth/jose/verify.hpp"

#include <map>

#include "jose/support.hpp"
#include "jose/verify_support.hpp"
#include "oauth/jose/signature.hpp"

namespace oauth {
namespace {

using test::es256;
using test::expectations;
using test::forge;
using test::good_with;
using test::judge;
using test::keys;
using test::kGood;
using test::kNow;
using test::outcome;
using test::public_keys;

TEST(Verify, AGoodTokenOfEveryAlgorithmIsBelieved) {
  for (const Key& key : keys().all()) {
    for (Alg alg : kAlgs) {
      if (key.algs().has(alg)) {
        const std::string header =
            Json::object().set("alg", alg_name(alg)).set("kid", key.kid()).dump();
        EXPECT_EQ(judge(forge(header, kGood, key, alg)), "") << header;
      }
    }
  }
}

// ---- algorithm ------------------------------------------------------------------------------

TEST(Verify, AnAlgorithmThatIsNotExpectedIsRefused) {
  Expectations expect = expectations();
  expect.algs = {Alg::rs256, Alg::ps256};
  EXPECT_EQ(judge(es256(R"({"alg":"ES256","kid":"p256"})"), public_keys(), expect),
            "token_alg_refused");
  expect.algs = {};
  EXPECT_EQ(judge(es256(R"({"alg":"ES256","kid":"p256"})"), public_keys(), expect),
            "token_alg_refused");
}

TEST(Verify, AnUnsignedTokenIsRefused) {
  for (const char* name : {"none", "None", "NONE", "nOnE"}) {
    const std::string input =
        test::signing_input(R"({"alg":")" + std::string(name) + R"("})", kGood);
    for (const char* signature : {".", ".AAAA"}) {
      EXPECT_EQ(judge(input + signature), "token_alg_refused") << name;
    }
  }
  EXPECT_EQ(judge(test::signing_input(R"({"alg":"ES256","kid":"p256"})", kGood) + '.'),
            "token_signature_wrong");
}

// RFC 8725 2.1: a public key taken for the secret of a MAC.
TEST(Verify, AMacUnderAPublicKeyIsRefusedHoweverItIsWritten) {
  const std::string der = keys().rsa.public_der();
  const std::string base64 = base64_encode(der);
  std::string pem = "-----BEGIN PUBLIC KEY-----\n";
  for (std::size_t at = 0; at < base64.size(); at += 64) {
    pem.append(base64.substr(at, 64)).append("\n");
  }
  pem.append("-----END PUBLIC KEY-----");
  const Json jwk = keys().rsa.public_jwk();
  const std::string n = std::string(*jwk.string("n"));
  Expectations careless = expectations();
  careless.algs = {Alg::rs256, Alg::hs256, Alg::hs384, Alg::hs512};
  for (const std::string& secret : {pem, pem + '\n', der, base64, n, *base64url_decode(n),
                                    jwk.dump(), std::string(), std::string(32, '\0')}) {
    for (const char* kid : {R"(,"kid":"rsa")", R"(,"kid":"p256")", R"(,"kid":"ed25519")", ""}) {
      const std::string input =
          test::signing_input(R"({"alg":"HS256")" + std::string(kid) + '}', kGood);
      const std::string token =
          input + '.' + base64url_encode(MacKey(secret).make(Alg::hs256, input));
      EXPECT_EQ(judge(token), "token_alg_refused") << secret << kid;
      EXPECT_EQ(judge(token, public_keys(), careless), "token_key_unknown") << secret << kid;
    }
  }
}

TEST(Verify, AMacIsBelievedOnlyUnderASecretKeyAndWhereItIsExpected) {
  const Key secret = test::secret_key(std::string(32, 'k'), "secret");
  const std::string token = forge(R"({"alg":"HS256","kid":"secret"})", kGood, secret, Alg::hs256);
  Expectations expect = expectations();
  EXPECT_EQ(judge(token, KeySet({secret}), expect), "token_alg_refused");
  expect.algs = {Alg::hs256};
  EXPECT_EQ(judge(token, KeySet({secret}), expect), "");
  EXPECT_EQ(judge(token, KeySet({test::secret_key(std::string(32, 'x'), "secret")}), expect),
            "token_signature_wrong");
}

// ---- typ ------------------------------------------------------------------------------------

TEST(Verify, TypIsComparedAsAMediaType) {
  const struct {
    const char* typ;
    std::vector<std::string> allowed;
    const char* outcome;
  } rows[] = {
      {"JWT", {"JWT"}, ""},
      {"jwt", {"JWT"}, ""},
      {"application/jwt", {"JWT"}, ""},
      {"JWT", {"application/jwt"}, ""},
      {"APPLICATION/AT+JWT", {"at+jwt"}, ""},
      {"at+jwt", {"JWT", "at+jwt"}, ""},
      {nullptr, {"", "JWT"}, ""},
      {nullptr, {"JWT"}, "token_typ_refused"},
      {nullptr, {"at+jwt"}, "token_typ_refused"},
      {"JWT", {"at+jwt"}, "token_typ_refused"},
      {"JWT", {""}, "token_typ_refused"},
      {"JWT", {}, "token_typ_refused"},
      {nullptr, {}, "token_typ_refused"},
      {"application/", {""}, "token_typ_refused"},
      {"application/a/jwt", {"a/jwt"}, "token_typ_refused"},
      {"text/jwt", {"jwt"}, "token_typ_refused"},
      {"JWT ", {"JWT"}, "token_typ_refused"},
      {"dpop+jwt", {"", "JWT", "at+jwt"}, "token_typ_refused"},
      {"logout+jwt", {"", "JWT", "at+jwt"}, "token_typ_refused"},
      {"secevent+jwt", {"", "JWT", "at+jwt"}, "token_typ_refused"},
  };
  for (const auto& row : rows) {
    Json header = Json::object().set("alg", "ES256").set("kid", "p256");
    if (row.typ != nullptr) {
      header.set("typ", row.typ);
    }
    Expectations expect = expectations();
    expect.typs = row.allowed;
    EXPECT_EQ(judge(es256(header.dump()), public_keys(), expect), row.outcome)
        << header.dump() << ' ' << row.allowed.size();
  }
}

// ---- key ------------------------------------------------------------------------------------

TEST(Verify, TheKidPicksTheKeyAndNoOtherIsTried) {
  const Key other = *Key::generate_es256();
  const KeySet set({keys().p256, other.with_kid("other")});
  EXPECT_EQ(judge(es256(R"({"alg":"ES256","kid":"p256"})"), set), "");
  EXPECT_EQ(judge(es256(R"({"alg":"ES256","kid":"other"})"), set), "token_signature_wrong");
  EXPECT_EQ(judge(es256(R"({"alg":"ES256","kid":"nobody"})"), set), "token_key_unknown");
  EXPECT_EQ(judge(es256(R"({"alg":"ES256","kid":"P256"})"), set), "token_key_unknown");
  EXPECT_EQ(judge(es256(R"({"alg":"ES256","kid":"p25"})"), set), "token_key_unknown");
  EXPECT_EQ(judge(es256(R"({"alg":"ES256","kid":"p256"})"), KeySet()), "token_key_unknown");
  // A key without kid is not the one that was named.
  EXPECT_EQ(judge(es256(R"({"alg":"ES256","kid":"p256"})"), KeySet({keys().p256.with_kid("")})),
            "token_key_unknown");
}

TEST(Verify, WithoutKidFourFittingKeysAreTriedAndNoMore) {
  const std::string token = es256(R"({"alg":"ES256"})");
  std::vector<Key> set{keys().rsa, keys().p384};  // these do not fit, so they do not count
  for (int i = 0; i < 3; ++i) {
    set.push_back(Key::generate_es256()->with_kid(std::to_string(i)));
  }
  std::vector<Key> fourth = set;
  fourth.push_back(keys().p256);
  EXPECT_EQ(judge(token, KeySet(fourth)), "");
  std::vector<Key> fifth = set;
  fifth.push_back(*Key::generate_es256());
  fifth.push_back(keys().p256);
  EXPECT_EQ(judge(token, KeySet(fifth)), "token_signature_wrong");
  EXPECT_EQ(judge(token, KeySet({keys().rsa, keys().p384})), "token_key_unknown");
}

TEST(Verify, AKeyOfAnotherTypeCurveOrAlgorithmDoesNotFit) {
  const struct {
    const char* header;
    const Key& key;
    Alg alg;
  } rows[] = {
      {R"({"alg":"ES256","kid":"p384"})", keys().p384, Alg::es384},
      {R"({"alg":"ES512","kid":"p256"})", keys().p256, Alg::es256},
      {R"({"alg":"ES256","kid":"rsa"})", keys().rsa, Alg::rs256},
      {R"({"alg":"RS256","kid":"p256"})", keys().p256, Alg::es256},
      {R"({"alg":"EdDSA","kid":"p256"})", keys().p256, Alg::es256},
      {R"({"alg":"PS256","kid":"ed25519"})", keys().ed25519, Alg::eddsa},
  };
  for (const auto& row : rows) {
    EXPECT_EQ(judge(forge(row.header, kGood, row.key, row.alg)), "token_key_unknown") << row.header;
  }
  // The same key, but its JWK says what it is for.
  Json jwk = keys().rsa.public_jwk();
  jwk.set("alg", "PS256");
  const KeySet set({*Key::from_jwk(jwk)});
  EXPECT_EQ(judge(forge(R"({"alg":"RS256","kid":"rsa"})", kGood, keys().rsa, Alg::rs256), set),
            "token_key_unknown");
  EXPECT_EQ(judge(forge(R"({"alg":"PS256","kid":"rsa"})", kGood, keys().rsa, Alg::ps256), set), "");
}

// ---- signature ------------------------------------------------------------------------------

TEST(Verify, ASignatureOfAnotherAlgorithmOfTheSameKeyIsWrong) {
  EXPECT_EQ(judge(forge(R"({"alg":"RS256","kid":"rsa"})", kGood, keys().rsa, Alg::ps256)),
            "token_signature_wrong");
  EXPECT_EQ(judge(forge(R"({"alg":"RS384","kid":"rsa"})", kGood, keys().rsa, Alg::rs256)),
            "token_signature_wrong");
}

TEST(Verify, AChangedPartMakesTheSignatureWrong) {
  const std::string token = es256(R"({"alg":"ES256","kid":"p256"})");
  const std::string signature = token.substr(token.rfind('.'));
  const std::string input =
      test::signing_input(R"({"alg":"ES256","kid":"p256"})", good_with(R"({"sub":"google:2"})"));
  EXPECT_EQ(judge(input + signature), "token_signature_wrong");
  const std::string spaced = test::signing_input(R"({"alg":"ES256", "kid":"p256"})", kGood);
  EXPECT_EQ(judge(spaced + signature), "token_signature_wrong");
  EXPECT_EQ(judge(token + "AAAA"), "token_signature_wrong");
  EXPECT_EQ(judge(token.substr(0, token.size() - 2)), "token_signature_wrong");
  EXPECT_EQ(judge(test::signing_input(R"({"alg":"ES256","kid":"p256"})", kGood) + '.' +
                  base64url_encode(std::string(64, '\0'))),
            "token_signature_wrong");
}

TEST(Verify, OfAForgedTokenOnlyTheSignatureIsReported) {
  const Key stranger = Key::generate_es256()->with_kid("p256");
  for (const char* claims : {R"({})", R"({"exp":1})", R"({"iss":"https://evil.example"})",
                             R"({"exp":"x","nonce":"n"})"}) {
    const std::string header = R"({"alg":"ES256","kid":"p256"})";
    EXPECT_EQ(judge(forge(header, claims, stranger, Alg::es256)), "token_signature_wrong")
        << claims;
  }
}

TEST(Verify, ARefusedTokenRelaxesNothingForTheNextOne) {
  const std::string good = es256(R"({"alg":"ES256","kid":"p256"})");
  const std::string unsigned_token = test::signing_input(R"({"alg":"none"})", kGood) + '.';
  const Key stranger = Key::generate_es256()->with_kid("p256");
  const std::string forged = forge(R"({"alg":"ES256","kid":"p256"})", kGood, stranger, Alg::es256);
  const KeySet set = public_keys();
  for (int round = 0; round < 3; ++round) {
    EXPECT_EQ(judge(unsigned_token, set), "token_alg_refused");
    EXPECT_EQ(judge(forged, set), "token_signature_wrong");
    EXPECT_EQ(judge(good, set), "");
    EXPECT_EQ(judge(forged, set), "token_signature_wrong");
  }
}

TEST(Verify, AtHashAndCHashAreThoseOfOpenIdConnect) {
  OAUTH_NEED_VECTORS(folder);
  const Json examples = test::json(test::read_file(folder / "rfc_examples.json"));
  const Json at = examples.get("oidc_core_A3_at_hash");
  EXPECT_EQ(left_half_hash(Alg::rs256, *at.string("access_token")), at.string("at_hash"));
  const Json c = examples.get("oidc_core_A4_c_hash");
  EXPECT_EQ(left_half_hash(Alg::rs256, *c.string("code")), c.string("c_hash"));
}

TEST(Verify, TheLeftHalfIsHalfOfTheAlgorithmsHash) {
  for (Alg alg : kAlgs) {
    const std::string_view name = alg_name(alg);
    const std::size_t bits = name == "EdDSA" ? 512U : std::stoul(std::string(name.substr(2)));
    EXPECT_EQ(base64url_decode(left_half_hash(alg, "x"))->size(), bits / 16) << name;
  }
}

// Wycheproof's and the RFCs' cases for a JWS; none of their payloads is a claims object.
TEST(Verify, AnswersTheJwsCorpusAsLabelled) {
  OAUTH_NEED_VECTORS(folder);
  std::map<std::string, int> counts;
  for (const Json& line : test::read_lines(folder / "jws_corpus.jsonl")) {
    const std::string expect(*line.string("expect"));
    const auto set = KeySet::parse(line.get("jwks").dump(), true);
    const auto jws = split_jws(*line.string("token"));
    const bool accepted = set && jws && verify_signature(*jws, *set);
    const bool keep = *line.boolean("keep");
    ++counts[(keep ? expect : "set aside: " + expect) + (accepted ? ": accepted" : ": refused")];
    if (keep) {
      EXPECT_EQ(accepted, expect == "accept")
          << *line.string("id") << ' ' << *line.string("comment") << ' ' << outcome(jws);
    }
    // What may be anyone's set never takes a MAC.
    const auto published = KeySet::parse(line.get("jwks").dump());
    if (jws && published && alg_name(jws->alg).starts_with("HS")) {
      EXPECT_EQ(outcome(verify_signature(*jws, *published)), "token_key_unknown");
    }
  }
  for (const auto& [what, count] : counts) {
    std::cout << "[ jws      ] " << what << ' ' << count << '\n';
  }
  EXPECT_EQ(counts["reject: accepted"], 0);
  EXPECT_GT(counts["accept: accepted"], 40);
}

}  // namespace
}  // namespace oauth
