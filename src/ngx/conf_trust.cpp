// The block `oauth_trust ISSUER { … }`: whose tokens a protected location believes beside those of
// its own broker (DESIGN 2).
#include <algorithm>

#include "ngx/block.hpp"
#include "ngx/endpoints.hpp"
#include "ngx/setters.hpp"
#include "oauth/base/text.hpp"
#include "oauth/proto/metadata.hpp"

namespace oauth {
namespace {

char* const kOk = static_cast<char*>(NGX_CONF_OK);
constexpr AlgSet kSymmetric{Alg::hs256, Alg::hs384, Alg::hs512};

// What the block says beyond the Trust that it becomes.
struct TrustBlock {
  Trust trust;
  std::string jwks_file;
};

bool is_symmetric(AlgSet algs) {
  return !(algs & kSymmetric).empty();
}

std::string set_jwks_uri(ngx_conf_t*, TrustBlock& block, const Words& words) {
  return keep_url(block.trust.jwks_uri, words[0], true);
}

std::string set_jwks_file(ngx_conf_t*, TrustBlock& block, const Words& words) {
  block.jwks_file = words[0];
  return words[0].empty() ? "must be the path of a file" : "";
}

std::string set_trust_audience(ngx_conf_t*, TrustBlock& block, const Words& words) {
  Expectations& expect = block.trust.expect;
  for (const std::string_view word : words) {
    if (word.empty() || !is_printable_ascii(word)) {
      return "must be one or more non-empty strings, as the issuer writes them into \"aud\"";
    }
    expect.audiences.emplace_back(word);
  }
  const bool has_any = std::find(words.begin(), words.end(), "any") != words.end();
  if (has_any && words.size() > 1) {
    return "\"any\" believes tokens that were made for anybody: write it alone, or leave it out";
  }
  expect.any_audience = has_any;
  if (has_any) {
    expect.audiences.clear();
  }
  return {};
}

std::string set_algorithms(ngx_conf_t*, TrustBlock& block, const Words& words) {
  block.trust.expect.algs = AlgSet{};
  for (const std::string_view word : words) {
    const auto alg = parse_alg(word);
    if (!alg) {
      return "\"" + std::string(word) +
             "\" is unknown; possible are: RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, "
             "ES512, EdDSA and, with \"jwks_file\", HS256, HS384, HS512";
    }
    block.trust.expect.algs.add(*alg);
  }
  return {};
}

std::string set_require_typ(ngx_conf_t*, TrustBlock& block, const Words& words) {
  block.trust.expect.typs.clear();
  for (const std::string_view word : words) {
    // RFC 7515 4.1.9: a media type.
    if (word.empty() || !is_printable_ascii(word) || word.find(' ') != std::string_view::npos) {
      return "must be names as they stand in a token's header, e.g. at+jwt";
    }
    block.trust.expect.typs.emplace_back(word);
  }
  return {};
}

std::string set_scope_claim(ngx_conf_t*, TrustBlock& block, const Words& words) {
  block.trust.scope_claim = words[0];
  return words[0].empty() || words[0] == "/" || !is_printable_ascii(words[0])
             ? "must be a claim's name, e.g. scp, or a JSON Pointer, e.g. /realm_access/roles"
             : "";
}

std::string set_subject_prefix(ngx_conf_t*, TrustBlock& block, const Words& words) {
  if (words[0] == "off") {
    return {};
  }
  if (!is_provider_name(words[0])) {
    return "must be [a-z0-9][a-z0-9_-]{0,31}, or \"off\"";
  }
  if (is_reserved_provider_name(words[0])) {
    return "\"" + std::string(words[0]) + "\" is reserved: choose another";
  }
  block.trust.subject_prefix = words[0];
  return {};
}

std::string set_max_stale(ngx_conf_t*, TrustBlock& block, const Words& words) {
  constexpr ngx_int_t kMonth = ngx_int_t{30} * 24 * 3600;  // s
  ngx_str_t text{words[0].size(), reinterpret_cast<u_char*>(const_cast<char*>(words[0].data()))};
  const ngx_int_t seconds = ngx_parse_time(&text, 1);
  if (seconds == NGX_ERROR || seconds < 1 || seconds > kMonth) {
    return "must be a time from 1s to 30d, e.g. 24h";
  }
  block.trust.max_stale = seconds;
  return {};
}

const std::vector<BlockMember<TrustBlock>>& trust_members() {
  // {name, fewest and most values, repeatable, setter}
  static const std::vector<BlockMember<TrustBlock>> kMembers{
      {"jwks_uri", 1, 1, false, set_jwks_uri},
      {"jwks_file", 1, 1, false, set_jwks_file},
      {"audience", 1, 32, false, set_trust_audience},
      {"algorithms", 1, kAlgs.size(), false, set_algorithms},
      {"require_typ", 1, 8, false, set_require_typ},
      {"scope_claim", 1, 1, false, set_scope_claim},
      {"subject_prefix", 1, 1, false, set_subject_prefix},
      {"max_stale", 1, 1, false, set_max_stale},
  };
  return kMembers;
}

// Why a file gave no key at all.
std::string why_unusable(std::string_view text) {
  const auto set = Json::parse_object(text, {.bytes = KeySet::kMaxBytes, .depth = 16});
  const Json members = set ? set->get("keys") : Json();
  if (members.size() == 0) {
    return "it must be a JWK Set, {\"keys\":[…]}";
  }
  std::string_view why;
  if (members.at(0).string("kty") == "oct") {
    const auto key = Key::from_jwk(members.at(0), true, why);
    return key ? "symmetric keys need \"algorithms HS256;\" (or HS384, HS512), and no public ones "
                 "beside them"
               : std::string(why);
  }
  const auto key = Key::from_jwk(members.at(0), false, why);
  return key ? "keys that share a kid are ambiguous: give each its own" : std::string(why);
}

bool can_verify(const KeySet& keys, AlgSet algs) {
  return std::any_of(keys.keys().begin(), keys.keys().end(),
                     [algs](const Key& key) { return !(key.algs() & algs).empty(); });
}

std::string read_keys(ngx_conf_t* cf, TrustBlock& block, const std::string& title) {
  Trust& trust = block.trust;
  const bool symmetric = is_symmetric(trust.expect.algs);
  std::string why;
  const auto text = read_whole_file(cf, block.jwks_file, why, KeySet::kMaxBytes, symmetric);
  if (!text) {
    return "has a \"jwks_file\" that cannot be read: " + why;
  }
  const auto keys = KeySet::parse(*text, symmetric);
  if (!keys) {
    return "has a \"jwks_file\" without a usable key: " + why_unusable(*text);
  }
  for (const std::string& line : keys->left_out()) {
    conf_warning(cf, title + " leaves out a key of \"" + block.jwks_file + "\": " + line);
  }
  trust.keys = std::make_shared<const KeySet>(keys_for(*keys, trust.expect.issuer));
  return can_verify(*trust.keys, trust.expect.algs)
             ? ""
             : "has a \"jwks_file\" of which no key can carry its \"algorithms\", or signs for "
               "this issuer";
}

// What only shows when the whole block is known; empty: nothing is wrong.
std::string complete(ngx_conf_t* cf, TrustBlock& block, bool has_prefix, const std::string& title) {
  Trust& trust = block.trust;
  if (trust.expect.audiences.empty() && !trust.expect.any_audience) {
    return "needs \"audience VALUE…;\": what the issuer writes into tokens for this API "
           "(\"audience any;\" would believe tokens for everybody)";
  }
  if (!has_prefix) {
    return "needs \"subject_prefix NAME;\", which keeps its users apart from all others, or "
           "\"subject_prefix off;\"";
  }
  if (!block.jwks_file.empty() && !trust.jwks_uri.empty()) {
    return "has both \"jwks_uri\" and \"jwks_file\": one of them";
  }
  // RFC 8725 3.1: what everybody may fetch keeps no secret.
  if (block.jwks_file.empty() && is_symmetric(trust.expect.algs)) {
    return "may have HS256, HS384 and HS512 among its \"algorithms\" only with \"jwks_file\"";
  }
  return block.jwks_file.empty() ? "" : read_keys(cf, block, title);
}

// A list names an issuer once; a prefix means one issuer in all of the configuration.
std::string what_collides(const MainConf& main, const std::vector<SaidTrust>& list,
                          const Trust& trust) {
  for (const SaidTrust& other : list) {
    if (other.trust.expect.issuer == trust.expect.issuer) {
      return "is given twice";
    }
  }
  for (const SaidTrust& other : main.trusts) {
    if (!trust.subject_prefix.empty() && other.trust.subject_prefix == trust.subject_prefix &&
        other.trust.expect.issuer != trust.expect.issuer) {
      return "has the subject_prefix \"" + trust.subject_prefix + "\" of \"" +
             other.trust.expect.issuer + "\": each needs its own";
    }
  }
  return {};
}

std::string title_of(const Trust& trust) {
  return "oauth_trust \"" + trust.expect.issuer + "\"";
}

// Another broker's server is merged when its turn comes: what it says or inherits counts.
Trust trust_in(const ServerConf& other, const ServerConf& http, const MainConf& main) {
  Broker broker;
  broker.set_url(*other.broker_url);
  const auto& audiences = other.audiences ? other.audiences : http.audiences;
  broker.audiences = audiences.value_or(std::vector<std::string>{broker.url});
  broker.signing = main.signing;
  return own_trust(broker);
}

const ServerConf* broker_of(const MainConf& main, std::string_view issuer) {
  const auto found = std::find_if(
      main.brokers.begin(), main.brokers.end(),
      [issuer](const ServerConf* other) { return other->broker_url->text() == issuer; });
  return found == main.brokers.end() ? nullptr : *found;
}

bool is_cognito(const MainConf& main, std::string_view issuer) {
  return is_cognito_issuer(issuer) ||
         std::any_of(main.providers.begin(), main.providers.end(), [issuer](const Provider& one) {
           return one.type == ProviderType::cognito && one.issuer == issuer;
         });
}

char* resolve(ngx_conf_t* cf, const ServerConf& http, ServerConf& server, const SaidTrust& said) {
  const MainConf& main = main_conf(cf);
  const std::string& issuer = said.trust.expect.issuer;
  const ServerConf* broker = broker_of(main, issuer);
  const PointingTo place(cf, said.place);
  if (said.names_broker && broker == nullptr) {
    return conf_error(cf, title_of(said.trust) +
                              " is empty, and no \"oauth_broker\" of this NGINX has that URL: for "
                              "another issuer write \"audience …; subject_prefix …;\" into it");
  }
  if (!said.names_broker && broker != nullptr) {
    return conf_error(cf, title_of(said.trust) +
                              " is a broker of this NGINX, whose keys and rules are known: leave "
                              "the block empty");
  }
  Trust trust = broker == nullptr ? said.trust : trust_in(*broker, http, main);
  trust.expect.skew = server.clock_skew.value_or(trust.expect.skew);
  if (broker == nullptr && is_cognito(main, issuer)) {
    expect_cognito(trust);
  }
  server.trusts.push_back(std::move(trust));
  return kOk;
}

}  // namespace

char* set_trust(ngx_conf_t* cf, ngx_command_t*, void* conf) noexcept {
  auto& server = *static_cast<ServerConf*>(conf);
  if (!server.said_trusts) {
    server.said_trusts.emplace();
  }
  const Place place = place_of(cf);
  const bool in_server = (cf->cmd_type & NGX_HTTP_SRV_CONF) != 0;
  TrustBlock block;
  block.trust.expect.typs = {"", "JWT", "at+jwt"};  // DESIGN 2
  std::string wrong = keep_url(block.trust.expect.issuer, conf_arg(cf, 1), false);
  if (!wrong.empty()) {
    return conf_error(cf, directive(cf) + "\"" + std::string(conf_arg(cf, 1)) + "\" " + wrong);
  }
  const std::string title = title_of(block.trust);
  BlockReader<TrustBlock> reader(title, block, trust_members());
  if (char* read = reader.read(cf); read != kOk) {
    return read;
  }
  const PointingTo opening_line(cf, place);
  const bool names_broker = reader.seen().empty();
  wrong = what_collides(main_conf(cf), *server.said_trusts, block.trust);
  if (wrong.empty() && !names_broker) {
    wrong = complete(cf, block, reader.seen().count("subject_prefix") != 0, title);
  }
  if (!wrong.empty()) {
    return conf_error(cf, title + " " + wrong);
  }
  server.said_trusts->push_back({block.trust, place, names_broker});
  main_conf(cf).trusts.push_back(server.said_trusts->back());
  const bool fetches = !names_broker && block.trust.is_fetched();
  return fetches && in_server ? ensure_fetch_location(cf, "", server) : kOk;
}

// DESIGN 2: user names do not collide.
char* check_trusts(ngx_conf_t* cf, const MainConf& main) {
  for (const SaidTrust& said : main.trusts) {
    for (const Provider& provider : main.providers) {
      if (provider.name == said.trust.subject_prefix) {
        const PointingTo place(cf, said.place);
        return conf_error(cf, title_of(said.trust) + " has the subject_prefix \"" + provider.name +
                                  "\", which is the name of an oauth_provider: choose another");
      }
    }
  }
  return kOk;
}

char* resolve_trusts(ngx_conf_t* cf, const ServerConf& http, ServerConf& server) {
  const bool is_inherited = !server.said_trusts.has_value();
  const auto& list = is_inherited ? http.said_trusts : server.said_trusts;
  for (const SaidTrust& said : list.value_or(std::vector<SaidTrust>())) {
    const bool is_itself =
        server.broker_url && server.broker_url->text() == said.trust.expect.issuer;
    if (is_itself && !is_inherited) {
      const PointingTo place(cf, said.place);
      return conf_error(cf, title_of(said.trust) +
                                " is this server's own broker, which it trusts anyway: remove it");
    }
    if (is_itself && said.names_broker) {
      continue;
    }
    if (resolve(cf, http, server, said) != kOk) {
      return static_cast<char*>(NGX_CONF_ERROR);
    }
  }
  server.fetch.limit = main_conf(cf).fetch_limit.value_or(server.fetch.limit);
  return kOk;
}

}  // namespace oauth
