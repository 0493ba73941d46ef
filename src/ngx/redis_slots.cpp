#include "ngx/redis_slots.hpp"

#include <array>
#include <charconv>

#include "oauth/base/text.hpp"

namespace oauth {
namespace {

// CRC-16/XMODEM.
constexpr std::array<std::uint16_t, 256> make_table() noexcept {
  std::array<std::uint16_t, 256> table{};
  for (std::size_t byte = 0; byte < table.size(); byte++) {
    auto crc = static_cast<std::uint32_t>(byte << 8U);
    for (int bit = 0; bit < 8; bit++) {
      crc = (crc << 1U) ^ ((crc & 0x8000U) != 0 ? 0x1021U : 0U);
    }
    table[byte] = static_cast<std::uint16_t>(crc & 0xffffU);
  }
  return table;
}

constexpr std::array<std::uint16_t, 256> kTable = make_table();

constexpr std::uint32_t crc16(std::string_view bytes) noexcept {
  std::uint32_t crc = 0;
  for (const char c : bytes) {
    const std::uint32_t index = (crc >> 8U) ^ static_cast<unsigned char>(c);
    crc = ((crc << 8U) & 0xffffU) ^ kTable[index];
  }
  return crc;
}

constexpr std::size_t slot_of(std::string_view key) noexcept {
  const std::size_t open = key.find('{');
  if (open != key.npos) {
    const std::size_t close = key.find('}', open + 1);
    if (close != key.npos && close > open + 1) {
      key = key.substr(open + 1, close - open - 1);
    }
  }
  return crc16(key) % kRedisSlots;
}

static_assert(crc16("123456789") == 0x31c3, "the check value of the specification");
static_assert(slot_of("foo") == 12182 && slot_of("{foo}bar") == 12182);
static_assert(slot_of("a{foo}{bar}") == 12182 && slot_of("{}foo") != 12182);

constexpr std::size_t kMaxHost = 255;

// A name or an address, and nothing that could be a path.
bool is_host(std::string_view text) noexcept {
  constexpr std::string_view kAllowed =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_:";
  return text.size() <= kMaxHost && text.find_first_not_of(kAllowed) == text.npos;
}

bool is_port(long long port) noexcept {
  return port > 0 && port <= 65535;
}

std::optional<std::size_t> number(std::string_view text) noexcept {
  std::size_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) {
    return std::nullopt;
  }
  return value;
}

// [host, port, …]; a host that is nil or empty is that of who was asked.
std::string read_primary(const RedisReply& from, const RedisServer& asked, RedisServer& to) {
  using Kind = RedisReply::Kind;
  if (from.kind != Kind::array || from.elements.size() < 2) {
    return "a node without an address";
  }
  const RedisReply& host = from.elements[0];
  const RedisReply& port = from.elements[1];
  if (host.kind == Kind::text && host.text == "?") {
    return "a node that announces no name: set its cluster-announce-hostname";
  }
  const bool named = host.kind == Kind::text || host.kind == Kind::nil;
  if (!named || !is_host(host.text)) {
    return "a node's address that is none";
  }
  if (port.kind != Kind::integer || !is_port(port.integer)) {
    return "a node's port that is none (with TLS it needs tls-cluster)";
  }
  to.host = host.text.empty() ? asked.host : host.text;
  to.port = static_cast<unsigned>(port.integer);
  return "";
}

// [first, last, primary, …]
std::string read_range(const RedisReply& from, const RedisServer& asked, RedisSlotRange& to) {
  using Kind = RedisReply::Kind;
  if (from.kind != Kind::array || from.elements.size() < 3) {
    return "a range without a primary";
  }
  const RedisReply& first = from.elements[0];
  const RedisReply& last = from.elements[1];
  constexpr auto kSlots = static_cast<long long>(kRedisSlots);
  if (first.kind != Kind::integer || last.kind != Kind::integer || first.integer < 0 ||
      first.integer > last.integer || last.integer >= kSlots) {
    return "a range that is none";
  }
  to.first = static_cast<std::size_t>(first.integer);
  to.last = static_cast<std::size_t>(last.integer);
  return read_primary(from.elements[2], asked, to.primary);
}

}  // namespace

std::size_t redis_slot(std::string_view key) noexcept {
  return slot_of(key);
}

RedisSlotMap read_slot_map(const RedisReply& reply, const RedisServer& asked) {
  RedisSlotMap map;
  if (reply.kind != RedisReply::Kind::array) {
    map.error = "no array";
    return map;
  }
  std::vector<bool> seen(kRedisSlots);
  for (const RedisReply& element : reply.elements) {
    RedisSlotRange range;
    map.error = read_range(element, asked, range);
    for (std::size_t slot = range.first; map.error.empty() && slot <= range.last; slot++) {
      if (seen[slot]) {
        map.error = "a slot that is served twice";
      }
      seen[slot] = true;
    }
    if (!map.error.empty()) {
      map.ranges.clear();
      return map;
    }
    map.ranges.push_back(std::move(range));
  }
  return map;
}

std::optional<RedisRedirect> read_redirect(std::string_view text) {
  const std::vector<std::string_view> words = split_words(text, ' ');
  if (words.size() != 3 || (words[0] != "MOVED" && words[0] != "ASK")) {
    return std::nullopt;
  }
  const std::string_view address = words[2];
  const std::size_t colon = address.rfind(':');
  const std::string_view host = address.substr(0, colon);
  const std::size_t slot = number(words[1]).value_or(kRedisSlots);
  const std::size_t port =
      colon == address.npos ? 0 : number(address.substr(colon + 1)).value_or(0);
  if (slot >= kRedisSlots || !is_port(static_cast<long long>(port)) || !is_host(host)) {
    return std::nullopt;
  }
  RedisRedirect redirect;
  redirect.slot = slot;
  redirect.to.host = host;
  redirect.to.port = static_cast<unsigned>(port);
  return redirect;
}

}  // namespace oauth
