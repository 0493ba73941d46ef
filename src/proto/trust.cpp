#include "oauth/proto/trust.hpp"

namespace oauth {

Trust own_trust(const Broker& broker, std::int64_t grace) {
  Trust trust;
  trust.expect.issuer = broker.url;
  trust.expect.audiences = broker.audiences;
  trust.expect.algs = kAsymmetric;
  trust.expect.typs = {"at+jwt"};
  trust.expect.skew = broker.skew;
  trust.expect.grace = grace;
  trust.keys = broker.signing;
  trust.is_own = true;
  return trust;
}

}  // namespace oauth
