// Cookies as a browser sends them (RFC 6265 4.2.1) and as the broker sets its own.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace oauth {

// The value of the only cookie of that name over all Cookie headers; empty when there is none, or
// more than one (RFC 6265bis 4.1.3: a second one was planted).
std::string_view only_cookie(const std::vector<std::string>& headers, std::string_view name);

// The headers without any cookie of that name; headers that become empty are left out.
std::string without_cookie(std::string_view header, std::string_view name);

// `NAME=VALUE; Path=/; Max-Age=…; HttpOnly; SameSite=Lax[; Secure]`.
std::string set_cookie(std::string_view name, std::string_view value, long max_age, bool secure);

}  // namespace oauth
