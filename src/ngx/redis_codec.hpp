// RESP2, Redis' protocol: hiredis writes the commands and reads the replies; a guard in front of
// its reader refuses what no honest server sends us, before a byte of it is kept.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

struct redisReader;

namespace oauth {

// The bytes of a command: an array of length-prefixed arguments, so that no argument can be taken
// for anything else. Empty when out of memory.
std::string redis_command(const std::vector<std::string_view>& arguments);

struct RedisReply {
  enum class Kind { nil, status, error, integer, text, array };
  Kind kind = Kind::nil;
  std::string text;                  // of status, error and text
  long long integer = 0;             // of integer; the number of elements of an array
  std::vector<RedisReply> elements;  // of an array
};

// The code of an error reply (`NOAUTH`, `READONLY`, `ERR`…). Only the code is ever shown: the rest
// of the line may repeat what was sent.
std::string redis_error_code(const RedisReply& reply);
// What the log says when `verb` was answered by an error: the code, and what it asks of the
// operator.
std::string redis_refusal(std::string_view verb, const RedisReply& reply);

// Follows the framing of a stream of replies, whose arrays nest `depth` deep at most.
class RedisGuard {
 public:
  static constexpr long long kMaxBulk = 1024 * 1024;    // bytes
  static constexpr long long kMaxReply = 2 * kMaxBulk;  // bytes of all that belongs to a reply
  static constexpr long long kMaxArray = 64;            // elements of a reply at depth 1
  static constexpr long long kMaxElements = 20 * 1000;  // and in all, where arrays may nest
  static constexpr std::size_t kMaxLine = 4096;

  explicit RedisGuard(unsigned depth) noexcept : depth_(depth) {}

  // False once the stream is not what it should be; `reason` says why. There is no way back.
  bool accept(std::string_view bytes);
  const std::string& reason() const noexcept { return reason_; }

 private:
  bool refuse(std::string reason);
  bool take(char c);
  bool end_line();
  bool add_bytes(long long size);
  bool begin_bulk(long long size);
  bool begin_array(long long count);
  void end_element() noexcept;

  std::string reason_;
  std::string line_;
  std::size_t bulk_ = 0;  // bytes of a bulk string still to come
  std::size_t tail_ = 0;  // bytes of its CRLF still to come
  std::size_t depth_;
  std::vector<long long> open_;  // of each open array, the elements still to come
  long long elements_ = 0;       // announced within this reply
  long long bytes_ = 0;          // and its bytes
};

class RedisParser {
 public:
  explicit RedisParser(unsigned depth = 1);
  ~RedisParser();
  RedisParser(const RedisParser&) = delete;
  RedisParser& operator=(const RedisParser&) = delete;

  // Appends the replies that these bytes complete. False when the stream is broken; `reason` then
  // says why, and the connection is to be closed.
  bool parse(std::string_view bytes, std::vector<RedisReply>& replies);
  const std::string& reason() const noexcept { return reason_; }

 private:
  RedisGuard guard_;
  std::string reason_;
  std::unique_ptr<redisReader, void (*)(redisReader*)> reader_;
};

}  // namespace oauth
