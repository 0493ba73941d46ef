// `oauth_store`: the text of the directive becomes a backend, or an [emerg] line that says what to
// write instead. No line shows a user name or a password.
#include "ngx/conf.hpp"
#include "ngx/redis_names.hpp"
#include "ngx/redis_store.hpp"
#include "ngx/redis_tls.hpp"
#include "ngx/redis_url.hpp"
#include "ngx/shm_store.hpp"
#include "ngx/store.hpp"

namespace oauth {
namespace {

constexpr std::string_view kDefaultZone = "oauth";
constexpr std::size_t kDefaultBytes = std::size_t{16} * 1024 * 1024;

StoreBackend* complain(ngx_conf_t* cf, const std::string& what) {
  conf_error(cf, "oauth_store: " + what);
  return nullptr;
}

bool is_zone_name(std::string_view name) noexcept {
  constexpr std::string_view kAllowed =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
  return !name.empty() && name.size() <= 64 && name.find_first_not_of(kAllowed) == name.npos;
}

// shm:NAME:SIZE
StoreBackend* make_shm(ngx_conf_t* cf, std::string_view url, std::size_t arguments) {
  const std::string shown = "\"" + std::string(url) + "\" ";
  const std::string_view rest = url.substr(std::string_view("shm:").size());
  const std::size_t colon = rest.find(':');
  const std::string_view name = rest.substr(0, colon);
  if (colon == rest.npos || !is_zone_name(name)) {
    return complain(cf, shown + "is not shm:NAME:SIZE, for example shm:oauth:16m");
  }
  std::string size(rest.substr(colon + 1));
  ngx_str_t text{size.size(), reinterpret_cast<u_char*>(size.data())};
  const ssize_t bytes = ngx_parse_size(&text);
  if (bytes == NGX_ERROR) {
    return complain(cf, shown + "has no size: write one such as 16m behind the last colon");
  }
  if (static_cast<std::size_t>(bytes) < ShmStoreBackend::kMinimum) {
    return complain(cf, shown + "is too small: at least 256k, 16m is usual");
  }
  if (arguments > 2) {
    return complain(cf, shown + "takes no parameters");
  }
  return ShmStoreBackend::make(cf, name, static_cast<std::size_t>(bytes));
}

// The password in a file, if one is named. False after an [emerg] line.
bool read_password(ngx_conf_t* cf, const std::string& file, Secret& password) {
  if (file.empty()) {
    return true;
  }
  const std::optional<std::string> content = read_small_file(cf, file);
  if (content) {
    password = Secret(*content);
  }
  return content.has_value();
}

StoreBackend* make_redis(ngx_conf_t* cf, std::string_view url,
                         const std::vector<std::string_view>& parameters) {
  ParsedRedis parsed = parse_redis(url, parameters);
  if (!parsed.error.empty()) {
    return complain(cf, parsed.error);
  }
  RedisOptions& options = parsed.options;
  if (!read_password(cf, options.password_file, options.password) ||
      !read_password(cf, options.sentinel_password_file, options.sentinel_password)) {
    return nullptr;
  }
  options.names = RedisNames::make(cf);
  if (options.names == nullptr) {
    return nullptr;
  }
  if (options.tls.on) {
    options.tls_context = RedisTlsContext::make(cf, options.tls);
    if (options.tls_context == nullptr) {
      return nullptr;
    }
  }
  return make_in<RedisBackend>(cf->pool, std::move(options));
}

}  // namespace

StoreBackend* make_store(ngx_conf_t* cf, const ngx_array_t& args) {
  const auto* words = static_cast<const ngx_str_t*>(args.elts);
  if (args.nelts < 2) {
    return complain(cf, "says nothing: write shm:NAME:SIZE or redis://HOST[:PORT][/DB]");
  }
  const std::string_view url = view(words[1]);
  if (url.substr(0, 4) == "shm:") {
    return make_shm(cf, url, args.nelts);
  }
  std::vector<std::string_view> parameters;
  for (ngx_uint_t i = 2; i < args.nelts; i++) {
    parameters.push_back(view(words[i]));
  }
  return make_redis(cf, url, parameters);
}

StoreBackend* make_default_store(ngx_conf_t* cf) {
  return ShmStoreBackend::make(cf, kDefaultZone, kDefaultBytes);
}

}  // namespace oauth
