#include "ngx/body.hpp"

#include "ngx/attached.hpp"

namespace oauth {
namespace {

struct Reader {
  Reader(std::size_t limit, BodyDone then) noexcept : max(limit), done(then) {}
  std::size_t max;
  BodyDone done;
  std::string bytes;
};

// What is left of the body would be read as the next request. nginx closes a connection whose body
// was not read so that the answer still arrives.
void refuse(ngx_http_request_t* r, BodyDone done, Problem problem) noexcept {
  r->read_event_handler = ngx_http_block_reading;
  r->keepalive = 0;
  done(r, problem);
}

// Takes what nginx has read so far. False, after an answer, when it cannot be taken.
bool collect(ngx_http_request_t* r, Reader& reader, bool& took_any) noexcept {
  if (r->request_body == nullptr) {
    return true;  // a subrequest, or a body that is being thrown away
  }
  ngx_chain_t* next = nullptr;
  for (ngx_chain_t* link = r->request_body->bufs; link != nullptr; link = next) {
    ngx_buf_t* buffer = link->buf;
    const auto size = static_cast<std::size_t>(buffer->last - buffer->pos);
    if (buffer->in_file) {
      // Another module has read the body before, its own way.
      refuse(r, reader.done, Problem::internal);
      return false;
    }
    if (size > reader.max - reader.bytes.size()) {
      refuse(r, reader.done, Problem::request_too_large);
      return false;
    }
    try {
      reader.bytes.append(reinterpret_cast<const char*>(buffer->pos), size);
    } catch (...) {
      refuse(r, reader.done, Problem::internal);
      return false;
    }
    took_any = took_any || size != 0;
    buffer->pos = buffer->last;
    next = link->next;
    ngx_free_chain(r->pool, link);
  }
  r->request_body->bufs = nullptr;
  return true;
}

void finish(ngx_http_request_t* r, Reader& reader) noexcept {
  r->read_event_handler = ngx_http_block_reading;
  reader.done(r, std::move(reader.bytes));
}

void fail(ngx_http_request_t* r, BodyDone done, ngx_int_t rc) noexcept {
  // A client that left has an error on its connection, and also comes as 400.
  if (rc == NGX_HTTP_BAD_REQUEST && !r->connection->error) {
    refuse(r, done, Problem::request_malformed);
    return;
  }
  ngx_http_finalize_request(r, rc);
}

void on_readable(ngx_http_request_t* r) noexcept {
  auto* reader = find_attached<Reader>(r);
  for (;;) {
    const ngx_int_t rc = ngx_http_read_unbuffered_request_body(r);
    if (rc == NGX_ERROR || rc >= NGX_HTTP_SPECIAL_RESPONSE) {
      fail(r, reader->done, rc);
      return;
    }
    bool took_any = false;
    if (!collect(r, *reader, took_any)) {
      return;
    }
    if (rc == NGX_OK) {
      finish(r, *reader);
      return;
    }
    if (!took_any) {
      return;  // nginx has set the timer and waits for more
    }
    // Its one buffer may have been full: only now that it is empty will nginx read on.
  }
}

// nginx calls this once, with the part of the body that came with the header.
void on_body(ngx_http_request_t* r) noexcept {
  auto* reader = find_attached<Reader>(r);
  bool took_any = false;
  if (!collect(r, *reader, took_any)) {
    return;
  }
  if (!r->reading_body) {
    finish(r, *reader);
    return;
  }
  r->read_event_handler = on_readable;
  on_readable(r);
}

}  // namespace

ngx_int_t read_body(ngx_http_request_t* r, std::size_t max, BodyDone done) noexcept {
  if (r->headers_in.content_length_n > static_cast<off_t>(max)) {
    r->main->count++;
    refuse(r, done, Problem::request_too_large);
    return NGX_DONE;
  }
  if (attach<Reader>(r, max, done) == nullptr) {
    return NGX_HTTP_INTERNAL_SERVER_ERROR;
  }
  r->request_body_no_buffering = 1;
  const ngx_int_t rc = ngx_http_read_client_request_body(r, on_body);
  if (rc >= NGX_HTTP_SPECIAL_RESPONSE) {
    r->main->count++;
    fail(r, done, rc);
  }
  return NGX_DONE;
}

}  // namespace oauth
