#include "oauth/flow/remedy.hpp"

#include "oauth/base/text.hpp"
#include "oauth/proto/attempt.hpp"

namespace oauth {
namespace {

std::string allow(const std::optional<Uri>& address) {
  if (!address || !address->is_http() || !address->is_loopback()) {
    return {};
  }
  return "oauth_allow_origin " + address->origin() + ";";
}

}  // namespace

std::string remedy(const Request& in, Problem problem) {
  if (problem == Problem::redirect_not_allowed) {
    const auto form = Form::parse(in.query);
    return form ? allow(Uri::parse(form->get("redirect_uri"), 2 * kMaxState)) : std::string();
  }
  // RFC 6454 7: what is no serialised origin comes from no browser.
  if (problem == Problem::origin_not_allowed && in.origins.size() == 1) {
    const auto origin = Uri::parse(in.origins.front());
    return origin && origin->origin() == in.origins.front() ? allow(origin) : std::string();
  }
  return {};
}

}  // namespace oauth
