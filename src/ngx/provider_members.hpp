// The members of `oauth_provider NAME { … }`: every one in one table (provider_members.cpp).
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "ngx/block.hpp"

namespace oauth {

// The types of provider that a member belongs to, one bit each.
using TypeSet = std::uint16_t;
constexpr TypeSet type_bit(ProviderType type) noexcept {
  return static_cast<TypeSet>(1U << static_cast<unsigned>(type));
}

// What the block says beyond the Provider that it becomes.
struct ProviderBlock {
  Provider provider;
  std::set<std::string, std::less<>> seen;  // members that were given
  std::optional<NamedFile> private_key;     // read when all of the block is known
  std::string key_id;
  std::string key_alg;

  bool has(std::string_view member) const { return seen.count(member) != 0; }
};

// A BlockMember, and whose it is.
struct ProviderMember {
  std::string_view name;
  std::size_t min;
  std::size_t max;
  bool repeatable;
  TypeSet types;
  std::string (*set)(ngx_conf_t* cf, ProviderBlock& block, const Words& words);
};

const std::vector<ProviderMember>& provider_members() noexcept;

}  // namespace oauth
