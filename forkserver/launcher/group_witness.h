// Tells signals that were sent to the launcher from those that were sent to its whole group.
//
//     GroupWitness witness;
//     witness.Fork();
//     ...SIGTERM has come...
//     if (witness.Saw(SIGTERM) == GroupWitness::Verdict::kLauncherOnly) ...pass it to the host...
//
// Launcher and host are in one process group, as a program and its children are. Ctrl-C, `kill %1`
// and a harness's killpg() signal that group, so the host has the signal already, and a second one
// of it would be a second Ctrl-C. `kill PID` signals the launcher only. siginfo_t does not tell the
// two apart. A third process of the group does, which has all signals blocked and only ever looks
// at what is pending: what came to the group is pending there too. The kernel signals the youngest
// of a group first, so it is pending before the launcher has heard.
//
// Ownership: destroying it ends and reaps the process, which ends with the launcher in any case,
// and holds none of its descriptors. Threads: one. All signals must be blocked when it is forked.
#ifndef FORKSERVER_LAUNCHER_GROUP_WITNESS_H_
#define FORKSERVER_LAUNCHER_GROUP_WITNESS_H_

#include <stdint.h>
#include <sys/types.h>

#include "forkserver/launcher/failed_call.h"
#include "transceiver/unique_fd.h"

namespace forkserver {

class GroupWitness {
 public:
  enum class Verdict : uint8_t {
    kWholeGroup,
    kLauncherOnly,
    kUnknown,  // somebody has killed or stopped the witness
  };

  GroupWitness() = default;
  GroupWitness(const GroupWitness&) = delete;
  GroupWitness& operator=(const GroupWitness&) = delete;
  ~GroupWitness() { End(); }

  FailedCall Fork();
  // For one that the launcher has just received. Waits for the answer, a second at most.
  Verdict Saw(int signal);

  // -1: there is none.
  int socket() const { return socket_.get(); }

 private:
  void End();

  pid_t pid_ = -1;
  UniqueFd socket_;
  // Bit N-1: signal N was seen, and not asked for yet.
  uint64_t seen_ = 0;
};

}  // namespace forkserver

#endif  // FORKSERVER_LAUNCHER_GROUP_WITNESS_H_
