// Whatever a JWKS says: no key of it is symmetric, private or weak, no two share a kid, and each
// reads back from what we publish of it.
#include <set>

#include "fuzz.hpp"
#include "oauth/base/text.hpp"
#include "oauth/jose/client_key.hpp"
#include "oauth/jose/jwk.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace oauth;
  const std::string_view text = input(data, size);
  const auto set = KeySet::parse(text);
  if (set) {
    must(!set->keys().empty() && set->keys().size() <= KeySet::kMaxKeys);
    std::set<std::string> kids;
    for (const Key& key : set->keys()) {
      must(!key.algs().empty() && (key.algs() & kAsymmetric) == key.algs());
      must(!key.is_private() && !key.is_symmetric() && !key.sign(Alg::es256, "x"));
      must(key.kid().empty() || kids.insert(key.kid()).second);
      must(!key.verify(Alg::es256, "x", std::string(64, '\1')));
    }
    for (const std::string& line : set->left_out()) {
      must(is_printable_ascii(line));
    }
    const auto again = KeySet::parse(set->public_jwks().dump());
    must(again && again->keys().size() == set->keys().size() && again->left_out().empty());
    for (std::size_t i = 0; i < again->keys().size(); ++i) {
      must(again->keys()[i].thumbprint() == set->keys()[i].thumbprint());
      must((again->keys()[i].algs() & set->keys()[i].algs()) == set->keys()[i].algs());
    }
  }
  (void)KeySet::parse(text, true);
  const auto der = client_key_der(text);
  must(!der || Key::from_client_public_der(*der));
  (void)Key::from_client_public_der(text);
  return 0;
}
