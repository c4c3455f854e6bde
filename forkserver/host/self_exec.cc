#include "forkserver/host/self_exec.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <utility>

#include "absl/strings/str_format.h"
#include "forkserver/host/launch_failure.h"
#include "transceiver/clock.h"
#include "transceiver/errno_status.h"
#include "transceiver/raw_syscall.h"

namespace forkserver {
namespace {

constexpr char kArgument[] = "--forkserver-launch-socket=";
constexpr size_t kSpawnStackBytes = 64 * 1024;

// A child needs some hundred microseconds to its exec. Longer than this nobody waits for it: it has
// been stopped, or the disk is slow.
constexpr int64_t kLongestWaitNanos = 50 * 1'000'000;

struct SpawnArguments {
  int program;
  int working_directory;
  int launch_socket;
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
  alignas(16) std::array<char, kSpawnStackBytes> stack;
  // The kernel writes 0, and wakes who waits, when the child leaves this memory
  // (CLONE_CHILD_CLEARTID): where CLONE_VFORK would let the host go on.
  std::atomic<uint32_t> is_in_use = 1;
};

// False: it is in use still, at that time.
bool WaitForUnused(const SpawnMemory& memory, int64_t deadline) {
  while (memory.is_in_use.load(std::memory_order_acquire) != 0) {
    const int64_t left = deadline - NowNanos();
    if (left <= 0) return false;
    const timespec patience = {.tv_sec = left / kNanosPerSecond, .tv_nsec = left % kNanosPerSecond};
    RawSyscall(SYS_futex, &memory.is_in_use, FUTEX_WAIT, 1, &patience);
  }
  return true;
}

// Of children that nobody waits for any more: freed at a later spawn. No more than there are such
// children, each of which its launch's deadline ends.
class UnfinishedSpawns {
 public:
  static UnfinishedSpawns& All() {
    static UnfinishedSpawns* const all = new UnfinishedSpawns;  // outlives those that exit() ends
    return *all;
  }

  void Add(std::unique_ptr<SpawnMemory> memory) {
    const std::lock_guard<std::mutex> lock(mutex_);
    memories_.push_back(std::move(memory));
  }
  void FreeUnused() {
    const std::lock_guard<std::mutex> lock(mutex_);
    std::erase_if(memories_, [](const auto& memory) { return memory->is_in_use.load() == 0; });
  }

 private:
  std::mutex mutex_;
  std::vector<std::unique_ptr<SpawnMemory>> memories_;
};

// In the child's own descriptor table: the host's copies stay as they are. 0, or an errno.
int Exec(SpawnArguments& arguments) {
  arguments.failed_call = "fcntl F_SETFD of the launch socket";
  if (const int error = RawSyscallError(SYS_fcntl, arguments.launch_socket, F_SETFD, 0)) {
    return error;
  }
  arguments.failed_call = "fchdir to the working directory of the start";
  if (const int error = RawSyscallError(SYS_fchdir, arguments.working_directory)) return error;
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
  UnfinishedSpawns::All().FreeUnused();
  auto memory = std::make_unique<SpawnMemory>(self);
  memory->argv = {self.name, absl::StrFormat("%s%d", kArgument, launch_socket)};
  memory->argv_pointers = Pointers(memory->argv);
  memory->environment_pointers = Pointers(memory->environment);
  memory->exec_call = "execveat " + self.name;
  SpawnArguments& arguments = memory->arguments;
  arguments = {.program = self.program.get(),
               .working_directory = self.working_directory.get(),
               .launch_socket = launch_socket,
               .stdio = {self.stdio[0].get(), self.stdio[1].get(), self.stdio[2].get()},
               .argv = memory->argv_pointers.data(),
               .environment = memory->environment_pointers.data(),
               .exec_call = memory->exec_call.c_str(),
               .failed_call = nullptr,
               .error = 0};
  // A handler of the host's must not run in the child, on this memory.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  int pidfd = -1;
  const int pid = clone(SpawnMain, memory->stack.data() + memory->stack.size(),
                        CLONE_VM | CLONE_PIDFD | CLONE_CHILD_CLEARTID, &arguments, &pidfd, nullptr,
                        &memory->is_in_use);
  const int clone_error = errno;
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (pid < 0) return failure("clone", clone_error);
  Process process(pid, UniqueFd(pidfd));
  if (!WaitForUnused(*memory, NowNanos() + kLongestWaitNanos)) {
    UnfinishedSpawns::All().Add(std::move(memory));
    return process;
  }
  if (arguments.error != 0) return failure(arguments.failed_call, arguments.error);
  return process;
}

int FindLaunchSocketArgument(int argc, char** argv) {
  if (argc != 2 || strncmp(argv[1], kArgument, strlen(kArgument)) != 0) return -1;
  return atoi(argv[1] + strlen(kArgument));
}

}  // namespace forkserver
