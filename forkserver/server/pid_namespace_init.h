// The init of a pid namespace that a template's children share.
//
//     PidNamespaceInit init;
//     int error = init.Prepare();                     // before the system call filter
//     if (error == 0) error = init.Fork(cloner, own_layers, record);
//     ...init.pidfd() and init.lifeline() go to the host...
//
// The first process in a new pid namespace is its init: when it ends, the kernel ends all others
// and forks into it fail from then on (pid_namespaces(7)). So it is no child that does any work,
// but this one, which does nothing for as long as the other end of its lifeline is open. It is the
// host's own child, as all are, and ends with the host at the latest. It has no descriptor but the
// lifeline, and the sandbox of the template.
//
// The host hears of its death by the lifeline's hang-up: its pidfd tells of it only when all others
// of the namespace have been reaped.
#ifndef FORKSERVER_SERVER_PID_NAMESPACE_INIT_H_
#define FORKSERVER_SERVER_PID_NAMESPACE_INIT_H_

#include "child/birth_record.h"
#include "child/sandbox/own_layers.h"
#include "forkserver/server/clone_process.h"
#include "transceiver/packet.h"
#include "transceiver/unique_fd.h"

namespace forkserver {

class PidNamespaceInit {
 public:
  // Makes the lifeline: a filter may have no socketpair. Returns 0 or an errno.
  int Prepare();

  // In a template whose children are in a new pid namespace, before its first other fork. Returns 0
  // or an errno. No allocation. `record` may be null.
  int Fork(const ProcessCloner& cloner, const OwnLayers& own_layers, BirthRecord* record);

  // The template closes both before it serves: they are the host's.
  int pidfd() const { return pidfd_.get(); }
  int lifeline() const { return lifeline_.first.get(); }

 private:
  SocketPair lifeline_;  // the host's end, and the init's
  UniqueFd pidfd_;
};

}  // namespace forkserver

#endif  // FORKSERVER_SERVER_PID_NAMESPACE_INIT_H_
