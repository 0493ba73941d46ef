// nginx's request as a flow sees it.
#pragma once

#include <string>
#include <vector>

#include "ngx/endpoints.hpp"
#include "ngx/nginx.hpp"
#include "oauth/flow/request.hpp"

namespace oauth {

std::string_view lower_name(const ngx_table_elt_t& header) noexcept;
// Every header of that (lower-case) name, in the order they came.
std::vector<ngx_table_elt_t*> headers_named(ngx_http_request_t* r, std::string_view name);
std::vector<std::string> header_values(ngx_http_request_t* r, std::string_view name);

// How many there are of that name, and the first one's value.
struct HeaderCount {
  std::size_t count = 0;
  std::string_view first;
};
HeaderCount count_headers(ngx_http_request_t* r, std::string_view name) noexcept;

// One more request header, as nginx's parser would have left it; null when out of memory.
ngx_table_elt_t* add_request_header(ngx_http_request_t* r, std::string_view name,
                                    std::string_view value) noexcept;

Request read_request(ngx_http_request_t* r, const Broker& broker, const Endpoint& endpoint);

}  // namespace oauth
