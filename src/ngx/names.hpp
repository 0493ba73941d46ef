// What this machine knows of names without asking anyone: /etc/hosts and /etc/resolv.conf, read
// once while the configuration is loaded (reading them later would block a worker).
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace oauth {

class Hosts {
 public:
  // hosts(5), as text. Of a name with several addresses the first IPv4 one counts, else the first.
  // `localhost` is 127.0.0.1 if the text does not say otherwise.
  static Hosts parse(std::string_view text);
  static Hosts load();  // /etc/hosts

  // An address as it stands in a URL (IPv6 in brackets), or empty. `name` in lower case.
  std::string_view find(std::string_view name) const noexcept;

 private:
  void add(std::string_view name, const std::string& address);
  std::map<std::string, std::string, std::less<>> addresses_;
};

// The nameservers of resolv.conf(5), as nginx's `resolver` takes them; the local machine's where
// the text names none.
std::vector<std::string> parse_nameservers(std::string_view text);
std::vector<std::string> load_nameservers();  // /etc/resolv.conf

}  // namespace oauth
