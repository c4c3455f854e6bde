#include "forkserver/host/reaper.h"

#include <signal.h>

#include <utility>

namespace forkserver {

Reaper::~Reaper() {
  // All of them first, so that they end side by side.
  for (auto& [id, watched] : watched_) {
    StopWatching(watched);
    if (watched.reaped_by == kNever) Kill(id, watched);
    if (watched.patience != 0) loop_.CancelTimer(watched.patience);
  }
  for (auto& [id, watched] : watched_) {
    watched.process.KillAndReap(watched.reaped_by).IgnoreError();
  }
}

void Reaper::Reap(Process process, OnReaped on_reaped) {
  Watch("child", std::move(process), std::move(on_reaped));
}

void Reaper::KillAndReap(Process process, OnReaped on_reaped, std::string name) {
  const uint64_t id = Watch(std::move(name), std::move(process), std::move(on_reaped));
  Kill(id, watched_.at(id));
}

void Reaper::KillAll() {
  for (auto& [id, watched] : watched_) {
    if (watched.reaped_by == kNever) Kill(id, watched);
  }
}

void Reaper::Kill(uint64_t id, Watched& watched) {
  watched.process.Signal(SIGKILL).IgnoreError();
  ++killed_;
  watched.reaped_by = NowNanos() + absl::ToInt64Nanoseconds(Process::kPatience);
  if (!watched.on_reaped) return;
  watched.patience = loop_.AddTimer(watched.reaped_by, [this, id] { TellIfUnreaped(id); });
}

uint64_t Reaper::Watch(std::string name, Process process, OnReaped on_reaped) {
  const uint64_t id = next_id_++;
  absl::StatusOr<EventLoop::WatchId> watch =
      loop_.Watch(process.pidfd(), EPOLLIN, [this, id](uint32_t) { OnEnd(id); });
  const auto added = watched_.emplace(id, Watched{.name = std::move(name),
                                                  .process = std::move(process),
                                                  .watch = watch.value_or(0),
                                                  .on_reaped = std::move(on_reaped)});
  if (!watch.ok()) RetryLater(id, added.first->second);
  return id;
}

void Reaper::StopWatching(Watched& watched) {
  if (watched.watch != 0) loop_.Unwatch(std::exchange(watched.watch, 0));
  if (watched.retry != 0) loop_.CancelTimer(std::exchange(watched.retry, 0));
}

void Reaper::RetryLater(uint64_t id, Watched& watched) {
  // Its pidfd stays readable.
  StopWatching(watched);
  watched.retry = loop_.AddTimer(NowNanos() + kRetryInterval, [this, id] {
    watched_.at(id).retry = 0;
    OnEnd(id);
  });
}

void Reaper::OnEnd(uint64_t id) {
  if (!TryReap(id).ok()) RetryLater(id, watched_.at(id));
}

absl::Status Reaper::TryReap(uint64_t id) {
  const auto found = watched_.find(id);
  if (found == watched_.end()) return absl::OkStatus();
  const absl::StatusOr<ExitStatus> status = found->second.process.Wait(absl::ZeroDuration());
  if (absl::IsDeadlineExceeded(status.status())) return status.status();
  StopWatching(found->second);
  Watched ended = std::move(found->second);
  watched_.erase(found);
  killed_ -= ended.reaped_by != kNever ? 1 : 0;
  if (ended.patience != 0) loop_.CancelTimer(ended.patience);
  if (ended.on_reaped) ended.on_reaped(status);
  return absl::OkStatus();
}

void Reaper::TellIfUnreaped(uint64_t id) {
  const absl::Status why = TryReap(id);
  if (why.ok()) return;
  Watched& watched = watched_.at(id);
  if (watched.patience != 0) loop_.CancelTimer(std::exchange(watched.patience, 0));
  // It may have others killed, and what is watched moves then.
  if (const OnReaped on_reaped = std::exchange(watched.on_reaped, {})) on_reaped(why);
}

std::vector<uint64_t> Reaper::KilledIds() const {
  std::vector<uint64_t> ids;
  for (const auto& [id, watched] : watched_) {
    if (watched.reaped_by != kNever) ids.push_back(id);
  }
  return ids;
}

void Reaper::GiveUp() {
  for (const uint64_t id : KilledIds()) TellIfUnreaped(id);
}

std::vector<Reaper::Unreaped> Reaper::ListPending() {
  std::vector<Unreaped> pending;
  for (const uint64_t id : KilledIds()) {
    absl::Status why = TryReap(id);
    if (why.ok()) continue;
    const Watched& watched = watched_.at(id);
    pending.push_back({watched.name, watched.process.pid(), std::move(why)});
  }
  return pending;
}

}  // namespace forkserver
