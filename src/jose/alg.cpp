#include "oauth/jose/alg.hpp"

namespace oauth {
namespace {

// In the order of Alg.
constexpr std::array<std::string_view, kAlgs.size()> kNames{
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256",
    "ES384", "ES512", "EdDSA", "HS256", "HS384", "HS512",
};

}  // namespace

std::optional<Alg> parse_alg(std::string_view name) noexcept {
  for (Alg alg : kAlgs) {
    if (alg_name(alg) == name) {
      return alg;
    }
  }
  return std::nullopt;
}

std::string_view alg_name(Alg alg) noexcept {
  return kNames[static_cast<std::size_t>(alg)];
}

}  // namespace oauth
