#include "oauth/flow/login.hpp"

#include "oauth/base/text.hpp"
#include "oauth/flow/answer.hpp"
#include "oauth/flow/documents.hpp"
#include "oauth/flow/remedy.hpp"
#include "oauth/flow/wish.hpp"
#include "oauth/proto/cookie.hpp"
#include "oauth/proto/preset.hpp"

namespace oauth {
namespace {

Result<Attempt> begin(const Request& in, const Provider& provider, Wish wish, Ports& io,
                      std::string* cookie);
std::string authorization_url(const Broker& broker, const Provider& provider,
                              const Metadata& metadata, const Attempt& attempt,
                              std::string_view state);
Verdict send_home(const Request& in);
bool was_sent_home(const Request& in);
Verdict to_provider(const Request& in, std::string location, const std::string& cookie,
                    const Attempt& attempt);

}  // namespace

Task<Verdict> login(const Request& in, Ports& io) {
  const std::string flow_id = new_flow_id(io);
  const Provider* provider = in.broker.provider(in.name);
  if (provider == nullptr) {
    co_return deny(Problem::provider_unknown, flow_id);
  }
  auto wish = read_wish(in);
  if (!wish) {
    co_return deny(wish.problem(), flow_id, Opener::none, remedy(in, wish.problem()));
  }
  if (provider->type == ProviderType::demo && !in.local) {
    co_return deny(Problem::demo_not_local, flow_id);
  }
  // The browser's cookie belongs to the broker's own host: begin there or not at all.
  if (!is_at_home(in) && !was_sent_home(in)) {
    co_return send_home(in);
  }
  // Where a page can be reloaded, the popup that it is in must not lose its opener.
  const Opener opener = opener_of(wish->delivery);
  if (io.store.known_down()) {
    co_return deny(Problem::store_down, flow_id, opener);
  }
  auto metadata = co_await metadata_of(*provider, io);
  if (!metadata) {
    co_return deny(metadata.problem(), flow_id, opener);
  }
  std::string cookie;
  auto attempt = begin(in, *provider, *std::move(wish), io, &cookie);
  if (!attempt) {
    co_return deny(attempt.problem(), flow_id);
  }
  attempt->flow_id = flow_id;
  const auto state = seal_attempt(*attempt, in.broker);
  if (!state) {
    co_return deny(state.problem(), flow_id);
  }
  co_return to_provider(in, authorization_url(in.broker, *provider, *metadata, *attempt, *state),
                        cookie, *attempt);
}

namespace {

constexpr std::size_t kRandom = 16;

// One cookie for all tabs of a browser: what it brings is kept, re-sent unchanged.
std::string browser_cookie(const Request& in, std::string_view fresh) {
  const std::string_view brought = only_cookie(in.cookies, in.broker.cookie_name);
  const auto bytes = base64url_decode(brought);
  return bytes && bytes->size() == 32 ? std::string(brought) : base64url_encode(fresh);
}

Result<Attempt> begin(const Request& in, const Provider& provider, Wish wish, Ports& io,
                      std::string* cookie) {
  const auto random = io.random.bytes(7 * kRandom);
  if (!random) {
    return random.problem();
  }
  const auto piece = [&](std::size_t from, std::size_t count) {
    return std::string_view(*random).substr(from * kRandom, count * kRandom);
  };
  *cookie = browser_cookie(in, piece(5, 2));
  Attempt attempt;
  attempt.id = piece(0, 1);
  attempt.verifier = base64url_encode(piece(1, 2));
  attempt.nonce = base64url_encode(piece(3, 2));
  attempt.provider = provider.name;
  attempt.target = wish.target.text();
  attempt.client_state = std::move(wish.client_state);
  attempt.challenge = std::move(wish.challenge);
  attempt.delivery = wish.delivery;
  attempt.browser = sha256(*cookie);
  attempt.issued = io.clock.now();
  attempt.expires = attempt.issued + in.broker.lifetimes.state;
  return attempt;
}

// OpenID Connect Core 3.1.2.1, RFC 6749 4.1.1, RFC 7636 4.3.
std::string authorization_url(const Broker& broker, const Provider& provider,
                              const Metadata& metadata, const Attempt& attempt,
                              std::string_view state) {
  if (provider.type == ProviderType::demo) {
    return broker.url + "/oauth/demo/" + provider.name + "?" +
           FormWriter().add("state", state).text();
  }
  FormWriter form;
  form.add("response_type", "code")
      .add("client_id", provider.client_id)
      .add("redirect_uri", broker.callback_url(provider));
  if (!provider.scope.empty()) {
    form.add("scope", provider.scope);
  }
  form.add("state", state);
  if (provider.is_openid()) {
    form.add("nonce", attempt.nonce);
  }
  if (provider.pkce) {
    form.add("code_challenge", pkce_challenge(attempt.verifier))
        .add("code_challenge_method", "S256");
  }
  if (preset_of(provider.type).form_post) {
    form.add("response_mode", "form_post");  // OAuth 2.0 Form Post Response Mode 2
  }
  for (const auto& [name, value] : provider.authorization_params) {
    form.add(name, value);
  }
  const bool has_query = metadata.authorization_endpoint.find('?') != std::string::npos;
  return metadata.authorization_endpoint + (has_query ? "&" : "?") + form.text();
}

Verdict send_home(const Request& in) {
  const std::string query = rewrite_wish(in) + "&" + std::string(kSentHome) + "=home";
  return answer_redirect(in.broker.url + "/oauth/login/" + in.name + "?" + query);
}

// Behind a proxy that ends TLS every request seems to come from elsewhere: once is enough. If the
// browser really is elsewhere its cookie will be missing at the callback, which then refuses.
bool was_sent_home(const Request& in) {
  const auto form = Form::parse(in.query);
  return form && form->get(kSentHome) == "home";
}

Verdict to_provider(const Request& in, std::string location, const std::string& cookie,
                    const Attempt& attempt) {
  Verdict verdict = answer_redirect(std::move(location));
  verdict.reply->headers.push_back(
      {"Set-Cookie",
       set_cookie(in.broker.cookie_name, cookie, static_cast<long>(in.broker.lifetimes.state),
                  in.broker.is_https())});
  verdict.flow_id = attempt.flow_id;
  verdict.provider = attempt.provider;
  return verdict;
}

}  // namespace

}  // namespace oauth
