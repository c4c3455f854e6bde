// How much longer litehtml may work on a page. It is a library that answers when it is done, so
// what it calls on its way counts, and ends it by an exception once the time is up or the page is
// beyond another bound. litehtml is C++ and holds all it has in owners, so it can be left so; the
// painter catches it, and no exception leaves this library.
//
//     WorkBudget work(std::chrono::seconds(10));
//     work.Begin();
//     work.Spend();    // throws PageRefused{"page takes longer than 10000 ms"}
//
// Of the time that a PaintBounds has: anew from each Begin, or from its `since` on.
#ifndef EXAMPLES_BROWSER_HOST_PAINT_WORK_BUDGET_H_
#define EXAMPLES_BROWSER_HOST_PAINT_WORK_BUDGET_H_

#include <stddef.h>
#include <stdint.h>

#include <chrono>
#include <optional>
#include <string>

namespace browser_host {

struct PageRefused {
  std::string why;
};

class WorkBudget {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  explicit WorkBudget(std::chrono::milliseconds time, std::optional<TimePoint> since = {})
      : time_(time), since_(since) {}

  void Begin() {
    end_ = since_.value_or(std::chrono::steady_clock::now()) + time_;
    steps_ = 0;
  }

  // A step is a hundred nanoseconds of work or so.
  void Spend(size_t steps = 1) {
    steps_ += steps;
    if (steps_ < kStepsBetweenLooks) return;
    steps_ = 0;
    if (IsOver()) Refuse();
  }

  bool IsOver() const { return std::chrono::steady_clock::now() > end_; }
  std::string WhyOver() const {
    return "page takes longer than " + std::to_string(time_.count()) + " ms";
  }

 private:
  static constexpr size_t kStepsBetweenLooks = 1000;

  [[noreturn]] void Refuse() const { throw PageRefused{WhyOver()}; }

  std::chrono::milliseconds time_;
  std::optional<TimePoint> since_;
  TimePoint end_ = {};
  size_t steps_ = 0;
};

}  // namespace browser_host

#endif  // EXAMPLES_BROWSER_HOST_PAINT_WORK_BUDGET_H_
