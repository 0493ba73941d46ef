#include "oauth/proto/arguments.hpp"

#include <algorithm>

#include "oauth/base/text.hpp"
#include "oauth/proto/guard.hpp"

namespace oauth {
namespace {

// Calls `visit(member, raw name, raw value)` for everything between two `&`.
template <class Visit>
void each_member(std::string_view query, Visit visit) {
  for (;;) {
    const auto end = query.find('&');
    const std::string_view member = query.substr(0, end);
    const auto equals = member.find('=');
    visit(member, member.substr(0, equals),
          equals == member.npos ? std::string_view{} : member.substr(equals + 1));
    if (end == query.npos) {
      return;
    }
    query.remove_prefix(end + 1);
  }
}

}  // namespace

bool is_argument_name(std::string_view name) noexcept {
  return !name.empty() && name.size() <= 64 && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_';
  });
}

bool is_one_of(std::string_view raw_name, const std::vector<std::string>& names) {
  const auto name = percent_decode(raw_name);
  return name && std::find(names.begin(), names.end(), *name) != names.end();
}

bool has_argument(std::string_view query, const std::vector<std::string>& names) {
  bool found = false;
  each_member(query, [&](std::string_view, std::string_view name, std::string_view) {
    found = found || is_one_of(name, names);
  });
  return found;
}

std::vector<std::string_view> arguments_named(std::string_view query, const std::string& name) {
  std::vector<std::string_view> values;
  each_member(query, [&](std::string_view, std::string_view raw_name, std::string_view value) {
    if (is_one_of(raw_name, {name})) {
      values.push_back(value);
    }
  });
  return values;
}

std::string without_arguments(std::string_view query, const std::vector<std::string>& names) {
  std::string kept;
  bool is_first = true;
  each_member(query, [&](std::string_view member, std::string_view name, std::string_view) {
    if (!is_one_of(name, names)) {
      kept += is_first ? "" : "&";
      kept += member;
      is_first = false;
    }
  });
  return kept;
}

Result<std::string> argument_token(std::string_view raw_value) {
  auto token = percent_decode(raw_value);
  if (!token || !is_b64token(*token)) {
    return Problem::token_malformed;
  }
  return *std::move(token);
}

}  // namespace oauth
