// A host's process between its fork and its exec.
//
//     SuspendedHost host;
//     if (FailedCall failed = host.Fork(command); failed.happened()) ...
//     SetHostAttributes(host.pid(), attributes);           // it has not run an instruction
//     host.Resume();
//     ...host.outcome_fd() is readable...
//     if (host.ReadOutcome(&failed) == SuspendedHost::Outcome::kFailed) ...execve: ENOENT...
//
// The child is forked with a pidfd, waits for Resume on a close-on-exec socket, restores the signal
// mask and the disposition of SIGCHLD that the launcher began with, and execs. What fails in it
// comes back over the same socket as {step, errno}; that the socket closes without a word means
// that the host's program runs.
//
// It dies with the launcher (SIGKILL as its parent-death signal): who kills the program that they
// started, as a test harness does with one that hangs, expects it to be dead. The kernel takes the
// signal away again where the host's program is setuid or has file capabilities.
//
// Ownership: owns the pidfd and the socket. The process is the caller's to reap once it is resumed;
// until then destroying this ends and reaps it. Threads: one, and that one must never end before
// the process does (prctl(2)). Between fork and exec: system calls only.
#ifndef FORKSERVER_LAUNCHER_SUSPENDED_HOST_H_
#define FORKSERVER_LAUNCHER_SUSPENDED_HOST_H_

#include <signal.h>
#include <stdint.h>
#include <sys/types.h>

#include "forkserver/launcher/failed_call.h"
#include "transceiver/unique_fd.h"

namespace forkserver {

struct HostCommand {
  const char* path = nullptr;
  char* const* argv = nullptr;
  char* const* environment = nullptr;
  // As they were when the launcher started.
  const sigset_t* signal_mask = nullptr;
  const struct sigaction* sigchld = nullptr;
  // Stays open in the host; close-on-exec in the launcher.
  int start_socket = -1;
};

class SuspendedHost {
 public:
  enum class Outcome : uint8_t { kUnknown, kRuns, kFailed };

  SuspendedHost() = default;
  SuspendedHost(const SuspendedHost&) = delete;
  SuspendedHost& operator=(const SuspendedHost&) = delete;
  ~SuspendedHost();

  FailedCall Fork(const HostCommand& command);
  // No failure where it has died meanwhile, which its outcome tells. After one it is still
  // suspended.
  FailedCall Resume();

  pid_t pid() const { return pid_; }
  int pidfd() const { return pidfd_.get(); }
  // To be polled for reading after Resume; -1 once the outcome is known.
  int outcome_fd() const { return socket_.get(); }
  // Does not wait. kFailed: `failed` says which call.
  Outcome ReadOutcome(FailedCall* failed);

 private:
  pid_t pid_ = -1;
  bool is_resumed_ = false;
  UniqueFd pidfd_;
  UniqueFd socket_;
};

}  // namespace forkserver

#endif  // FORKSERVER_LAUNCHER_SUSPENDED_HOST_H_
