#include "tests/faults/victim_program.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>

#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "tests/faults/seam.h"
#include "tests/testing/test_program.h"

namespace forkserver::testing {
namespace {

template <typename... Arguments>
long Call(long number, Arguments... arguments) {
  return CallPastTheSeam(number, (long)arguments...);  // NOLINT: of pointers and integers alike
}

// The errno of the first that failed.
class Calls {
 public:
  long operator()(long result) {
    if (result < 0 && error_ == 0) error_ = static_cast<int>(-result);
    return result;
  }
  int error() const { return error_; }

 private:
  int error_ = 0;
};

int CallTheBroker(const std::string& folder) {
  Calls check;
  const std::string page = folder + "/page";
  const std::string link = folder + "/link";
  const std::string made = folder + "/made";
  const std::string moved = folder + "/moved";
  char text[256] = {};
  struct stat state;
  struct statx more;
  const long fd = check(Call(SYS_openat, AT_FDCWD, page.c_str(), O_RDONLY | O_CLOEXEC, 0));
  if (fd >= 0) Call(SYS_close, fd);
  const long directory =
      check(Call(SYS_openat, AT_FDCWD, folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0));
  if (directory >= 0) {
    const long below = check(Call(SYS_openat, directory, "page", O_RDONLY | O_CLOEXEC, 0));
    if (below >= 0) Call(SYS_close, below);
    Call(SYS_close, directory);
  }
  check(Call(SYS_newfstatat, AT_FDCWD, page.c_str(), &state, 0));
  check(Call(SYS_statx, AT_FDCWD, page.c_str(), 0, STATX_BASIC_STATS, &more));
  check(Call(SYS_faccessat2, AT_FDCWD, page.c_str(), R_OK, 0));
  const long size = check(Call(SYS_readlinkat, AT_FDCWD, link.c_str(), text, sizeof(text)));
  if (size >= 0) check(strcmp(text, "page") == 0 ? 0 : -EBADMSG);
  const long through = check(Call(SYS_openat, AT_FDCWD, link.c_str(), O_RDONLY | O_CLOEXEC, 0));
  if (through >= 0) Call(SYS_close, through);
  check(Call(SYS_mkdirat, AT_FDCWD, made.c_str(), 0700));
  check(Call(SYS_renameat2, AT_FDCWD, made.c_str(), AT_FDCWD, moved.c_str(), 0));
  check(Call(SYS_unlinkat, AT_FDCWD, moved.c_str(), AT_REMOVEDIR));
  // A caller that is not the child's first thread, and is known when it calls again.
  std::thread([&] {
    for (int i = 0; i < 2; ++i) check(Call(SYS_faccessat2, AT_FDCWD, page.c_str(), R_OK, 0));
  }).join();
  // Refused and reported.
  Call(SYS_openat, AT_FDCWD, "/etc/shadow", O_RDONLY | O_CLOEXEC, 0);
  return check.error();
}

int ConnectToASocket(const std::string& folder) {
  Calls check;
  const long socket = check(Call(SYS_socket, AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (socket < 0) return check.error();
  sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = {}};
  strncpy(address.sun_path, (folder + "/socket").c_str(), sizeof(address.sun_path) - 1);
  check(Call(SYS_connect, socket, &address, sizeof(address)));
  Call(SYS_close, socket);
  return check.error();
}

int ReportAndSendBack(ChildContext& context) {
  SetRole(Role::kNobody);
  if (const int status = TestProgram().Run(context); status != 0) return status;
  if (context.channel.Receive() != ReceiveOutcome::kMessage) return ENODATA;
  Packet& packet = context.channel.packet();
  std::vector<int> descriptors;
  for (size_t i = 0; i < packet.descriptors().size(); ++i) {
    descriptors.push_back(packet.descriptors().get(i));
  }
  return context.channel.Send(packet.frame(), packet.payload(), descriptors);
}

}  // namespace

int VictimProgram::Run(ChildContext& context) {
  const std::string what = context.argv.empty() ? "" : context.argv[0];
  if (what == "exit") {
    const std::string_view argument = context.argv.size() > 2 ? context.argv[2] : "";
    const bool is_whole =
        argument.empty() || argument == std::string(kLongArgumentBytes, kLongArgumentByte);
    return is_whole ? atoi(context.argv[1]) : kWrongArgument;
  }
  if (what == "crash") {
    Call(SYS_tgkill, Call(SYS_getpid), Call(SYS_gettid), SIGKILL);
    abort();
  }
  if (what == "fault") *static_cast<volatile int*>(nullptr) = 1;
  if (what == "report") return ReportAndSendBack(context);
  if (what == "leave") {
    SetRole(Role::kNobody);
    return context.channel.Send({.type = kFirstApplicationType}, {}, {{kLeftDescriptor}});
  }
  if (what == "files") return CallTheBroker(context.argv[1]);
  if (what == "connect") return ConnectToASocket(context.argv[1]);
  while (context.channel.Receive() == ReceiveOutcome::kMessage) {
  }
  return 0;
}

}  // namespace forkserver::testing
