#include "ngx/redis_revocations.hpp"

#include <charconv>
#include <cstring>

namespace oauth {

// One step at the server, whatever happens in between. Numbers are the server's time in
// microseconds, but never the same twice; Lua's doubles hold them until the year 2255. It writes
// (EXPIRE) also what is there already: since Redis 8, WAIT is only for what its own connection
// wrote, and who asks again is to wait for a replica, too.
const std::string_view kRevokeScript =
    "local t = redis.call('TIME') "
    "local now = t[1] * 1000000 + t[2] "
    "local old = redis.call('ZRANGE', KEYS[2], '-inf', now, 'BYSCORE', 'LIMIT', 0, 500) "
    "if #old > 0 then "
    "redis.call('ZREM', KEYS[1], unpack(old)) redis.call('ZREM', KEYS[2], unpack(old)) end "
    "if not redis.call('ZSCORE', KEYS[1], ARGV[1]) then "
    "if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[3]) then return 0 end "
    "local last = redis.call('ZRANGE', KEYS[1], -1, -1, 'WITHSCORES')[2] "
    "local number = math.max(now, (tonumber(last) or 0) + 1) "
    "redis.call('ZADD', KEYS[1], string.format('%.0f', number), ARGV[1]) "
    "redis.call('ZADD', KEYS[2], string.format('%.0f', now + ARGV[2] * 1000), ARGV[1]) end "
    "local longest = redis.call('ZRANGE', KEYS[2], -1, -1, 'WITHSCORES')[2] "
    "local left = string.format('%.0f', math.ceil((longest - now) / 1000000)) "
    "redis.call('EXPIRE', KEYS[1], left) redis.call('EXPIRE', KEYS[2], left) "
    "return 1";

namespace {

constexpr std::size_t kPage = 8192;  // entries
constexpr ngx_msec_t kSoon = 50;     // ms; until somebody may know who has the list
constexpr unsigned kMaxMoves = 5;    // from node to node of a cluster, for one answer
// KEYS order; ARGV a number, how many: the number of the last entry behind it, a space, and the
// entries; nothing when there are none.
constexpr std::string_view kReadScript =
    "local page = redis.call('ZRANGE', KEYS[1], '(' .. ARGV[1], '+inf', 'BYSCORE', 'LIMIT', 0, "
    "ARGV[2]) "
    "if #page == 0 then return '' end "
    "local last = redis.call('ZSCORE', KEYS[1], page[#page]) "
    "return string.format('%.0f', last) .. ' ' .. table.concat(page)";

constexpr std::size_t kEntry = sizeof(RevocationMark) + sizeof(std::int64_t);
// Each round begins a minute before the end of the last one: after a failover the new server's
// clock may be behind the old one's.
constexpr std::uint64_t kOverlap = std::uint64_t{60} * 1000 * 1000;

}  // namespace

std::string revoked_key(const std::string& prefix) {
  return prefix + "{revoked}:order";
}

std::string revoked_until_key(const std::string& prefix) {
  return prefix + "{revoked}:until";
}

// Nodes of one store are of one byte order.
std::string revoked_entry(const RevocationMark& mark, std::int64_t expires) {
  std::string entry(kEntry, '\0');
  std::memcpy(entry.data(), mark.data(), sizeof(mark));
  std::memcpy(entry.data() + sizeof(mark), &expires, sizeof(expires));
  return entry;
}

RedisRevocations::RedisRevocations(RedisTopology& topology, const RedisOptions& options,
                                   const RevocationZone& zone)
    : topology_(topology), options_(options), zone_(zone), read_{kReadScript, {}} {}

RedisRevocations::~RedisRevocations() {
  if (leased_) {
    zone_.release(0);
  }
}

void RedisRevocations::start(ngx_log_t* log) {
  begin(log);
  begin_round();
}

void RedisRevocations::begin_round() {
  // Twice the time that a command may take: who has the lease and dies holds nobody up for long.
  if (ngx_exiting || !zone_.lease(interval() / 2, 2 * options_.timeout + 1000)) {
    pause(interval());
    return;
  }
  leased_ = true;
  asked_ = ngx_current_msec;
  from_ = known_ > kOverlap ? known_ - kOverlap : 0;
  ask_for_page();
}

// `node` null: the one that has the list, as far as one knows.
void RedisRevocations::ask_for_page(RedisNode* node, bool asking) {
  const std::string key = revoked_key(options_.prefix);
  if (node == nullptr) {
    node = topology_.node_for(key);
  }
  RedisConnection* connection = node == nullptr ? nullptr : node->pick();
  if (connection == nullptr) {
    const bool unknown = node == nullptr && !topology_.known_down();
    give_up();
    if (unknown) {
      pause(kSoon);
    }
    return;
  }
  if (forgotten_ > 0) {
    connection->submit_unheard(redis_command({"SCRIPT", "LOAD", read_.text}));
  }
  if (asking) {
    connection->submit_unheard(redis_command({"ASKING"}));
  }
  const std::string from = std::to_string(from_);
  const std::string count = std::to_string(kPage);
  std::vector<std::string_view> words{"SCRIPT", "LOAD", read_.text};
  if (!read_.sha.empty()) {
    words = {"EVALSHA", read_.sha, "1", key, from, count};
  }
  ask(*connection, redis_command(words));
}

void RedisRevocations::on_answer(const RedisReply& reply) {
  if (reply.kind == RedisReply::Kind::error) {
    take_error(reply);
    return;
  }
  if (reply.kind != RedisReply::Kind::text) {
    refuse(std::string(read_.sha.empty() ? "SCRIPT" : "EVALSHA") + " has an unexpected answer");
    return;
  }
  if (read_.sha.empty()) {
    read_.sha = reply.text;
    ask_for_page();
    return;
  }
  forgotten_ = 0;
  moved_ = 0;
  if (!take_page(reply.text)) {
    give_up();
  }
}

void RedisRevocations::take_error(const RedisReply& reply) {
  using Advice = RedisTopology::Advice;
  const bool unknown = redis_error_code(reply) == "NOSCRIPT";
  if (unknown && forgotten_++ == 0) {
    ask_for_page();
    return;
  }
  if (unknown) {
    read_.sha.clear();
  }
  const Advice advice = topology_.advise(revoked_key(options_.prefix), reply);
  if (advice.node != nullptr && moved_++ < kMaxMoves) {
    ask_for_page(advice.node, advice.kind == Advice::Kind::asking);
    return;
  }
  refuse(redis_refusal(read_.sha.empty() ? "SCRIPT" : "EVALSHA", reply));
}

void RedisRevocations::refuse(const std::string& why) {
  RedisNode* node = topology_.node_for(revoked_key(options_.prefix));
  if (node != nullptr) {
    node->tell(NGX_LOG_ERR, why);
  }
  give_up();
}

// False where the page makes no sense, or this machine has no room for it: the list is not current.
bool RedisRevocations::take_page(std::string_view page) {
  std::size_t count = 0;
  if (!page.empty()) {
    const std::size_t space = page.find(' ');
    const char* end = page.data() + std::min(space, page.size());
    const auto read = std::from_chars(page.data(), end, from_);
    if (space == page.npos || read.ec != std::errc() || read.ptr != end ||
        (page.size() - space - 1) % kEntry != 0) {
      return false;
    }
    for (page.remove_prefix(space + 1); !page.empty(); page.remove_prefix(kEntry), count++) {
      RevocationMark mark;
      std::int64_t expires = 0;
      std::memcpy(mark.data(), page.data(), sizeof(mark));
      std::memcpy(&expires, page.data() + sizeof(mark), sizeof(expires));
      if (!zone_.learn(mark, expires)) {
        (void)zone_.full();
        return false;
      }
    }
    known_ = std::max(known_, from_);
  }
  if (count == kPage) {
    ask_for_page();
    return true;
  }
  leased_ = false;
  zone_.release(asked_);
  pause(interval());
  return true;
}

void RedisRevocations::give_up() noexcept {
  if (leased_) {
    leased_ = false;
    zone_.release(0);
  }
  forgotten_ = 0;
  moved_ = 0;
  pause(std::min<ngx_msec_t>(interval(), 500));
}

// A third of the lag, a little less at random: a round that fails has time for another.
ngx_msec_t RedisRevocations::interval() const noexcept {
  const auto third = static_cast<ngx_msec_t>(zone_.shortest() * 1000 / 3);
  return third - static_cast<ngx_msec_t>(ngx_random()) % (third / 4);
}

}  // namespace oauth
