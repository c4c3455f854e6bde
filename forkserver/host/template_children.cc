#include "forkserver/host/template_children.h"

#include "absl/strings/str_format.h"

namespace forkserver {

absl::StatusOr<Process> TemplateChildren::TakeOver(Packet& packet, pid_t pid,
                                                   ProcessType type) const {
  const bool has_pidfd = packet.descriptors().size() == 1 && packet.descriptors().get(0) >= 0;
  if (!has_pidfd) return Find(pid, type, kind);
  // An exec makes a silent child one that sends SIGCHLD (clone(2)), and may have come before this
  // answer is read; in a sandbox there is none.
  // Not taken before it is known to be one: what else it may be, the packet knows to close.
  const absl::StatusOr<pid_t> checked =
      Process::CheckChild(packet.descriptors().get(0), sandbox != nullptr ? kind : ChildKind::kAny);
  if (!checked.ok()) return checked.status();
  if (sandbox != nullptr) return sandbox->For(type).Admit(packet.descriptors().Take(0), type);
  if (is_elsewhere()) return Process::FromPidfd(packet.descriptors().Take(0));
  // Of one that is dead and reaped it is its template's word, but no living one's.
  if (*checked != 0 ? *checked != pid : Process::IsOwned(pid)) {
    return absl::InternalError(
        absl::StrFormat("a Forked of pid %d with the pidfd of %d", pid, *checked));
  }
  return Process(pid, packet.descriptors().Take(0));
}

absl::StatusOr<Process> TemplateChildren::Find(pid_t pid, ProcessType type,
                                               ChildKind unsandboxed) const {
  if (sandbox != nullptr && is_in_chain) return sandbox->For(type).Find(pid, type, kind);
  if (is_elsewhere()) return absl::InternalError("a Forked without a pidfd");
  if (sandbox != nullptr) return sandbox->For(type).Adopt(pid, type, kind);
  return Process::Adopt(pid, unsandboxed);
}

}  // namespace forkserver
