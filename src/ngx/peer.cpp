#include "ngx/peer.hpp"

#include <cstdint>

namespace oauth {
namespace {

bool is_loopback_v4(std::uint32_t address) noexcept {
  return ntohl(address) >> 24 == 127;
}

}  // namespace

bool is_local_address(const sockaddr* address) noexcept {
  switch (address->sa_family) {
    case AF_UNIX:
      return true;
    case AF_INET:
      return is_loopback_v4(reinterpret_cast<const sockaddr_in*>(address)->sin_addr.s_addr);
#if (NGX_HAVE_INET6)
    case AF_INET6: {
      const in6_addr& v6 = reinterpret_cast<const sockaddr_in6*>(address)->sin6_addr;
      std::uint32_t mapped = 0;
      std::memcpy(&mapped, v6.s6_addr + 12, sizeof(mapped));
      return IN6_IS_ADDR_LOOPBACK(&v6) || (IN6_IS_ADDR_V4MAPPED(&v6) && is_loopback_v4(mapped));
    }
#endif
    default:
      return false;
  }
}

}  // namespace oauth
