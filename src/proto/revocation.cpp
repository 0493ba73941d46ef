#include "oauth/proto/revocation.hpp"

#include <cstring>

#include "oauth/base/json.hpp"
#include "oauth/base/text.hpp"
#include "oauth/proto/grant.hpp"

namespace oauth {
namespace {

constexpr Json::Limits kRequestLimits{64 * 1024, 16};
constexpr std::string_view kMembers[] = {"token", "token_type_hint", "client_id", "client_secret"};

RevocationMark mark_of(std::string_view id) noexcept {
  constexpr std::size_t kText = 22;  // base64url of 16 bytes
  RevocationMark mark = kNoMark;
  if (id.size() != kText) {
    return mark;
  }
  const auto bytes = base64url_decode(id);
  if (bytes && bytes->size() == sizeof(mark)) {
    std::memcpy(mark.data(), bytes->data(), sizeof(mark));
  }
  return mark;
}

Result<RevocationRequest> parse_form(std::string_view body,
                                     const std::vector<std::string>& authorization) {
  const auto form = Form::parse(body);
  if (!form) {
    return Problem::request_malformed;
  }
  if (form->repeated({kMembers[0], kMembers[1], kMembers[2], kMembers[3]})) {
    return Problem::request_repeated;
  }
  auto credentials =
      read_credentials(form->get("client_id"), form->get("client_secret"), authorization);
  if (!credentials) {
    return credentials.problem();
  }
  return RevocationRequest{std::string(form->get("token")), *std::move(credentials)};
}

Result<RevocationRequest> parse_json(std::string_view body,
                                     const std::vector<std::string>& authorization) {
  const auto json = Json::parse_object(body, kRequestLimits);
  if (!json) {
    return json.problem();
  }
  for (const std::string_view member : kMembers) {
    if (json->has(member) && !json->string(member)) {
      return Problem::request_malformed;
    }
  }
  auto credentials = read_credentials(json->string("client_id").value_or(""),
                                      json->string("client_secret").value_or(""), authorization);
  if (!credentials) {
    return credentials.problem();
  }
  return RevocationRequest{std::string(json->string("token").value_or("")),
                           *std::move(credentials)};
}

}  // namespace

RevocationMark token_mark(std::string_view jti) noexcept {
  return mark_of(jti);
}

RevocationMark family_mark(std::string_view sid) noexcept {
  RevocationMark mark = mark_of(sid);
  if (mark != kNoMark) {
    mark[1] = ~mark[1];
  }
  return mark;
}

Result<RevocationRequest> parse_revocation(std::string_view content_type, std::string_view body,
                                           const std::vector<std::string>& authorization) {
  const std::string type = media_type(content_type);
  const bool is_form = type == "application/x-www-form-urlencoded";
  if (!is_form && type != "application/json") {
    return Problem::content_type_refused;
  }
  auto request = is_form ? parse_form(body, authorization) : parse_json(body, authorization);
  if (request && request->token.empty()) {
    return Problem::request_malformed;
  }
  return request;
}

}  // namespace oauth
