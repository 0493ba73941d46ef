#include "ngx/peer.hpp"

#include <cstdint>

namespace oauth {
namespace {

bool is_loopback_v4(std::uint32_t address) noexcept {
  return ntohl(address) >> 24 == 127;
}

std::string first_bytes(const void* data, std::size_t count) {
  return {static_cast<const char*>(data), count};
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

std::string network_of(const sockaddr* address) {
  switch (address->sa_family) {
    case AF_INET:
      return first_bytes(&reinterpret_cast<const sockaddr_in*>(address)->sin_addr, 4);
#if (NGX_HAVE_INET6)
    case AF_INET6: {
      const in6_addr& v6 = reinterpret_cast<const sockaddr_in6*>(address)->sin6_addr;
      // RFC 4291 2.5.5.2: what a listener for both families says of an IPv4 client.
      return IN6_IS_ADDR_V4MAPPED(&v6) ? first_bytes(v6.s6_addr + 12, 4)
                                       : first_bytes(v6.s6_addr, 8);
    }
#endif
    default:
      return {};
  }
}

}  // namespace oauth
