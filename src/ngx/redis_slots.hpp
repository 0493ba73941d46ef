// A Redis cluster's vocabulary: the slot of a key, who serves which slots, and where an error sends
// a command. Pure: nothing is asked, nothing resolved. What a server says is checked in every part.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ngx/redis_codec.hpp"
#include "ngx/redis_url.hpp"

namespace oauth {

inline constexpr std::size_t kRedisSlots = 16384;

// As the server computes it: of what stands between the first `{` and the next `}`, if anything
// does.
std::size_t redis_slot(std::string_view key) noexcept;

struct RedisSlotRange {
  std::size_t first = 0;
  std::size_t last = 0;
  RedisServer primary;
};

struct RedisSlotMap {
  std::vector<RedisSlotRange> ranges;  // none overlaps another
  std::string error;                   // empty, or why the reply is no map: fit for a log
};

// The reply to CLUSTER SLOTS; `asked` is who gave it, and stands for a primary that names no host.
RedisSlotMap read_slot_map(const RedisReply& reply, const RedisServer& asked);

struct RedisRedirect {
  std::size_t slot = 0;
  RedisServer to;  // no host: that of who answered
};

// `MOVED SLOT HOST:PORT`, `ASK SLOT HOST:PORT`; nothing for any other text.
std::optional<RedisRedirect> read_redirect(std::string_view text);

}  // namespace oauth
