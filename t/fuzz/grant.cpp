// Whatever is posted to /token: what is read has the shape that its grant promises, and nothing
// that anybody made up opens as a refresh token. Before a line feed stands an Authorization header.
#include "fuzz.hpp"

#include "oauth/proto/code.hpp"
#include "oauth/proto/grant.hpp"
#include "oauth/proto/issue.hpp"

namespace oauth {
namespace {

const Broker& broker() {
  static const Broker kBroker = [] {
    Broker made;
    std::string why;
    made.set_url(*parse_broker_url("https://auth.example.com", &why));
    std::vector<Secret> secrets;
    secrets.push_back(Secret(sha256("fuzz")));
    made.keyring = std::make_shared<const Keyring>(*Keyring::make(secrets));
    return made;
  }();
  return kBroker;
}

struct Promises {
  void operator()(const CodeRequest& request) const {
    must(is_code(request.code) && !request.public_key.empty());
  }
  void operator()(const RefreshRequest& request) const {
    must(std::to_string(request.time_stamp).size() == 13 && !request.signature.empty());
    must(!open_refresh_token(request.refresh_token, broker(), 1'700'000'000));
  }
  void operator()(const OtpAsk&) const {}
  void operator()(const OtpAnswer& request) const { must(!request.public_key.empty()); }
  void operator()(const DemoRequest& request) const { must(!request.public_key.empty()); }
  void operator()(const ClientRequest& request) const {
    must(!request.grant_type.empty() &&
         (request.claims.is_object() || request.claims.kind() == Json::Kind::null));
  }
};

}  // namespace
}  // namespace oauth

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace oauth;
  const std::string_view text = input(data, size);
  const auto line = text.find('\n');
  std::vector<std::string> authorization;
  if (line != std::string_view::npos) {
    authorization.emplace_back(text.substr(0, line));
  }
  const std::string_view body = line == std::string_view::npos ? text : text.substr(line + 1);
  if (const auto request = parse_dexie_request(body); request) {
    std::visit(Promises{}, request->grant);
  }
  if (const auto request = parse_form_request(body, authorization); request) {
    std::visit(Promises{}, request->grant);
  }
  return 0;
}
