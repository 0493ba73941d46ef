// Limit: how often one address may try (`oauth_limit`), and the leaky bucket that says whether it
// may try now. As in nginx's limit_req, but without delay: who comes too early is refused, and a
// refusal costs him nothing more.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace oauth {

struct Limit {
  std::uint32_t per_minute;
  std::uint32_t burst;  // tries that may come at once beside the first
};

// What `oauth_limit` says; without it these. Its absence in a Limits is `off`.
struct Limits {
  std::optional<Limit> token = Limit{600, 200};     // tries that fail
  std::optional<Limit> callback = Limit{120, 120};  // all

  // `token=600r/m burst=200 callback=120r/m`, each once, or `off`. What is left out stays as it is
  // above; without a burst of its own a rate has a minute's worth, at most 200. Otherwise nullopt
  // and `why` says what to write instead.
  static std::optional<Limits> parse(const std::vector<std::string>& words, std::string* why);
};

// The tries of one address: a try adds to the level, and time takes away from it. Kept in shared
// memory, hence plain.
struct Bucket {
  std::int64_t last;    // ms of any clock that only goes forward: when `level` was right
  std::uint32_t level;  // thousandths of a try

  // Whether one more try is within the limit.
  bool is_open(const Limit& limit, std::int64_t now_ms) const noexcept;
  // One try. Tries that were under way together all count, also beyond the limit: else many at once
  // would be as good as one.
  void pour(const Limit& limit, std::int64_t now_ms) noexcept;
};

}  // namespace oauth
