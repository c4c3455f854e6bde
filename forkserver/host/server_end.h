// How a fork server ends, and what had to be forced.
//
//     const ServerEnd end = server->End({.templates = absl::Milliseconds(200)});
//     if (!end.forced.empty()) Log(end.ToString());
//     // "4 templates ended in 3ms; forced: template 'page' by SIGKILL"
//
// Pure. Threads: any.
#ifndef FORKSERVER_HOST_SERVER_END_H_
#define FORKSERVER_HOST_SERVER_END_H_

#include <stddef.h>

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

  size_t launches = 0;   // that were under way, and were cancelled
  size_t templates = 0;  // the seed too
  std::vector<Forced> forced = {};
  absl::Duration took = absl::ZeroDuration();

  std::string ToString() const;
};

}  // namespace forkserver

#endif  // FORKSERVER_HOST_SERVER_END_H_
