// A child that waits to be killed, and sends no signal when it ends: as a template's children are.
#ifndef TESTS_TESTING_QUIET_CHILD_H_
#define TESTS_TESTING_QUIET_CHILD_H_

#include <linux/sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#include "transceiver/unique_fd.h"

namespace forkserver::testing {

struct QuietChild {
  pid_t pid;
  UniqueFd pidfd;
};

// The child calls nothing but pause, so it may be forked from a process with threads.
inline QuietChild SpawnQuietChild() {
  int pidfd = -1;
  clone_args arguments = {};
  arguments.flags = CLONE_PIDFD;
  arguments.pidfd = reinterpret_cast<uint64_t>(&pidfd);
  const long pid = syscall(SYS_clone3, &arguments, sizeof(arguments));
  if (pid == 0) {
    for (;;) syscall(SYS_ppoll, nullptr, 0, nullptr, nullptr, 0);
  }
  if (pid < 0) abort();
  return {static_cast<pid_t>(pid), UniqueFd(pidfd)};
}

}  // namespace forkserver::testing

#endif  // TESTS_TESTING_QUIET_CHILD_H_
