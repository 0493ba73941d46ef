// What an address tells of who is asking.
#pragma once

#include <string>

#include "ngx/nginx.hpp"

namespace oauth {

// This machine: 127.0.0.0/8, ::1 (also mapped) and unix sockets.
bool is_local_address(const sockaddr* address) noexcept;
// Whom to count tries for, in bytes: an IPv4 address (also mapped), or an IPv6 /64, which is what
// one customer has at least. Empty for unix sockets.
std::string network_of(const sockaddr* address);

}  // namespace oauth
