// FetchCall: one fetch in flight, to its route's location.
//
// What is to be sent lives here, in the awaiting frame, and reaches nginx's proxy module only from
// the moment that this call's own subrequest has entered the route's location: through variables
// that answer nobody else, and in a location of the user's as the subrequest's own headers and
// body. So whatever leads the subrequest elsewhere sends nothing, and whoever comes to the location
// without a call finds nothing there.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "ngx/fetch.hpp"
#include "ngx/own_subrequest.hpp"

namespace oauth {

// Header fields that a fetch can send: nginx's proxy module wants to know their names at load.
inline constexpr std::array<std::string_view, 6> kFetchHeaders{
    "Accept",     "Authorization", "Content-Type",
    "User-Agent", "X-Amz-Target",  "X-GitHub-Api-Version"};

// What the location's directives ask a call for.
struct FetchTarget {
  std::string url;     // its host replaced by an address where the name is pinned
  std::string uri;     // its path and query
  std::string host;    // Host: the name, and the port where it is not the scheme's
  std::string name;    // SNI, and whom the certificate must be for
  std::string length;  // Content-Length; empty: none is sent
};

class FetchCall final : public OwnSubrequest {
 public:
  FetchCall(ngx_http_request_t* parent, const FetchRoute& route, const FetchRequest& request,
            const FetchTarget& target) noexcept;

  // The waiting call whose subrequest `r` is, or null.
  static FetchCall* of(const ngx_http_request_t* r) noexcept;

  // A fetch goes no further in any location but its own.
  ngx_int_t arrive() noexcept override;
  // From the location's content handler, once. False: this call must not send (again) here.
  bool start_sending() noexcept;
  bool is_sending() const noexcept { return has_entered(); }

  const FetchRoute& route() const noexcept { return route_; }
  const FetchRequest& request() const noexcept { return request_; }
  const FetchTarget& target() const noexcept { return target_; }

 private:
  bool carry() noexcept;
  Result<FetchReply> judge(ngx_int_t rc) override;

  const FetchRoute& route_;
  const FetchRequest& request_;
  const FetchTarget& target_;
};

}  // namespace oauth
