// RedisConnection, coming up: its name is looked up, the socket connects, TLS secures it, and the
// server is greeted. What it does then stands in redis_connection.cpp.
#include <algorithm>

#include "ngx/redis_connection.hpp"
#include "ngx/redis_node.hpp"
#include "ngx/status.hpp"

namespace oauth {
namespace {

std::string error_text(ngx_err_t error) {
  return std::strerror(error);
}

}  // namespace

void RedisConnection::connect() {
  state_ = State::resolving;
  deadline_ = ngx_current_msec + node_.options().timeout;
  arm(starting_deadline());
  if (lookup_.start(node_.options().names, node_.server()) != RedisLookup::State::waiting) {
    on_resolved();
  }
}

void RedisConnection::on_resolved() {
  if (!lookup_.reason().empty()) {
    fail("its name is not resolved: " + lookup_.reason());
    return;
  }
  address_ = lookup_.addresses()[attempts_++ % lookup_.addresses().size()];
  address_text_ = {address_.text.size(), reinterpret_cast<u_char*>(address_.text.data())};
  peer_ = {};
  peer_.sockaddr = reinterpret_cast<sockaddr*>(&address_.bytes);
  peer_.socklen = address_.size;
  peer_.name = &address_text_;
  peer_.get = ngx_event_get_peer;
  peer_.log = &log_;
  peer_.log_error = NGX_ERROR_ERR;
  peer_.so_keepalive = 1;

  state_ = State::connecting;
  const ngx_int_t rc = ngx_event_connect_peer(&peer_);
  const ngx_err_t error = ngx_socket_errno;
  connection_ = peer_.connection;
  if (rc != NGX_OK && rc != NGX_AGAIN) {
    fail("cannot connect" + where() + ": " + error_text(error));
    return;
  }
  connection_->data = this;
  connection_->read->handler = on_read;
  connection_->write->handler = on_write;
  if (rc == NGX_OK) {
    on_connected();
  }
}

// The address behind a name, for what is said of it.
std::string RedisConnection::where() const {
  const RedisServer& server = node_.server();
  return server.host.empty() || server.host == address_.text ? "" : " to " + address_.text;
}

void RedisConnection::on_connected() {
  int error = 0;
  socklen_t size = sizeof(error);
  if (getsockopt(connection_->fd, SOL_SOCKET, SO_ERROR, &error, &size) == -1) {
    error = ngx_socket_errno;
  }
  if (error != 0) {
    fail("cannot connect" + where() + ": " + error_text(error));
    return;
  }
  if (peer_.sockaddr->sa_family != AF_UNIX) {
    (void)ngx_tcp_nodelay(connection_);  // slower without, but no worse
  }
  if (node_.options().tls_context != nullptr) {
    secure(*node_.options().tls_context);
  } else {
    greet();
  }
}

// Afterwards the connection's recv and send are TLS.
void RedisConnection::secure(const RedisTlsContext& context) {
  state_ = State::securing;
  tls_.emplace(context, connection_);
  if (tls_->handshake(node_.server(), on_handshake) != NGX_AGAIN) {
    on_secured();
  }
}

void RedisConnection::on_secured() {
  connection_->read->handler = on_read;
  connection_->write->handler = on_write;
  const std::string objection = tls_->objection(node_.server());
  if (!objection.empty()) {
    fail(objection);
    return;
  }
  greet();
}

void RedisConnection::greet() {
  state_ = State::greeting;
  const RedisRole& role = node_.role();
  parser_ = std::make_unique<RedisParser>(role.must_be_primary ? std::max(role.reply_depth, 3U)
                                                               : role.reply_depth);
  greeting_.emplace(node_.options(), role);
  out_ += greeting_->bytes();
  queued_ += greeting_->bytes().size();
  flush();
}

bool RedisConnection::on_greeted(const RedisReply& reply) {
  const std::string objection = greeting_->take(reply);
  if (!objection.empty()) {
    return fail(objection);
  }
  if (greeting_->done()) {
    if (!greeting_->warning().empty()) {
      node_.tell_once(NGX_LOG_WARN, greeting_->warning());
    }
    greeting_.reset();
    become_ready();
  }
  return true;
}

void RedisConnection::become_ready() {
  state_ = State::ready;
  count(Own::redis_ready);
  if (down_) {
    node_.tell(NGX_LOG_NOTICE, "is back");
  }
  down_ = false;
  failures_ = 0;
  ready_since_ = ngx_current_msec;
  if (timer_.timer_set) {
    ngx_del_timer(&timer_);
  }
  for (Pending& pending : pending_) {
    enqueue(pending);
  }
  if (!pending_.empty()) {
    arm(pending_.front().deadline);
    post_flush();
  }
}

}  // namespace oauth
