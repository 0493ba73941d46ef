// What the configuration says of a protected location: its directives, and the Guard made of them.
#pragma once

#include "ngx/conf.hpp"

namespace oauth {

char* set_protect(ngx_conf_t* cf, ngx_command_t* command, void* conf) noexcept;
char* set_pass_token(ngx_conf_t* cf, ngx_command_t* command, void* conf) noexcept;
char* set_cors(ngx_conf_t* cf, ngx_command_t* command, void* conf) noexcept;
char* set_expired_grace(ngx_conf_t* cf, ngx_command_t* command, void* conf) noexcept;
char* set_stream_lifetime(ngx_conf_t* cf, ngx_command_t* command, void* conf) noexcept;

// Inherits what `inner` does not say, and makes its guard. A guard is shared only by locations that
// agree in everything: its address is what a decision is remembered by.
char* merge_guard(ngx_conf_t* cf, const LocationConf& outer, LocationConf& inner) noexcept;

void add_token_argument(ServerConf& server, const std::string& name);

}  // namespace oauth
