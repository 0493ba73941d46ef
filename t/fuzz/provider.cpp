// Whatever a provider, a browser or the operator's service says: an identity is nobody else's, an
// address is verified only if it is one, and nothing that was added takes the place of who it is.
#include <algorithm>

#include "fuzz.hpp"

#include "oauth/proto/admission.hpp"
#include "oauth/proto/exchange.hpp"
#include "oauth/proto/identity.hpp"
#include "oauth/proto/response.hpp"

namespace oauth {
namespace {

constexpr ProviderType kTypes[] = {
    ProviderType::google,  ProviderType::github, ProviderType::microsoft, ProviderType::apple,
    ProviderType::cognito, ProviderType::oidc,   ProviderType::oauth2};

void check(const Identity& who, std::string_view answer) {
  must(!who.id.empty() && is_printable_ascii(who.id));
  must(!who.email_verified || std::count(who.email.begin(), who.email.end(), '@') == 1);
  const Json own = who.claims();
  must(own.dump().size() <= 4096);
  if (const auto claims = parse_admission(200, "application/json", answer, who); claims) {
    for (const auto& [name, value] : own.members()) {
      must(claims->get(name).dump() == value.dump());
    }
    must(!claims->has("scope") && !claims->has("aud") && !claims->has("exp"));
  }
}

void identify(const Json& json, std::string_view text) {
  for (const ProviderType type : kTypes) {
    Provider provider;
    provider.name = "p";
    provider.type = type;
    provider.claims = {{"/a/b", "name"}};
    for (const bool is_signed : {true, false}) {
      Statement said;
      (is_signed ? said.id_token : said.userinfo) = json;
      said.emails = json.get("emails");
      said.user = json;
      if (const auto who = identity_of(said, provider); who) {
        check(*who, text);
      }
    }
  }
}

}  // namespace
}  // namespace oauth

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace oauth;
  const std::string_view text = input(data, size);
  if (const auto response = read_response(text); response) {
    must(response->code.empty() != response->error.empty() && !response->state.empty());
  }
  if (const auto reply = parse_token_reply(200, "application/json", text); reply) {
    must(is_printable_ascii(reply->access_token));
  }
  std::string why;
  (void)AllowRule::parse(text, &why);
  if (const auto json = Json::parse_object(text); json) {
    identify(*json, text);
  }
  return 0;
}
