// A machine on which clone3 fails with that errno, as behind the filters of container engines:
//
//   without_clone3 ERRNO PROGRAM [ARGUMENTS]
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/forkserver/degraded_machine.h"

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  forkserver::testing::Forbid(SYS_clone3, static_cast<uint16_t>(atoi(argv[1])));
  execv(argv[2], argv + 2);
  perror("execv");
  return 1;
}
