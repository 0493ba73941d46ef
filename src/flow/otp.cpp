#include "oauth/flow/otp.hpp"

#include "oauth/base/text.hpp"
#include "oauth/flow/admit.hpp"
#include "oauth/proto/otp.hpp"

namespace oauth {
namespace {

// A code on its way, and why it is not to be sent, if it is not.
struct Offer {
  OtpTicket ticket;
  std::string sealed;
  std::string otp;
  std::optional<Problem> unsent;
};

struct Limit {
  std::string name;
  std::int64_t seconds;
  std::int64_t most;
  Problem beyond;
};

Result<Offer> make_offer(const TokenCall& call, const std::string& email, Ports& io);
Task<Check> hold_to(const Limit& limit, Offer& offer, const Broker& broker, Ports& io);
Task<Check> keep(const Offer& offer, const Broker& broker, Ports& io);

Result<OtpTicket> read_ticket(const TokenCall& call, const OtpAnswer& answer, std::int64_t now);
Task<Check> count_try(const OtpTicket& ticket, const Broker& broker, Ports& io);
Task<Check> spend(const OtpTicket& ticket, const std::string& otp, const Broker& broker, Ports& io);
Granted refuse(Problem problem, std::string_view flow_id, std::optional<Problem> cause);

}  // namespace

Task<Granted> ask_otp(const TokenCall& call, const OtpAsk& asked, Ports& io) {
  const Broker& broker = call.in.broker;
  if (!broker.otp) {
    co_return Problem::grant_unsupported;
  }
  const auto scopes = grant_scopes(call.scopes, broker.scopes);
  if (!scopes) {
    co_return scopes.problem();
  }
  const auto email = plain_email(asked.email);
  if (!email) {
    co_return email.problem();
  }
  // Having mails sent is throttled as failing is, whoever they go to.
  io.throttle.spend(Throttle::Gate::token);
  auto offer = make_offer(call, *email, io);
  if (!offer) {
    co_return offer.problem();
  }
  // From here on everybody takes the same steps.
  const Limit resend{otp_resend_name(broker, *email), broker.otp->resend, 1, Problem::otp_too_soon};
  auto rested = co_await hold_to(resend, *offer, broker, io);
  if (!rested) {
    co_return rested.problem();
  }
  const Limit sends{otp_sends_name(broker), 3600, broker.otp->sends, Problem::otp_sends_spent};
  auto capped = co_await hold_to(sends, *offer, broker, io);
  if (!capped) {
    co_return capped.problem();
  }
  auto kept = co_await keep(*offer, broker, io);
  if (!kept) {
    co_return kept.problem();
  }
  if (!offer->unsent) {
    io.hook.tell(broker.otp->send_via, otp_mail(offer->ticket, offer->otp, offer->sealed));
  }
  Granted granted = OtpSent{offer->sealed};
  granted.flow_id = offer->ticket.flow_id;
  granted.cause = offer->unsent;
  co_return granted;
}

Task<Granted> redeem_otp(const TokenCall& call, const OtpAnswer& answer, Ports& io) {
  const Broker& broker = call.in.broker;
  if (!broker.otp) {
    co_return Problem::grant_unsupported;
  }
  auto scopes = grant_scopes(call.scopes, broker.scopes);
  if (!scopes) {
    co_return scopes.problem();
  }
  const auto otp = typed_otp(answer.otp);
  if (!otp) {
    co_return Problem::otp_refused;
  }
  const auto ticket = read_ticket(call, answer, io.clock.now());
  if (!ticket) {
    co_return refuse(Problem::otp_refused, {}, ticket.problem());
  }
  const auto random = io.random.bytes(kIssueRandom);
  if (!random) {
    co_return refuse(random.problem(), ticket->flow_id, {});
  }
  auto counted = co_await count_try(*ticket, broker, io);
  if (!counted) {
    const bool beyond = counted.problem() == Problem::otp_tries_spent;
    co_return refuse(beyond ? Problem::otp_refused : counted.problem(), ticket->flow_id,
                     counted.problem());
  }
  auto spent = co_await spend(*ticket, *otp, broker, io);
  if (!spent) {
    co_return refuse(spent.problem(), ticket->flow_id, {});
  }
  // What the operator allows may have changed since the mail was sent.
  if (!may_use_otp(broker, ticket->email)) {
    co_return refuse(Problem::email_not_allowed, ticket->flow_id, {});
  }
  const Identity identity = email_identity(ticket->email);
  auto claims = co_await admit_user(broker, identity, io);
  if (!claims) {
    co_return refuse(claims.problem(), ticket->flow_id, {});
  }
  Issue issue;
  issue.claims = *claims;
  issue.scopes = *std::move(scopes);
  issue.origin = call.origin;
  issue.public_key = answer.public_key;
  issue.provider = identity.provider;
  issue.flow_id = ticket->flow_id;
  begin_issue(issue, broker, *random, io.clock.now());
  co_return issue;
}

namespace {

Result<Offer> make_offer(const TokenCall& call, const std::string& email, Ports& io) {
  constexpr std::size_t kName = 16;
  const Broker& broker = call.in.broker;
  const auto random = io.random.bytes(2 * kName + broker.otp->length);
  if (!random) {
    return random.problem();
  }
  const std::string_view bytes = *random;
  const std::int64_t now = io.clock.now();
  Offer offer;
  offer.ticket.id = bytes.substr(0, kName);
  offer.ticket.flow_id = hex_encode(bytes.substr(kName, kName));
  offer.ticket.email = email;
  offer.ticket.origin = call.origin;
  offer.ticket.expires = now + broker.otp->lifetime;
  offer.otp = make_otp(bytes.substr(2 * kName));
  auto sealed = seal_otp_ticket(offer.ticket, broker, now);
  if (!sealed) {
    return sealed.problem();
  }
  offer.sealed = *std::move(sealed);
  if (!may_use_otp(broker, email)) {
    offer.unsent = Problem::email_not_allowed;
  }
  return offer;
}

// Counts a mail that would be sent; one that is not sent anyway counts for nothing, but is counted.
Task<Check> hold_to(const Limit& limit, Offer& offer, const Broker& broker, Ports& io) {
  const std::vector<Store::Counter> counters{
      {offer.unsent ? otp_decoy_name(broker) : limit.name, io.clock.now() + limit.seconds}};
  auto counts = co_await io.store.count(counters);
  if (!counts) {
    co_return counts.problem();
  }
  if (!offer.unsent && counts->front() > limit.most) {
    offer.unsent = limit.beyond;
  }
  co_return kDone;
}

// A code that nobody gets is kept where no guess looks, and all such take one place.
Task<Check> keep(const Offer& offer, const Broker& broker, Ports& io) {
  const std::string name =
      offer.unsent ? otp_decoy_name(broker) : otp_names(broker, offer.ticket, offer.otp).front();
  auto kept = co_await io.store.put(Share::codes, name, "1", offer.ticket.expires);
  co_return kept;
}

// What is known before anything is counted: the ticket is ours, and is used where it was asked for
// and for whom. A link in the mail names nobody.
Result<OtpTicket> read_ticket(const TokenCall& call, const OtpAnswer& answer, std::int64_t now) {
  auto ticket = open_otp_ticket(answer.otp_id, call.in.broker, now);
  if (!ticket) {
    return ticket;
  }
  if (ticket->origin != call.origin) {
    return Problem::otp_refused;
  }
  if (!answer.email.empty() && ascii_lower(answer.email) != ticket->email) {
    return Problem::otp_refused;
  }
  return ticket;
}

// Before the guess is looked up, or parallel guesses would be free.
Task<Check> count_try(const OtpTicket& ticket, const Broker& broker, Ports& io) {
  const std::vector<Store::Counter> counters{
      {otp_tries_name(broker, ticket), ticket.expires + broker.skew + 1},
      {otp_address_tries_name(broker, ticket.email), io.clock.now() + broker.otp->lifetime},
  };
  auto counts = co_await io.store.count(counters);
  if (!counts) {
    co_return counts.problem();
  }
  const bool is_beyond =
      counts->front() > broker.otp->attempts || counts->back() > broker.otp->address_attempts();
  co_return is_beyond ? Check(Problem::otp_tries_spent) : Check(kDone);
}

// Single use: many may bring the code at once, one of them gets it.
Task<Check> spend(const OtpTicket& ticket, const std::string& otp, const Broker& broker,
                  Ports& io) {
  const std::vector<std::string> names = otp_names(broker, ticket, otp);
  auto taken = co_await io.store.take(Share::codes, names);
  if (taken) {
    co_return kDone;
  }
  co_return taken.problem() == Problem::store_absent ? Problem::otp_refused : taken.problem();
}

Granted refuse(Problem problem, std::string_view flow_id, std::optional<Problem> cause) {
  Granted refused = problem;
  refused.flow_id = flow_id;
  refused.cause = cause;
  return refused;
}

}  // namespace

}  // namespace oauth
