// SplitTokens: tokens of late, taken apart. What stands in a token never changes, so one that comes
// again need not be read again. Bounded: a token displaces another one of the same place. For
// tokens that were verified: others would only displace those. One instance a worker.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <string_view>

#include "oauth/jose/jwt.hpp"

namespace oauth {

class SplitTokens {
 public:
  static constexpr std::size_t kPlaces = 128;  // a token of 800 bytes takes some 4 KiB

  // Nothing is asked of the token itself. Null where split() refuses it. The result may be held on
  // to, whatever comes later.
  std::shared_ptr<const Jwt> get(std::string_view token);

 private:
  struct Copy {
    std::string token;  // what `jwt` is a view of
    Jwt jwt;
  };
  std::array<std::shared_ptr<const Copy>, kPlaces> places_;
};

}  // namespace oauth
