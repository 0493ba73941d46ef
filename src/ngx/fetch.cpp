#include "ngx/fetch.hpp"

#include <algorithm>
#include <map>
#include <memory>
#include <optional>

#include "ngx/attached.hpp"
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

void log_failure(ngx_log_t* log, const FetchRequest& request, const FetchTarget& target,
                 const Result<FetchReply>& outcome) noexcept {
  if (!outcome) {
    ngx_log_error(NGX_LOG_ERR, log, 0, "oauth: fetch for provider \"%*s\" from %*s: %*s",
                  request.provider.size(), request.provider.data(), target.host.size(),
                  target.host.data(), name(outcome.problem()).size(),
                  name(outcome.problem()).data());
  }
}

// A fetch that nobody waits for: lives with the client's request, which nginx keeps for as long as
// the subrequest runs, though the reply is out and the flow over.
class Errand final : private OwnSubrequest::Listener {
 public:
  Errand(ngx_http_request_t* r, const FetchRoute& route, FetchRequest request, FetchTarget target,
         std::unique_ptr<Slot> slot, Fetch::Heard heard) noexcept
      : log_(r->connection->log),
        request_(std::move(request)),
        target_(std::move(target)),
        slot_(std::move(slot)),
        heard_(std::move(heard)),
        call_(r, route, request_, target_) {}

  bool send() noexcept { return call_.begin(*this, NGX_HTTP_SUBREQUEST_BACKGROUND); }

 private:
  void over(Result<FetchReply> outcome) noexcept override try {
    log_failure(log_, request_, target_, outcome);
    slot_.reset();
    heard_(outcome);
  } catch (...) {
    ngx_log_error(NGX_LOG_ERR, log_, 0, "oauth: what was fetched behind a request is lost");
  }

  ngx_log_t* log_;
  FetchRequest request_;
  FetchTarget target_;
  std::unique_ptr<Slot> slot_;
  Fetch::Heard heard_;
  FetchCall call_;
};

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

Result<const FetchRoute*> SubrequestFetch::allow(const FetchRequest& request) const {
  const auto uri = Uri::parse(request.url);
  const FetchRoute* route = plan_.route(request.location);
  if (!uri || !uri->is_http() || route == nullptr || route->location_conf == nullptr ||
      !can_send(request)) {
    ngx_log_error(NGX_LOG_ERR, flow_.request()->connection->log, 0,
                  "oauth: a request to provider \"%*s\" cannot be sent", request.provider.size(),
                  request.provider.data());
    return Problem::internal;
  }
  if (!plan_.trust_store && !route->is_users && uri->scheme() == "https") {
    return Problem::fetch_untrusted;
  }
  return route;
}

Task<Result<FetchReply>> SubrequestFetch::send(const FetchRequest& request) {
  const auto route = allow(request);
  if (!route) {
    co_return route.problem();
  }
  const Slot slot(request.provider, plan_.limit);
  if (!slot) {
    co_return Problem::fetch_busy;
  }
  const FetchTarget target = target_of(*Uri::parse(request.url), request, *plan_.hosts);
  FetchCall call(flow_.request(), **route, request, target);
  auto outcome = co_await Ended(flow_, call);
  log_failure(flow_.request()->connection->log, request, target, outcome);
  co_return outcome;
}

void SubrequestFetch::refresh(const FetchRequest& request, Heard heard) {
  const auto route = allow(request);
  auto slot = std::make_unique<Slot>(request.provider, plan_.limit);
  if (!route || !*slot) {
    heard(route ? Problem::fetch_busy : route.problem());
    return;
  }
  FetchTarget target = target_of(*Uri::parse(request.url), request, *plan_.hosts);
  ngx_http_request_t* main = flow_.request()->main;
  auto* errand =
      attach<Errand>(main, main, **route, request, std::move(target), std::move(slot), heard);
  if (errand == nullptr || !errand->send()) {
    heard(Problem::internal);
  }
}

}  // namespace oauth
