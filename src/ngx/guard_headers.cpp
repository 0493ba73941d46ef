#include "ngx/guard_headers.hpp"

#include <algorithm>
#include <optional>
#include <vector>

#include "ngx/conf.hpp"
#include "ngx/mask.hpp"
#include "ngx/memo.hpp"
#include "ngx/own_subrequest.hpp"
#include "ngx/request.hpp"
#include "oauth/base/text.hpp"

namespace oauth {
namespace {

using Rules = std::vector<HeaderRule>;

char folded(char c) noexcept {
  if (c >= 'A' && c <= 'Z') {
    return static_cast<char>(c - 'A' + 'a');
  }
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ? c : '-';
}

bool has_rule(const Rules& rules, std::string_view name) noexcept {
  return std::any_of(rules.begin(), rules.end(),
                     [name](const HeaderRule& rule) { return is_spelling_of(name, rule.name); });
}

const HeaderRule* made_by(const Memo* memo, const ngx_table_elt_t& header) noexcept {
  if (memo != nullptr) {
    for (const OwnHeader& own : memo->rest().headers) {
      if (own.name == header.key.data) {
        return own.rule;
      }
    }
  }
  return nullptr;
}

// One for each rule, from the request as it is now; nullopt where the header is to be absent.
std::optional<std::vector<ngx_str_t>> values_of(ngx_http_request_t* r, const Rules& rules) {
  std::vector<ngx_str_t> values;
  for (const HeaderRule& rule : rules) {
    ngx_str_t value{};
    if (rule.value != nullptr && ngx_http_complex_value(r, rule.value, &value) != NGX_OK) {
      return std::nullopt;
    }
    if (!is_field_value(view(value))) {
      ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                    "oauth: the value for header \"%s\" has a control character: it is left out",
                    rule.name.c_str());
      value = {};
    }
    values.push_back(value);
  }
  return values;
}

// RFC 9110 7.6.1: who is named in Connection is dropped by the next proxy. Ours are not.
std::string without_names(std::string_view connection, const Rules& rules) {
  std::string kept;
  for (std::string_view word : split_words(connection, ',')) {
    while (!word.empty() && (word.front() == ' ' || word.front() == '\t')) {
      word.remove_prefix(1);
    }
    while (!word.empty() && (word.back() == ' ' || word.back() == '\t')) {
      word.remove_suffix(1);
    }
    if (!word.empty() && !has_rule(rules, word)) {
      kept += (kept.empty() ? "" : ", ") + std::string(word);
    }
  }
  return kept;
}

// nginx keeps a pointer to each header that it knows, and goes by that: it follows the list. Before
// 1.23 those that may come more than once are arrays.
ngx_int_t point_to(ngx_http_request_t* r, const ngx_table_elt_t& of, ngx_table_elt_t* header) {
  auto* core = static_cast<ngx_http_core_main_conf_t*>(
      ngx_http_get_module_main_conf(r, ngx_http_core_module));
  const std::string lower = ascii_lower(view(of.key));
  ngx_uint_t hash = 0;
  for (const char c : lower) {
    hash = ngx_hash(hash, static_cast<u_char>(c));
  }
  auto* known = static_cast<ngx_http_header_t*>(
      ngx_hash_find(&core->headers_in_hash, hash,
                    reinterpret_cast<u_char*>(const_cast<char*>(lower.data())), lower.size()));
  if (known == nullptr) {
    return NGX_OK;
  }
  auto* place = reinterpret_cast<char*>(&r->headers_in) + known->offset;
#if (nginx_version < 1023000)
  if (known->offset == offsetof(ngx_http_headers_in_t, cookies) ||
      known->offset == offsetof(ngx_http_headers_in_t, x_forwarded_for)) {
    // A subrequest's array has its elements in common with its parent's: never written over.
    auto* array = reinterpret_cast<ngx_array_t*>(place);
    *array = ngx_array_t{};
    if (header == nullptr) {
      return NGX_OK;
    }
    auto** slot = ngx_array_init(array, r->pool, 1, sizeof(ngx_table_elt_t*)) == NGX_OK
                      ? static_cast<ngx_table_elt_t**>(ngx_array_push(array))
                      : nullptr;
    if (slot == nullptr) {
      return NGX_ERROR;
    }
    *slot = header;
    return NGX_OK;
  }
#endif
  *reinterpret_cast<ngx_table_elt_t**>(place) = header;
  return NGX_OK;
}

void read_anew(ngx_http_request_t* r, const HeaderRule& rule) noexcept {
  ngx_http_variable_value_t& cached = r->variables[rule.variable];
  cached.valid = 0;
  cached.not_found = 0;
}

// Every spelling of the rules' names, and what an earlier location has set.
ngx_int_t remove_old(ngx_http_request_t* r, const Rules& rules, const Memo* memo) {
  bool done = true;
  const auto is_old = [&](const ngx_table_elt_t& header) {
    const HeaderRule* maker = made_by(memo, header);
    if (maker != nullptr) {
      read_anew(r, *maker);
    }
    const bool is_gone = maker != nullptr || has_rule(rules, view(header.key));
    done = done && (!is_gone || point_to(r, header, nullptr) == NGX_OK);
    return is_gone || (lower_name(header) == "connection" && header.value.len > 0 &&
                       without_names(view(header.value), rules).empty());
  };
  if (remove_headers(r, is_old) != NGX_OK || !done) {
    return NGX_ERROR;
  }
  for (ngx_table_elt_t* connection : headers_named(r, "connection")) {
    const std::string kept = without_names(view(connection->value), rules);
    connection->value = pool_copy(r->pool, kept);
    if (connection->value.data == nullptr) {
      return NGX_ERROR;
    }
  }
  return NGX_OK;
}

ngx_int_t add_new(ngx_http_request_t* r, const HeaderRule& rule, std::string_view value,
                  Memo& memo) {
  ngx_table_elt_t* header = add_request_header(r, rule.name, value);
  if (header == nullptr) {
    return NGX_ERROR;
  }
  memo.rest().headers.push_back({header->key.data, &rule});
  return point_to(r, *header, header);
}

}  // namespace

