// Eight characters of a text at a time. What is asked of them is answered by the highest bit of
// each byte, first character lowest; of several answers only the lowest is sure.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>

namespace oauth {

inline constexpr std::uint64_t kOnes = 0x0101010101010101;
inline constexpr std::uint64_t kHighs = 0x8080808080808080;

inline std::uint64_t load_eight(const char* text) noexcept {
  std::uint64_t word = 0;
  std::memcpy(&word, text, sizeof word);
  if constexpr (std::endian::native == std::endian::big) {
    word = __builtin_bswap64(word);
  }
  return word;
}

// ASCII below `bound`, which is at most 0x80.
constexpr std::uint64_t which_below(std::uint64_t eight, unsigned bound) noexcept {
  return (eight - kOnes * bound) & ~eight & kHighs;
}

constexpr std::uint64_t which_is(std::uint64_t eight, char ascii) noexcept {
  return which_below(eight ^ kOnes * static_cast<unsigned char>(ascii), 1);
}

constexpr std::uint64_t which_is_not_ascii(std::uint64_t eight) noexcept {
  return eight & kHighs;
}

}  // namespace oauth
