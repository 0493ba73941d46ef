#include "oauth/proto/grant.hpp"

#include <algorithm>

#include "oauth/base/json_tape.hpp"
#include "oauth/base/text.hpp"
#include "oauth/jose/client_key.hpp"
#include "oauth/proto/code.hpp"

namespace oauth {
namespace {

constexpr Json::Limits kRequestLimits{64 * 1024, 16};

// Every member that is a string where it is there at all.
constexpr std::string_view kTexts[] = {
    "grant_type",       "code",      "code_verifier", "public_key",
    "refresh_token",    "signature", "email",         "otp",
    "otp_id",           "demo_user", "client_id",     "client_secret",
    "signing_algorithm"};

std::string text(JsonView json, std::string_view member) {
  return std::string(json.string(member).value_or(""));
}

// `scopes`: absent, or an array of strings.
Result<std::vector<std::string>> asked_scopes(JsonView request) {
  std::vector<std::string> asked;
  const JsonView scopes = request.get("scopes");
  if (scopes.kind() == Json::Kind::null) {
    return asked;
  }
  if (!scopes.is_array()) {
    return Problem::request_malformed;
  }
  for (const JsonView& each : scopes.elements()) {
    const auto scope = each.string();
    if (!scope) {
      return Problem::request_malformed;
    }
    asked.emplace_back(*scope);
  }
  // A list that asks for nothing asks for nothing we could grant.
  if (asked.empty()) {
    return Problem::scope_refused;
  }
  return asked;
}

using AnyGrant = decltype(GrantRequest::grant);

Result<AnyGrant> read_code(JsonView json) {
  CodeRequest request;
  auto key = client_key_der(text(json, "public_key"));
  if (!key) {
    return key.problem();
  }
  request.public_key = *std::move(key);
  request.code_verifier = text(json, "code_verifier");
  request.code = text(json, "code");
  if (!is_code(request.code)) {
    return Problem::code_invalid;
  }
  return AnyGrant(std::move(request));
}

// dexie-contract 4.2. A `public_key` is not read: the proof does not sign it.
Result<AnyGrant> read_refresh(JsonView json) {
  constexpr std::int64_t kLeast = 1'000'000'000'000;  // 13 digits
  constexpr std::int64_t kMost = 9'999'999'999'999;
  RefreshRequest request;
  request.refresh_token = text(json, "refresh_token");
  const auto time_stamp = json.integer("time_stamp");
  const auto signature = base64_decode(text(json, "signature"));
  if (request.refresh_token.empty() || !time_stamp || *time_stamp < kLeast || *time_stamp > kMost ||
      !signature || signature->empty() || json.string("signing_algorithm") != "RSASSA-PKCS1-v1_5") {
    return Problem::proof_malformed;
  }
  request.time_stamp = *time_stamp;
  request.signature = *signature;
  return AnyGrant(std::move(request));
}

// dexie-contract 4.3: the second step is the one with a password in it.
Result<AnyGrant> read_otp(JsonView json) {
  if (!json.has("otp") && !json.has("otp_id")) {
    return AnyGrant(OtpAsk{text(json, "email")});
  }
  OtpAnswer answer;
  answer.otp_id = text(json, "otp_id");
  answer.otp = text(json, "otp");
  answer.email = text(json, "email");
  auto key = client_key_der(text(json, "public_key"));
  if (!key) {
    return key.problem();
  }
  answer.public_key = *std::move(key);
  return AnyGrant(std::move(answer));
}

Result<AnyGrant> read_demo(JsonView json) {
  auto key = client_key_der(text(json, "public_key"));
  if (!key) {
    return key.problem();
  }
  return AnyGrant(DemoRequest{text(json, "demo_user"), *std::move(key)});
}

Result<AnyGrant> read_client(JsonView json) {
  ClientRequest request;
  request.grant_type = text(json, "grant_type");
  request.credentials = {text(json, "client_id"), text(json, "client_secret"), false};
  request.claims = json.get("claims").copy();
  if (json.has("claims") && !request.claims.is_object()) {
    return Problem::request_malformed;
  }
  if (json.has("public_key")) {
    auto key = client_key_der(text(json, "public_key"));
    if (!key) {
      return key.problem();
    }
    request.public_key = *std::move(key);
  }
  return AnyGrant(std::move(request));
}

struct DexieGrant {
  std::string_view type;
  Result<AnyGrant> (*read)(JsonView json);
};

constexpr DexieGrant kDexieGrants[] = {
    {"authorization_code", read_code},
    {"refresh_token", read_refresh},
    {"otp", read_otp},
    {"demo", read_demo},
    {"client_credentials", read_client},
};

// What standard clients may come to ask; each is allowed some of them.
constexpr std::string_view kFormGrants[] = {"authorization_code", "refresh_token",
                                            "client_credentials"};

// RFC 6749 2.3.1: id and secret are form-encoded, and the first colon parts them.
Result<ClientCredentials> read_basic(std::string_view authorization) {
  constexpr std::string_view kBasic = "Basic ";
  if (!iequals_ascii(authorization.substr(0, kBasic.size()), kBasic)) {
    return Problem::client_refused;
  }
  const auto pair = base64_decode(authorization.substr(kBasic.size()));
  const auto colon = pair ? pair->find(':') : std::string::npos;
  if (colon == std::string::npos) {
    return Problem::client_refused;
  }
  const auto decode = [](const std::string& part) {
    const auto form = Form::parse("v=" + part);
    return form && form->fields().size() == 1 ? std::string(form->get("v")) : std::string();
  };
  return ClientCredentials{decode(pair->substr(0, colon)), decode(pair->substr(colon + 1)), true};
}

}  // namespace

Result<ClientCredentials> read_credentials(std::string_view id, std::string_view secret,
                                           const std::vector<std::string>& authorization) {
  if (authorization.empty()) {
    return ClientCredentials{std::string(id), std::string(secret), false};
  }
  if (authorization.size() > 1 || !secret.empty()) {
    return Problem::client_auth_repeated;
  }
  auto basic = read_basic(authorization.front());
  if (basic && !id.empty() && id != basic->id) {
    return Problem::client_auth_repeated;
  }
  return basic;
}

Result<GrantRequest> parse_dexie_request(std::string_view body) {
  JsonTape tape;
  if (const Check read = tape.parse(body, kRequestLimits); !read) {
    return read.problem();
  }
  const JsonView json = tape.root();
  if (!json.is_object()) {
    return Problem::json_invalid;
  }
  for (const auto& [name, value] : json.members()) {
    const bool is_text = std::find(std::begin(kTexts), std::end(kTexts), name) != std::end(kTexts);
    if (is_text && !value.string()) {
      return Problem::request_malformed;
    }
  }
  const std::string type = text(json, "grant_type");
  if (type.empty()) {
    return Problem::request_malformed;
  }
  const DexieGrant* grant = nullptr;
  for (const DexieGrant& each : kDexieGrants) {
    grant = each.type == type ? &each : grant;
  }
  if (grant == nullptr) {
    return Problem::grant_unsupported;
  }
  auto scopes = asked_scopes(json);
  if (!scopes) {
    return scopes.problem();
  }
  auto read = grant->read(json);
  if (!read) {
    return read.problem();
  }
  return GrantRequest{*std::move(scopes), *std::move(read)};
}

Result<GrantRequest> parse_form_request(std::string_view body,
                                        const std::vector<std::string>& authorization) {
  const auto form = Form::parse(body);
  if (!form) {
    return Problem::request_malformed;
  }
  if (form->repeated({"grant_type", "client_id", "client_secret", "scope", "code", "redirect_uri",
                      "code_verifier", "refresh_token"})) {
    return Problem::request_repeated;
  }
  const std::string_view type = form->get("grant_type");
  if (type.empty()) {
    return Problem::request_malformed;
  }
  const bool is_known =
      std::find(std::begin(kFormGrants), std::end(kFormGrants), type) != std::end(kFormGrants);
  if (!is_known) {
    return Problem::grant_unsupported;
  }
  auto credentials =
      read_credentials(form->get("client_id"), form->get("client_secret"), authorization);
  if (!credentials) {
    return credentials.problem();
  }
  const auto words = split_words(form->get("scope"));
  GrantRequest request;
  request.scopes = {words.begin(), words.end()};
  request.grant = ClientRequest{std::string(type), *std::move(credentials), Json(), {}};
  return request;
}

}  // namespace oauth
