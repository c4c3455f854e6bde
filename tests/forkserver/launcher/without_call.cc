// A machine on which one system call fails with that errno, as behind the filters of container
// engines, or as on a machine that is full:
//
//   without_call NUMBER FLAG COMMAND ERRNO PROGRAM [ARGUMENTS]
//
// Where FLAG is not 0: only if the first argument has it. Where COMMAND is not -1: only if that is
// the second argument.
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/forkserver/degraded_machine.h"

int main(int argc, char** argv) {
  if (argc < 6) return 2;
  const int number = atoi(argv[1]);
  const int command = atoi(argv[3]);
  const auto error = static_cast<uint16_t>(atoi(argv[4]));
  if (command >= 0) {
    forkserver::testing::ForbidCommand(number, static_cast<uint64_t>(command), error);
  } else {
    forkserver::testing::Forbid(number, error, static_cast<uint64_t>(atoi(argv[2])));
  }
  execv(argv[5], argv + 5);
  perror("execv");
  return 1;
}
