// An accepted URI keeps its bytes and its origin, whatever is done to its query.
#include "fuzz.hpp"

#include "oauth/base/text.hpp"
#include "oauth/base/uri.hpp"

namespace {

using namespace oauth;

void judge(const Uri& uri, std::string_view text) {
  must(uri.text() == text && is_printable_ascii(text));
  must(text.find_first_of("\\ \"<>") == std::string_view::npos);
  must(text.substr(0, text.find_first_of("?#")).find_first_of("^`{|}") == std::string_view::npos);
  must(!is_forbidden_scheme(uri.scheme()));
  if (uri.is_http()) {
    must(!uri.host().empty() && uri.port() != 0);
    must(uri.path().empty() || uri.path().starts_with('/'));
    const auto origin = Uri::parse(uri.origin());
    must(origin && origin->origin() == uri.origin() && origin->host() == uri.host());
    must(origin->port() == uri.port() && origin->is_loopback() == uri.is_loopback());
  }
}

void judge_query(const Uri& uri) {
  const auto set = Uri::parse(uri.with_query("dxc-auth", "a b&#"), 4096);
  must(set && set->origin() == uri.origin() && set->path() == uri.path());
  must(set->fragment() == uri.fragment());
  must(set->query() && set->query()->ends_with("dxc-auth=a%20b%26%23"));
  const std::string without = uri.without_query("dxc-auth");
  const auto removed = Uri::parse(without, 4096);
  must(removed && removed->without_query("dxc-auth") == without);
  must(set->without_query("dxc-auth") == without || removed->query() == "");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = input(data, size);
  if (const auto uri = Uri::parse(text); uri) {
    judge(*uri, text);
    judge_query(*uri);
  }
  return 0;
}
