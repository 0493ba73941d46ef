// OTP: a one-time password by e-mail (dexie-contract 4.3): the rules of `oauth_otp`, who may be
// written to, the code that he types, and the ticket (`otp_id`) that it belongs to. A ticket is
// sealed and travels; the store knows a code by a name alone, an HMAC over broker, ticket, code,
// address and origin: it holds no code in clear, and a wrong guess looks under another name.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "oauth/base/json.hpp"
#include "oauth/base/result.hpp"
#include "oauth/proto/broker.hpp"
#include "oauth/proto/identity.hpp"

namespace oauth {

inline constexpr std::size_t kLeastOtp = 6;
inline constexpr std::size_t kMostOtp = 16;

// The address in lower case, if it is one plain address of ASCII, at most 254 bytes (RFC 5321
// 4.5.3.1.3), without what mail systems and the client read as more than one (`a@b as c@d`, lists,
// quotes): else email_refused.
Result<std::string> plain_email(std::string_view text);

// Who has proven that he reads mail at this address (as plain_email gives it): `email:ADDRESS`.
Identity email_identity(std::string_view email);

// Whether `oauth_otp` and `oauth_allow` let anybody with this address in. All that they can ask of
// him is known beforehand.
bool may_use_otp(const Broker& broker, std::string_view email);

// `length` symbols, one a byte of `random`, each of 32 equally likely ones; no 0, O, 1 and I.
std::string make_otp(std::string_view random);
// What was typed, in upper case; nullopt for what no broker ever sent.
std::optional<std::string> typed_otp(std::string_view text);

struct OtpTicket {
  std::string id;  // raw, unguessable
  std::string email;
  std::string origin;  // of the page that asked; may be empty
  std::string flow_id;
  std::int64_t expires = 0;  // s
};

// base64url.
Result<std::string> seal_otp_ticket(const OtpTicket& ticket, const Broker& broker,
                                    std::int64_t now);
// The problem is that of the seal, and for the log alone.
Result<OtpTicket> open_otp_ticket(std::string_view text, const Broker& broker, std::int64_t now);

// Under which the store keeps that this code was sent; one for each key of the broker's, the first
// for what is kept now.
std::vector<std::string> otp_names(const Broker& broker, const OtpTicket& ticket,
                                   std::string_view otp);

// The names of what is counted, and of what stands in their place where no mail is sent, so that
// nobody fills the store with addresses.
std::string otp_resend_name(const Broker& broker, std::string_view email);
std::string otp_sends_name(const Broker& broker);
std::string otp_tries_name(const Broker& broker, const OtpTicket& ticket);
std::string otp_address_tries_name(const Broker& broker, std::string_view email);
std::string otp_decoy_name(const Broker& broker);

// What the mail service is told: {email, otp, otp_id, expires}.
Json otp_mail(const OtpTicket& ticket, std::string_view otp, std::string_view sealed);

}  // namespace oauth
