// A test-only module: the cache of verified tokens over HTTP, as `oauth_token_cache` made it.
//
//     location /p { oauth_token_probe; }
//
// GET /p?verb=keep&token=T&policy=N&expires=N answers `kept`; verb=find answers with what `expires`
// was, or `none`; verb=fill keeps N tokens "T.0", "T.1", ...; verb=die kills the worker while it
// holds the lock.
#include <charconv>
#include <csignal>

#include "ngx/conf.hpp"
#include "ngx/token_cache.hpp"
#include "oauth/base/text.hpp"

extern "C" {
extern ngx_module_t ngx_http_oauth_token_probe_module;
}

namespace oauth {
namespace {

std::uint64_t number(const Form& form, std::string_view name) {
  const std::string_view text = form.get(name);
  std::uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

void die_with_the_lock() {
  for (volatile ngx_list_part_t* part = &ngx_cycle->shared_memory.part; part != nullptr;
       part = part->next) {
    auto* zones = static_cast<ngx_shm_zone_t*>(part->elts);
    for (ngx_uint_t i = 0; i < part->nelts; i++) {
      if (view(zones[i].shm.name) == "oauth_tokens") {
        ngx_shmtx_lock(&reinterpret_cast<ngx_slab_pool_t*>(zones[i].shm.addr)->mutex);
        (void)raise(SIGKILL);
      }
    }
  }
}

std::string answer(TokenCache& cache, const Form& form) {
  const std::string verb(form.get("verb"));
  const std::string token(form.get("token"));
  const PolicyId policy{number(form, "policy"), 1};
  const std::uint64_t expires = number(form, "expires");
  TokenFacts facts;
  facts.expires = static_cast<std::int64_t>(expires);
  if (verb == "find") {
    return cache.find(token, policy, facts) ? std::to_string(facts.expires) : "none";
  }
  if (verb == "die") {
    die_with_the_lock();
  }
  for (std::uint64_t i = 0; verb == "fill" && i < expires; i++) {
    cache.keep(token + "." + std::to_string(i), policy, facts);
  }
  if (verb == "keep") {
    cache.keep(token, policy, facts);
  }
  return "kept";
}

ngx_int_t handle(ngx_http_request_t* r) {
  const auto form = Form::parse(view(r->args));
  if (ngx_http_discard_request_body(r) != NGX_OK || !form) {
    return NGX_HTTP_BAD_REQUEST;
  }
  ngx_str_t type = ngx_string("text/plain");
  ngx_http_complex_value_t value{};
  value.value = pool_copy(r->pool, answer(token_cache_of(main_conf(r)), *form));
  return ngx_http_send_response(r, NGX_HTTP_OK, &type, &value);
}

char* set_probe(ngx_conf_t* cf, ngx_command_t*, void*) {
  auto* location = static_cast<ngx_http_core_loc_conf_t*>(
      ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module));
  location->handler = handle;
  return NGX_CONF_OK;
}

ngx_command_t commands[] = {{ngx_string("oauth_token_probe"), NGX_HTTP_LOC_CONF | NGX_CONF_NOARGS,
                             set_probe, NGX_HTTP_LOC_CONF_OFFSET, 0, nullptr},
                            ngx_null_command};

ngx_http_module_t context = {nullptr, nullptr, nullptr, nullptr,
                             nullptr, nullptr, nullptr, nullptr};

}  // namespace
}  // namespace oauth

extern "C" {
ngx_module_t ngx_http_oauth_token_probe_module = {
    NGX_MODULE_V1, &oauth::context, oauth::commands, NGX_HTTP_MODULE,
    nullptr,       nullptr,         nullptr,         nullptr,
    nullptr,       nullptr,         nullptr,         NGX_MODULE_V1_PADDING};
}
