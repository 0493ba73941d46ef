#include "ngx/guard_conf.hpp"

#include <algorithm>

#include "ngx/headers_conf.hpp"
#include "ngx/require_conf.hpp"
#include "ngx/setters.hpp"
#include "oauth/proto/arguments.hpp"

namespace oauth {
namespace {

constexpr std::string_view kQuery = "query=";
constexpr std::string_view kAny = ":any";

char* const kOk = static_cast<char*>(NGX_CONF_OK);

// `query=NAME[:any]`
char* read_argument(ngx_conf_t* cf, std::string_view word, LocationConf& location) {
  std::string_view name = word.substr(kQuery.size());
  const bool any = name.ends_with(kAny);
  name.remove_suffix(any ? kAny.size() : 0);
  if (!is_argument_name(name)) {
    return conf_error(cf, directive(cf) + "\"" + std::string(word) +
                              "\": name the argument by letters, digits, \"-\" and \"_\", e.g. "
                              "query=token, or query=token:any for requests of every kind");
  }
  location.argument = {std::string(name), any};
  add_token_argument(server_conf(cf), location.argument.name);
  return kOk;
}

// What a location block says of a guard that it may turn out not to have.
void note_place(ngx_conf_t* cf, LocationConf& location) {
  if ((cf->cmd_type & NGX_HTTP_LOC_CONF) != 0 && location.idle_place.line == 0) {
    location.idle_place = place_of(cf);
    location.idle_directive = conf_arg(cf, 0);
  }
}

bool says_nothing(const LocationConf& location) {
  return !location.protection && !location.pass_token && !location.cors &&
         !location.expired_grace && !location.stream && !location.requirements.off &&
         location.requirements.list.empty();
}

void inherit_all(const LocationConf& outer, LocationConf& inner) {
  if (!inner.protection) {
    inner.protection = outer.protection;
    inner.protect_place = outer.protect_place;
    inner.optional = outer.optional;
    inner.argument = outer.argument;
  }
  inner.cors_place = inner.cors ? inner.cors_place : outer.cors_place;
  inherit(inner.pass_token, outer.pass_token);
  inherit(inner.cors, outer.cors);
  inherit(inner.expired_grace, outer.expired_grace);
  inherit(inner.stream, outer.stream);
}

std::shared_ptr<Guard> make_guard(const LocationConf& location, const ServerConf& server) {
  auto guard = std::make_shared<Guard>();
  guard->optional = location.optional;
  if (const Broker* broker = server.broker.get()) {
    guard->trusts.push_back(own_trust(*broker, location.expired_grace.value_or(0)));
  }
  guard->trusts.insert(guard->trusts.end(), server.trusts.begin(), server.trusts.end());
  guard->policy = policy_of(guard->trusts);
  guard->realm = guard->trusts.front().expect.issuer;
  guard->requirements = location.requirements.list;
  guard->argument = location.argument;
  guard->origins = TargetRules(server.origins.value_or(std::vector<TargetRule>()));
  guard->cors = location.cors.value_or(false);
  guard->pass_token = location.pass_token.value_or(true);
  guard->stream = location.stream.value_or(StreamLifetime{});
  return guard;
}

// Own tokens are known from birth wherever they are believed.
void tell_brokers(const MainConf& main, const Guard& guard) {
  for (ServerConf* server : main.brokers) {
    for (std::size_t i = 0; i < guard.trusts.size(); ++i) {
      const Trust& trust = guard.trusts[i];
      const OwnPolicy policy{guard.policy, static_cast<std::uint32_t>(i)};
      std::vector<OwnPolicy>& known = server->judged_by;
      if (trust.is_own && trust.expect.issuer == server->broker_url->text() &&
          std::find(known.begin(), known.end(), policy) == known.end()) {
        known.push_back(policy);
      }
    }
  }
}

// DESIGN 2: a protected location trusts the broker of its own server and what is said in
// oauth_trust, and nothing unsaid. Empty: somebody.
std::string what_cannot_be_trusted(const ServerConf& server) {
  if (server.broker == nullptr && server.trusts.empty()) {
    return "\"oauth_protect\" has nobody to trust: put \"oauth_broker URL;\" into this server "
           "or \"oauth_trust ISSUER { … }\", or \"oauth_protect off;\" here";
  }
  // nginx's locations are made while the server block is read.
  const bool can_fetch = server.fetch.made.location_conf != nullptr;
  for (const Trust& trust : server.trusts) {
    if (trust.is_fetched() && !can_fetch) {
      return "\"oauth_protect\" trusts \"" + trust.expect.issuer +
             "\", whose keys are fetched, by an \"oauth_trust\" in http: write that into this "
             "server, which has no broker, or give it a \"jwks_file\"";
    }
  }
  return {};
}

}  // namespace

char* set_protect(ngx_conf_t* cf, ngx_command_t*, void* conf) noexcept {
  auto& location = *static_cast<LocationConf*>(conf);
  if (location.protection) {
    return twice(cf);
  }
  location.protect_place = place_of(cf);
  if (conf_arg(cf, 1) == "off" && cf->args->nelts == 2) {
    location.protection = Protection::off;
    return kOk;
  }
  if (conf_arg(cf, 1) != "bearer") {
    return conf_error(cf, directive(cf) + "must be \"bearer\" or \"off\"");
  }
  location.protection = Protection::bearer;
  for (std::size_t i = 2; i < cf->args->nelts; ++i) {
    const std::string_view word = conf_arg(cf, i);
    if (word == "optional" && !location.optional) {
      location.optional = true;
    } else if (word.starts_with(kQuery) && location.argument.name.empty()) {
      if (read_argument(cf, word, location) != kOk) {
        return static_cast<char*>(NGX_CONF_ERROR);
      }
    } else {
      return conf_error(cf, directive(cf) + "\"" + std::string(word) +
                                "\" is unknown here; possible is: bearer [query=NAME[:any]] "
                                "[optional], each once");
    }
  }
  return kOk;
}

char* set_pass_token(ngx_conf_t* cf, ngx_command_t*, void* conf) noexcept {
  auto& location = *static_cast<LocationConf*>(conf);
  note_place(cf, location);
  return keep_flag(cf, location.pass_token);
}

char* set_cors(ngx_conf_t* cf, ngx_command_t*, void* conf) noexcept {
  auto& location = *static_cast<LocationConf*>(conf);
  note_place(cf, location);
  location.cors_place = place_of(cf);
  return keep_flag(cf, location.cors);
}

char* set_expired_grace(ngx_conf_t* cf, ngx_command_t*, void* conf) noexcept {
  auto& location = *static_cast<LocationConf*>(conf);
  note_place(cf, location);
  return keep_seconds(cf, location.expired_grace, 0, 600);
}

char* set_stream_lifetime(ngx_conf_t* cf, ngx_command_t*, void* conf) noexcept {
  constexpr ngx_int_t kDay = 24 * 3600;  // s
  auto& location = *static_cast<LocationConf*>(conf);
  note_place(cf, location);
  if (location.stream) {
    return twice(cf);
  }
  const std::string_view word = conf_arg(cf, 1);
  if (word == "token" || word == "off") {
    location.stream = StreamLifetime{word == "token", 0};
    return kOk;
  }
  ngx_str_t text = static_cast<ngx_str_t*>(cf->args->elts)[1];
  const ngx_int_t extra = ngx_parse_time(&text, 1);
  if (extra == NGX_ERROR || extra > kDay) {
    return conf_error(cf, directive(cf) +
                              "must be \"token\", \"off\", or how much longer than the token, "
                              "from 0s to 24h, e.g. 30s");
  }
  location.stream = StreamLifetime{true, extra};
  return kOk;
}

char* merge_guard(ngx_conf_t* cf, const LocationConf& outer, LocationConf& inner) noexcept {
  const bool is_like_outer = says_nothing(inner) && outer.guard != nullptr;
  inherit_all(outer, inner);
  inherit_headers(outer.headers, inner.headers);
  if (merge_requirements(cf, outer, inner) != kOk) {
    return static_cast<char*>(NGX_CONF_ERROR);
  }
  const ServerConf& server = server_conf(cf);
  const bool has_origins = server.broker != nullptr || server.origins;
  if (inner.cors.value_or(false) && !has_origins) {
    const PointingTo place(cf, inner.cors_place);
    return conf_error(
        cf,
        "\"oauth_cors\" has no origins to allow: put \"oauth_allow_origin\" into this "
        "server, or \"oauth_cors off;\" here");
  }
  if (inner.protection.value_or(Protection::off) == Protection::off) {
    if (inner.idle_place.line != 0) {
      const PointingTo place(cf, inner.idle_place);
      conf_warning(cf, "\"" + inner.idle_directive +
                           "\" does nothing in a location without \"oauth_protect bearer;\"");
    }
    return kOk;
  }
  const PointingTo place(cf, inner.protect_place);
  if (const std::string wrong = what_cannot_be_trusted(server); !wrong.empty()) {
    return conf_error(cf, wrong);
  }
  inner.guard = is_like_outer ? outer.guard : make_guard(inner, server);
  tell_brokers(main_conf(cf), *inner.guard);
  return kOk;
}

void add_token_argument(ServerConf& server, const std::string& name) {
  std::vector<std::string>& names = server.token_arguments;
  if (std::find(names.begin(), names.end(), name) == names.end()) {
    names.push_back(name);
  }
}

}  // namespace oauth
