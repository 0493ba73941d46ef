#include "oauth/base/pack.hpp"

namespace oauth {

Pack& Pack::add(std::string_view field) {
  bytes_.push_back(static_cast<char>(field.size() >> 8 & 0xFF));
  bytes_.push_back(static_cast<char>(field.size() & 0xFF));
  bytes_.append(field.substr(0, 0xFFFF));
  return *this;
}

Pack& Pack::add(std::int64_t number) {
  std::string field;
  for (int shift = 56; shift >= 0; shift -= 8) {
    field.push_back(static_cast<char>(static_cast<std::uint64_t>(number) >> shift & 0xFF));
  }
  return add(field);
}

std::string Unpack::text() {
  if (!ok_ || rest_.size() < 2) {
    ok_ = false;
    return {};
  }
  const std::size_t size = static_cast<std::size_t>(static_cast<unsigned char>(rest_[0])) << 8 |
                           static_cast<unsigned char>(rest_[1]);
  if (rest_.size() - 2 < size) {
    ok_ = false;
    return {};
  }
  std::string field(rest_.substr(2, size));
  rest_.remove_prefix(2 + size);
  return field;
}

std::int64_t Unpack::number() {
  const std::string field = text();
  if (field.size() != 8) {
    ok_ = false;
    return 0;
  }
  std::uint64_t number = 0;
  for (const char byte : field) {
    number = number << 8 | static_cast<unsigned char>(byte);
  }
  return static_cast<std::int64_t>(number);
}

}  // namespace oauth
