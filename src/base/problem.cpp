#include "oauth/base/problem.hpp"

#include <array>

namespace oauth {

const ProblemRow& row(Problem problem) noexcept {
#define OAUTH_PROBLEM_ROW(name, status, oauth_error, dexie_code, level, text) \
  ProblemRow{#name, status, oauth_error, dexie_code, Level::level, text},
  static constexpr std::array kRows{OAUTH_PROBLEMS(OAUTH_PROBLEM_ROW)};
#undef OAUTH_PROBLEM_ROW
  return kRows[static_cast<std::size_t>(problem)];
}

}  // namespace oauth
