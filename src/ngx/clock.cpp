#include "ngx/clock.hpp"

#include "ngx/pause.hpp"
#include "oauth/base/secret.hpp"

namespace oauth {

std::int64_t NginxClock::now() const noexcept {
  return ngx_time();
}

std::int64_t NginxClock::now_ms() const noexcept {
  const ngx_time_t* time = ngx_timeofday();
  return static_cast<std::int64_t>(time->sec) * 1000 + static_cast<std::int64_t>(time->msec);
}

Task<Done> NginxClock::pause(std::int64_t milliseconds) {
  const auto length = static_cast<ngx_msec_t>(milliseconds > 0 ? milliseconds : 0);
  co_return co_await Pause(flow_, length);
}

Result<std::string> SystemRandom::bytes(std::size_t count) {
  return random_bytes(count);
}

}  // namespace oauth
