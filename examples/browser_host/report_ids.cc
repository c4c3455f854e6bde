#include "examples/browser_host/report_ids.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "transceiver/errno_status.h"

namespace browser_host {

using forkserver::ErrnoStatus;
using forkserver::EventLoop;

ReportIds::~ReportIds() { Unwatch(); }

void ReportIds::Add(pid_t pid, const std::string& id) {
  const absl::MutexLock lock(&mutex_);
  ids_[pid] = id;
  // It is full only where nobody has looked for very long, and then readable all the same.
  if (wake_.is_open()) eventfd_write(wake_.get(), 1);
}

absl::Status ReportIds::Watch(EventLoop& loop) {
  const absl::MutexLock lock(&mutex_);
  wake_.reset(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wake_.is_open()) return ErrnoStatus(errno, "eventfd");
  const absl::StatusOr<EventLoop::WatchId> watch =
      loop.Watch(wake_.get(), EPOLLIN, [this](uint32_t) { OnAdded(); });
  if (!watch.ok()) return watch.status();
  loop_ = &loop;
  watch_ = *watch;
  return absl::OkStatus();
}

void ReportIds::Unwatch() {
  if (loop_ == nullptr) return;
  loop_->Unwatch(watch_);
  for (auto& [pid, waiting] : std::exchange(waiting_, {})) loop_->CancelTimer(waiting.timer);
  loop_ = nullptr;
  const absl::MutexLock lock(&mutex_);
  wake_.reset();
}

std::string ReportIds::Take(pid_t pid) {
  const absl::MutexLock lock(&mutex_);
  auto found = ids_.extract(pid);
  return found.empty() ? std::string() : std::move(found.mapped());
}

void ReportIds::OnAdded() {
  std::vector<pid_t> pids;
  {
    const absl::MutexLock lock(&mutex_);
    eventfd_t count;
    eventfd_read(wake_.get(), &count);
    for (const auto& [pid, id] : ids_) pids.push_back(pid);
  }
  for (const pid_t pid : pids) {
    if (waiting_.contains(pid)) Answer(pid, Take(pid));
  }
}

void ReportIds::WhenKnown(pid_t pid, int64_t deadline, Callback callback) {
  std::string id = Take(pid);
  if (!id.empty() || loop_ == nullptr) return callback(id);
  waiting_[pid] = {.callback = std::move(callback),
                   .timer = loop_->AddTimer(deadline, [this, pid] { Answer(pid, ""); })};
}

void ReportIds::Answer(pid_t pid, const std::string& id) {
  auto found = waiting_.extract(pid);
  if (found.empty()) return;
  loop_->CancelTimer(found.mapped().timer);
  found.mapped().callback(id);
}

}  // namespace browser_host
