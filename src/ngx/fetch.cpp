#include "ngx/fetch.hpp"

#include <algorithm>
#include <map>
#include <optional>

#include "ngx/fetch_call.hpp"
#include "oauth/base/text.hpp"
#include "oauth/base/uri.hpp"

namespace oauth {
namespace {

// A place among the fetches that a worker has in flight for one provider.
class Slot {
 public:
  Slot(const std::string& provider, ngx_uint_t limit) {
    const auto it = in_flight().try_emplace(provider, 0).first;
    if (it->second < limit) {
      it->second++;
      taken_ = it;
    }
  }
  Slot(const Slot&) = delete;
  Slot& operator=(const Slot&) = delete;
  ~Slot() {
    if (taken_ && --(*taken_)->second == 0) {
      in_flight().erase(*taken_);
    }
  }
  explicit operator bool() const noexcept { return taken_.has_value(); }

 private:
  using Counts = std::map<std::string, ngx_uint_t>;
  static Counts& in_flight() {
    static Counts counts;  // a worker has one thread
    return counts;
  }
  std::optional<Counts::iterator> taken_;
};

bool is_token(std::string_view text) noexcept {
  return !text.empty() && text.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ") == text.npos;
}

// Each header once, of those that the location knows, and nothing that would end its line: what
// the flow asked for is what is sent, or nothing is.
bool can_send(const FetchRequest& request) {
  if (!is_token(request.method)) {
    return false;
  }
  for (const Header& header : request.headers) {
    const auto is_it = [&header](std::string_view name) {
      return iequals_ascii(name, header.name);
    };
    const auto is_same = [&is_it](const Header& other) { return is_it(other.name); };
    if (std::none_of(kFetchHeaders.begin(), kFetchHeaders.end(), is_it) ||
        std::count_if(request.headers.begin(), request.headers.end(), is_same) != 1 ||
        !is_printable_ascii(header.value)) {
      return false;
    }
  }
  return true;
}

FetchTarget target_of(const Uri& uri, const FetchRequest& request, const Hosts& hosts) {
  const bool is_usual = uri.port() == (uri.scheme() == "https" ? 443 : 80);
  const std::string port = is_usual ? "" : ":" + std::to_string(uri.port());
  const std::string_view pinned = hosts.find(uri.host());

  FetchTarget target;
  target.name = uri.host();
  target.host = uri.host() + port;
  target.url = uri.scheme() + "://";
  target.url += pinned.empty() ? std::string_view(uri.host()) : pinned;
  target.url += port;
  target.uri = uri.path().empty() ? std::string_view("/") : uri.path();
  if (const auto query = uri.query()) {
    target.uri += '?';
    target.uri += *query;
  }
  target.url += target.uri;
  if (request.method != "GET" || !request.body.empty()) {
    target.length = std::to_string(request.body.size());
  }
  return target;
}

}  // namespace

const FetchRoute* FetchPlan::route(std::string_view location) const noexcept {
  if (location.empty()) {
    return &made;
  }
  const auto found = std::find_if(users.begin(), users.end(), [location](const FetchRoute& own) {
    return view(own.location) == location;
  });
  return found == users.end() ? nullptr : &*found;
}

Task<Result<FetchReply>> SubrequestFetch::send(const FetchRequest& request) {
  ngx_log_t* log = flow_.request()->connection->log;
  const auto uri = Uri::parse(request.url);
  const FetchRoute* route = plan_.route(request.location);
  if (!uri || !uri->is_http() || route == nullptr || !can_send(request)) {
    ngx_log_error(NGX_LOG_ERR, log, 0, "oauth: a request to provider \"%*s\" cannot be sent",
                  request.provider.size(), request.provider.data());
    co_return Problem::internal;
  }
  if (!plan_.trust_store && !route->is_users && uri->scheme() == "https") {
    co_return Problem::fetch_untrusted;
  }
  const Slot slot(request.provider, plan_.limit);
  if (!slot) {
    co_return Problem::fetch_busy;
  }
  const FetchTarget target = target_of(*uri, request, *plan_.hosts);
  FetchCall call(flow_.request(), *route, request, target);
  auto outcome = co_await Ended(flow_, call);
  if (!outcome) {
    ngx_log_error(NGX_LOG_ERR, log, 0, "oauth: fetch for provider \"%*s\" from %*s: %*s",
                  request.provider.size(), request.provider.data(), target.host.size(),
                  target.host.data(), name(outcome.problem()).size(),
                  name(outcome.problem()).data());
  }
  co_return outcome;
}

}  // namespace oauth
