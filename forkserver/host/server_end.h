// How a fork server ends, and what had to be forced.
//
//     const ServerEnd end = server->End({.templates = absl::Milliseconds(200)});
//     if (!end.forced.empty()) Log(end.ToString());
//     // "4 templates ended in 3ms; forced: template 'page' by SIGKILL"
//
// It takes twice `launches`, `templates` and Process::kPatience at most, and a second more for
// each sandbox whose init cannot end (sandbox_chain.h): nothing waits for a tracer.
//
// Pure. Threads: any.
#ifndef FORKSERVER_HOST_SERVER_END_H_
#define FORKSERVER_HOST_SERVER_END_H_

#include <stddef.h>
#include <sys/types.h>

#include <string>
#include <vector>

#include "absl/time/time.h"

namespace forkserver {

// How long each may take.
struct ServerEndOptions {
  // What is under way: launches that are cancelled, the forks that they had asked for.
  absl::Duration launches = absl::Seconds(1);
  // Templates that have been asked to end, all of them together. Then they get SIGKILL: they have
  // nothing to clean up that SIGTERM would give them time for.
  absl::Duration templates = absl::Seconds(1);
};

struct ServerEnd {
  struct Forced {
    std::string name;  // "template 'page' of layout 1", "seed", "broker"
    std::string how;   // "by SIGKILL", "left in an operation"
  };

  // Killed, or ended by itself, and not reaped: a tracer (gdb, strace) holds it, or the kernel.
  // Dead it is a zombie, which has no memory and no descriptor; init reaps it when the host ends,
  // and a Dispatch may before that, but for a template that ended as it was asked to.
  struct Unreaped {
    std::string name;  // "template 'page' of layout 1", "seed", "child"
    pid_t pid;
    std::string why;  // "wait pid 412: it has ended, and is traced"
  };

  size_t launches = 0;   // that were under way, and were cancelled
  size_t templates = 0;  // the seed too
  std::vector<Forced> forced = {};
  std::vector<Unreaped> unreaped = {};
  absl::Duration took = absl::ZeroDuration();

  std::string ToString() const;
};

}  // namespace forkserver

#endif  // FORKSERVER_HOST_SERVER_END_H_
