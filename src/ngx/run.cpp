#include "ngx/run.hpp"

#include "ngx/attached.hpp"

namespace oauth {
namespace {

Verdict internal_error() {
  Verdict verdict;
  verdict.problem = Problem::internal;
  return verdict;
}

}  // namespace

Flow* Flow::create(ngx_http_request_t* r) noexcept {
  return attach<Flow>(r, r);
}

Flow* Flow::find(ngx_http_request_t* r) noexcept {
  return find_attached<Flow>(r);
}

Flow::Flow(ngx_http_request_t* r) noexcept : request_(r) {
  wake_.data = this;
  wake_.handler = on_wake;
  wake_.log = r->connection->log;
}

Flow::~Flow() {
  if (wake_.posted) {
    ngx_delete_posted_event(&wake_);
  }
}

void Flow::start(Task<Verdict>&& task) noexcept {
  task_.emplace(std::move(task));
  task_->start();
  settle();
}

Verdict* Flow::advance() noexcept {
  if (ready_) {
    ready_ = false;
    std::exchange(parked_, {}).resume();
    settle();
  }
  return verdict_ ? &*verdict_ : nullptr;
}

void Flow::settle() noexcept {
  if (!task_->done()) {
    watch_client();
    return;
  }
  if (request_->read_event_handler == ngx_http_test_reading) {
    request_->read_event_handler = ngx_http_block_reading;
  }
  try {
    verdict_ = task_->result();
  } catch (...) {
    // Out of memory, or a library that throws: nothing of the flow's can be trusted any more.
    ngx_log_error(NGX_LOG_ERR, request_->connection->log, 0, "oauth: a flow ended by an exception");
    verdict_ = internal_error();
  }
}

// nginx tells a parked request nothing of its client unless it is asked to.
void Flow::watch_client() noexcept {
  if (request_->discard_body) {
    return;  // the rest of a body is being read, and its handler sees the client leave
  }
  request_->read_event_handler = ngx_http_test_reading;
  // A failure only means that the client's leaving goes unnoticed until the flow ends.
  (void)ngx_handle_read_event(request_->connection->read, 0);
}

void Flow::reset() noexcept {
  task_.reset();
  verdict_.reset();
  parked_ = {};
  ready_ = false;
}

void Flow::wake() noexcept {
  ready_ = true;
  if (!wake_.posted) {
    ngx_post_event(&wake_, &ngx_posted_events);
  }
}

void Flow::on_wake(ngx_event_t* event) noexcept {
  ngx_http_request_t* r = static_cast<Flow*>(event->data)->request_;
  ngx_connection_t* c = r->connection;
  ngx_http_set_log_request(c->log, r);
  r->write_event_handler(r);
  ngx_http_run_posted_requests(c);
}

}  // namespace oauth
