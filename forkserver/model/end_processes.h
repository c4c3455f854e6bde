// The end of all processes that a program has, in order: its pools, those of a ParentProcess by
// their types, the templates, and the broker.
//
//     const EndReport report = EndProcesses(*parent);
//     if (report.was_forced()) Log(report.ToString());
//     // "20 processes ended in 12ms; forced: content 7 (web) by SIGKILL; 3 templates ended in 2ms"
//
// A type's turn is its row's (ProcessTypeRow::ends): content first, then what content uses, the gpu
// and the network last. In its turn a process is asked: a Goodbye behind all that it was sent,
// which it handles first. One that has not ended in time gets SIGTERM, and then SIGKILL. A thread
// of the parent is only asked, and hung up on. One that a debugger has when its time is over is
// waited for, which the parent's log is told, and has that time again when it is let go.
//
// From the call on nothing is launched any more: a launch ends with Cancelled ("the program is
// ending"), also those that wait for a fork, and so does whoever asks a ServiceProcess or a
// ContentProcesses for another one. Hosts hear of their ends as always, and may be destroyed; so
// may whatever has them, but for the ParentProcess. Then the fork server is ended
// (ForkServer::End): children of the embedder's own that are no processes of the model live on,
// without a broker.
//
// It runs the parent's loop until the last one has ended: not inside a handler. Without a debugger
// its time is bounded by three times what EndOptions says of processes, once for each turn, by what
// it says of the server, and by the kernel for the end of a killed process. Threads: that of the
// loop.
#ifndef FORKSERVER_MODEL_END_PROCESSES_H_
#define FORKSERVER_MODEL_END_PROCESSES_H_

#include <stddef.h>

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "forkserver/host/server_end.h"
#include "forkserver/model/parent_process.h"

namespace forkserver {

struct EndOptions {
  // How long each has from when it is asked, which all of a turn are at once; and from SIGTERM.
  absl::Duration to_goodbye = absl::Seconds(2);
  absl::Duration to_sigterm = absl::Milliseconds(500);
  ServerEndOptions server = {};
};

struct EndReport {
  struct Forced {
    std::string name;  // "content 7 (web)"
    int signal;        // the last that it was sent: SIGTERM or SIGKILL
  };

  size_t ended = 0;
  std::vector<Forced> forced = {};             // in the order in which it came to that
  absl::Duration took = absl::ZeroDuration();  // without the server's
  ServerEnd server = {};

  bool was_forced() const { return !forced.empty() || !server.forced.empty(); }
  std::string ToString() const;
};

EndReport EndProcesses(ParentProcess& parent, EndOptions options = {});

}  // namespace forkserver

#endif  // FORKSERVER_MODEL_END_PROCESSES_H_
