#include "ngx/pattern.hpp"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <array>

namespace oauth {
namespace {

// Of backtracking, in one text. Memory is bounded by them too: a frame a step.
constexpr std::uint32_t kSteps = 10'000;

template <class T, void (*Free)(T*)>
struct Freed {
  void operator()(T* object) const noexcept { Free(object); }
};
using Code = std::unique_ptr<pcre2_code, Freed<pcre2_code, pcre2_code_free>>;
using Limits =
    std::unique_ptr<pcre2_match_context, Freed<pcre2_match_context, pcre2_match_context_free>>;
using Match = std::unique_ptr<pcre2_match_data, Freed<pcre2_match_data, pcre2_match_data_free>>;

PCRE2_SPTR bytes(std::string_view text) noexcept {
  return reinterpret_cast<PCRE2_SPTR>(text.data());
}

class Regex : public Pattern {
 public:
  Regex(Code code, Limits limits) noexcept : code_(std::move(code)), limits_(std::move(limits)) {}

  std::optional<bool> matches(std::string_view text) const override {
    const Match match(pcre2_match_data_create(1, nullptr));
    const int found = match == nullptr ? PCRE2_ERROR_NOMEMORY
                                       : pcre2_match(code_.get(), bytes(text), text.size(), 0, 0,
                                                     match.get(), limits_.get());
    if (found == PCRE2_ERROR_NOMATCH) {
      return false;
    }
    return found >= 0 ? std::optional(true) : std::nullopt;
  }

 private:
  Code code_;
  Limits limits_;
};

}  // namespace

std::unique_ptr<const Pattern> compile_pattern(std::string_view regex, std::string* why) {
  constexpr std::uint32_t kOptions =
      PCRE2_ANCHORED | PCRE2_ENDANCHORED | PCRE2_UTF | PCRE2_NEVER_BACKSLASH_C;
  int error = 0;
  std::size_t at = 0;
  Code code(pcre2_compile(bytes(regex), regex.size(), kOptions, &error, &at, nullptr));
  if (code == nullptr) {
    std::array<PCRE2_UCHAR, 256> text{};
    pcre2_get_error_message(error, text.data(), text.size());
    *why = "is no regular expression: " + std::string(reinterpret_cast<const char*>(text.data())) +
           " at character " + std::to_string(at + 1) + " of it";
    return nullptr;
  }
  Limits limits(pcre2_match_context_create(nullptr));
  if (limits == nullptr) {
    *why = "out of memory";
    return nullptr;
  }
  pcre2_set_match_limit(limits.get(), kSteps);
  return std::make_unique<Regex>(std::move(code), std::move(limits));
}

}  // namespace oauth
