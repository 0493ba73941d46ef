// Page: the broker's HTML (plain, light and dark; script only on the popup page; no resource but
// the icons of choices). Every byte of input is escaped here and nowhere else.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "oauth/base/json.hpp"
#include "oauth/base/problem.hpp"

namespace oauth {

struct Page {
  std::string html;
  std::string csp;  // Content-Security-Policy of this very page
};

// What happened, what to do about it, and what to quote: the problem's name and the flow id.
Page error_page(Problem problem, std::string_view flow_id, std::string_view hint = {});

struct Choice {
  std::string href;
  std::string label;
  std::string detail{};
  std::string icon{};  // an absolute URL, http(s) or data; empty: none
};
Page choice_page(std::string_view title, const std::vector<Choice>& choices,
                 std::string_view lead = {});

// Posts `message` to window.opener with exactly `origin` as target, then closes. `nonce` is for the
// CSP; the message stands in a JSON block, never in the script.
Page popup_page(const Json& message, std::string_view origin, std::string_view nonce);

}  // namespace oauth
