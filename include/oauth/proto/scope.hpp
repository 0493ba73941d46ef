// Scopes as RFC 6749 3.3 has them: a set of tokens without order, each compared whole and with
// case.
#pragma once

#include <string_view>
#include <vector>

#include "oauth/base/json_view.hpp"

namespace oauth {

// RFC 6749 3.3: scope-token.
bool is_scope(std::string_view name) noexcept;

// What a token's scope claim grants: `claim` is a string of tokens between single spaces (RFC 8693
// 4.2), or a list with one token an element (an element that is none grants nothing). Of anything
// else, nothing. Views into the claim.
std::vector<std::string_view> scopes_in(const JsonView& claim);

bool has_scope(const JsonView& claim, std::string_view scope);

}  // namespace oauth
