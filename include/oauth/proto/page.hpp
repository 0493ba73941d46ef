// Page: the broker's HTML (plain, light and dark, no third-party resource, no link out; script only
// on the popup page). Every byte of input is escaped here and nowhere else.
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

Page error_page(Problem problem, std::string_view flow_id, std::string_view hint = {});

struct Choice {
  std::string href;
  std::string label;
  std::string detail;
};
Page choice_page(std::string_view title, const std::vector<Choice>& choices);

// Posts `message` to window.opener with exactly `origin` as target, then closes. `nonce` is for the
// CSP; the message stands in a JSON block, never in the script.
Page popup_page(const Json& message, std::string_view origin, std::string_view nonce);

}  // namespace oauth
