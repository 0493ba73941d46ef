#include "oauth/flow/login.hpp"

#include "oauth/base/text.hpp"
#include "oauth/flow/answer.hpp"
#include "oauth/flow/documents.hpp"
#include "oauth/proto/cookie.hpp"
#include "oauth/proto/preset.hpp"

namespace oauth {
namespace {

// What the application asked for.
struct Wish {
  Uri target;
  std::string client_state;
  std::string challenge;
  Delivery delivery = Delivery::redirect;
};

Result<Wish> read_wish(const Request& in);
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
  const Provider* provider = in.broker.provider(in.name);
  if (provider == nullptr) {
    co_return deny(Problem::provider_unknown);
  }
  auto wish = read_wish(in);
  if (!wish) {
    co_return deny(wish.problem());
  }
  if (provider->type == ProviderType::demo && !in.local) {
    co_return deny(Problem::demo_not_local);
  }
  // The browser's cookie belongs to the broker's own host: begin there or not at all.
  if (!is_at_home(in) && !was_sent_home(in)) {
    co_return send_home(in);
  }
  // Where a page can be reloaded, the popup that it is in must not lose its opener.
  const Opener opener = opener_of(wish->delivery);
  if (io.store.known_down()) {
    co_return deny(Problem::store_down, {}, opener);
  }
  auto metadata = co_await metadata_of(*provider, io);
  if (!metadata) {
    co_return deny(metadata.problem(), {}, opener);
  }
  std::string cookie;
  auto attempt = begin(in, *provider, *std::move(wish), io, &cookie);
  if (!attempt) {
    co_return deny(attempt.problem());
  }
  const auto state = seal_attempt(*attempt, in.broker);
  if (!state) {
    co_return deny(state.problem());
  }
  co_return to_provider(in, authorization_url(in.broker, *provider, *metadata, *attempt, *state),
                        cookie, *attempt);
}

namespace {

constexpr std::string_view kSentHome = "at";  // a parameter of ours: redirected here already
constexpr std::size_t kRandom = 16;

// dexie-contract 3: the retry after a failed exchange brings the old `dxc-auth` back.
Result<Uri> read_target(const Form& form, const Broker& broker) {
  const std::string_view text = form.get("redirect_uri");
  if (text.empty()) {
    return Problem::redirect_missing;
  }
  auto target = Uri::parse(text, 2 * kMaxState);
  if (target && target->query()) {
    const std::string fresh = target->without_query("dxc-auth");
    if (fresh.size() != target->text().size()) {
      target = Uri::parse(fresh, 2 * kMaxState);
    }
  }
  if (!target) {
    return Problem::redirect_malformed;
  }
  if (target->text().size() > kMaxTarget) {
    return Problem::redirect_too_long;
  }
  // RFC 9700 4.1.3
  if (!broker.targets.allows(*target)) {
    return Problem::redirect_not_allowed;
  }
  return *std::move(target);
}

bool is_bare_origin(const Uri& target) {
  return target.is_http() && (target.path().empty() || target.path() == "/") && !target.query() &&
         !target.fragment();
}

// DESIGN 5: a request that brings its own state and a bare origin is the old popup client.
Result<Delivery> read_delivery(const Form& form, const Uri& target) {
  const std::string_view delivery = form.get("delivery");
  if (delivery == "query") {
    return Delivery::query;
  }
  const bool old_client = !form.get("state").empty() && is_bare_origin(target);
  if (delivery == "popup" || (delivery.empty() && old_client)) {
    return target.is_http() ? Result<Delivery>(Delivery::popup) : Problem::delivery_unknown;
  }
  if (delivery.empty() || delivery == "redirect") {
    return Delivery::redirect;
  }
  return Problem::delivery_unknown;
}

Result<Wish> read_wish(const Request& in) {
  const auto form = Form::parse(in.query);
  if (!form) {
    return Problem::request_malformed;
  }
  // RFC 6749 3.1: no parameter more than once.
  if (form->repeated(
          {"redirect_uri", "state", "delivery", "code_challenge", "code_challenge_method"})) {
    return Problem::request_repeated;
  }
  auto target = read_target(*form, in.broker);
  if (!target) {
    return target.problem();
  }
  const auto delivery = read_delivery(*form, *target);
  if (!delivery) {
    return delivery.problem();
  }
  // RFC 6749 appendix A.5: state is printable ASCII.
  const std::string_view client_state = form->get("state");
  if (client_state.size() > kMaxClientState || !is_printable_ascii(client_state)) {
    return Problem::client_state_refused;
  }
  // RFC 7636 4.3, S256 only (OAuth 2.1 4.1.1).
  const std::string_view challenge = form->get("code_challenge");
  const std::string_view method = form->get("code_challenge_method");
  if (challenge.empty() && in.broker.require_pkce) {
    return Problem::challenge_missing;
  }
  if (challenge.empty() ? !method.empty() : method != "S256" || !is_pkce_challenge(challenge)) {
    return Problem::challenge_refused;
  }
  return Wish{*std::move(target), std::string(client_state), std::string(challenge), *delivery};
}

// One cookie for all tabs of a browser: what it brings is kept, re-sent unchanged.
std::string browser_cookie(const Request& in, std::string_view fresh) {
  const std::string_view brought = only_cookie(in.cookies, in.broker.cookie_name);
  const auto bytes = base64url_decode(brought);
  return bytes && bytes->size() == 32 ? std::string(brought) : base64url_encode(fresh);
}

Result<Attempt> begin(const Request& in, const Provider& provider, Wish wish, Ports& io,
                      std::string* cookie) {
  const auto random = io.random.bytes(8 * kRandom);
  if (!random) {
    return random.problem();
  }
  const auto piece = [&](std::size_t from, std::size_t count) {
    return std::string_view(*random).substr(from * kRandom, count * kRandom);
  };
  *cookie = browser_cookie(in, piece(6, 2));
  Attempt attempt;
  attempt.id = piece(0, 1);
  attempt.flow_id = hex_encode(piece(1, 1));
  attempt.verifier = base64url_encode(piece(2, 2));
  attempt.nonce = base64url_encode(piece(4, 2));
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
  FormWriter form;
  const auto fields = Form::parse(in.query);
  for (const auto& [name, value] : fields->fields()) {
    if (name != kSentHome) {  // said twice it would say nothing
      form.add(name, value);
    }
  }
  form.add(kSentHome, "home");
  return answer_redirect(in.broker.url + "/oauth/login/" + in.name + "?" + form.text());
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
