#include "forkserver/model/parent_process.h"

#include <unistd.h>

#include <algorithm>
#include <string>
#include <vector>

#include "absl/memory/memory.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "child/process_types.h"
#include "transceiver/errno_status.h"

namespace forkserver {

absl::StatusOr<std::unique_ptr<ParentProcess>> ParentProcess::Create(Options options) {
  auto parent = absl::WrapUnique(new ParentProcess(std::move(options)));
  ForkServer& server = parent->server();
  absl::StatusOr<EventLoop::WatchId> watch = parent->loop().Watch(
      server.pollable_fd(), EPOLLIN, [&server](uint32_t) { server.Dispatch(); });
  if (!watch.ok()) return watch.status();
  parent->server_watch_ = *watch;
  return parent;
}

ParentProcess::~ParentProcess() {
  if (server_watch_ != 0) loop().Unwatch(server_watch_);
}

absl::Status ParentProcess::SetPrefs(PrefsGeneration generation) {
  if (generation.fd == nullptr) return absl::InvalidArgumentError("no prefs map");
  PrefsMap map;
  if (const int error = PrefsMap::Attach(generation.fd->get(), map); error != 0) {
    return ErrnoStatus(error, "attach prefs map");
  }
  generation_ = std::move(generation);
  prefs_ = ModelPrefs::Read(map);
  server().SetPrefs(generation_);
  // One that is being launched has its message when it runs; one that cannot be told is ending, or
  // is killed for it.
  for (ProcessHostCore* host : hosts_) host->SendPrefs(generation_.fd->get()).IgnoreError();
  observers_.Notify(prefs_);
  return absl::OkStatus();
}

ProcessHostCore* ParentProcess::Find(ChildId id) const {
  const auto found = std::find_if(hosts_.begin(), hosts_.end(),
                                  [id](const ProcessHostCore* host) { return host->id() == id; });
  return found == hosts_.end() ? nullptr : *found;
}

void ParentProcess::Kill(ChildId id, const absl::Status& why) {
  if (ProcessHostCore* const host = Find(id); host != nullptr) host->Kill(why);
}

void ParentProcess::NoteExec() {
  if (has_told_of_safe_mode_) return;
  const absl::Status safe_mode = server().safe_mode();
  if (safe_mode.ok()) return;
  has_told_of_safe_mode_ = true;
  Log(std::string(safe_mode.message()));
}

void ParentProcess::Remove(ProcessHostCore& host) { std::erase(hosts_, &host); }

PeerName ParentProcess::AsPeer() const {
  return {.pid = getpid(), .process_type = static_cast<uint16_t>(ProcessType::kParent)};
}

absl::Status ParentProcess::CheckRemoteType(std::string_view protocol,
                                            std::span<const std::string_view> allowed,
                                            const ProcessHostCore& process) {
  const std::string_view kind = RowOf(process.remote_type().kind).name;
  if (std::find(allowed.begin(), allowed.end(), kind) != allowed.end()) return absl::OkStatus();
  return absl::PermissionDeniedError(
      absl::StrFormat("%s is for %s, not for %s", protocol,
                      absl::StrJoin(std::vector<std::string>(allowed.begin(), allowed.end()), ", "),
                      process.Name()));
}

absl::Status ParentProcess::MayConnect(const ProcessHostCore& one, const ProcessHostCore& other) {
  for (const ProcessHostCore* host : {&one, &other}) {
    if (!host->is_running()) {
      return absl::FailedPreconditionError(absl::StrFormat("%s does not run", host->Name()));
    }
  }
  if (forkserver::MayConnect(one.type(), other.type())) return absl::OkStatus();
  return absl::PermissionDeniedError(
      absl::StrFormat("the table of process types has no connection between %s and %s",
                      ProcessTypeName(one.type()), ProcessTypeName(other.type())));
}

absl::Status ParentProcess::MayConnect(const ProcessHostCore& child) {
  if (!child.is_running()) {
    return absl::FailedPreconditionError(absl::StrFormat("%s does not run", child.Name()));
  }
  return absl::OkStatus();
}

}  // namespace forkserver
