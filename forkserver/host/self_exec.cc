#include "forkserver/host/self_exec.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <memory>
#include <utility>

#include "absl/strings/str_format.h"
#include "forkserver/host/launch_failure.h"
#include "transceiver/clock.h"
#include "transceiver/errno_status.h"
#include "transceiver/raw_syscall.h"
#include "transceiver/raw_task.h"

namespace forkserver {
namespace {

constexpr char kArgument[] = "--forkserver-launch-socket=";

// A child needs some hundred microseconds to its exec. Longer than this nobody waits for it: it has
// been stopped, or the disk is slow.
constexpr int64_t kLongestWaitNanos = 50 * 1'000'000;

struct SpawnArguments {
  int program;
  int working_directory;
  int launch_socket;
  int flight_record;  // negative: there is none
  int stdio[3];
  char* const* argv;
  char* const* environment;
  const char* exec_call;  // "execveat program"
  // What failed, set by the child.
  const char* failed_call;
  int error;
};

// What a child uses of the host's memory between its clone and its exec or end. Of its own, since
// the child may outlast the call that made it, and what it was made of.
struct SpawnMemory {
  explicit SpawnMemory(const SelfImage& self) : environment(self.environment) {}

  std::vector<std::string> argv;
  std::vector<std::string> environment;
  std::vector<char*> argv_pointers;
  std::vector<char*> environment_pointers;
  std::string exec_call;
  SpawnArguments arguments = {};
  RawTask task;

