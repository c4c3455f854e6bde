#include "forkserver/host/memory_pressure.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <utility>

#include "transceiver/errno_status.h"

namespace forkserver {
namespace {

constexpr char kTrigger[] = "some 200000 2000000";

}  // namespace

MemoryPressure::~MemoryPressure() {
  if (watch_ != 0) loop_.Unwatch(watch_);
}

absl::Status MemoryPressure::Watch(const char* path) {
  UniqueFd trigger(open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC));
  if (!trigger.is_open()) return ErrnoStatus(errno, std::string("open ") + path);
  // With its NUL, as psi.rst wants it.
  const ssize_t written = write(trigger.get(), kTrigger, sizeof(kTrigger));
  if (written != sizeof(kTrigger)) {
    return ErrnoStatus(written < 0 ? errno : EIO, std::string("write ") + path);
  }
  return Watch(std::move(trigger));
}

absl::Status MemoryPressure::Watch(UniqueFd trigger) {
  absl::StatusOr<EventLoop::WatchId> watch =
      loop_.Watch(trigger.get(), EPOLLPRI, [this](uint32_t events) {
        // The trigger is gone (PSI adds EPOLLPRI to that): it would be reported for ever.
        if ((events & (EPOLLERR | EPOLLHUP)) != 0) return loop_.Unwatch(std::exchange(watch_, 0));
        on_pressure_();
      });
  if (!watch.ok()) return watch.status();
  trigger_ = std::move(trigger);
  watch_ = *watch;
  return absl::OkStatus();
}

}  // namespace forkserver
