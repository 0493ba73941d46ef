#include "oauth/proto/limit.hpp"

#include <algorithm>
#include <charconv>
#include <limits>

namespace oauth {
namespace {

constexpr std::uint64_t kTry = 1000;  // in thousandths
constexpr std::uint32_t kMostPerSecond = 10'000;
constexpr std::uint32_t kMostBurst = 1'000'000;
constexpr std::uint32_t kUsualBurst = 200;    // at most
constexpr std::int64_t kClockSlack = 60'000;  // ms that workers' clocks may lie apart, amply

constexpr std::string_view kRemedy =
    "write e.g. token=600r/m burst=200 callback=120r/m, or \"off\"";

std::optional<std::uint32_t> parse_number(std::string_view text, std::uint32_t most) {
  std::uint32_t number = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || stop != end || number > most) {
    return std::nullopt;
  }
  return number;
}

// Nr/s or Nr/m.
std::optional<Limit> parse_rate(std::string_view text) {
  const bool by_second = text.size() > 3 && text.substr(text.size() - 3) == "r/s";
  const bool by_minute = text.size() > 3 && text.substr(text.size() - 3) == "r/m";
  if (!by_second && !by_minute) {
    return std::nullopt;
  }
  const std::uint32_t most = by_second ? kMostPerSecond : kMostPerSecond * 60;
  const auto number = parse_number(text.substr(0, text.size() - 3), most);
  if (!number || *number == 0) {
    return std::nullopt;
  }
  const std::uint32_t per_minute = by_second ? *number * 60 : *number;
  return Limit{per_minute, std::min(per_minute, kUsualBurst)};
}

// One pass over the words: a burst belongs to the rate before it.
class Reader {
 public:
  // Empty: understood.
  std::string read(const std::string& word) {
    const std::size_t equals = word.find('=');
    const std::string name = word.substr(0, equals);
    const std::string value = equals == word.npos ? std::string() : word.substr(equals + 1);
    const std::string shown = "\"" + word + "\" ";
    if (name == "burst") {
      return read_burst(shown, value);
    }
    if (name != "token" && name != "callback") {
      return shown + "is unknown here: " + std::string(kRemedy);
    }
    bool& seen = name == "token" ? token_seen_ : callback_seen_;
    if (seen) {
      return shown + "comes after another \"" + name + "=\": one rate each";
    }
    seen = true;
    const auto rate = parse_rate(value);
    if (!rate) {
      return shown + "is no rate: write Nr/s (1 to 10000) or Nr/m (1 to 600000), e.g. " + name +
             "=120r/m";
    }
    last_ = name == "token" ? &limits.token : &limits.callback;
    *last_ = rate;
    burst_seen_ = false;
    return {};
  }

  Limits limits;

 private:
  std::string read_burst(const std::string& shown, std::string_view value) {
    if (last_ == nullptr) {
      return shown +
             "stands before any rate: put it behind the one that it belongs to, e.g. "
             "token=600r/m burst=200";
    }
    if (burst_seen_) {
      return shown + "is the second burst of one rate: remove one";
    }
    const auto burst = parse_number(value, kMostBurst);
    if (!burst) {
      return shown + "is no burst: write a number of tries, 0 to 1000000, e.g. burst=200";
    }
    (*last_)->burst = *burst;
    burst_seen_ = true;
    return {};
  }

  std::optional<Limit>* last_ = nullptr;
  bool token_seen_ = false;
  bool callback_seen_ = false;
  bool burst_seen_ = false;
};

// What is left of the level. A clock that was set back, which only a machine without a monotonic
// one has, would else hold the level for as long.
std::uint64_t level_at(const Bucket& bucket, const Limit& limit, std::int64_t now_ms) {
  if (bucket.last > now_ms + kClockSlack) {
    return 0;
  }
  const auto elapsed = static_cast<std::uint64_t>(std::max<std::int64_t>(now_ms - bucket.last, 0));
  // per_minute * kTry thousandths in 60,000 ms.
  const std::uint64_t leaked = elapsed * limit.per_minute / 60;
  return bucket.level > leaked ? bucket.level - leaked : 0;
}

}  // namespace

std::optional<Limits> Limits::parse(const std::vector<std::string>& words, std::string* why) {
  if (words.size() == 1 && words[0] == "off") {
    return Limits{std::nullopt, std::nullopt};
  }
  Reader reader;
  for (const std::string& word : words) {
    std::string wrong = reader.read(word);
    if (!wrong.empty()) {
      *why = std::move(wrong);
      return std::nullopt;
    }
  }
  return reader.limits;
}

bool Bucket::is_open(const Limit& limit, std::int64_t now_ms) const noexcept {
  return level_at(*this, limit, now_ms) <= limit.burst * kTry;
}

void Bucket::pour(const Limit& limit, std::int64_t now_ms) noexcept {
  const std::uint64_t most = std::numeric_limits<std::uint32_t>::max();
  level = static_cast<std::uint32_t>(std::min(level_at(*this, limit, now_ms) + kTry, most));
  last = now_ms;
}

}  // namespace oauth
