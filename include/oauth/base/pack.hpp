// Pack: fields as length-prefixed bytes, for what is sealed. Unlike joined text no two lists of
// fields have the same form, and unlike JSON nothing is escaped, so sizes are known beforehand.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace oauth {

class Pack {
 public:
  Pack& add(std::string_view field);  // at most 65535 bytes
  Pack& add(std::int64_t number);
  const std::string& bytes() const noexcept { return bytes_; }

 private:
  std::string bytes_;
};

// Reads what Pack wrote, in the same order. Once a read fails `ok` stays false and reads are empty.
class Unpack {
 public:
  explicit Unpack(std::string_view bytes) : rest_(bytes) {}
  std::string text();
  std::int64_t number();
  bool ok() const noexcept { return ok_; }
  bool at_end() const noexcept { return ok_ && rest_.empty(); }

 private:
  std::string_view rest_;
  bool ok_ = true;
};

}  // namespace oauth
