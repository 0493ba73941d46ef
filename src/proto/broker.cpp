#include "oauth/proto/broker.hpp"

#include <algorithm>

#include "oauth/base/text.hpp"

namespace oauth {

const Provider* Broker::provider(std::string_view name) const noexcept {
  for (const Provider* provider : providers) {
    if (provider->name == name && provider->enabled) {
      return provider;
    }
  }
  return nullptr;
}

std::int64_t Broker::refresh_window() const noexcept {
  const std::int64_t longest = std::max<std::int64_t>(lifetimes.access_token - 5 * 60, skew);
  return std::min(lifetimes.refresh_window, longest);
}

std::string Broker::callback_url(const Provider& provider) const {
  return url + "/oauth/callback/" + provider.name;
}

std::string Broker::icon_url(const Provider& provider) const {
  return provider.icon.empty() ? url + "/oauth/icons/" + provider.name + ".svg" : provider.icon;
}

std::string Broker::path(std::string_view endpoint) const {
  return std::string(uri.path()) + std::string(endpoint);
}

void Broker::set_url(const Uri& base) {
  uri = base;
  url = base.text();
  cookie_name = is_https() ? "__Host-oauth-" : "oauth-";
  cookie_name += hex_encode(sha256(url).substr(0, 4));
}

const Key* Broker::signing_key() const noexcept {
  for (const Key& key : signing->keys()) {
    if (key.is_private() && key.algs().has(alg)) {
      return &key;
    }
  }
  return nullptr;
}

std::optional<Uri> parse_broker_url(std::string_view text, std::string* why) {
  while (!text.empty() && text.back() == '/') {
    text.remove_suffix(1);
  }
  const auto uri = Uri::parse(text);
  const auto refuse = [&](std::string_view reason) {
    *why = reason;
    return std::optional<Uri>();
  };
  if (!uri || !uri->is_http() || uri->query() || uri->fragment()) {
    return refuse(
        "write the public base URL, https://host[:port][/path], without user name, query, fragment "
        "and dot segments");
  }
  if (uri->scheme() == "http" && !uri->is_loopback()) {
    return refuse("plain http is possible only on loopback (localhost, 127.0.0.0/8, [::1])");
  }
  const std::string_view path = uri->path();
  if (path.find('%') != std::string_view::npos || path.find("//") != std::string_view::npos ||
      path.find("/.") != std::string_view::npos) {
    return refuse(
        "its path must be plain: no percent signs, no // and no segment with a dot first");
  }
  // The origin is lower case and without a default port; the path stays as it was written.
  return Uri::parse(uri->origin() + std::string(path));
}

}  // namespace oauth