bool is_spelling_of(std::string_view name, std::string_view other) noexcept {
  if (name.size() != other.size()) {
    return false;
  }
  return std::equal(name.begin(), name.end(), other.begin(),
                    [](char a, char b) { return folded(a) == folded(b); });
}

bool is_field_value(std::string_view value) noexcept {
  return std::all_of(value.begin(), value.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte >= 0x20 && byte != 0x7F) || c == '\t';
  });
}

ngx_int_t set_headers(ngx_http_request_t* r) noexcept try {
  const LocationConf& location = location_conf(r);
  const Rules& rules = location.headers;
  Memo* memo = find_memo(r);
  if (rules.empty() &&
      (memo == nullptr || !memo->has_rest() || std::as_const(*memo).rest().headers.empty())) {
    return NGX_DECLINED;
  }
  // What the broker itself is asked, and what it asks others, has headers of its own.
  if (location.endpoint != nullptr || OwnSubrequest::made(r)) {
    return NGX_DECLINED;
  }
  memo = memo_of(r);
  const auto values = values_of(r, rules);
  if (memo == nullptr || !values || remove_old(r, rules, memo) != NGX_OK) {
    return NGX_HTTP_INTERNAL_SERVER_ERROR;
  }
  for (std::size_t i = 0; i < rules.size(); ++i) {
    read_anew(r, rules[i]);
    if ((*values)[i].len > 0 && add_new(r, rules[i], view((*values)[i]), *memo) != NGX_OK) {
      return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }
  }
  return NGX_DECLINED;
} catch (...) {
  return NGX_HTTP_INTERNAL_SERVER_ERROR;
}

}  // namespace oauth
