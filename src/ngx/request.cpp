#include "ngx/request.hpp"

#include "ngx/memo.hpp"
#include "ngx/peer.hpp"
#include "oauth/base/text.hpp"
#include "oauth/flow/answer.hpp"

namespace oauth {
namespace {

// Somebody in between: then the peer's address says nothing about who is asking.
bool is_forwarded(ngx_http_request_t* r) {
  bool forwarded = false;
  each_header(r, [&](ngx_table_elt_t& header) {
    const std::string_view name = lower_name(header);
    forwarded = forwarded || name == "forwarded" || name == "via" || name == "x-real-ip" ||
                name.substr(0, 12) == "x-forwarded-";
  });
  return forwarded;
}

std::string first_value(ngx_http_request_t* r, std::string_view name) {
  const auto values = header_values(r, name);
  return values.empty() ? std::string() : values.front();
}

}  // namespace

std::vector<ngx_table_elt_t*> headers_named(ngx_http_request_t* r, std::string_view name) {
  std::vector<ngx_table_elt_t*> found;
  each_header(r, [&](ngx_table_elt_t& header) {
    if (lower_name(header) == name) {
      found.push_back(&header);
    }
  });
  return found;
}

std::vector<std::string> header_values(ngx_http_request_t* r, std::string_view name) {
  std::vector<std::string> values;
  for (const ngx_table_elt_t* header : headers_named(r, name)) {
    values.emplace_back(view(header->value));
  }
  return values;
}

ngx_table_elt_t* add_request_header(ngx_http_request_t* r, std::string_view name,
                                    std::string_view value) noexcept {
  auto* header = static_cast<ngx_table_elt_t*>(ngx_list_push(&r->headers_in.headers));
  if (header == nullptr) {
    return nullptr;
  }
  *header = ngx_table_elt_t{};
  header->key = pool_copy(r->pool, name);
  header->value = pool_copy(r->pool, value);
  header->lowcase_key = pool_copy(r->pool, name).data;
  if (header->key.data == nullptr || header->value.data == nullptr ||
      header->lowcase_key == nullptr) {
    return nullptr;
  }
  header->hash = ngx_hash_strlow(header->lowcase_key, header->key.data, header->key.len);
  return header;
}

Request read_request(ngx_http_request_t* r, const Broker& broker, const Endpoint& endpoint) {
  const Memo* memo = find_memo(r);
  Request in{broker, {}, {}, {}, {}, {}, {}, {}, false, {}, {}, {}, false};
  in.method = view(r->method_name);
  in.path = view(r->uri);
  const std::string prefix = broker.path(endpoint.path);
  if (in.path.size() > prefix.size()) {
    in.name = in.path.substr(prefix.size());
  }
  in.query =
      memo != nullptr && memo->rest().query ? *memo->rest().query : std::string(view(r->args));
  in.content_type = first_value(r, "content-type");
  in.authority = ascii_lower(first_value(r, "host"));
#if (NGX_HTTP_SSL)
  in.https = r->connection->ssl != nullptr;
#endif
  in.origins = header_values(r, "origin");
  in.cookies =
      memo != nullptr && memo->rest().cookies ? *memo->rest().cookies : header_values(r, "cookie");
  in.authorization = header_values(r, "authorization");
  in.local = is_local_address(r->connection->sockaddr) && !is_forwarded(r) && is_at_home(in);
  return in;
}

}  // namespace oauth
