// nginx's C headers, in the one way they are clean under C++.
#pragma once

extern "C" {
#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>
#include <ngx_http.h>

extern ngx_module_t ngx_http_oauth_module;
}

#include <cstring>
#include <new>
#include <string>
#include <string_view>
#include <utility>

namespace oauth {

inline std::string_view view(const ngx_str_t& text) noexcept {
  return {reinterpret_cast<const char*>(text.data), text.len};
}

// A copy of `text` in `pool`, NUL-terminated behind its length; data is null when out of memory.
inline ngx_str_t pool_copy(ngx_pool_t* pool, std::string_view text) noexcept {
  auto* data = static_cast<u_char*>(ngx_pnalloc(pool, text.size() + 1));
  if (data == nullptr) {
    return {0, nullptr};
  }
  if (!text.empty()) {  // a view of nothing may be at no address, which memcpy must not be given
    std::memcpy(data, text.data(), text.size());
  }
  data[text.size()] = '\0';
  return {text.size(), data};
}

// A C++ object that lives as long as `pool` and is destroyed with it; null when out of memory.
template <class T, class... Args>
T* make_in(ngx_pool_t* pool, Args&&... args) {
  ngx_pool_cleanup_t* cleanup = ngx_pool_cleanup_add(pool, sizeof(T));
  if (cleanup == nullptr) {
    return nullptr;
  }
  T* object = new (cleanup->data) T(std::forward<Args>(args)...);
  cleanup->handler = [](void* data) { static_cast<T*>(data)->~T(); };
  return object;
}

}  // namespace oauth
