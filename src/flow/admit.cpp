#include "oauth/flow/admit.hpp"

namespace oauth {

Task<Result<Json>> admit_user(const Broker& broker, const Identity& identity, Ports& io) {
  if (!broker.allow.admits(identity)) {
    co_return Problem::email_not_allowed;
  }
  if (broker.admit.empty()) {
    co_return identity.claims();
  }
  const Json question = admission_question(identity);
  auto reply = co_await io.hook.ask(broker.admit, question);
  if (!reply) {
    co_return Problem::admit_failed;  // why is in the log
  }
  co_return parse_admission(reply->status, reply->content_type, reply->body, identity);
}

}  // namespace oauth
