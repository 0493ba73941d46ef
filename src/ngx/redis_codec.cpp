#include "ngx/redis_codec.hpp"

#include <hiredis/hiredis.h>

#include <algorithm>
#include <charconv>
#include <optional>

namespace oauth {
namespace {

// A number as Redis writes it, and no other spelling of it: hiredis must read the same.
std::optional<long long> integer_of(std::string_view text) {
  long long value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || std::to_string(value) != text) {
    return std::nullopt;
  }
  return value;
}

RedisReply convert(const redisReply& from) {
  RedisReply to;
  switch (from.type) {
    case REDIS_REPLY_STATUS:
      to.kind = RedisReply::Kind::status;
      to.text.assign(from.str, static_cast<std::size_t>(from.len));
      break;
    case REDIS_REPLY_ERROR:
      to.kind = RedisReply::Kind::error;
      to.text.assign(from.str, static_cast<std::size_t>(from.len));
      break;
    case REDIS_REPLY_STRING:
      to.kind = RedisReply::Kind::text;
      to.text.assign(from.str, static_cast<std::size_t>(from.len));
      break;
    case REDIS_REPLY_INTEGER:
      to.kind = RedisReply::Kind::integer;
      to.integer = from.integer;
      break;
    case REDIS_REPLY_ARRAY:
      to.kind = RedisReply::Kind::array;
      to.integer = static_cast<long long>(from.elements);
      for (std::size_t i = 0; i < from.elements; i++) {
        to.elements.push_back(convert(*from.element[i]));
      }
      break;
    default:
      break;
  }
  return to;
}

constexpr char kTlsAlert = 21;  // RFC 8446, 5.1

struct Hint {
  std::string_view code;
  std::string_view text;
};

constexpr Hint kHints[] = {
    {"NOAUTH", "it wants a password: give one by password_file="},
    {"WRONGPASS", "user or password are not those of the server"},
    {"NOPERM", "the user lacks a right: docs/redis.md lists those that are needed"},
    {"READONLY", "it is a replica: name the primary, or write redis+sentinel://"},
    {"OOM", "its maxmemory is reached"},
    {"LOADING", "it is still loading its data"},
    {"MISCONF", "it cannot save its data and refuses writes"},
    {"NOREPLICAS", "too few replicas are there for it to accept writes"},
    {"WRONGTYPE", "another application uses the same keys: choose another prefix="},
    {"MOVED", "it belongs to a cluster: write redis+cluster://"},
    {"CLUSTERDOWN", "its cluster does not serve all keys"},
    {"ERR unknown command", "Redis 6.2 or later is needed, and no renamed commands"},
};

}  // namespace

std::string redis_refusal(std::string_view verb, const RedisReply& reply) {
  const std::string code = redis_error_code(reply);
  std::string line = std::string(verb) + " is refused: " + code;
  for (const Hint& hint : kHints) {
    if (hint.code == code) {
      line += ": ";
      line += hint.text;
    }
  }
  return line;
}

std::string redis_command(const std::vector<std::string_view>& arguments) {
  std::vector<const char*> words;
  std::vector<std::size_t> sizes;
  words.reserve(arguments.size());
  sizes.reserve(arguments.size());
  for (const std::string_view argument : arguments) {
    words.push_back(argument.data() == nullptr ? "" : argument.data());
    sizes.push_back(argument.size());
  }
  char* bytes = nullptr;
  const auto size =
      redisFormatCommandArgv(&bytes, static_cast<int>(words.size()), words.data(), sizes.data());
  if (size < 0) {
    return "";
  }
  const std::unique_ptr<char, void (*)(char*)> owner(bytes, redisFreeCommand);
  return std::string(bytes, static_cast<std::size_t>(size));
}

std::string redis_error_code(const RedisReply& reply) {
  constexpr std::string_view kUnknown = "ERR unknown command";
  if (reply.text.compare(0, kUnknown.size(), kUnknown) == 0) {
    return std::string(kUnknown);
  }
  const std::string code = reply.text.substr(0, reply.text.find(' '));
  const bool plain = std::all_of(code.begin(), code.end(), [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  });
  return plain && !code.empty() && code.size() <= 32 ? code : "ERR";
}

bool RedisGuard::accept(std::string_view bytes) {
  while (reason_.empty() && !bytes.empty()) {
    if (bulk_ > 0) {
      const std::size_t part = std::min(bulk_, bytes.size());
      bulk_ -= part;
      bytes.remove_prefix(part);
      continue;
    }
    const char c = bytes.front();
    bytes.remove_prefix(1);
    if (!take(c)) {
      return false;
    }
  }
  return reason_.empty();
}

