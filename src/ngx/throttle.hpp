// Throttle: `oauth_limit`.
#pragma once

#include "oauth/flow/ports.hpp"

namespace oauth {

class AddressThrottle final : public Throttle {
 public:
  bool open(Gate) override { return true; }
  void spend(Gate) override {}
};

}  // namespace oauth
