#include "forkserver/host/reaper.h"

#include <signal.h>

#include <utility>

namespace forkserver {

Reaper::~Reaper() {
  for (auto& [id, watched] : watched_) loop_.Unwatch(watched.watch);
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
  if (!watch.ok()) {
    const absl::StatusOr<ExitStatus> status = process.Wait();
    if (on_reaped) on_reaped(status);
    return;
  }
  killed_ += end == End::kKilled ? 1 : 0;
  watched_.emplace(id, Watched{.process = std::move(process),
                               .watch = *watch,
                               .end = end,
                               .on_reaped = std::move(on_reaped)});
}

void Reaper::OnEnd(uint64_t id) {
  const auto found = watched_.find(id);
  if (found == watched_.end()) return;
  const absl::StatusOr<ExitStatus> status = found->second.process.Wait(absl::ZeroDuration());
  if (absl::IsDeadlineExceeded(status.status())) return;
  loop_.Unwatch(found->second.watch);
  Watched ended = std::move(found->second);
  watched_.erase(found);
  killed_ -= ended.end == End::kKilled ? 1 : 0;
  if (ended.on_reaped) ended.on_reaped(status);
}

}  // namespace forkserver
