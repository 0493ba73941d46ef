// Regular expressions of `oauth_require`, by PCRE2: UTF-8, anchored at both ends, and with a bound
// on the steps of a match, so that no token can keep a worker busy.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "oauth/proto/require.hpp"

namespace oauth {

// A CompilePattern.
std::unique_ptr<const Pattern> compile_pattern(std::string_view regex, std::string* why);

}  // namespace oauth
