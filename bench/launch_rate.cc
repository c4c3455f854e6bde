#include "bench/launch_rate.h"

#include <errno.h>
#include <sys/epoll.h>

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
#include "transceiver/errno_status.h"
#include "transceiver/unique_fd.h"

namespace bench {
namespace {

using forkserver::ErrnoStatus;
using forkserver::ForkServer;
using forkserver::LaunchedChild;
using forkserver::LaunchOptions;
using forkserver::UniqueFd;

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

// The launches of one window, driven by one thread. A slot is one launch in flight: asked for,
// then a child whose end is awaited.
class Driver {
 public:
  Driver(ForkServer& server, const LaunchOptions& options, int in_flight, absl::Duration window)
      : server_(server),
        options_(options),
        slots_(static_cast<size_t>(in_flight)),
        window_(window) {}

  absl::StatusOr<double> Run() {
    epoll_.reset(epoll_create1(EPOLL_CLOEXEC));
    if (!epoll_.is_open()) return ErrnoStatus(errno, "epoll_create1");
    if (absl::Status added = Await(server_.pollable_fd(), kServer, 0); !added.ok()) return added;
    for (size_t slot = 0; slot < slots_.size(); ++slot) Begin(slot);
    while (in_flight_ > 0) {
      if (absl::Status turned = Turn(); !turned.ok()) return turned;
    }
    if (!failure_.ok()) return failure_;
    return window_.PerSecond();
  }

 private:
  static constexpr uint64_t kServer = UINT64_MAX;

  absl::Status Await(int fd, uint64_t what, uint32_t flags) {
    epoll_event event = {.events = EPOLLIN | flags, .data = {.u64 = what}};
    if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) {
      return ErrnoStatus(errno, "epoll_ctl");
    }
    return absl::OkStatus();
  }

  void Begin(size_t slot) {
    ++in_flight_;
    // A driver that gives up may be gone by then.
    server_.LaunchAsync(options_, [this, slot, alive = std::weak_ptr<bool>(alive_)](
                                      absl::StatusOr<LaunchedChild> child) {
      if (!alive.expired()) OnReady(slot, std::move(child));
    });
  }

  void OnReady(size_t slot, absl::StatusOr<LaunchedChild> child) {
    if (!child.ok()) return End(child.status());
    if (absl::Status added = Await(child->process.pidfd(), slot, EPOLLONESHOT); !added.ok()) {
      return End(added);
    }
    slots_[slot] = *std::move(child);
  }

  void OnExit(size_t slot) {
    const absl::StatusOr<forkserver::ExitStatus> status = slots_[slot]->process.Wait();
    // Closes the pidfd, which takes it out of the epoll set.
    slots_[slot].reset();
    window_.Count();
    if (status.ok() && !status->success()) {
      return End(absl::InternalError("launched child " + status->ToString()));
    }
    End(status.status());
    if (failure_.ok() && window_.is_open()) Begin(slot);
  }

  void End(absl::Status how) {
    --in_flight_;
    failure_.Update(how);
  }

  absl::Status Turn() {
    epoll_event events[64];
    const int count = epoll_wait(epoll_.get(), events, 64, 10'000);
    if (count < 0 && errno != EINTR) return ErrnoStatus(errno, "epoll_wait");
    if (count == 0) return absl::DeadlineExceededError("no launch moved for 10 s");
    for (int i = 0; i < count; ++i) {
      if (events[i].data.u64 == kServer) {
        server_.Dispatch();
      } else {
        OnExit(events[i].data.u64);
      }
    }
    return absl::OkStatus();
  }

  ForkServer& server_;
  const LaunchOptions& options_;
  UniqueFd epoll_;
  std::vector<std::optional<LaunchedChild>> slots_;
  size_t in_flight_ = 0;
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
  return Driver(server, options, in_flight, window).Run();
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
