// How often a host has died during its start-up, and what is done about it.
//
//     StartRecord record;
//     switch (record.AfterDeath(SIGSEGV)) { case NextStart::kAgain: ... }
//
// Only a death by a signal counts, and only by one that nobody sends to have a program end in
// order: a fault (SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP), an abort, a refused system call
// (SIGSYS), or SIGKILL, which is how the kernel ends what has no memory left, and a person what
// hangs. An exit code is the host's answer (bad arguments, another instance runs already) and would
// be the same a second time; SIGTERM, SIGINT, SIGHUP and their like are somebody's wish. So is any
// death of a host that somebody had asked to end (HostEnd::asked_for): it is not recorded here.
#ifndef FORKSERVER_LAUNCHER_START_RECORD_H_
#define FORKSERVER_LAUNCHER_START_RECORD_H_

#include <signal.h>
#include <stdint.h>

namespace forkserver {

enum class NextStart : uint8_t {
  kNone,        // the death is passed through
  kAgain,       // as before
  kInSafeMode,  // with FORKSERVER_SAFE_MODE=1
};

inline constexpr int kMostStarts = 3;

inline bool IsDeathByFault(int signal) {
  switch (signal) {
    case SIGABRT:
    case SIGBUS:
    case SIGFPE:
    case SIGILL:
    case SIGKILL:
    case SIGSEGV:
    case SIGSYS:
    case SIGTRAP:
      return true;
    default:
      return false;
  }
}

class StartRecord {
 public:
  // The one that is under way, from 1.
  int attempt() const { return attempt_; }

  // The host of this attempt has died by `signal` before its start-up was over.
  NextStart AfterDeath(int signal) {
    if (!IsDeathByFault(signal) || attempt_ == kMostStarts) return NextStart::kNone;
    return ++attempt_ == kMostStarts ? NextStart::kInSafeMode : NextStart::kAgain;
  }

 private:
  int attempt_ = 1;
};

}  // namespace forkserver

#endif  // FORKSERVER_LAUNCHER_START_RECORD_H_
