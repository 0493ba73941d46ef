#include "ngx/redis_keyset.hpp"

#include "oauth/base/text.hpp"

namespace oauth {
namespace {

constexpr ngx_msec_t kLife = 20'000;       // ms; of an entry: who is gone counts no longer
constexpr ngx_msec_t kPause = 5'000;       // ms; between two comparisons
constexpr ngx_msec_t kImpatience = 1'000;  // ms; while on its own, or where the server is not asked

// What the script says: 0, or the sum of what is missing, or that nobody is there to compare with.
constexpr long long kNoSecret = 1;
constexpr long long kNoKey = 2;
constexpr long long kNobody = 4;

// KEYS the set; ARGV node and turn, secrets, signing keys, milliseconds an entry lives, 1: may
// begin a set in which there is no other node. An entry of this node is of an older configuration,
// or replaced by the same, or of a newer one: then this worker is about to end, and only looks.
constexpr std::string_view kCompare =
    "local t = redis.call('TIME') "
    "local now = t[1] * 1000 + math.floor(t[2] / 1000) "
    "local gone = redis.call('ZRANGE', KEYS[1], '-inf', now, 'BYSCORE', 'LIMIT', 0, 500) "
    "local self, turn = string.match(ARGV[1], '^(%S+) (%d+)$') "
    "local alone, newer, secrets, keys = true, false, {}, {} "
    "for _, entry in ipairs(redis.call('ZRANGE', KEYS[1], '(' .. now, '+inf', 'BYSCORE')) do "
    "local node, n, s, k = string.match(entry, '^(%S+) (%d+) (%S+) (%S+)$') "
    "if node == self then "
    "if tonumber(n) > tonumber(turn) then newer = true else gone[#gone + 1] = entry end "
    "elseif node then alone = false "
    "for id in string.gmatch(s, '[^,]+') do secrets[id] = true end "
    "for id in string.gmatch(k, '[^,]+') do keys[id] = true end end end "
    "if #gone > 0 then redis.call('ZREM', KEYS[1], unpack(gone)) end "
    "local function missing(ids, all) "
    "for id in string.gmatch(ids, '[^,]+') do if all[id] then return 0 end end return 1 end "
    "if alone then if ARGV[5] ~= '1' then return 4 end "
    "else local n = missing(ARGV[2], secrets) + 2 * missing(ARGV[3], keys) "
    "if n > 0 then return n end end "
    "if newer then return 0 end "
    "redis.call('ZADD', KEYS[1], string.format('%.0f', now + ARGV[4]), "
    "table.concat({ARGV[1], ARGV[2], ARGV[3]}, ' ')) "
    "redis.call('EXPIRE', KEYS[1], string.format('%.0f', math.ceil(ARGV[4] / 1000) + 1)) "
    "return 0";

std::string join(const std::vector<std::string>& ids) {
  std::string text;
  for (const std::string& id : ids) {
    text += (text.empty() ? "" : ",") + id;
  }
  return text;
}

std::string kids_of(const KeySet& signing) {
  std::vector<std::string> kids;
  for (const Key& key : signing.keys()) {
    kids.push_back(key.kid());
  }
  return join(kids);
}

std::string remedy(long long missing) {
  const bool secret = (missing & kNoSecret) != 0;
  const bool key = (missing & kNoKey) != 0;
  std::string what = secret ? "\"oauth_secret\"" : "";
  what += secret && key ? " and no " : "";
  what += key ? "\"oauth_signing_key\"" : "";
  return "this node has no " + what +
         " in common with the other nodes of this store, so it answers 503 (keyset_mismatch): give "
         "all nodes the same \"oauth_secret\" and \"oauth_signing_key\" files and reload them "
         "(docs/keys.md); who is no node of theirs needs another \"prefix=\"";
}

}  // namespace

std::string keyset_node() {
  static unsigned long turn = 0;
  static const std::string kName = [] {
    const auto random = random_bytes(16);
    return random ? hex_encode(*random) : "pid" + std::to_string(ngx_pid);
  }();
  return kName + " " + std::to_string(++turn);
}

RedisKeyset::RedisKeyset(RedisTopology& topology, const RedisOptions& options,
                         const std::string& node, const Keyring& keyring, const KeySet& signing)
    : topology_(topology),
      key_(options.prefix + "keyset:nodes"),
      node_(node),
      secrets_(join(keyring.key_ids())),
      signing_(kids_of(signing)),
      entry_(node_ + " " + secrets_ + " " + signing_),
      script_{kCompare, {}} {}

void RedisKeyset::start(ngx_log_t* log) {
  begin(log);
  compare();
}

void RedisKeyset::leave() noexcept try {
  if (RedisConnection* connection = pick()) {
    connection->send_last(redis_command({"ZREM", key_, entry_}));
  }
} catch (...) {
  // It ends by itself.
}

void RedisKeyset::on_silence() {
  pause(kImpatience);
}

void RedisKeyset::on_exception() noexcept {
  pause(kImpatience);
}

void RedisKeyset::compare() {
  // A worker that ends may have keys that its successors have no longer.
  RedisConnection* connection = ngx_exiting ? nullptr : pick();
  if (connection == nullptr) {
    pause(kImpatience);
    return;
  }
  const std::string life = std::to_string(kLife);
  std::vector<std::string_view> words{"SCRIPT", "LOAD", script_.text};
  if (!script_.sha.empty()) {
    words = {"EVALSHA", script_.sha,           "1", key_, node_, secrets_, signing_,
             life,      may_begin_ ? "1" : "0"};
  }
  ask(*connection, redis_command(words));
}

RedisConnection* RedisKeyset::pick() noexcept {
  RedisNode* node = topology_.node_for(key_);
  return node == nullptr ? nullptr : node->pick();
}

void RedisKeyset::on_answer(const RedisReply& reply) {
  const bool is_elsewhere =
      reply.kind == RedisReply::Kind::error &&
      topology_.advise(key_, reply).kind != RedisTopology::Advice::Kind::give_up;
  if (is_elsewhere) {
    pause(kImpatience);
    return;
  }
  const bool is_loading = script_.sha.empty();
  if (reply.kind == RedisReply::Kind::error && redis_error_code(reply) == "NOSCRIPT" &&
      !std::exchange(forgotten_, true)) {
    script_.sha.clear();
    compare();
  } else if (is_loading && reply.kind == RedisReply::Kind::text) {
    script_.sha = reply.text;
    compare();
  } else if (!is_loading && reply.kind == RedisReply::Kind::integer) {
    forgotten_ = false;
    judge(reply.integer);
  } else {
    const std::string_view verb = is_loading ? "SCRIPT" : "EVALSHA";
    tell(NGX_LOG_WARN,
         (reply.kind == RedisReply::Kind::error ? redis_refusal(verb, reply)
                                                : std::string(verb) + " has an unexpected answer") +
             "; so nobody compares the nodes' keys");
    forgotten_ = false;
    pause(kPause);
  }
}

void RedisKeyset::judge(long long missing) {
  if (missing == kNobody) {
    // A server that was emptied: who is right is back by then.
    may_begin_ = true;
    pause(kPause + kImpatience);
    return;
  }
  if (missing != 0) {
    tell(NGX_LOG_ERR, remedy(missing));
  } else if (missing_ != 0) {
    tell(NGX_LOG_NOTICE, "this node has keys in common with the others again");
  }
  missing_ = missing;
  may_begin_ = missing == 0;
  pause(missing == 0 ? kPause - static_cast<ngx_msec_t>(ngx_random()) % (kPause / 4) : kImpatience);
}

void RedisKeyset::tell(ngx_uint_t level, const std::string& what) {
  if (RedisNode* node = topology_.node_for(key_)) {
    node->tell(level, what);
  }
}

}  // namespace oauth
