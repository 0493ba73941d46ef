// What every fuzz target shares: its input as text, and a check that stops the fuzzer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace oauth {

inline std::string_view input(const std::uint8_t* data, std::size_t size) noexcept {
  return {reinterpret_cast<const char*>(data), size};
}

inline void must(bool holds) noexcept {
  if (!holds) {
    __builtin_trap();
  }
}

}  // namespace oauth

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
