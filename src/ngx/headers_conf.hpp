// What the configuration says by `oauth_set_header` and `oauth_clear_header`.
#pragma once

#include <vector>

#include "ngx/guard_headers.hpp"

namespace oauth {

// Both directives.
char* set_header(ngx_conf_t* cf, ngx_command_t* command, void* conf) noexcept;

// The rules of the level around are added, but for headers that `inner` has a rule of its own for.
void inherit_headers(const std::vector<HeaderRule>& outer, std::vector<HeaderRule>& inner);

}  // namespace oauth
