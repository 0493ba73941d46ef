// An object that belongs to one request: made once, found again wherever the request has come to,
// and destroyed when the request ends, however it ends (at terminate, before the log phase and
// before the pool). nginx keeps cleanups per main request, so each object also knows whose it is.
#pragma once

#include "ngx/nginx.hpp"

namespace oauth {

template <class T>
struct Attached {
  static_assert(alignof(T) <= NGX_ALIGNMENT, "nginx's pools align no further");
  ngx_http_request_t* request;
  T object;

  static void destroy(void* data) noexcept { static_cast<Attached*>(data)->~Attached(); }
};

// The request's T, or null. r->ctx would not do: an internal redirect zeroes it.
template <class T>
T* find_attached(const ngx_http_request_t* r) noexcept {
  for (ngx_http_cleanup_t* it = r->main->cleanup; it != nullptr; it = it->next) {
    if (it->handler == &Attached<T>::destroy) {
      auto* attached = static_cast<Attached<T>*>(it->data);
      if (attached->request == r) {
        return &attached->object;
      }
    }
  }
  return nullptr;
}

// Makes the request's T; null when out of memory. T's constructor must not throw.
template <class T, class... Args>
T* attach(ngx_http_request_t* r, Args&&... args) noexcept {
  ngx_http_cleanup_t* cleanup = ngx_http_cleanup_add(r, sizeof(Attached<T>));
  if (cleanup == nullptr) {
    return nullptr;
  }
  auto* attached = new (cleanup->data) Attached<T>{r, T(std::forward<Args>(args)...)};
  cleanup->handler = &Attached<T>::destroy;
  return &attached->object;
}

}  // namespace oauth
