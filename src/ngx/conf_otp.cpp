// The block `oauth_otp { … }`: one-time passwords by e-mail.
#include "ngx/block.hpp"
#include "oauth/base/text.hpp"
#include "oauth/proto/otp.hpp"

namespace oauth {
namespace {

ngx_str_t text_of(std::string_view word) {
  return {word.size(), reinterpret_cast<u_char*>(const_cast<char*>(word.data()))};
}

// Digits alone, within bounds.
std::string keep_number(std::int64_t& slot, std::string_view word, std::int64_t least,
                        std::int64_t most) {
  const ngx_str_t text = text_of(word);
  slot = ngx_atoi(text.data, text.len);
  return slot >= least && slot <= most
             ? ""
             : "must be a number from " + std::to_string(least) + " to " + std::to_string(most);
}

// nginx's own times ("10m") in whole seconds.
std::string keep_time(std::int64_t& slot, std::string_view word, std::int64_t least,
                      std::string_view bounds) {
  constexpr std::int64_t kMost = 3600;
  ngx_str_t text = text_of(word);
  slot = ngx_parse_time(&text, 1);
  return slot >= least && slot <= kMost ? "" : "must be a time between " + std::string(bounds);
}

std::string set_send_via(ngx_conf_t*, OtpRules& rules, const Words& words) {
  rules.send_via = words[0];
  return words[0].starts_with('/') ? "" : "must be the path of an internal location, e.g. /mail";
}

std::string set_length(ngx_conf_t*, OtpRules& rules, const Words& words) {
  std::int64_t length = 0;
  std::string wrong = keep_number(length, words[0], kLeastOtp, kMostOtp);
  rules.length = static_cast<std::size_t>(length);
  return wrong;
}

std::string set_lifetime(ngx_conf_t*, OtpRules& rules, const Words& words) {
  return keep_time(rules.lifetime, words[0], 60, "1m and 1h, e.g. 10m");
}

std::string set_resend(ngx_conf_t*, OtpRules& rules, const Words& words) {
  return keep_time(rules.resend, words[0], 1, "1s and 1h, e.g. 30s");
}

std::string set_attempts(ngx_conf_t*, OtpRules& rules, const Words& words) {
  return keep_number(rules.attempts, words[0], 1, 20);
}

std::string set_sends(ngx_conf_t*, OtpRules& rules, const Words& words) {
  constexpr std::string_view kAnHour = "/h";
  const std::string_view rate = words[0];
  const bool is_rate =
      rate.ends_with(kAnHour) &&
      keep_number(rules.sends, rate.substr(0, rate.size() - kAnHour.size()), 1, 100'000).empty();
  return is_rate ? ""
                 : "must say how many mails the broker may send in an hour, 1/h to 100000/h, e.g. "
                   "1000/h";
}

std::string set_domains(ngx_conf_t*, OtpRules& rules, const Words& words) {
  for (const std::string_view word : words) {
    const auto address = plain_email("x@" + std::string(word));
    if (!address) {
      return "\"" + std::string(word) +
             "\": write one whole domain, e.g. example.com; each subdomain is one of its own";
    }
    rules.email_domains.push_back(ascii_lower(word));
  }
  return {};
}

const std::vector<BlockMember<OtpRules>>& otp_members() {
  // {name, fewest and most values, repeatable, setter}
  static const std::vector<BlockMember<OtpRules>> kMembers{
      {"send_via", 1, 1, false, set_send_via},
      {"length", 1, 1, false, set_length},
      {"lifetime", 1, 1, false, set_lifetime},
      {"attempts", 1, 1, false, set_attempts},
      {"resend", 1, 1, false, set_resend},
      {"sends", 1, 1, false, set_sends},
      {"allow_email_domain", 1, 64, false, set_domains},
  };
  return kMembers;
}

}  // namespace

char* set_otp(ngx_conf_t* cf, ngx_command_t*, void* conf) noexcept {
  auto& server = *static_cast<ServerConf*>(conf);
  if (server.otp) {
    return conf_error(cf, "\"oauth_otp\" is given twice");
  }
  server.otp_place = place_of(cf);
  OtpRules rules;
  BlockReader<OtpRules> block("oauth_otp", rules, otp_members());
  if (char* read = block.read(cf); read != NGX_CONF_OK) {
    return read;
  }
  if (rules.send_via.empty()) {
    const PointingTo opening_line(cf, server.otp_place);
    return conf_error(cf,
                      "oauth_otp needs \"send_via /PATH;\": the internal location that sends the "
                      "mail");
  }
  server.otp = std::move(rules);
  return static_cast<char*>(NGX_CONF_OK);
}

}  // namespace oauth
