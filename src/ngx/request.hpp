// nginx's request as a flow sees it.
#pragma once

#include <string>
#include <vector>

#include "ngx/endpoints.hpp"
#include "ngx/nginx.hpp"
#include "oauth/flow/request.hpp"

namespace oauth {

inline std::string_view lower_name(const ngx_table_elt_t& header) noexcept {
  return {reinterpret_cast<const char*>(header.lowcase_key), header.key.len};
}
// Calls `visit(header)` for each that the request has.
template <class Visit>
void each_header(ngx_http_request_t* r, Visit visit) {
  for (ngx_list_part_t* part = &r->headers_in.headers.part; part != nullptr; part = part->next) {
    auto* headers = static_cast<ngx_table_elt_t*>(part->elts);
    for (ngx_uint_t i = 0; i < part->nelts; ++i) {
      visit(headers[i]);
    }
  }
}
// Every header of that (lower-case) name, in the order they came.
std::vector<ngx_table_elt_t*> headers_named(ngx_http_request_t* r, std::string_view name);
std::vector<std::string> header_values(ngx_http_request_t* r, std::string_view name);

// How many there are of that name, and the first one's value.
struct HeaderCount {
  std::size_t count = 0;
  std::string_view first;
};
inline HeaderCount count_headers(ngx_http_request_t* r, std::string_view name) noexcept {
  std::size_t count = 0;
  const ngx_table_elt_t* first = nullptr;
  each_header(
      r, [&](const ngx_table_elt_t& header) __attribute__((always_inline)) {
        if (header.key.len == name.size() && lower_name(header) == name && count++ == 0) {
          first = &header;
        }
      });
  return {count, first == nullptr ? std::string_view() : view(first->value)};
}

// One more request header, as nginx's parser would have left it; null when out of memory.
ngx_table_elt_t* add_request_header(ngx_http_request_t* r, std::string_view name,
                                    std::string_view value) noexcept;

Request read_request(ngx_http_request_t* r, const Broker& broker, const Endpoint& endpoint);

}  // namespace oauth
