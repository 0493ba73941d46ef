// A protected location, and the tokens that are brought to it.
#pragma once

#include <deque>

#include "flow/stage.hpp"
#include "oauth/flow/protect.hpp"
#include "oauth/jose/sign.hpp"

namespace oauth::test {

// A location of the broker that also trusts one foreign issuer.
struct ProtectStage : Stage {
  ProtectStage() {
    guard.realm = broker.url;
    guard.trusts.push_back(own_trust(broker));
    Trust foreign;
    foreign.expect.issuer = "https://foreign.example";
    foreign.expect.audiences = {"api"};
    foreign.expect.typs = {"", "JWT", "at+jwt"};
    foreign.keys = std::make_shared<const KeySet>(std::vector<Key>{keys().p256});
    guard.trusts.push_back(foreign);
  }
  Verdict ask(const std::vector<std::string>& authorization) {
    brought.push_back(authorization.empty() ? "" : authorization.front());
    Credentials in;
    in.authorization = brought.back();
    in.authorizations = authorization.size();
    return ask_with(in);
  }
  // The verdict's views lead into `brought` and `last`.
  Verdict ask_with(const Credentials& in) {
    last.push_back(in);
    return run(protect(last.back(), guard, io));
  }
  // "entered", or the name of the problem.
  std::string judge(const std::string& token) {
    const Verdict verdict = ask({"Bearer " + token});
    EXPECT_NE(verdict.admission.has_value(), verdict.problem.has_value());
    EXPECT_FALSE(verdict.reply) << "what it looks like is not decided here";
    EXPECT_TRUE(untouched());
    return verdict.admission ? "entered" : reason(verdict);
  }
  Guard guard;
  std::deque<std::string> brought;
  std::deque<Credentials> last;
};

inline Json own_claims(std::string_view changes = "{}") {
  const Json good = Json::object()
                        .set("iss", "https://auth.example.com")
                        .set("aud", "https://auth.example.com")
                        .set("sub", "acme:u1")
                        .set("iat", kNow)
                        .set("exp", kNow + 600);
  return changed(good, changes);
}
inline std::string own_token(std::string_view changes = "{}", std::string_view typ = "at+jwt",
                             const Key& key = signing()->keys().front()) {
  return *sign(own_claims(changes), key, Alg::es256, typ);
}
inline std::string foreign_token(std::string_view changes = "{}", const Key& key = keys().p256) {
  return *sign(changed(own_claims(R"({"iss":"https://foreign.example","aud":"api"})"), changes),
               key, Alg::es256, "JWT");
}

}  // namespace oauth::test
