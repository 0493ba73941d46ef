// What the configuration says by `oauth_require`, at each of its levels.
#pragma once

#include "ngx/conf.hpp"

namespace oauth {

char* set_require(ngx_conf_t* cf, ngx_command_t* command, void* conf) noexcept;

// Adds what the outer levels demand. Said in a location where no token is asked for, it is a
// mistake: a rule that keeps nobody out.
char* merge_requirements(ngx_conf_t* cf, const LocationConf& outer, LocationConf& inner);

// postconfiguration: what http or a server demands must reach a protected location.
char* refuse_idle_requirements(ngx_conf_t* cf);

}  // namespace oauth
