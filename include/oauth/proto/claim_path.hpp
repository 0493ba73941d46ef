// A claim by its path, as directives name it: the name of a member ("groups"), or, when it begins
// with a slash, a JSON Pointer (RFC 6901: "/realm_access/roles"). And how a claim compares with
// what a directive says: by its text, and a list by any of its elements.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "oauth/base/json.hpp"
#include "oauth/base/json_view.hpp"

namespace oauth {

// Not empty, UTF-8, and a JSON Pointer where it begins like one; else `why` says what to write.
bool is_claim_path(std::string_view path, std::string* why);

// Null where there is none.
Json claim_at(const Json& claims, std::string_view path);
JsonView claim_at(const JsonView& claims, std::string_view path);

// A string as it is, a number or a boolean as JSON writes it; null, objects and arrays have none.
std::optional<std::string> claim_text(const Json& claim);
std::optional<std::string> claim_text(const JsonView& claim);

// Whether the text of the claim, or of any element of it where it is an array, is `value`.
bool claim_is(const Json& claim, std::string_view value);
bool claim_is(const JsonView& claim, std::string_view value);

// The same with a test of one's own, which sees every text until it says yes.
bool any_text(const JsonView& claim, const std::function<bool(std::string_view)>& test);

}  // namespace oauth
