#include "forkserver/host/self_exec.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <memory>

#include "absl/strings/str_format.h"
#include "forkserver/host/launch_failure.h"
#include "transceiver/errno_status.h"

namespace forkserver {
namespace {

constexpr char kArgument[] = "--forkserver-launch-socket=";
constexpr size_t kSpawnStackBytes = 64 * 1024;

struct SpawnArguments {
  int program;
  int working_directory;
  int launch_socket;
  int stdio[3];
  char* const* argv;
  char* const* environment;
  const char* exec_call;  // "execveat program"
  // What failed, set by the child, which shares this memory until its exec.
  const char* failed_call;
  int error;
};

// In the child's own descriptor table: the host's copies stay as they are. Returns the call that
// failed, with its errno.
const char* Exec(const SpawnArguments& arguments) {
  if (fcntl(arguments.launch_socket, F_SETFD, 0) != 0) return "fcntl F_SETFD of the launch socket";
  if (fchdir(arguments.working_directory) != 0) {
    return "fchdir to the working directory of the start";
  }
  for (int number = 0; number <= STDERR_FILENO; ++number) {
    if (dup2(arguments.stdio[number], number) != number) return "dup2 of stdio";
  }
  syscall(SYS_execveat, arguments.program, "", arguments.argv, arguments.environment,
          AT_EMPTY_PATH);
  return arguments.exec_call;
}

// Runs in the child on a stack of its own, in the host's memory, while the host waits
// (CLONE_VFORK). System calls only.
int SpawnMain(void* pointer) {
  SpawnArguments& arguments = *static_cast<SpawnArguments*>(pointer);
  arguments.failed_call = Exec(arguments);
  arguments.error = errno;
  _exit(127);
}

std::vector<char*> Pointers(const std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  pointers.reserve(strings.size() + 1);
  for (const std::string& text : strings) pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

}  // namespace

absl::StatusOr<SelfImage> SelfImage::Pin(const char* name) {
  SelfImage self;
  self.name = name != nullptr ? name : "";
  self.program.reset(open("/proc/self/exe", O_PATH | O_CLOEXEC));
  if (!self.program.is_open()) self.why_not_pinned = errno;
  self.working_directory.reset(open(".", O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!self.working_directory.is_open()) return ErrnoStatus(errno, "open the working directory");
  for (int number = 0; number <= STDERR_FILENO; ++number) {
    // 3 or above: one of the three must not be in another's place.
    self.stdio[number].reset(fcntl(number, F_DUPFD_CLOEXEC, 3));
    if (!self.stdio[number].is_open()) {
      return ErrnoStatus(errno, absl::StrFormat("fcntl F_DUPFD_CLOEXEC %d", number));
    }
  }
  for (char** entry = environ; *entry != nullptr; ++entry) self.environment.emplace_back(*entry);
  return self;
}

absl::StatusOr<Process> SpawnSelf(const SelfImage& self, int launch_socket, std::string_view what) {
  const auto failure = [what](const char* call, int error) {
    return LaunchFailureStatus(what, {.step = LaunchStep::kSpawn, .error = error, .detail = call});
  };
  if (!self.program.is_open()) {
    return failure("open /proc/self/exe at the start", self.why_not_pinned);
  }
  // The child's stdio takes the numbers below 3; where the host has closed its own, the socket may
  // be there.
  UniqueFd aside;
  if (launch_socket <= STDERR_FILENO) {
    aside.reset(fcntl(launch_socket, F_DUPFD_CLOEXEC, 3));
    if (!aside.is_open()) return failure("fcntl F_DUPFD_CLOEXEC of the launch socket", errno);
    launch_socket = aside.get();
  }
  const std::vector<std::string> argv = {self.name,
                                         absl::StrFormat("%s%d", kArgument, launch_socket)};
  const std::vector<char*> argv_pointers = Pointers(argv);
  const std::vector<char*> environment_pointers = Pointers(self.environment);
  const std::string exec_call = "execveat " + self.name;
  SpawnArguments arguments = {
      .program = self.program.get(),
      .working_directory = self.working_directory.get(),
      .launch_socket = launch_socket,
      .stdio = {self.stdio[0].get(), self.stdio[1].get(), self.stdio[2].get()},
      .argv = argv_pointers.data(),
      .environment = environment_pointers.data(),
      .exec_call = exec_call.c_str(),
      .failed_call = nullptr,
      .error = 0};
  const std::unique_ptr<char[]> stack(new char[kSpawnStackBytes]);
  // A handler of the host's must not run in the child, on this memory.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  int pidfd = -1;
  const int pid = clone(SpawnMain, stack.get() + kSpawnStackBytes,
                        CLONE_VM | CLONE_VFORK | CLONE_PIDFD, &arguments, &pidfd);
  const int clone_error = errno;
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (pid < 0) return failure("clone", clone_error);
  Process process(pid, UniqueFd(pidfd));
  if (arguments.failed_call != nullptr) return failure(arguments.failed_call, arguments.error);
  return process;
}

int FindLaunchSocketArgument(int argc, char** argv) {
  if (argc != 2 || strncmp(argv[1], kArgument, strlen(kArgument)) != 0) return -1;
  return atoi(argv[1] + strlen(kArgument));
}

}  // namespace forkserver
