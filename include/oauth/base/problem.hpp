// Problem: every way to fail, one row each, and nothing else anywhere that names a failure.
// The name is the reason that logs, $oauth_error and metrics show; it is static, enumerable and
// never holds a byte of input. The text is for people: pure ASCII, no braces (the Dexie client
// substitutes `{word}`), and the same for every wrong guess.
#pragma once

#include <cstdint>
#include <string_view>

namespace oauth {

// How loud a row is in the error log.
enum class Level : std::uint8_t { error, warn, notice, info };

// X(name, HTTP status, RFC 6749/6750 error, Dexie messageCode, level, public text)
// clang-format off
#define OAUTH_PROBLEMS(X)                                                                                   \
  /* ---- the request itself */                                                                             \
  X(not_found,               404, "invalid_request", "GENERIC_ERROR", info,   "There is nothing here.")     \
  X(method_not_allowed,      405, "invalid_request", "GENERIC_ERROR", info,   "This address does not answer that method.") \
  X(request_malformed,       400, "invalid_request", "GENERIC_ERROR", info,   "The request could not be read.") \
  X(request_repeated,        400, "invalid_request", "GENERIC_ERROR", info,   "A parameter was sent more than once.") \
  X(request_too_large,       413, "invalid_request", "GENERIC_ERROR", info,   "The request is too large.")  \
  X(content_type_refused,    400, "invalid_request", "GENERIC_ERROR", info,   "The request must be sent as application/json.") \
  X(json_invalid,            400, "invalid_request", "GENERIC_ERROR", info,   "The request is not valid JSON.") \
  X(json_too_large,          413, "invalid_request", "GENERIC_ERROR", info,   "The request is too large.")  \
  X(origin_not_allowed,      403, "invalid_request", "GENERIC_ERROR", notice, "This web site may not sign people in here.") \
  X(demo_not_local,          403, "access_denied",   "GENERIC_ERROR", warn,   "The demo provider answers only on this machine.") \
  /* ---- login */                                                                                          \
  X(provider_unknown,        404, "invalid_request", "GENERIC_ERROR", info,   "There is no such sign-in provider here.") \
  X(redirect_missing,        400, "invalid_request", "GENERIC_ERROR", info,   "The application did not say where to return to (redirect_uri).") \
  X(redirect_malformed,      400, "invalid_request", "GENERIC_ERROR", info,   "The address to return to (redirect_uri) is not acceptable.") \
  X(redirect_too_long,       400, "invalid_request", "GENERIC_ERROR", info,   "The address to return to (redirect_uri) is longer than 2048 bytes.") \
  X(redirect_not_allowed,    400, "invalid_request", "GENERIC_ERROR", notice, "The address to return to (redirect_uri) is not allowed here.") \
  X(client_state_refused,    400, "invalid_request", "GENERIC_ERROR", info,   "The application's state is longer than 512 bytes or not printable.") \
  X(delivery_unknown,        400, "invalid_request", "GENERIC_ERROR", info,   "The application asked for a delivery that does not exist.") \
  X(challenge_refused,       400, "invalid_request", "GENERIC_ERROR", info,   "The code challenge must be S256 and 43 characters long.") \
  X(challenge_missing,       400, "invalid_request", "GENERIC_ERROR", info,   "The application must send a code challenge (PKCE, S256).") \
  X(attempt_too_large,       400, "invalid_request", "GENERIC_ERROR", info,   "The sign-in request is too large.") \
  /* ---- callback */                                                                                       \
  X(state_missing,           400, "invalid_request", "GENERIC_ERROR", info,   "This sign-in cannot be continued. Please start again.") \
  X(state_refused,           400, "invalid_request", "GENERIC_ERROR", info,   "This sign-in cannot be continued. Please start again.") \
  X(state_unknown_key,       400, "invalid_request", "GENERIC_ERROR", warn,   "This sign-in cannot be continued. Please start again.") \
  X(state_expired,           400, "invalid_request", "GENERIC_ERROR", info,   "This sign-in cannot be continued. Please start again.") \
  X(state_other_provider,    400, "invalid_request", "GENERIC_ERROR", warn,   "This sign-in cannot be continued. Please start again.") \
  X(state_spent,             400, "invalid_request", "GENERIC_ERROR", info,   "This sign-in cannot be continued. Please start again.") \
  X(state_too_old,           400, "invalid_request", "GENERIC_ERROR", notice, "This sign-in cannot be continued. Please start again.") \
  X(browser_mismatch,        400, "invalid_request", "GENERIC_ERROR", warn,   "This sign-in cannot be continued. Please start again.") \
  X(issuer_mismatch,         400, "invalid_request", "GENERIC_ERROR", warn,   "This sign-in cannot be continued. Please start again.") \
  X(code_missing,            400, "invalid_request", "GENERIC_ERROR", info,   "This sign-in cannot be continued. Please start again.") \
  X(code_malformed,          400, "invalid_request", "GENERIC_ERROR", info,   "This sign-in cannot be continued. Please start again.") \
  X(claim_lost,              502, "temporarily_unavailable", "GENERIC_ERROR", error, "This sign-in was interrupted. Please start again.") \
  X(access_denied,           403, "access_denied",   "GENERIC_ERROR", info,   "access_denied: the sign-in was cancelled or refused.") \
  X(provider_refused,        403, "server_error",    "GENERIC_ERROR", warn,   "The sign-in provider reported an error.") \
  X(email_unverified,        403, "access_denied",   "GENERIC_ERROR", info,   "Your email address is not verified at the sign-in provider.") \
  X(email_not_allowed,       403, "access_denied",   "GENERIC_ERROR", info,   "access_denied: this account may not sign in here.") \
  X(tenant_refused,          403, "access_denied",   "GENERIC_ERROR", notice, "access_denied: accounts of this organization may not sign in here.") \
  X(user_not_registered,     403, "access_denied",   "GENERIC_ERROR", info,   "access_denied: this account is not registered here.") \
  X(user_not_accepted,       403, "access_denied",   "GENERIC_ERROR", info,   "access_denied: this account has not been accepted here.") \
  X(no_seats_available,      403, "access_denied",   "GENERIC_ERROR", notice, "access_denied: there is no free seat for this account.") \
  X(user_deactivated,        403, "access_denied",   "GENERIC_ERROR", info,   "access_denied: this account is deactivated here.") \
  X(webhook_error,           403, "access_denied",   "GENERIC_ERROR", warn,   "access_denied: this account could not be checked. Please try again later.") \
  X(admit_failed,            502, "temporarily_unavailable", "GENERIC_ERROR", error, "This account could not be checked. Please try again.") \
  X(admit_claims_refused,    502, "server_error",    "GENERIC_ERROR", error,  "This account could not be checked. Please try again.") \
  X(claims_too_large,        502, "server_error",    "GENERIC_ERROR", warn,   "The sign-in provider's answer could not be used.") \
  /* ---- talking to providers */                                                                           \
  X(fetch_failed,            502, "temporarily_unavailable", "GENERIC_ERROR", error, "The sign-in provider cannot be reached. Please try again.") \
  X(fetch_timeout,           504, "temporarily_unavailable", "GENERIC_ERROR", error, "The sign-in provider did not answer in time. Please try again.") \
  X(fetch_diverted,          502, "server_error",    "GENERIC_ERROR", error,  "The sign-in provider cannot be reached. Please try again.") \
  X(fetch_too_large,         502, "server_error",    "GENERIC_ERROR", error,  "The sign-in provider's answer could not be used.") \
  X(fetch_busy,              503, "temporarily_unavailable", "GENERIC_ERROR", warn, "Too many sign-ins at once. Please try again.") \
  X(fetch_untrusted,         502, "server_error",    "GENERIC_ERROR", error,  "The sign-in provider cannot be reached. Please try again.") \
  X(discovery_refused,       502, "server_error",    "GENERIC_ERROR", error,  "The sign-in provider's description could not be used.") \
  X(discovery_cooling,       503, "temporarily_unavailable", "GENERIC_ERROR", warn, "The sign-in provider cannot be reached. Please try again.") \
  X(exchange_refused,        502, "server_error",    "GENERIC_ERROR", warn,   "The sign-in provider did not accept the sign-in.") \
  X(exchange_client_refused, 502, "server_error",    "GENERIC_ERROR", error,  "The sign-in provider did not accept this service. Its operator has to look.") \
  X(exchange_redirect_refused, 502, "server_error",  "GENERIC_ERROR", error,  "The sign-in provider did not accept this service. Its operator has to look.") \
  X(exchange_malformed,      502, "server_error",    "GENERIC_ERROR", error,  "The sign-in provider's answer could not be used.") \
  X(userinfo_refused,        502, "server_error",    "GENERIC_ERROR", error,  "The sign-in provider's answer could not be used.") \
  X(userinfo_other_subject,  502, "server_error",    "GENERIC_ERROR", error,  "The sign-in provider's answer could not be used.") \
  X(id_token_refused,        502, "server_error",    "GENERIC_ERROR", error,  "The sign-in provider's answer could not be used.") \
  /* ---- token endpoint */                                                                                 \
  X(grant_unsupported,       400, "unsupported_grant_type", "GENERIC_ERROR", info, "This grant type is not offered here.") \
  X(code_invalid,            401, "invalid_grant",   "GENERIC_ERROR", info,   "The code is invalid or expired") \
  X(verifier_refused,        401, "invalid_grant",   "GENERIC_ERROR", notice, "The code is invalid or expired") \
  X(public_key_refused,      400, "invalid_request", "GENERIC_ERROR", info,   "The public key must be RSA, 2048 to 4096 bit, with exponent 65537, in PEM.") \
  X(scope_refused,           400, "invalid_scope",   "GENERIC_ERROR", info,   "None of the requested scopes can be granted.") \
  X(refresh_refused,         401, "invalid_grant",   "GENERIC_ERROR", notice, "The sign-in has ended. Please sign in again.") \
  X(refresh_expired,         401, "invalid_grant",   "GENERIC_ERROR", info,   "The sign-in has ended. Please sign in again.") \
  X(refresh_unknown_key,     401, "invalid_grant",   "GENERIC_ERROR", warn,   "The sign-in has ended. Please sign in again.") \
  X(refresh_revoked,         401, "invalid_grant",   "GENERIC_ERROR", info,   "The sign-in has ended. Please sign in again.") \
  X(refresh_other_origin,    401, "invalid_grant",   "GENERIC_ERROR", warn,   "The sign-in has ended. Please sign in again.") \
  X(proof_malformed,         400, "invalid_request", "GENERIC_ERROR", info,   "The proof of the refresh request could not be read.") \
  X(proof_wrong,             401, "invalid_grant",   "GENERIC_ERROR", warn,   "The sign-in has ended. Please sign in again.") \
  X(time_stamp_refused,      400, "invalid_grant",   "GENERIC_ERROR", info,   "The clock of this device differs too much from the server's.") \
  X(too_many_requests,       429, "temporarily_unavailable", "GENERIC_ERROR", notice, "Too many requests. Please wait a moment.") \
  X(client_refused,          401, "invalid_client",  "GENERIC_ERROR", notice, "The client is unknown or its credentials are wrong.") \
  X(client_auth_repeated,    400, "invalid_request", "GENERIC_ERROR", info,   "The client authenticated in more than one way.") \
  X(client_grant_refused,    400, "unauthorized_client", "GENERIC_ERROR", notice, "The client may not use this grant type.") \
  X(client_subject_refused,  400, "invalid_request", "GENERIC_ERROR", notice, "The client may not have tokens for this subject.") \
  X(demo_user_unknown,       401, "invalid_grant",   "GENERIC_ERROR", info,   "There is no such demo user here.") \
  X(otp_refused,             401, "invalid_grant",   "INVALID_OTP",   info,   "The code is wrong or has expired. Please try again.") \
  X(email_refused,           400, "invalid_request", "INVALID_EMAIL", info,   "This is not a plain e-mail address.") \
  X(otp_too_soon,            429, "temporarily_unavailable", "GENERIC_ERROR", info, "A code was sent a moment ago.") \
  X(otp_sends_spent,         429, "temporarily_unavailable", "GENERIC_ERROR", warn, "No more codes can be sent for now.") \
  X(otp_tries_spent,         401, "invalid_grant",   "INVALID_OTP",   notice, "The code is wrong or has expired. Please try again.") \
  /* ---- JWT (RFC 7515, 7519, 8725, OpenID Connect Core 3.1.3.7) */                                        \
  X(token_missing,           401, "",                "GENERIC_ERROR", info,   "A token is needed here.")    \
  X(token_repeated,          400, "invalid_request", "GENERIC_ERROR", info,   "More than one token was sent.") \
  X(token_malformed,         401, "invalid_token",   "GENERIC_ERROR", info,   "The token is not valid.")    \
  X(token_too_large,         401, "invalid_token",   "GENERIC_ERROR", info,   "The token is not valid.")    \
  X(token_header_refused,    401, "invalid_token",   "GENERIC_ERROR", notice, "The token is not valid.")    \
  X(token_alg_refused,       401, "invalid_token",   "GENERIC_ERROR", notice, "The token is not valid.")    \
  X(token_typ_refused,       401, "invalid_token",   "GENERIC_ERROR", notice, "The token is not valid.")    \
  X(token_key_unknown,       401, "invalid_token",   "GENERIC_ERROR", notice, "The token is not valid.")    \
  X(token_signature_wrong,   401, "invalid_token",   "GENERIC_ERROR", notice, "The token is not valid.")    \
  X(token_issuer_wrong,      401, "invalid_token",   "GENERIC_ERROR", notice, "The token is not valid.")    \
  X(token_audience_wrong,    401, "invalid_token",   "GENERIC_ERROR", notice, "The token is not valid.")    \
  X(token_azp_wrong,         401, "invalid_token",   "GENERIC_ERROR", notice, "The token is not valid.")    \
  X(token_nonce_wrong,       401, "invalid_token",   "GENERIC_ERROR", notice, "The token is not valid.")    \
  X(token_hash_wrong,        401, "invalid_token",   "GENERIC_ERROR", notice, "The token is not valid.")    \
  X(token_subject_wrong,     401, "invalid_token",   "GENERIC_ERROR", notice, "The token is not valid.")    \
  X(token_time_malformed,    401, "invalid_token",   "GENERIC_ERROR", notice, "The token is not valid.")    \
  X(token_expired,           401, "invalid_token",   "GENERIC_ERROR", info,   "The token has expired.")     \
  X(token_not_yet_valid,     401, "invalid_token",   "GENERIC_ERROR", notice, "The token is not valid.")    \
  X(token_revoked,           401, "invalid_token",   "GENERIC_ERROR", info,   "The token is not valid.")    \
  X(token_foreign,           401, "invalid_token",   "GENERIC_ERROR", notice, "The token is not valid.")    \
  X(token_kind_refused,      401, "invalid_token",   "GENERIC_ERROR", notice, "The token is not valid.")    \
  X(scope_insufficient,      403, "insufficient_scope", "GENERIC_ERROR", info, "The token does not carry the scope that is needed here.") \
  X(claim_insufficient,      403, "insufficient_scope", "GENERIC_ERROR", info, "The token does not allow this.") \
  X(claim_unmatched,         403, "insufficient_scope", "GENERIC_ERROR", warn, "The token does not allow this.") \
  /* ---- keys (RFC 7517, 7518) */                                                                          \
  X(key_malformed,           500, "server_error",    "GENERIC_ERROR", error,  "Something is wrong on this server.") \
  X(key_weak,                500, "server_error",    "GENERIC_ERROR", error,  "Something is wrong on this server.") \
  X(key_set_empty,           502, "server_error",    "GENERIC_ERROR", error,  "The sign-in provider's keys could not be used.") \
  X(weak_secret,             500, "server_error",    "GENERIC_ERROR", error,  "Something is wrong on this server.") \
  /* ---- sealing */                                                                                        \
  X(seal_malformed,          400, "invalid_request", "GENERIC_ERROR", info,   "This value is not valid.")   \
  X(seal_unknown_key,        400, "invalid_request", "GENERIC_ERROR", info,   "This value is not valid.")   \
  X(seal_forged,             400, "invalid_request", "GENERIC_ERROR", info,   "This value is not valid.")   \
  X(seal_expired,            400, "invalid_request", "GENERIC_ERROR", info,   "This value has expired.")    \
  /* ---- store */                                                                                          \
  X(store_absent,            404, "invalid_request", "GENERIC_ERROR", info,   "There is nothing here.")     \
  X(store_taken,             409, "invalid_request", "GENERIC_ERROR", info,   "This was used already.")     \
  X(store_too_old,           409, "invalid_request", "GENERIC_ERROR", info,   "This is too old.")           \
  X(store_full,              503, "temporarily_unavailable", "GENERIC_ERROR", error, "Too many sign-ins at once. Please try again.") \
  X(store_down,              503, "temporarily_unavailable", "GENERIC_ERROR", error, "Sign-in is not available at the moment. Please try again.") \
  X(store_lost,              503, "temporarily_unavailable", "GENERIC_ERROR", error, "Sign-in is not available at the moment. Please try again.") \
  X(revocations_full,        503, "temporarily_unavailable", "GENERIC_ERROR", error, "This cannot be revoked at the moment. Please try again.") \
  X(revocations_unsaved,     503, "temporarily_unavailable", "GENERIC_ERROR", error, "This cannot be revoked at the moment. Please try again.") \
  X(revocations_stale,       503, "temporarily_unavailable", "GENERIC_ERROR", error, "Tokens cannot be checked at the moment. Please try again.") \
  X(keyset_mismatch,         503, "temporarily_unavailable", "GENERIC_ERROR", error, "Sign-in is not available at the moment. Please try again.") \
  /* ---- us */                                                                                             \
  X(internal,                500, "server_error",    "GENERIC_ERROR", error,  "Something is wrong on this server.")
// clang-format on

enum class Problem : std::uint8_t {
#define OAUTH_PROBLEM_NAME(name, ...) name,
  OAUTH_PROBLEMS(OAUTH_PROBLEM_NAME)
#undef OAUTH_PROBLEM_NAME
};

struct ProblemRow {
  std::string_view name;
  int status;                    // of an answer that is about this and nothing else
  std::string_view oauth_error;  // RFC 6749 4.1.2.1, 5.2 or RFC 6750 3.1; empty: none is sent
  std::string_view dexie_code;   // dexie-contract 4.5: messageCode
  Level level;
  std::string_view text;
};

const ProblemRow& row(Problem problem) noexcept;
inline std::string_view name(Problem problem) noexcept {
  return row(problem).name;
}

// A 503 or 429 carries Retry-After; how many seconds.
inline constexpr int kRetryAfter = 5;

}  // namespace oauth
