#include "oauth/flow/keys.hpp"

#include "oauth/base/text.hpp"
#include "oauth/flow/answer.hpp"
#include "oauth/proto/preset.hpp"

namespace oauth {
namespace {

Json describe(const Broker& broker, const Provider& provider) {
  Json entry = Json::object();
  entry.set("type", preset_of(provider.type).dexie_type);
  entry.set("name", std::string_view(provider.name));
  entry.set("displayName", std::string_view(provider.display_name));
  entry.set("iconUrl", std::string_view(broker.icon_url(provider)));
  Json scopes = Json::array();
  for (const std::string_view scope : split_words(provider.scope)) {
    scopes.push(Json::of(scope));
  }
  return entry.set("scopes", scopes);
}

}  // namespace

Task<Verdict> jwks(const Request& in, Ports&) {
  Reply reply;
  reply.content_type = "application/json";
  reply.body = in.broker.signing->public_jwks().dump();
  reply.headers.push_back({"Cache-Control", "public, max-age=300"});
  reply.headers.push_back({"X-Content-Type-Options", "nosniff"});
  Verdict verdict;
  verdict.reply = std::move(reply);
  co_return verdict;
}

Task<Verdict> auth_providers(const Request& in, Ports&) {
  const auto origin = allowed_origin(in);
  if (in.method == "OPTIONS") {
    co_return answer_preflight("GET", "content-type", origin ? *origin : std::string());
  }
  Json providers = Json::array();
  for (const Provider* provider : in.broker.providers) {
    if (provider->enabled) {
      providers.push(describe(in.broker, *provider));
    }
  }
  Json list = Json::object();
  list.set("providers", providers);
  list.set("otpEnabled", in.broker.otp.has_value());
  Verdict verdict = answer_json(200, list.dump(), origin ? *origin : std::string());
  if (!origin) {
    verdict.cause = origin.problem();  // the list is public; a browser keeps it from that page
  }
  co_return verdict;
}

}  // namespace oauth
