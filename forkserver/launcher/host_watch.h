// Waits beside a host: for its word that its start-up is over, for its stops and its end; and
// passes signals to it meanwhile.
//
//     HostWatch watch;
//     if (FailedCall failed = watch.Begin(); failed.happened()) ...
//     ...SuspendedHost::Fork, with watch.signal_mask() and watch.sigchld()...
//     const HostEnd end = watch.ResumeAndWatch(host, std::move(start_socket), start_millis);
//
// One after the other for several attempts. All signals are blocked from Begin on, for good: they
// are read from a descriptor. Threads: one, the process's only one.
#ifndef FORKSERVER_LAUNCHER_HOST_WATCH_H_
#define FORKSERVER_LAUNCHER_HOST_WATCH_H_

#include <signal.h>
#include <stdint.h>
#include <sys/signalfd.h>

#include <optional>

#include "forkserver/launcher/failed_call.h"
#include "forkserver/launcher/group_witness.h"
#include "forkserver/launcher/suspended_host.h"
#include "transceiver/unique_fd.h"

namespace forkserver {

struct HostEnd {
  enum class Kind : uint8_t {
    kExited,
    kKilled,      // by a signal
    kNotStarted,  // a call failed before the host's program ran
  };

  Kind kind = Kind::kNotStarted;
  int code = 0;            // the exit code, or the signal
  FailedCall failed = {};  // of kNotStarted
  bool during_start = false;
  // The launcher had that signal too, or one by which programs are asked to end: somebody wanted it
  // to, whatever it died of in the end.
  bool asked_for = false;
};

class HostWatch {
 public:
  FailedCall Begin();

  // Of before Begin.
  const sigset_t& signal_mask() const { return signal_mask_; }
  const struct sigaction& sigchld() const { return sigchld_; }

  // `start_socket` is the launcher's end of what the host tells that its start is over with.
  // Returns when the host has ended and is reaped.
  HostEnd ResumeAndWatch(SuspendedHost& host, UniqueFd start_socket, int start_millis);

 private:
  enum class HostIs : uint8_t { kSuspended, kResumed };

  void ReadSignals(HostIs state);
  void PassOn(const signalfd_siginfo& signal, HostIs state);
  void LookAtHost();
  void StopToo(int signal);
  void ReadStartSocket();
  void StartIsOver();
  void ReadOutcome();

  sigset_t signal_mask_ = {};
  struct sigaction sigchld_ = {};
  UniqueFd signals_;
  GroupWitness witness_;
  bool has_witness_ = false;

  // Of the attempt under way.
  SuspendedHost* host_ = nullptr;
  UniqueFd start_socket_;
  bool during_start_ = true;
  uint64_t heard_ = 0;  // bit N-1: signal N came, since the host was forked
  bool asked_to_stop_ = false;
  FailedCall failed_;
  std::optional<HostEnd> end_;
};

}  // namespace forkserver

#endif  // FORKSERVER_LAUNCHER_HOST_WATCH_H_
