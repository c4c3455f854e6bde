#include "examples/browser_host/canvas_pool.h"

#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <utility>

#include "absl/status/statusor.h"
#include "examples/browser_host/compose/canvas.h"
#include "forkserver/host/start_thread.h"
#include "transceiver/clock.h"
#include "transceiver/huge_page.h"
#include "transceiver/mapping.h"
#include "transceiver/sealed_memfd.h"
#include "transceiver/size_limit_guard.h"

namespace browser_host {
namespace {

using forkserver::kHugePage;
using forkserver::UniqueFd;

constexpr int64_t kUnhurriedDelay = 3 * forkserver::kNanosPerMilli;

// Nothing where it cannot be had in huge pages.
std::optional<UniqueFd> MakeCanvas() {
  absl::StatusOr<UniqueFd> fd = forkserver::CreateMemfd("canvas");
  if (!fd.ok()) return std::nullopt;
  forkserver::SizeLimitGuard guard;
  if (const int error = ftruncate(fd->get(), kCanvasBytes) == 0 ? 0 : errno; error != 0) {
    guard.Failed(error);
    return std::nullopt;
  }
  forkserver::Mapping memory;
  if (MapCanvas(fd->get(), memory) != 0) return std::nullopt;
  uint8_t* const bytes = memory.bytes().data();
  // What has no page at all is not collapsed (EINVAL).
  for (size_t at = 0; at < kCanvasBytes; at += kHugePage) {
    if (madvise(bytes + at, 1, MADV_POPULATE_WRITE) != 0) return std::nullopt;
  }
  if (madvise(bytes, kCanvasBytes, forkserver::kMadvCollapse) != 0) return std::nullopt;
  memset(bytes, 0xff, kCanvasBytes);
  return *std::move(fd);
}

}  // namespace

CanvasPool::~CanvasPool() {
  if (fills_ != 0) loop_.CancelTimer(fills_);
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    is_closed_ = true;
    changed_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
}

void CanvasPool::Fill() {
  if (!HasThread()) return;
  const std::lock_guard<std::mutex> lock(mutex_);
  is_wanted_ = true;
  changed_.notify_all();
}

bool CanvasPool::is_at_rest() {
  const std::lock_guard<std::mutex> lock(mutex_);
  return fills_ == 0 && (!thread_.joinable() || !is_wanted_ || ready_.size() == kCount);
}

std::optional<UniqueFd> CanvasPool::Take() {
  std::optional<UniqueFd> canvas;
  bool is_last = true;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (!ready_.empty()) {
      canvas = std::move(ready_.front());
      ready_.pop_front();
    }
    is_last = ready_.empty();
    is_wanted_ = false;
  }
  if (is_last) {
    Fill();
  } else if (fills_ == 0) {
    fills_ = loop_.AddTimer(forkserver::NowNanos() + kUnhurriedDelay, [this] {
      fills_ = 0;
      Fill();
    });
  }
  return canvas;
}

bool CanvasPool::HasThread() {
  if (thread_.joinable()) return true;
  return forkserver::StartThread(
      [this] {
        pthread_setname_np(pthread_self(), "canvas-pool");
        Run();
      },
      thread_);
}

void CanvasPool::Run() {
  std::unique_lock<std::mutex> lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return is_closed_ || (is_wanted_ && ready_.size() < kCount); });
    if (is_closed_) return;
    lock.unlock();
    std::optional<UniqueFd> canvas = MakeCanvas();
    lock.lock();
    if (canvas) {
      ready_.push_back(*std::move(canvas));
    } else {
      is_wanted_ = false;  // the next one who asks has it tried again
    }
  }
}

}  // namespace browser_host
