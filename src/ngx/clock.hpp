// Clock and Random over nginx's cached time and the operating system's generator.
#pragma once

#include "ngx/run.hpp"
#include "oauth/flow/ports.hpp"

namespace oauth {

class NginxClock final : public Clock {
 public:
  explicit NginxClock(Flow& flow) noexcept : flow_(flow) {}
  std::int64_t now() const noexcept override;
  std::int64_t now_ms() const noexcept override;
  Task<Done> pause(std::int64_t milliseconds) override;

 private:
  Flow& flow_;
};

class SystemRandom final : public Random {
 public:
  Result<std::string> bytes(std::size_t count) override;
};

}  // namespace oauth
