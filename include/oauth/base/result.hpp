// Result<T>: a value, or the Problem that kept it from existing.
// There is no third state and no exception; the caller must look (nodiscard) before it reads.
// `if (!x) { return x.problem(); }` is the idiom; a Problem converts to any Result.
#pragma once

#include <utility>
#include <variant>

#include "oauth/base/problem.hpp"

namespace oauth {

template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Problem problem) : state_(std::in_place_index<1>, problem) {}

  explicit operator bool() const noexcept { return state_.index() == 0; }

  // Only after a true operator bool.
  T& operator*() & noexcept { return *std::get_if<0>(&state_); }
  const T& operator*() const& noexcept { return *std::get_if<0>(&state_); }
  T&& operator*() && noexcept { return std::move(*std::get_if<0>(&state_)); }
  T* operator->() noexcept { return std::get_if<0>(&state_); }
  const T* operator->() const noexcept { return std::get_if<0>(&state_); }

  // Only after a false operator bool.
  Problem problem() const noexcept { return *std::get_if<1>(&state_); }

 private:
  std::variant<T, Problem> state_;
};

// The value of a step that yields nothing but its success.
struct Done {};
using Check = Result<Done>;
inline constexpr Done kDone{};

}  // namespace oauth
