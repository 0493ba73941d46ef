#include "oauth/base/task.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace oauth {
namespace {

using Log = std::vector<std::string>;

// Notes when it dies.
class Tracer {
 public:
  Tracer(Log& log, std::string name) : log_(&log), name_(std::move(name)) {}
  Tracer(const Tracer&) = delete;
  Tracer& operator=(const Tracer&) = delete;
  ~Tracer() { log_->push_back("~" + name_); }

 private:
  Log* log_;
  std::string name_;
};

// A leaf: parks the coroutine in `parked` until the test resumes it.
class Park {
 public:
  Park(Log& log, std::coroutine_handle<>& parked) : tracer_(log, "park"), parked_(&parked) {}
  Park(const Park&) = delete;
  Park& operator=(const Park&) = delete;
  bool await_ready() noexcept { return false; }
  void await_suspend(std::coroutine_handle<> self) noexcept { *parked_ = self; }
  int await_resume() noexcept { return 1; }

 private:
  Tracer tracer_;
  std::coroutine_handle<>* parked_;
};

struct Stage {
  Log log;
  std::coroutine_handle<> parked;
};

Task<int> inner(Stage& stage) {
  const Tracer tracer(stage.log, "inner");
  stage.log.emplace_back("inner runs");
  Park park(stage.log, stage.parked);
  const auto one = co_await park;
  stage.log.emplace_back("inner resumed");
  co_return one + 1;
}

Task<std::string> outer(Stage& stage) {
  const Tracer tracer(stage.log, "outer");
  stage.log.emplace_back("outer runs");
  const auto two = co_await inner(stage);
  stage.log.push_back("outer got " + std::to_string(two));
  co_return std::to_string(two + 1);
}

TEST(Task, RunsNothingUntilItIsStarted) {
  Stage stage;
  { const auto task = outer(stage); }
  EXPECT_EQ(stage.log, Log{});
}

TEST(Task, RunsToItsFirstSuspensionAndOnWhenItsLeafIsResumed) {
  Stage stage;
  auto task = outer(stage);
  task.start();
  EXPECT_EQ(stage.log, (Log{"outer runs", "inner runs"}));
  EXPECT_FALSE(task.done());
  stage.parked.resume();
  EXPECT_TRUE(task.done());
  EXPECT_EQ(task.result(), "3");
  EXPECT_EQ(stage.log, (Log{"outer runs", "inner runs", "inner resumed", "~park", "~inner",
                            "outer got 2", "~outer"}));
}

TEST(Task, DestroysEveryFrameFromTheLeafOutwardsWhenItIsDroppedMidway) {
  Stage stage;
  {
    auto task = outer(stage);
    task.start();
  }
  EXPECT_EQ(stage.log, (Log{"outer runs", "inner runs", "~park", "~inner", "~outer"}));
}

TEST(Task, HandsItsFrameOverWhenItIsMoved) {
  Stage stage;
  auto first = outer(stage);
  auto second = std::move(first);
  second.start();
  stage.parked.resume();
  EXPECT_EQ(second.result(), "3");
}

Task<std::unique_ptr<int>> make(int value) {
  co_return std::make_unique<int>(value);
}

Task<int> add(std::unique_ptr<int> a, int b) {
  auto c = co_await make(b);
  co_return *a + *c;
}

TEST(Task, PassesValuesThatCanOnlyBeMoved) {
  auto task = add(std::make_unique<int>(40), 2);
  task.start();
  ASSERT_TRUE(task.done());
  EXPECT_EQ(task.result(), 42);
}

Task<int> run_out_of_memory() {
  throw std::bad_alloc();
  co_return 0;
}

Task<int> await_it() {
  const auto value = co_await run_out_of_memory();
  co_return value;
}

TEST(Task, CarriesAnExceptionToTheOutermostResult) {
  auto task = await_it();
  task.start();
  ASSERT_TRUE(task.done());
  EXPECT_THROW(task.result(), std::bad_alloc);
}

Task<int> count_down(int from) {
  int sum = 0;
  for (int i = 0; i < from; ++i) {
    auto one = co_await make(1);
    sum += *one;
  }
  co_return sum;
}

TEST(Task, AwaitsManyTasksInARow) {
  auto task = count_down(10000);
  task.start();
  EXPECT_EQ(task.result(), 10000);
}

}  // namespace
}  // namespace oauth
