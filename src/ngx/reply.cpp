#include "ngx/reply.hpp"

#include <algorithm>

namespace oauth {
namespace {

bool is_header_value(std::string_view value) noexcept {
  return std::all_of(value.begin(), value.end(),
                     [](char c) { return static_cast<unsigned char>(c) >= 0x20 && c != 0x7F; });
}

ngx_table_elt_t* push_header(ngx_http_request_t* r, std::string_view name,
                             std::string_view value) noexcept {
  auto* header = static_cast<ngx_table_elt_t*>(ngx_list_push(&r->headers_out.headers));
  if (header == nullptr) {
    return nullptr;
  }
  *header = ngx_table_elt_t{};
  header->hash = 1;
  header->key = pool_copy(r->pool, name);
  header->value = pool_copy(r->pool, value);
  if (header->key.data == nullptr || header->value.data == nullptr) {
    header->hash = 0;
    return nullptr;
  }
  return header;
}

ngx_int_t send_body(ngx_http_request_t* r, const std::string& body) noexcept {
  ngx_buf_t* buffer = ngx_create_temp_buf(r->pool, body.empty() ? 1 : body.size());
  if (buffer == nullptr) {
    return NGX_ERROR;
  }
  buffer->last = ngx_cpymem(buffer->last, body.data(), body.size());
  buffer->memory = body.empty() ? 0 : 1;
  buffer->temporary = 0;
  buffer->last_buf = r == r->main ? 1 : 0;
  buffer->last_in_chain = 1;
  ngx_chain_t out{buffer, nullptr};
  return ngx_http_output_filter(r, &out);
}

// Shuts the client's connection both ways, though nginx keeps it for as long as a subrequest runs
// behind the reply: to the client it is as if it were closed, at this moment, whatever goes on
// here. A reply that does not go out at once, which only a client that does not read can bring
// about, is cut off. Other streams of HTTP/2 and later need the connection, and each ends by
// itself.
ngx_int_t part(ngx_http_request_t* r) noexcept {
  ngx_connection_t* c = r->connection;
  if (r->http_version >= NGX_HTTP_VERSION_20) {
    return NGX_OK;
  }
  if (r->buffered || c->buffered) {
    return NGX_ERROR;
  }
#if (NGX_HTTP_SSL)
  if (c->ssl != nullptr) {
    c->ssl->shutdown_without_free = 1;  // says goodbye, as nginx does before it lingers
    if (ngx_ssl_shutdown(c) != NGX_OK) {
      return NGX_ERROR;
    }
  }
#endif
  (void)ngx_shutdown_socket(c->fd, SHUT_RDWR);  // fails where the client was faster
  return NGX_OK;
}

}  // namespace

ngx_int_t add_header(ngx_http_request_t* r, std::string_view name,
                     std::string_view value) noexcept {
  ngx_table_elt_t* header = is_header_value(value) ? push_header(r, name, value) : nullptr;
  if (header == nullptr) {
    return NGX_ERROR;
  }
  if (name == "Location") {
    r->headers_out.location = header;
  }
  return NGX_OK;
}

ngx_int_t add_challenge(ngx_http_request_t* r, std::string_view value) noexcept {
  // Refused in two locations on its way, a request is challenged once.
  const ngx_table_elt_t* before = r->headers_out.www_authenticate;
  if (before != nullptr && before->hash != 0 && view(before->value) == value) {
    return NGX_OK;
  }
  ngx_table_elt_t* header =
      is_header_value(value) ? push_header(r, "WWW-Authenticate", value) : nullptr;
  if (header == nullptr) {
    return NGX_ERROR;
  }
  r->headers_out.www_authenticate = header;
  return NGX_OK;
}

ngx_int_t send_reply(ngx_http_request_t* r, const Reply& reply) noexcept {
  for (const Header& header : reply.headers) {
    if (add_header(r, header.name, header.value) != NGX_OK) {
      ngx_http_clean_header(r);
      return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }
  }
  if (reply.parting) {
    r->keepalive = 0;
  }
  r->headers_out.status = static_cast<ngx_uint_t>(reply.status);
  r->headers_out.content_length_n = static_cast<off_t>(reply.body.size());
  if (!reply.content_type.empty()) {
    r->headers_out.content_type = pool_copy(r->pool, reply.content_type);
    r->headers_out.content_type_len = r->headers_out.content_type.len;
    r->headers_out.content_type_lowcase = nullptr;
  }
  const ngx_int_t rc = ngx_http_send_header(r);
  if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
    return rc;
  }
  const ngx_int_t sent = send_body(r, reply.body);
  return reply.parting && sent != NGX_ERROR ? part(r) : sent;
}

}  // namespace oauth
