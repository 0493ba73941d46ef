#include "ngx/mask.hpp"

#include "ngx/conf.hpp"
#include "ngx/memo.hpp"
#include "ngx/request.hpp"
#include "oauth/proto/cookie.hpp"

namespace oauth {
namespace {

// DESIGN 3, "Logs".
constexpr std::string_view kMasked[] = {"code", "state", "id_token", "user"};

bool is_masked(std::string_view name) noexcept {
  for (const std::string_view masked : kMasked) {
    if (name == masked) {
      return true;
    }
  }
  return false;
}

bool is_under(std::string_view path, std::string_view folder, std::string_view rest) noexcept {
  return path.substr(0, folder.size()) == folder && path.substr(folder.size(), rest.size()) == rest;
}

bool is_empty_cookie(const ngx_table_elt_t& header) noexcept {
  return header.value.len == 0 && lower_name(header) == "cookie";
}

// The broker's cookie is no upstream's business (DESIGN 3, "The browser").
ngx_int_t hide_cookie(ngx_http_request_t* r, const std::string& name) {
  bool found = false;
  bool emptied = false;
  Memo* memo = nullptr;
  for (ngx_table_elt_t* header : headers_named(r, "cookie")) {
    const std::string_view value = view(header->value);
    if (value.find(name) == std::string_view::npos) {
      continue;
    }
    if (!found) {
      found = true;
      memo = memo_of(r);
      if (memo == nullptr) {
        return NGX_ERROR;
      }
      memo->cookies = header_values(r, "cookie");
    }
    header->value = pool_copy(r->pool, without_cookie(value, name));
    if (header->value.data == nullptr) {
      return NGX_ERROR;
    }
    emptied = emptied || header->value.len == 0;
  }
  return emptied ? remove_headers(r, is_empty_cookie) : NGX_OK;
}

}  // namespace

ngx_int_t mask_handler(ngx_http_request_t* r) noexcept try {
  const Broker* broker = server_conf(r).broker.get();
  if (broker == nullptr || r != r->main || r->internal) {
    return NGX_DECLINED;
  }
  if (hide_cookie(r, broker->cookie_name) != NGX_OK) {
    return NGX_HTTP_INTERNAL_SERVER_ERROR;
  }
  if (r->args.len == 0 || !is_under(view(r->uri), broker->uri.path(), "/oauth/")) {
    return NGX_DECLINED;
  }
  Memo* memo = memo_of(r);
  if (memo == nullptr) {
    return NGX_HTTP_INTERNAL_SERVER_ERROR;
  }
  memo->query = view(r->args);
  for (ngx_str_t* text : {&r->request_line, &r->unparsed_uri, &r->args}) {
    mask_values(*text);
  }
  return NGX_DECLINED;
} catch (...) {
  return NGX_HTTP_INTERNAL_SERVER_ERROR;
}

void mask_values(ngx_str_t& text) noexcept {
  const std::string_view all = view(text);
  const auto question = all.find('?');
  std::size_t at = question == std::string_view::npos ? 0 : question + 1;
  while (at < all.size()) {
    // A request line goes on behind its URI.
    std::size_t end = all.find_first_of("& ", at);
    end = end == std::string_view::npos ? all.size() : end;
    const auto equals = all.find('=', at);
    if (equals < end && is_masked(all.substr(at, equals - at))) {
      std::memset(text.data + equals + 1, '*', end - equals - 1);
    }
    at = end + 1;
  }
}

ngx_int_t remove_headers(ngx_http_request_t* r, bool (*unwanted)(const ngx_table_elt_t& header)) {
  ngx_list_t kept;
  if (ngx_list_init(&kept, r->pool, 20, sizeof(ngx_table_elt_t)) != NGX_OK) {
    return NGX_ERROR;
  }
  for (ngx_list_part_t* part = &r->headers_in.headers.part; part != nullptr; part = part->next) {
    auto* headers = static_cast<ngx_table_elt_t*>(part->elts);
    for (ngx_uint_t i = 0; i < part->nelts; ++i) {
      if (unwanted(headers[i])) {
        continue;
      }
      auto* copy = static_cast<ngx_table_elt_t*>(ngx_list_push(&kept));
      if (copy == nullptr) {
        return NGX_ERROR;
      }
      *copy = headers[i];
    }
  }
  r->headers_in.headers = kept;
  // An empty list's `last` points at its first part, which moved with the copy.
  if (kept.last == &kept.part) {
    r->headers_in.headers.last = &r->headers_in.headers.part;
  }
  return NGX_OK;
}

}  // namespace oauth
