// A location that the module makes for itself: its text goes through nginx's own parser, so every
// directive in it means what it means in nginx.conf.
#pragma once

#include <string_view>

#include "ngx/nginx.hpp"

namespace oauth {

// Inside a server block: `location MODIFIER NAME { text }` (modifier "=", "^~" or "", text without
// the closing brace). The new location, or null after nginx printed the error with the file and
// line of the directive being parsed. Directives of modules that are not built in are left out by
// the caller with `has_directive`.
ngx_http_core_loc_conf_t* make_location(ngx_conf_t* cf, std::string_view modifier,
                                        std::string_view name, std::string_view text);
// From merge_srv_conf: refuses a location of the user's with the name of `made`, in words that name
// both places and the `directive` which made ours, whatever its modifier: only one of the two would
// be asked. (nginx itself names one place, and only of twins with the same modifier.)
char* refuse_twin(ngx_conf_t* cf, const ngx_http_core_loc_conf_t& made, std::string_view directive);
// From merge_srv_conf: the server's `location = NAME`, or null.
ngx_http_core_loc_conf_t* find_exact_location(ngx_conf_t* cf, std::string_view name) noexcept;
bool has_directive(ngx_conf_t* cf, std::string_view name) noexcept;

}  // namespace oauth
