#include "tests/faults/victim_program.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>

#include <string>

#include "tests/faults/seam.h"

namespace forkserver::testing {
namespace {

template <typename... Arguments>
long Call(long number, Arguments... arguments) {
  return CallPastTheSeam(number, (long)arguments...);  // NOLINT: of pointers and integers alike
}

// What comes of each is the policy's and the fault's affair.
int CallTheBroker(const std::string& folder) {
  const std::string page = folder + "/page";
  const std::string link = folder + "/link";
  const std::string made = folder + "/made";
  const std::string moved = folder + "/moved";
  char text[256] = {};
  struct stat state;
  struct statx more;
  const long fd = Call(SYS_openat, AT_FDCWD, page.c_str(), O_RDONLY | O_CLOEXEC, 0);
  if (fd >= 0) Call(SYS_close, fd);
  Call(SYS_newfstatat, AT_FDCWD, page.c_str(), &state, 0);
  Call(SYS_statx, AT_FDCWD, page.c_str(), 0, STATX_BASIC_STATS, &more);
  Call(SYS_faccessat2, AT_FDCWD, page.c_str(), R_OK, 0);
  Call(SYS_readlinkat, AT_FDCWD, link.c_str(), text, sizeof(text));
  const long through = Call(SYS_openat, AT_FDCWD, link.c_str(), O_RDONLY | O_CLOEXEC, 0);
  if (through >= 0) Call(SYS_close, through);
  Call(SYS_mkdirat, AT_FDCWD, made.c_str(), 0700);
  Call(SYS_renameat2, AT_FDCWD, made.c_str(), AT_FDCWD, moved.c_str(), 0);
  Call(SYS_unlinkat, AT_FDCWD, moved.c_str(), AT_REMOVEDIR);
  const long socket = Call(SYS_socket, AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (socket >= 0) {
    sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = {}};
    strncpy(address.sun_path, (folder + "/socket").c_str(), sizeof(address.sun_path) - 1);
    Call(SYS_connect, socket, &address, sizeof(address));
    Call(SYS_close, socket);
  }
  // Refused and reported.
  Call(SYS_openat, AT_FDCWD, "/etc/shadow", O_RDONLY | O_CLOEXEC, 0);
  return 0;
}

}  // namespace

int VictimProgram::Run(ChildContext& context) {
  const std::string what = context.argv.empty() ? "" : context.argv[0];
  if (what == "exit") return atoi(context.argv[1]);
  if (what == "crash") {
    Call(SYS_tgkill, Call(SYS_getpid), Call(SYS_gettid), SIGKILL);
    abort();
  }
  if (what == "files") return CallTheBroker(context.argv[1]);
  while (context.channel.Receive() == ReceiveOutcome::kMessage) {
  }
  return 0;
}

}  // namespace forkserver::testing
