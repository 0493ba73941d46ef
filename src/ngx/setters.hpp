// The setters of directives that only keep a value: each checks its own and says what to write.
#pragma once

#include "ngx/conf.hpp"

namespace oauth {

char* set_store(ngx_conf_t* cf, ngx_command_t* command, void* conf) noexcept;
char* set_cache_zone(ngx_conf_t* cf, ngx_command_t* command, void* conf) noexcept;
char* set_signing_key(ngx_conf_t* cf, ngx_command_t* command, void* conf) noexcept;
char* set_secret(ngx_conf_t* cf, ngx_command_t* command, void* conf) noexcept;
char* set_state_dir(ngx_conf_t* cf, ngx_command_t* command, void* conf) noexcept;
char* set_fetch_limit(ngx_conf_t* cf, ngx_command_t* command, void* conf) noexcept;
char* set_use(ngx_conf_t* cf, ngx_command_t* command, void* conf) noexcept;
char* set_allow_origin(ngx_conf_t* cf, ngx_command_t* command, void* conf) noexcept;
char* set_allow(ngx_conf_t* cf, ngx_command_t* command, void* conf) noexcept;
char* set_admit(ngx_conf_t* cf, ngx_command_t* command, void* conf) noexcept;
char* set_scope(ngx_conf_t* cf, ngx_command_t* command, void* conf) noexcept;
char* set_audience(ngx_conf_t* cf, ngx_command_t* command, void* conf) noexcept;
char* set_access_token_alg(ngx_conf_t* cf, ngx_command_t* command, void* conf) noexcept;
char* set_require_pkce(ngx_conf_t* cf, ngx_command_t* command, void* conf) noexcept;
char* set_limit(ngx_conf_t* cf, ngx_command_t* command, void* conf) noexcept;
char* set_revocation_lag(ngx_conf_t* cf, ngx_command_t* command, void* conf) noexcept;

// `oauth_client ID { … }`. In conf_client.cpp.
char* set_client(ngx_conf_t* cf, ngx_command_t* command, void* conf) noexcept;

// For setters elsewhere: how a message begins, and the commonest one.
std::string directive(ngx_conf_t* cf);
char* twice(ngx_conf_t* cf);

// https, or http on loopback; no fragment, and a query only where it is allowed. What is wrong with
// it, to stand behind its name; empty: nothing.
std::string keep_url(std::string& slot, std::string_view text, bool query);

// `on` or `off`.
char* keep_flag(ngx_conf_t* cf, std::optional<bool>& slot) noexcept;

// nginx's own times ("30m", "1h30m") in whole seconds, within bounds.
char* keep_seconds(ngx_conf_t* cf, std::optional<std::int64_t>& slot, std::int64_t least,
                   std::int64_t most) noexcept;

template <auto Slot, std::int64_t Least, std::int64_t Most>
char* set_seconds(ngx_conf_t* cf, ngx_command_t*, void* conf) noexcept {
  return keep_seconds(cf, static_cast<ServerConf*>(conf)->*Slot, Least, Most);
}

}  // namespace oauth
