#include "ngx/names.hpp"

#include <arpa/inet.h>

#include <fstream>
#include <iterator>
#include <optional>

#include "oauth/base/text.hpp"

namespace oauth {
namespace {

// Lists of blocked names can be long, but not this long.
constexpr std::size_t kMaxFile = std::size_t{4} * 1024 * 1024;

std::string read_file(const char* path) {
  std::ifstream file(path, std::ios::binary);
  std::string text;
  char block[4096];
  while (text.size() < kMaxFile && (file.read(block, sizeof(block)), file.gcount() > 0)) {
    text.append(block, static_cast<std::size_t>(file.gcount()));
  }
  return text;
}

// Calls `take` with the words of each line, up to a comment.
template <class Take>
void each_line(std::string_view text, std::string_view comments, Take take) {
  for (std::string_view line : split_words(text, '\n')) {
    std::string spaced(line.substr(0, line.find_first_of(comments)));
    for (char& c : spaced) {
      c = c == '\t' || c == '\r' ? ' ' : c;
    }
    const std::vector<std::string_view> words = split_words(spaced);
    if (!words.empty()) {
      take(words);
    }
  }
}

// As it stands in a URL; nothing for what is no address, or one with a zone (nginx knows none).
std::optional<std::string> url_address(std::string_view word) {
  const std::string text(word);
  unsigned char bytes[sizeof(in6_addr)];
  if (inet_pton(AF_INET, text.c_str(), bytes) == 1) {
    return text;
  }
  if (inet_pton(AF_INET6, text.c_str(), bytes) == 1) {
    return "[" + text + "]";
  }
  return std::nullopt;
}

bool is_ipv6(std::string_view address) noexcept {
  return address.front() == '[';
}

}  // namespace

Hosts Hosts::parse(std::string_view text) {
  Hosts hosts;
  each_line(text, "#", [&hosts](const std::vector<std::string_view>& words) {
    const auto address = url_address(words.front());
    if (!address) {
      return;
    }
    for (std::size_t i = 1; i < words.size(); i++) {
      hosts.add(words[i], *address);
    }
  });
  hosts.addresses_.emplace("localhost", "127.0.0.1");
  return hosts;
}

Hosts Hosts::load() {
  return parse(read_file("/etc/hosts"));
}

void Hosts::add(std::string_view name, const std::string& address) {
  const auto [it, is_new] = addresses_.emplace(ascii_lower(name), address);
  if (!is_new && is_ipv6(it->second) && !is_ipv6(address)) {
    it->second = address;
  }
}

std::string_view Hosts::find(std::string_view name) const noexcept {
  const auto it = addresses_.find(name);
  return it == addresses_.end() ? std::string_view() : std::string_view(it->second);
}

std::vector<std::string> parse_nameservers(std::string_view text) {
  std::vector<std::string> servers;
  each_line(text, "#;", [&servers](const std::vector<std::string_view>& words) {
    if (words.size() < 2 || words[0] != "nameserver") {
      return;
    }
    if (auto address = url_address(words[1])) {
      servers.push_back(std::move(*address));
    }
  });
  if (servers.empty()) {
    servers.emplace_back("127.0.0.1");
  }
  return servers;
}

std::vector<std::string> load_nameservers() {
  return parse_nameservers(read_file("/etc/resolv.conf"));
}

}  // namespace oauth
