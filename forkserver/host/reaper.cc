#include "forkserver/host/reaper.h"

#include <signal.h>

#include <utility>

namespace forkserver {

Reaper::~Reaper() {
  for (auto& [id, watched] : watched_) {
    if (watched.watch != 0) loop_.Unwatch(watched.watch);
    if (watched.retry != 0) loop_.CancelTimer(watched.retry);
  }
}

void Reaper::Reap(Process process, OnReaped on_reaped) {
  Watch(std::move(process), End::kItsOwn, std::move(on_reaped));
}

void Reaper::KillAndReap(Process process, OnReaped on_reaped) {
  process.Signal(SIGKILL).IgnoreError();
  Watch(std::move(process), End::kKilled, std::move(on_reaped));
}

void Reaper::KillAll() {
  for (auto& [id, watched] : watched_) {
    if (std::exchange(watched.end, End::kKilled) == End::kKilled) continue;
    watched.process.Signal(SIGKILL).IgnoreError();
    ++killed_;
  }
}

void Reaper::Watch(Process process, End end, OnReaped on_reaped) {
  const uint64_t id = next_id_++;
  absl::StatusOr<EventLoop::WatchId> watch =
      loop_.Watch(process.pidfd(), EPOLLIN, [this, id](uint32_t) { OnEnd(id); });
  killed_ += end == End::kKilled ? 1 : 0;
  const auto added = watched_.emplace(id, Watched{.process = std::move(process),
                                                  .watch = watch.value_or(0),
                                                  .retry = 0,
                                                  .end = end,
                                                  .on_reaped = std::move(on_reaped)});
  if (!watch.ok()) RetryLater(id, added.first->second);
}

void Reaper::RetryLater(uint64_t id, Watched& watched) {
  // Its pidfd stays readable.
  if (watched.watch != 0) loop_.Unwatch(std::exchange(watched.watch, 0));
  watched.retry = loop_.AddTimer(NowNanos() + kRetryInterval, [this, id] { OnEnd(id); });
}

void Reaper::OnEnd(uint64_t id) {
  const auto found = watched_.find(id);
  if (found == watched_.end()) return;
  const absl::StatusOr<ExitStatus> status = found->second.process.Wait(absl::ZeroDuration());
  if (absl::IsDeadlineExceeded(status.status())) return RetryLater(id, found->second);
  if (found->second.watch != 0) loop_.Unwatch(found->second.watch);
  Watched ended = std::move(found->second);
  watched_.erase(found);
  killed_ -= ended.end == End::kKilled ? 1 : 0;
  if (ended.on_reaped) ended.on_reaped(status);
}

}  // namespace forkserver
