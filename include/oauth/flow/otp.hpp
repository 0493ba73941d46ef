// grant_type otp (dexie-contract 4.3), both steps. Who asks for a code learns from answer, order
// and number of the steps taken neither whether a mail was sent nor whether the address may sign
// in.
#pragma once

#include "oauth/base/task.hpp"
#include "oauth/flow/granted.hpp"
#include "oauth/flow/ports.hpp"
#include "oauth/proto/grant.hpp"

namespace oauth {

// Sends a code to the address, if it may have one. Only a malformed address is an error.
Task<Granted> ask_otp(const TokenCall& call, const OtpAsk& asked, Ports& io);

// Tokens for who brings the code: the user `email:ADDRESS`. Every wrong guess is otp_refused.
Task<Granted> redeem_otp(const TokenCall& call, const OtpAnswer& answer, Ports& io);

}  // namespace oauth
