// Icon: a letter mark for a provider, drawn here (no trademarked artwork): white on a rounded
// square in the brand's colour, or in one that the provider's name chooses. Readable on light and
// on dark pages.
#pragma once

#include <string>
#include <string_view>

#include "oauth/proto/provider.hpp"

namespace oauth {

std::string icon_svg(const Provider& provider);

// The first character of a display name, upper case where it is ASCII: a whole code point, as
// UTF-8. Empty where there is none that XML can carry.
std::string first_letter(std::string_view display_name);

// What a Content-Security-Policy must allow for the icon at `url` (CSP 3 2.3.1): its origin, or
// `data:`. Empty: no icon of a provider, which is an absolute URL, https://… or data:image/….
std::string icon_source(std::string_view url);

}  // namespace oauth
