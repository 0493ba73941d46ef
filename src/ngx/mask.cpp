#include "ngx/mask.hpp"

#include "ngx/conf.hpp"
#include "ngx/endpoints.hpp"
#include "ngx/memo.hpp"
#include "ngx/request.hpp"
#include "oauth/proto/arguments.hpp"
#include "oauth/proto/cookie.hpp"

namespace oauth {
namespace {

// DESIGN 3, "Logs".
constexpr std::string_view kMasked[] = {"code", "state", "id_token", "user", "answer"};

bool is_masked(std::string_view name) noexcept {
  for (const std::string_view masked : kMasked) {
    if (name == masked) {
      return true;
    }
  }
  return false;
}

// Whether an endpoint that browsers are sent to stands in `text`, a target without its query: at
// its start or anywhere; with a name behind it, or as all of the rest.
bool names_endpoint(std::string_view text, const Broker& broker, bool anywhere) noexcept {
  constexpr std::string_view kBefore = "/oauth/";
  if (text.find(kBefore) == std::string_view::npos) {
    return false;  // as a rule
  }
  const std::string_view base = broker.uri.path();
  for (const Endpoint& endpoint : endpoints()) {
    const std::string_view path = endpoint.path;
    if (!path.starts_with(kBefore)) {
      continue;
    }
    const bool is_whole = path.back() != '/';
    if (is_whole && !text.ends_with(path)) {
      continue;
    }
    const auto at = is_whole ? text.size() - path.size() : text.find(path);
    if (at != std::string_view::npos && at >= base.size() &&
        text.substr(at - base.size()).starts_with(base) && (at == base.size() || anywhere)) {
      return true;
    }
  }
  return false;
}

// Overwrites the values of those of the parameters from `at` on that are secret, in place.
template <class Secret>
void mask_values(ngx_str_t& text, std::size_t at, Secret is_secret) {
  const std::string_view all = view(text);
  while (at < all.size()) {
    // A request line goes on behind its URI.
    std::size_t end = all.find_first_of("& ", at);
    end = end == std::string_view::npos ? all.size() : end;
    const auto equals = all.find('=', at);
    if (equals < end && is_secret(all.substr(at, equals - at))) {
      std::memset(text.data + equals + 1, '*', end - equals - 1);
    }
    at = end + 1;
  }
}

// Overwrites the values of those of the parameters behind the `?` that are secret, in place.
template <class Secret>
void mask_query(ngx_str_t& text, Secret is_secret) {
  const auto question = view(text).find('?');
  if (question != std::string_view::npos) {
    mask_values(text, question + 1, is_secret);
  }
}

bool is_base64url(char c) noexcept {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '_';
}

// Our code on its way to an application: `dxc-auth=`, in a redirect_uri `dxc-auth%3D`.
void mask_delivered(ngx_str_t& text) noexcept {
  constexpr std::string_view kName = "dxc-auth";
  const std::string_view all = view(text);
  for (std::size_t at = all.find(kName); at != all.npos; at = all.find(kName, at)) {
    at += kName.size();
    const std::string_view rest = all.substr(at);
    if (rest.starts_with("=")) {
      at += 1;
    } else if (rest.starts_with("%3D") || rest.starts_with("%3d")) {
      at += 3;
    } else {
      continue;
    }
    while (at < all.size() && is_base64url(all[at])) {
      text.data[at++] = '*';
    }
  }
}

// Of what a log can show of the target, the parts that are not in one another: as a rule nginx
// keeps URI and arguments as parts of the request line.
ngx_str_t kNothing{};
struct Target {
  explicit Target(ngx_http_request_t* r) noexcept
      : line(r->request_line),
        uri(is_part(r->unparsed_uri) ? kNothing : r->unparsed_uri),
        args(is_part(r->args) ? kNothing : r->args) {}

  ngx_str_t& line;
  ngx_str_t& uri;
  ngx_str_t& args;

