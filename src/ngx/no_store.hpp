// NoStore: where there is no broker there is nothing to keep, and who asks for it is told so.
#pragma once

#include "oauth/flow/ports.hpp"

namespace oauth {

class NoStore final : public Store {
 public:
  bool known_down() const noexcept override { return true; }
  Task<Check> claim(std::string_view, std::int64_t, std::int64_t) override {
    co_return Problem::store_down;
  }
  Task<Result<std::string>> take(Share, const std::vector<std::string>&) override {
    co_return Problem::store_down;
  }
  Task<Check> put(Share, std::string_view, std::string_view, std::int64_t) override {
    co_return Problem::store_down;
  }
  Task<Result<std::string>> get(Share, std::string_view) override { co_return Problem::store_down; }
  Task<Check> drop(Share, std::string_view) override { co_return Problem::store_down; }
  Task<Check> swap(Share, std::string_view, std::string_view, std::string_view,
                   std::int64_t) override {
    co_return Problem::store_down;
  }
  Task<Result<std::vector<std::int64_t>>> count(const std::vector<Counter>&) override {
    co_return Problem::store_down;
  }
  Task<Check> revoke(const RevocationMark&, std::int64_t) override {
    co_return Problem::store_down;
  }
};

}  // namespace oauth
