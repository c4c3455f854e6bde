// What the machine lacks of what a host can do without, and why: for reports.
//
//     const MachineReport machine = InspectMachine();
//     if (!machine.why_no_seals.empty()) Log(machine.why_no_seals);
//     // "memfd_create trial: EINVAL"
//
// Each is tried once, on something of its own. What a template's kernel gives it is in its Hello
// (forkserver/server/hello.h), what a sandbox lacks in the report of each child
// (child/sandbox/sandbox_report.h).
#ifndef FORKSERVER_HOST_MACHINE_REPORT_H_
#define FORKSERVER_HOST_MACHINE_REPORT_H_

#include <string>

namespace forkserver {

// Empty: it is there.
struct MachineReport {
  // Of a pidfd (Linux 6.13): without it the status of an exec'ed child that the embedder's own wait
  // has taken is lost. That a kernel keeps statuses (6.15) shows only when one is asked for.
  std::string why_no_pidfd_info = {};  // "PIDFD_GET_INFO: ENOTTY"
  // Of memfds: without them no memory is frozen, and prefs and large Plans cannot be sent.
  std::string why_no_seals = {};  // "fcntl F_ADD_SEALS: EINVAL"
  // Without it nothing can be exec'ed or frozen, and no layer of a sandbox that is set up by it is
  // there.
  std::string why_no_proc = {};  // "open /proc/self/exe: ENOENT"
};

MachineReport InspectMachine();

}  // namespace forkserver

#endif  // FORKSERVER_HOST_MACHINE_REPORT_H_
