// Which addresses are this machine: 127.0.0.0/8, ::1 (also mapped) and unix sockets.
#pragma once

#include "ngx/nginx.hpp"

namespace oauth {

bool is_local_address(const sockaddr* address) noexcept;

}  // namespace oauth
