#include "oauth/proto/cookie.hpp"

namespace oauth {
namespace {

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) {
    text.remove_prefix(1);
  }
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) {
    text.remove_suffix(1);
  }
  return text;
}

// Calls visit(name, value, whole pair) for each `name=value` of one Cookie header.
template <class Visit>
void each_cookie(std::string_view header, Visit visit) {
  while (!header.empty()) {
    const std::string_view pair = trim(header.substr(0, header.find(';')));
    const auto end = header.find(';');
    header = end == std::string_view::npos ? std::string_view{} : header.substr(end + 1);
    const auto equals = pair.find('=');
    if (equals == std::string_view::npos) {
      visit(std::string_view{}, pair, pair);
    } else {
      visit(trim(pair.substr(0, equals)), trim(pair.substr(equals + 1)), pair);
    }
  }
}

}  // namespace

std::string_view only_cookie(const std::vector<std::string>& headers, std::string_view name) {
  std::string_view found;
  int count = 0;
  for (const std::string& header : headers) {
    each_cookie(header, [&](std::string_view cookie, std::string_view value, std::string_view) {
      if (cookie == name) {
        found = value;
        ++count;
      }
    });
  }
  return count == 1 ? found : std::string_view{};
}

std::string without_cookie(std::string_view header, std::string_view name) {
  std::string rest;
  each_cookie(header, [&](std::string_view cookie, std::string_view, std::string_view pair) {
    if (cookie != name && !pair.empty()) {
      rest += rest.empty() ? "" : "; ";
      rest += pair;
    }
  });
  return rest;
}

std::string set_cookie(std::string_view name, std::string_view value, long max_age, bool secure) {
  std::string cookie(name);
  cookie += '=';
  cookie += value;
  cookie += "; Path=/; Max-Age=" + std::to_string(max_age) + "; HttpOnly; SameSite=Lax";
  if (secure) {
    cookie += "; Secure";
  }
  return cookie;
}

}  // namespace oauth