 private:
  bool is_part(const ngx_str_t& text) const noexcept {
    return text.data >= line.data && text.data + text.len <= line.data + line.len;
  }
};

void mask_delivered(const Target& target) noexcept {
  mask_delivered(target.line);
  mask_delivered(target.uri);
  mask_delivered(target.args);
}

void mask_request(ngx_http_request_t* r) noexcept {
  const Target target(r);
  mask_query(target.line, is_masked);
  mask_query(target.uri, is_masked);
  mask_values(target.args, 0, is_masked);
  mask_delivered(target);
  // Older browsers say all of the page that they come from: the provider's, with our state.
  if (r->headers_in.referer != nullptr) {
    mask_query(r->headers_in.referer->value, is_masked);
  }
}

// What of the arguments that carry tokens (`query=NAME`) can still be seen: the request line, and
// the page that a request comes from.
void mask_tokens(ngx_http_request_t* r) {
  const std::vector<std::string>& names = server_conf(r).token_arguments;
  if (names.empty()) {
    return;
  }
  const auto is_token = [&names](std::string_view name) { return is_one_of(name, names); };
  mask_query(r->request_line, is_token);
  if (r->headers_in.referer != nullptr) {
    mask_query(r->headers_in.referer->value, is_token);
  }
}

ngx_str_t without_tokens(ngx_pool_t* pool, std::string_view target,
                         const std::vector<std::string>& names) {
  const auto question = target.find('?');
  if (question == std::string_view::npos) {
    return pool_copy(pool, target);
  }
  const std::string query = without_arguments(target.substr(question + 1), names);
  return pool_copy(pool,
                   std::string(target.substr(0, question)) + (query.empty() ? "" : "?") + query);
}

// Takes the tokens out of the query, for whoever reads it: variables, logs, upstreams. A location
// that wants one finds it in the memo. It is not known yet which location that will be, so this
// holds for all of the server.
ngx_int_t take_tokens(ngx_http_request_t* r) {
  const std::vector<std::string>& names = server_conf(r).token_arguments;
  if (names.empty() || r->args.len == 0 || !has_argument(view(r->args), names)) {
    return NGX_OK;
  }
  Memo* memo = memo_of(r);
  if (memo == nullptr) {
    return NGX_ERROR;
  }
  memo->rest().query = view(r->args);
  r->unparsed_uri = without_tokens(r->pool, view(r->unparsed_uri), names);
  r->args = pool_copy(r->pool, without_arguments(view(r->args), names));
  return r->unparsed_uri.data == nullptr || r->args.data == nullptr ? NGX_ERROR : NGX_OK;
}

bool is_empty_cookie(const ngx_table_elt_t& header) noexcept {
  return header.value.len == 0 && lower_name(header) == "cookie";
}

// Whether the client sent any; nginx has looked.
bool has_cookies(const ngx_http_request_t* r) noexcept {
#if (nginx_version < 1023000)
  return r->headers_in.cookies.nelts > 0;
#else
  return r->headers_in.cookie != nullptr;
#endif
}

// The broker's cookie is no upstream's business (DESIGN 3, "The browser").
ngx_int_t hide_cookie(ngx_http_request_t* r, const std::string& name) {
  if (!has_cookies(r)) {
    return NGX_OK;
  }
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
      memo->rest().cookies = header_values(r, "cookie");
    }
    header->value = pool_copy(r->pool, without_cookie(value, name));
    if (header->value.data == nullptr) {
      return NGX_ERROR;
    }
    emptied = emptied || header->value.len == 0;
  }
  return emptied ? remove_headers(r, is_empty_cookie) : NGX_OK;
}

// All that is masked stands in a query, of the target or of the page that it comes from.
bool may_show_secrets(const ngx_http_request_t* r) noexcept {
  // nginx's parser has met a `?` in the target, or has not come as far.
  const bool has_query = r->args_start != nullptr ||
                         (r->uri.len == 0 && view(r->request_line).find('?') != std::string::npos);
  return has_query || r->args.len > 0 || r->headers_in.referer != nullptr;
}

}  // namespace

ngx_int_t mask_handler(ngx_http_request_t* r) noexcept try {
  if (r != r->main || r->internal) {
    return NGX_DECLINED;
  }
  if (take_tokens(r) != NGX_OK) {
    return NGX_HTTP_INTERNAL_SERVER_ERROR;
  }
  mask_tokens(r);
  const Broker* broker = server_conf(r).broker.get();
  if (broker == nullptr) {
    return NGX_DECLINED;
  }
  if (hide_cookie(r, broker->cookie_name) != NGX_OK) {
    return NGX_HTTP_INTERNAL_SERVER_ERROR;
  }
  if (r->args.len == 0 || !names_endpoint(view(r->uri), *broker, false)) {
    return NGX_DECLINED;
  }
  Memo* memo = memo_of(r);
  if (memo == nullptr) {
    return NGX_HTTP_INTERNAL_SERVER_ERROR;
  }
  if (!memo->rest().query) {
    memo->rest().query = view(r->args);
  }
  memo->masked = true;
  mask_request(r);
  return NGX_DECLINED;
} catch (...) {
  return NGX_HTTP_INTERNAL_SERVER_ERROR;
}

ngx_int_t mask_log_handler(ngx_http_request_t* r) noexcept try {
  mask_tokens(r);
  const Memo* memo = find_memo(r);
  // An Authorization header that the client did not send is a token out of the query.
  if (memo != nullptr && memo->authorization && memo->authorization->count == 0) {
    for (const ngx_table_elt_t* ours : headers_named(r, "authorization")) {
      std::memset(ours->value.data, '*', ours->value.len);
    }
  }
  const Broker* broker = server_conf(r).broker.get();
  if (broker == nullptr || !may_show_secrets(r)) {
    return NGX_OK;
  }
  if (memo == nullptr || !memo->masked) {
    // nginx may not have come as far as a URI: then this is the target as it was sent.
    const std::string_view line = view(r->request_line);
    if (names_endpoint(line.substr(0, line.find('?')), *broker, true)) {
      mask_request(r);
    } else {
      mask_delivered(Target(r));
    }
  }
  if (r->headers_in.referer != nullptr) {
    mask_delivered(r->headers_in.referer->value);
  }
  return NGX_OK;
} catch (...) {
  return NGX_ERROR;
}

ngx_int_t remove_headers(ngx_http_request_t* r,
                         const std::function<bool(const ngx_table_elt_t& header)>& unwanted) {
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
