#include "oauth/proto/otp.hpp"

#include <algorithm>

#include "oauth/base/pack.hpp"
#include "oauth/base/text.hpp"

namespace oauth {
namespace {

// Without what is taken for another symbol; 32, so that five bits of a random byte choose one
// without favour.
constexpr std::string_view kSymbols = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ";
static_assert(kSymbols.size() == 32);

constexpr std::size_t kMaxEmail = 254;    // RFC 5321 4.5.3.1.3, less its brackets
constexpr std::size_t kMaxLocal = 64;     // RFC 5321 4.5.3.1.1
constexpr std::size_t kMaxTicket = 2048;  // an origin and an address are short

bool is_alphanumeric(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

// RFC 5322 3.2.3: dot-atom, lower case.
bool is_local_part(std::string_view text) {
  const auto is_atom = [](char c) {
    return is_alphanumeric(c) ||
           std::string_view("!#$%&'*+-/=?^_`{|}~.").find(c) != std::string_view::npos;
  };
  return !text.empty() && text.size() <= kMaxLocal && text.front() != '.' && text.back() != '.' &&
         text.find("..") == std::string_view::npos &&
         std::all_of(text.begin(), text.end(), is_atom);
}

// RFC 5321 2.3.5, 4.1.2: a name of two labels or more, no address literal.
bool is_mail_domain(std::string_view text) {
  std::size_t labels = 0;
  while (true) {
    const auto dot = text.find('.');
    const std::string_view label = text.substr(0, dot);
    const auto is_inner = [](char c) { return is_alphanumeric(c) || c == '-'; };
    if (label.empty() || label.size() > 63 || label.front() == '-' || label.back() == '-' ||
        !std::all_of(label.begin(), label.end(), is_inner)) {
      return false;
    }
    ++labels;
    if (dot == std::string_view::npos) {
      return labels > 1;
    }
    text.remove_prefix(dot + 1);
  }
}

std::string name_of(const Broker& broker, std::string_view what, std::string_view whose) {
  return broker.keyring->name({"otp", what, broker.url, whose});
}

}  // namespace

Result<std::string> plain_email(std::string_view text) {
  std::string email = ascii_lower(text);
  const auto at = email.find('@');
  if (email.size() > kMaxEmail || at == std::string::npos ||
      !is_local_part(std::string_view(email).substr(0, at)) ||
      !is_mail_domain(std::string_view(email).substr(at + 1))) {
    return Problem::email_refused;
  }
  return email;
}

Identity email_identity(std::string_view email) {
  Identity identity;
  identity.provider = "email";
  identity.id = email;
  identity.email = email;
  identity.email_verified = true;
  identity.name = email;
  identity.said = Json::object().set("email", email).set("email_verified", true);
  return identity;
}

bool may_use_otp(const Broker& broker, std::string_view email) {
  const auto& domains = broker.otp->email_domains;
  const std::string_view domain = email.substr(email.find('@') + 1);
  const bool is_ours =
      domains.empty() || std::find(domains.begin(), domains.end(), domain) != domains.end();
  return is_ours && broker.allow.admits(email_identity(email));
}

std::string make_otp(std::string_view random) {
  std::string otp;
  for (const char byte : random) {
    otp += kSymbols[static_cast<unsigned char>(byte) % kSymbols.size()];
  }
  return otp;
}

std::optional<std::string> typed_otp(std::string_view text) {
  if (text.size() < kLeastOtp || text.size() > kMostOtp) {
    return std::nullopt;
  }
  std::string otp;
  for (const char c : text) {
    otp += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  }
  return otp.find_first_not_of(kSymbols) == std::string::npos ? std::optional(otp) : std::nullopt;
}

Result<std::string> seal_otp_ticket(const OtpTicket& ticket, const Broker& broker,
                                    std::int64_t now) {
  Pack pack;
  pack.add(ticket.id).add(ticket.email).add(ticket.origin).add(ticket.flow_id);
  const auto blob =
      broker.keyring->seal({Purpose::otp, broker.url, {}}, pack.bytes(), now, ticket.expires);
  if (!blob) {
    return blob.problem();
  }
  return base64url_encode(*blob);
}

Result<OtpTicket> open_otp_ticket(std::string_view text, const Broker& broker, std::int64_t now) {
  const auto blob = text.size() <= kMaxTicket ? base64url_decode(text) : std::nullopt;
  if (!blob) {
    return Problem::seal_malformed;
  }
  const auto opened = broker.keyring->open({Purpose::otp, broker.url, {}}, *blob, now, broker.skew);
  if (!opened) {
    return opened.problem();
  }
  Unpack unpack(opened->payload.bytes());
  OtpTicket ticket;
  ticket.id = unpack.text();
  ticket.email = unpack.text();
  ticket.origin = unpack.text();
  ticket.flow_id = unpack.text();
  ticket.expires = opened->expires;
  if (!unpack.at_end()) {
    return Problem::seal_malformed;
  }
  return ticket;
}

std::vector<std::string> otp_names(const Broker& broker, const OtpTicket& ticket,
                                   std::string_view otp) {
  std::vector<std::string> names;
  for (std::size_t key = 0; key < broker.keyring->size(); ++key) {
    names.push_back(broker.keyring->name(
        {"otp", "code", broker.url, ticket.id, otp, ticket.email, ticket.origin}, key));
  }
  return names;
}

std::string otp_resend_name(const Broker& broker, std::string_view email) {
  return name_of(broker, "resend", email);
}

std::string otp_sends_name(const Broker& broker) {
  return name_of(broker, "sends", {});
}

std::string otp_tries_name(const Broker& broker, const OtpTicket& ticket) {
  return name_of(broker, "tries", ticket.id);
}

std::string otp_address_tries_name(const Broker& broker, std::string_view email) {
  return name_of(broker, "address tries", email);
}

std::string otp_decoy_name(const Broker& broker) {
  return name_of(broker, "decoy", {});
}

Json otp_mail(const OtpTicket& ticket, std::string_view otp, std::string_view sealed) {
  Json mail = Json::object();
  mail.set("email", std::string_view(ticket.email));
  mail.set("otp", otp);
  mail.set("otp_id", sealed);
  mail.set("expires", ticket.expires);
  return mail;
}

}  // namespace oauth