bool RedisGuard::take(char c) {
  if (tail_ > 0) {
    if (c != (tail_ == 2 ? '\r' : '\n')) {
      return refuse("a bulk string is longer than announced");
    }
    if (--tail_ == 0) {
      end_element();
    }
    return true;
  }
  if (line_.empty() && std::string_view("+-:$*").find(c) == std::string_view::npos) {
    return refuse("byte " + std::to_string(static_cast<unsigned char>(c)) +
                  " where a reply begins: " +
                  (c == kTlsAlert ? "it speaks TLS: write rediss://" : "this is not Redis"));
  }
  line_.push_back(c);
  if (c == '\n') {
    return end_line();
  }
  return line_.size() < kMaxLine || refuse("a line of more than 4096 bytes");
}

bool RedisGuard::end_line() {
  if (line_.size() < 3 || line_[line_.size() - 2] != '\r') {
    return refuse("a line that is empty or does not end with CR LF");
  }
  const char type = line_.front();
  const auto value = integer_of(std::string_view(line_).substr(1, line_.size() - 3));
  const auto size = static_cast<long long>(line_.size());
  line_.clear();
  if (!add_bytes(size)) {
    return false;
  }
  if (type == '+' || type == '-') {
    end_element();
    return true;
  }
  if (!value) {
    return refuse("a number that is none");
  }
  if (type == '$') {
    return begin_bulk(*value);
  }
  if (type == '*') {
    return begin_array(*value);
  }
  end_element();
  return true;
}

bool RedisGuard::add_bytes(long long size) {
  bytes_ += size;
  return bytes_ <= kMaxReply ||
         refuse("a reply of more than " + std::to_string(kMaxReply) + " bytes");
}

bool RedisGuard::begin_bulk(long long size) {
  if (size == -1) {
    end_element();
    return true;
  }
  if (size < 0 || size > kMaxBulk) {
    return refuse("a bulk string of " + std::to_string(size) + " bytes is announced, at most " +
                  std::to_string(kMaxBulk) + " are taken");
  }
  if (!add_bytes(size)) {
    return false;
  }
  bulk_ = static_cast<std::size_t>(size);
  tail_ = 2;
  return true;
}

bool RedisGuard::begin_array(long long count) {
  if (open_.size() >= depth_) {
    return refuse(depth_ == 1 ? std::string("an array within an array")
                              : "arrays nested deeper than " + std::to_string(depth_));
  }
  const long long limit = depth_ == 1 ? kMaxArray : kMaxElements;
  if (count < -1 || count > limit - elements_) {
    return refuse("an array of " + std::to_string(count) + " elements is announced, at most " +
                  std::to_string(limit) + " are taken");
  }
  if (count <= 0) {
    end_element();
    return true;
  }
  elements_ += count;
  open_.push_back(count);
  return true;
}

// The last element of an array ends the array, which is an element itself.
void RedisGuard::end_element() noexcept {
  while (!open_.empty() && --open_.back() == 0) {
    open_.pop_back();
  }
  if (open_.empty()) {
    elements_ = 0;
    bytes_ = 0;
  }
}

bool RedisGuard::refuse(std::string reason) {
  reason_ = std::move(reason);
  return false;
}

RedisParser::RedisParser(unsigned depth)
    : guard_(depth), reader_(redisReaderCreate(), redisReaderFree) {}
RedisParser::~RedisParser() = default;

bool RedisParser::parse(std::string_view bytes, std::vector<RedisReply>& replies) {
  if (!guard_.accept(bytes)) {
    reason_ = guard_.reason();
    return false;
  }
  if (reader_ == nullptr ||
      redisReaderFeed(reader_.get(), bytes.data(), bytes.size()) != REDIS_OK) {
    reason_ = "out of memory";
    return false;
  }
  for (;;) {
    void* reply = nullptr;
    if (redisReaderGetReply(reader_.get(), &reply) != REDIS_OK) {
      reason_ = "a reply that cannot be read";
      return false;
    }
    if (reply == nullptr) {
      return true;
    }
    const std::unique_ptr<void, void (*)(void*)> owner(reply, freeReplyObject);
    replies.push_back(convert(*static_cast<redisReply*>(reply)));
  }
}

}  // namespace oauth
