// What the host knows of a template by which it tells the template's children from other processes.
//
//     absl::StatusOr<Process> child = children.TakeOver(forked_packet, forked.pid, type);
//
// A template may lie, and name any process: it gets what is a child of the host's that has no
// Process yet, and of a sandboxed template what sends no signal at its end.
#ifndef FORKSERVER_HOST_TEMPLATE_CHILDREN_H_
#define FORKSERVER_HOST_TEMPLATE_CHILDREN_H_

#include <sys/types.h>

#include <memory>

#include "absl/status/statusor.h"
#include "child/process_types.h"
#include "forkserver/host/process.h"
#include "forkserver/host/sandbox_chain.h"
#include "transceiver/packet.h"

namespace forkserver {

struct TemplateChildren {
  // Null: it is not sandboxed, or has not said so yet.
  std::unique_ptr<TemplateSandbox> sandbox = {};
  // kSilent below a seed, kAny below an exec: the host's own knowledge, and not the template's
  // word.
  ChildKind kind = ChildKind::kAny;
  pid_t process = 0;         // the template, as the host sees it; 0: not known yet
  pid_t own_pid = 0;         // the same, as the template says; 0: it has not said
  bool is_in_chain = false;  // it is itself in the pid namespace of its chain

  // Who it is.
  void Know(const Process& template_process) {
    process = template_process.pid();
    is_in_chain = template_process.sandboxed() != nullptr;
  }
  // The child that a Forked brings: by its pidfd, or where that was lost, by `pid`.
  absl::StatusOr<Process> TakeOver(Packet& packet, pid_t pid, ProcessType type) const;
  // By its pid alone, which is one of the template's pid namespace.
  absl::StatusOr<Process> Find(pid_t pid, ProcessType type, ChildKind unsandboxed) const;

 private:
  // It knows its children by other pids than the host does.
  bool is_elsewhere() const { return process != 0 && process != own_pid; }
};

}  // namespace forkserver

#endif  // FORKSERVER_HOST_TEMPLATE_CHILDREN_H_
