#include "bench/launch_rate.h"

#include <atomic>
#include <barrier>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "bench/direct_fork.h"
#include "bench/launch_once.h"
#include "bench/stopwatch.h"

namespace bench {
namespace {

using forkserver::ExitStatus;
using forkserver::ForkServer;
using forkserver::LaunchedChild;
using forkserver::LaunchOptions;

class Window {
 public:
  explicit Window(absl::Duration length) : length_(absl::ToInt64Nanoseconds(length)) {}

  bool is_open() const { return watch_.Nanos() < length_; }
  void Count() { done_ += is_open() ? 1 : 0; }
  double PerSecond() const {
    return static_cast<double>(done_) * 1e9 / static_cast<double>(length_);
  }

 private:
  const int64_t length_;
  std::atomic<int64_t> done_ = 0;
  const Stopwatch watch_;
};

// The launches of one window, driven by one thread: as many as there are in flight, each asked for
// as an earlier one's child is reaped.
class Driver {
 public:
  Driver(ForkServer& server, const LaunchOptions& options, absl::Duration window)
      : server_(server), options_(options), window_(window) {}

  absl::StatusOr<double> Run(int in_flight) {
    for (int i = 0; i < in_flight; ++i) Begin();
    while (in_flight_ > 0) {
      server_.Dispatch(absl::Milliseconds(100));
      if (since_move_.Nanos() > kStuckNanos) {
        return absl::DeadlineExceededError("no launch moved for 10 s");
      }
    }
    if (!failure_.ok()) return failure_;
    return window_.PerSecond();
  }

 private:
  static constexpr int64_t kStuckNanos = 10'000'000'000;

  void Begin() {
    ++in_flight_;
    // A driver that gives up may be gone by then.
    server_.LaunchAsync(
        options_, [this, alive = std::weak_ptr<bool>(alive_)](absl::StatusOr<LaunchedChild> child) {
          if (!alive.expired()) OnReady(std::move(child));
        });
  }

  void OnReady(absl::StatusOr<LaunchedChild> child) {
    since_move_ = Stopwatch();
    if (!child.ok()) return End(child.status());
    server_.ReapAsync(std::move(child->process), [this, alive = std::weak_ptr<bool>(alive_)](
                                                     absl::StatusOr<ExitStatus> status) {
      if (!alive.expired()) OnExit(std::move(status));
    });
  }

  void OnExit(absl::StatusOr<ExitStatus> status) {
    since_move_ = Stopwatch();
    window_.Count();
    if (status.ok() && !status->success()) {
      return End(absl::InternalError("launched child " + status->ToString()));
    }
    End(status.status());
    if (failure_.ok() && window_.is_open()) Begin();
  }

  void End(absl::Status how) {
    --in_flight_;
    failure_.Update(how);
  }

  ForkServer& server_;
  const LaunchOptions& options_;
  int in_flight_ = 0;
  Stopwatch since_move_;
  absl::Status failure_;
  Window window_;
  const std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace

absl::StatusOr<double> ForkExitRate(absl::Duration length) {
  Window window(length);
  while (window.is_open()) {
    if (absl::StatusOr<double> sample = ForkExit(); !sample.ok()) return sample.status();
    window.Count();
  }
  return window.PerSecond();
}

absl::StatusOr<double> LaunchExitRate(ForkServer& server, const LaunchOptions& options,
                                      int in_flight, absl::Duration window) {
  return Driver(server, options, window).Run(in_flight);
}

absl::StatusOr<double> LaunchExitRateOfThreads(ForkServer& server, const LaunchOptions& options,
                                               int threads, absl::Duration length) {
  std::optional<Window> window;
  std::mutex mutex;
  absl::Status failure;
  // The window opens when the last thread is there.
  std::barrier start(threads, [&]() noexcept { window.emplace(length); });
  std::vector<std::thread> callers;
  for (int i = 0; i < threads; ++i) {
    callers.emplace_back([&] {
      start.arrive_and_wait();
      while (window->is_open()) {
        absl::StatusOr<double> sample = LaunchExit(server, options);
        if (!sample.ok()) {
          const std::lock_guard lock(mutex);
          failure.Update(sample.status());
          return;
        }
        window->Count();
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  if (!failure.ok()) return failure;
  return window->PerSecond();
}

}  // namespace bench
