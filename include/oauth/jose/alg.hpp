// Alg: the signature algorithms of JWS that exist here (RFC 7518 3.1, RFC 8037 3.1), and sets of
// them. `none` is not among them, so nothing can ever choose it.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string_view>

namespace oauth {

enum class Alg : std::uint8_t {
  rs256,
  rs384,
  rs512,
  ps256,
  ps384,
  ps512,
  es256,
  es384,
  es512,
  eddsa,
  hs256,
  hs384,
  hs512,
};
inline constexpr std::array kAlgs{Alg::rs256, Alg::rs384, Alg::rs512, Alg::ps256, Alg::ps384,
                                  Alg::ps512, Alg::es256, Alg::es384, Alg::es512, Alg::eddsa,
                                  Alg::hs256, Alg::hs384, Alg::hs512};

// Names are case-sensitive; nullopt for `none` and everything unknown.
std::optional<Alg> parse_alg(std::string_view name) noexcept;
std::string_view alg_name(Alg alg) noexcept;

// A small set of algorithms.
class AlgSet {
 public:
  constexpr AlgSet() = default;
  constexpr AlgSet(std::initializer_list<Alg> algs) {
    for (Alg alg : algs) {
      add(alg);
    }
  }
  constexpr void add(Alg alg) { bits_ = static_cast<std::uint16_t>(bits_ | bit(alg)); }
  constexpr bool has(Alg alg) const { return (bits_ & bit(alg)) != 0; }
  constexpr bool empty() const { return bits_ == 0; }
  friend constexpr AlgSet operator&(AlgSet a, AlgSet b) {
    AlgSet both;
    both.bits_ = static_cast<std::uint16_t>(a.bits_ & b.bits_);
    return both;
  }
  friend constexpr bool operator==(AlgSet a, AlgSet b) { return a.bits_ == b.bits_; }

 private:
  static constexpr std::uint16_t bit(Alg alg) {
    return static_cast<std::uint16_t>(1U << static_cast<unsigned>(alg));
  }
  std::uint16_t bits_ = 0;
};

// RS*, PS*, ES*, EdDSA: all that may come from a JWKS.
inline constexpr AlgSet kAsymmetric{Alg::rs256, Alg::rs384, Alg::rs512, Alg::ps256, Alg::ps384,
                                    Alg::ps512, Alg::es256, Alg::es384, Alg::es512, Alg::eddsa};

}  // namespace oauth