  bool has_left() const { return task.has_left().has_happened(); }
};

// In the child's own descriptor table: the host's copies stay as they are. 0, or an errno.
int Exec(SpawnArguments& arguments) {
  arguments.failed_call = "fcntl F_SETFD of the launch socket";
  if (const int error = RawSyscallError(SYS_fcntl, arguments.launch_socket, F_SETFD, 0)) {
    return error;
  }
  if (arguments.flight_record >= 0) {
    arguments.failed_call = "fcntl F_SETFD of the flight record";
    if (const int error = RawSyscallError(SYS_fcntl, arguments.flight_record, F_SETFD, 0)) {
      return error;
    }
  }
  if (arguments.working_directory >= 0) {
    arguments.failed_call = "fchdir to the working directory of the start";
    if (const int error = RawSyscallError(SYS_fchdir, arguments.working_directory)) return error;
  }
  arguments.failed_call = "dup3 of stdio";
  for (int number = 0; number <= STDERR_FILENO; ++number) {
    if (const int error = RawSyscallError(SYS_dup3, arguments.stdio[number], number, 0)) {
      return error;
    }
  }
  arguments.failed_call = arguments.exec_call;
  return RawSyscallError(SYS_execveat, arguments.program, "", arguments.argv, arguments.environment,
                         AT_EMPTY_PATH);
}

// Runs in the child on a stack of its own, in the host's memory, while the host waits or has gone
// on. Raw system calls only: errno is the host's thread's.
int SpawnMain(void* pointer) {
  SpawnArguments& arguments = *static_cast<SpawnArguments*>(pointer);
  arguments.error = Exec(arguments);
  RawSyscall(SYS_exit_group, 127);
  __builtin_unreachable();
}

// The same in a copy of the host's memory: what the child notes there nobody sees. Its number, or
// minus the errno of clone(2).
int ForkAndExec(SpawnArguments& arguments, int* pidfd) {
  // A handler of the program's must not run there.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  const long pid = RawSyscall(SYS_clone, CLONE_PIDFD | SIGCHLD, nullptr, pidfd, nullptr, nullptr);
  if (pid == 0) SpawnMain(&arguments);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return static_cast<int>(pid);
}

std::vector<char*> Pointers(const std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  pointers.reserve(strings.size() + 1);
  for (const std::string& text : strings) pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

// `fd` or, where it is among those that stdio will take, a duplicate of it; none stays that.
// Returns 0 or an errno.
int MoveAside(int& fd, UniqueFd& aside) {
  if (fd < 0 || fd > STDERR_FILENO) return 0;
  aside.reset(fcntl(fd, F_DUPFD_CLOEXEC, 3));
  if (!aside.is_open()) return errno;
  fd = aside.get();
  return 0;
}

// The number behind the `index`th comma; -1: there is none, or a user started the program.
int DescriptorArgument(int argc, char** argv, int index) {
  if (argc != 2 || strncmp(argv[1], kArgument, strlen(kArgument)) != 0) return -1;
  const char* number = argv[1] + strlen(kArgument);
  for (; index > 0; --index) {
    number = strchr(number, ',');
    if (number == nullptr) return -1;
    ++number;
  }
  return atoi(number);
}

}  // namespace

absl::StatusOr<SelfImage> SelfImage::Pin(const char* name) {
  SelfImage self;
  self.name = name != nullptr ? name : "";
  self.program.reset(open("/proc/self/exe", O_PATH | O_CLOEXEC));
  if (!self.program.is_open()) self.why_not_pinned = errno;
  self.working_directory.reset(open(".", O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!self.working_directory.is_open() && errno != EACCES) {
    return ErrnoStatus(errno, "open the working directory");
  }
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

absl::StatusOr<Process> SpawnSelf(const SelfImage& self, int launch_socket, int flight_record,
                                  std::string_view what, SpawnBy by) {
  const auto failure = [what](const char* call, int error) {
    return LaunchFailureStatus(what, {.step = LaunchStep::kSpawn, .error = error, .detail = call});
  };
  if (!self.program.is_open()) {
    return failure("open /proc/self/exe at the start", self.why_not_pinned);
  }
  // The child's stdio takes the numbers below 3; where the host has closed its own, the socket may
  // be there.
  UniqueFd socket_aside;
  if (const int error = MoveAside(launch_socket, socket_aside); error != 0) {
    return failure("fcntl F_DUPFD_CLOEXEC of the launch socket", error);
  }
  UniqueFd record_aside;
  if (const int error = MoveAside(flight_record, record_aside); error != 0) {
    return failure("fcntl F_DUPFD_CLOEXEC of the flight record", error);
  }
  // No more than there are children that nobody waits for, each of which its launch's deadline
  // ends.
  Unfinished<SpawnMemory>::All().FreeWhatIsDone();
  auto memory = std::make_unique<SpawnMemory>(self);
  memory->argv = {self.name, absl::StrFormat("%s%d,%d", kArgument, launch_socket, flight_record)};
  memory->argv_pointers = Pointers(memory->argv);
  memory->environment_pointers = Pointers(memory->environment);
  memory->exec_call = "execveat " + self.name;
  SpawnArguments& arguments = memory->arguments;
  arguments = {.program = self.program.get(),
               .working_directory = self.working_directory.get(),
               .launch_socket = launch_socket,
               .flight_record = flight_record,
               .stdio = {self.stdio[0].get(), self.stdio[1].get(), self.stdio[2].get()},
               .argv = memory->argv_pointers.data(),
               .environment = memory->environment_pointers.data(),
               .exec_call = memory->exec_call.c_str(),
               .failed_call = nullptr,
               .error = 0};
  int pidfd = -1;
  if (by == SpawnBy::kFork) {
    const int forked = ForkAndExec(arguments, &pidfd);
    if (forked < 0) return failure("clone", -forked);
    return Process(forked, UniqueFd(pidfd));
  }
  const int pid = memory->task.Start(SpawnMain, &arguments, CLONE_PIDFD, &pidfd);
  if (pid < 0) return failure("clone", -pid);
  Process process(pid, UniqueFd(pidfd));
  if (!memory->task.has_left().WaitUntil(NowNanos() + kLongestWaitNanos)) {
    Unfinished<SpawnMemory>::All().Add(std::move(memory));
    return process;
  }
  if (arguments.error != 0) return failure(arguments.failed_call, arguments.error);
  return process;
}

int FindLaunchSocketArgument(int argc, char** argv) { return DescriptorArgument(argc, argv, 0); }

int FindFlightRecordArgument(int argc, char** argv) { return DescriptorArgument(argc, argv, 1); }

}  // namespace forkserver
