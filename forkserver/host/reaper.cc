#include "forkserver/host/reaper.h"

#include <signal.h>

#include <utility>

namespace forkserver {

Reaper::~Reaper() {
  for (auto& [id, dying] : dying_) loop_.Unwatch(dying.watch);
}

void Reaper::KillAndReap(Process process, OnReaped on_reaped) {
  process.Signal(SIGKILL).IgnoreError();
  const uint64_t id = next_id_++;
  absl::StatusOr<EventLoop::WatchId> watch =
      loop_.Watch(process.pidfd(), EPOLLIN, [this, id](uint32_t) { Reap(id); });
  if (!watch.ok()) {
    // No room to watch one more: then wait for it, it is dying.
    if (absl::StatusOr<ExitStatus> status = process.Wait(); status.ok() && on_reaped) {
      on_reaped(*status);
    }
    return;
  }
  dying_.emplace(id, Dying{std::move(process), *watch, std::move(on_reaped)});
}

void Reaper::Reap(uint64_t id) {
  const auto found = dying_.find(id);
  if (found == dying_.end()) return;
  absl::StatusOr<ExitStatus> status = found->second.process.Wait(absl::ZeroDuration());
  if (absl::IsDeadlineExceeded(status.status())) return;
  loop_.Unwatch(found->second.watch);
  Dying dying = std::move(found->second);
  dying_.erase(found);
  // Without a status, where somebody else took it: killed, as it was.
  constexpr ExitStatus kUnknown = {
      .kind = ExitStatus::Kind::kKilled, .code = SIGKILL, .core_dumped = false, .usage = {}};
  if (dying.on_reaped) dying.on_reaped(status.ok() ? *status : kUnknown);
}

}  // namespace forkserver
