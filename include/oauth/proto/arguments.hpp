// Arguments: the members of a raw query that carry a token (`oauth_protect bearer query=NAME`).
// Nothing else of a query is read or judged: it is the application's, however it is spelled. A name
// counts in every percent-encoding, because whoever reads the query behind us would read it so.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "oauth/base/result.hpp"

namespace oauth {

// What `query=` may name: 1 to 64 of A-Z a-z 0-9 - _.
bool is_argument_name(std::string_view name) noexcept;

// Whether a name as it stands in a query is one of `names`.
bool is_one_of(std::string_view raw_name, const std::vector<std::string>& names);

// Whether a member of `query` (without "?") has one of these names, with or without a value.
bool has_argument(std::string_view query, const std::vector<std::string>& names);

// The raw value of every member of that name, in order; empty for one without `=`.
std::vector<std::string_view> arguments_named(std::string_view query, const std::string& name);

// The query without the members of these names; every other byte stays.
std::string without_arguments(std::string_view query, const std::vector<std::string>& names);

// RFC 6750 2.3: the token in such a value; token_malformed when it cannot be one, or is none.
Result<std::string> argument_token(std::string_view raw_value);

}  // namespace oauth
