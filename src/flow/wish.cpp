#include "oauth/flow/wish.hpp"

#include "oauth/base/text.hpp"

namespace oauth {
namespace {

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

}  // namespace

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

std::string rewrite_wish(const Request& in) {
  FormWriter query;
  const auto form = Form::parse(in.query);
  for (const auto& [name, value] : form->fields()) {
    if (name != kSentHome) {  // said twice it would say nothing
      query.add(name, value);
    }
  }
  return query.text();
}

}  // namespace oauth
