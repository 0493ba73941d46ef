// Remedy: the line of configuration that would have let a refused request pass. Only an application
// on loopback, which its own developer runs, is named; what anybody else sent is a stranger's text
// and repeated nowhere.
#pragma once

#include <string>

#include "oauth/flow/request.hpp"

namespace oauth {

// `oauth_allow_origin http://localhost:3000;` for redirect_not_allowed (its redirect_uri) and
// origin_not_allowed (its Origin). Empty for every other problem and every other place. Made of a
// parsed origin, so it holds no byte that a page or a log could mistake.
std::string remedy(const Request& in, Problem problem);

}  // namespace oauth
