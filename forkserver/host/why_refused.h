// Why this machine refuses a layer of the sandbox, in words that somebody can act on.
//
//     WhyRefused(report, SandboxLayer::kUserNamespace)
//         // "unshare CLONE_NEWUSER: EPERM; kernel.apparmor_restrict_unprivileged_userns is 1"
//
// The call and its errno are the template's own. What is added was read from the kernel by the
// caller, on the spot, and only what can have to do with that errno is: where two things can be
// the cause, both are named, and nothing is called the cause that merely could be.
//
// For the process that has started the template, since settings and limits are looked up as that
// one sees them. Allocates, opens files in /proc and /sys; any thread.
#ifndef FORKSERVER_HOST_WHY_REFUSED_H_
#define FORKSERVER_HOST_WHY_REFUSED_H_

#include <stdint.h>

#include <array>
#include <optional>
#include <string>

#include "child/sandbox/sandbox_report.h"

namespace forkserver {

// What the machine says of itself. What could not be read is empty, and is not spoken of.
struct MachineFacts {
  std::optional<int64_t> apparmor_restricts_user_namespaces = {};  // a sysctl of Ubuntu's kernels
  std::optional<int64_t> unprivileged_user_namespaces = {};        // a sysctl of Debian's kernels
  // user.max_*_namespaces, in the order of the layers: user, pid, mount, ipc, uts, network.
  std::array<std::optional<int64_t>, 6> max_namespaces = {};
  std::string kernel_release = {};    // "6.1.0-18-amd64"
  std::string security_modules = {};  // "lockdown,capability,landlock,yama"
  std::string security_label = {};    // the calling process's: "docker-default (enforce)"
  std::optional<int64_t> seccomp_mode = {};
  std::optional<int64_t> seccomp_filters = {};
  std::optional<int64_t> user_id = {};      // the effective one
  std::optional<bool> may_administer = {};  // CAP_SYS_ADMIN
  std::optional<bool> may_map_root = {};    // CAP_SETFCAP
  int landlock_version = 0;                 // 0: none
  // PR_GET_DUMPABLE: 0 or 2 for one that has changed its user itself, whose files in /proc are
  // root's then (proc(5)).
  int dumpable = 1;
};

// `root`: what /proc and /sys are in; another one than the machine's in tests.
MachineFacts ReadMachineFacts(const std::string& root = "");

std::string WhyRefused(const SandboxReport& report, SandboxLayer layer,
                       const MachineFacts& machine);

// For a layer that was not refused, its state: "engaged".
inline std::string WhyRefused(const SandboxReport& report, SandboxLayer layer) {
  return WhyRefused(report, layer, ReadMachineFacts());
}

}  // namespace forkserver

#endif  // FORKSERVER_HOST_WHY_REFUSED_H_
