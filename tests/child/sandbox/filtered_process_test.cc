// What the kernel does under each policy's filter.
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include <future>
#include <mutex>
#include <random>
#include <thread>

#include "gtest/gtest.h"
#include "tests/child/sandbox/confined.h"
#include "tests/child/sandbox/dangerous_calls.h"
#include "tests/preload/freeze/victim.h"
#include "transceiver/unique_fd.h"

namespace forkserver::testing {
namespace {

// What becomes of a child that takes a deed of the policy's.
std::string Under(SandboxPolicyId policy, const std::function<int()>& deed) {
  return Confined({FilterOf(policy, FilterKind::kAlone), WithoutClone3()}, deed);
}

std::string UnderContent(const std::function<int()>& deed) {
  return Under(SandboxPolicyId::kContent, deed);
}

VICTIM_TEST(EachFilter, IsTakenByTheKernel) {
  for (const SandboxPolicyId id : SandboxPolicies()) {
    SCOPED_TRACE(SandboxPolicyName(id));
    const Filter alone = FilterOf(id, FilterKind::kAlone);
    const Filter with_listener = FilterOf(id, FilterKind::kWithListener);
    const Filter below = FilterOf(id, FilterKind::kBelowListener);
    EXPECT_EQ(Confined(alone, [] { return 7; }), Exits(7));
    EXPECT_EQ(Confined(std::vector<Filter>{},
                       [&] {
                         const int listener =
                             Attach(with_listener, SECCOMP_FILTER_FLAG_NEW_LISTENER);
                         if (listener < 0) return 1;
                         return Attach(below) == 0 ? 7 : 2;
                       }),
              Exits(7));
  }
}

VICTIM_TEST(EachFilter, EndsWhoMakesADangerousCall) {
  for (const SandboxPolicyId id : SandboxPolicies()) {
    const Filter filter = FilterOf(id, FilterKind::kAlone);
    for (const DangerousCall& call : kDangerousCalls) {
      EXPECT_EQ(Confined(filter, [&] { return Errno(call.number, 0, 0, 0, 0, 0, 0); }),
                kDiesOfSigsys)
          << SandboxPolicyName(id) << " " << call.name;
    }
    EXPECT_EQ(Confined(filter, [] { return Errno(SYS_personality, 0x0040000); }), kDiesOfSigsys);
    EXPECT_EQ(Confined(filter, [] { return Errno(SYS_personality, 0xffffffff); }), Exits(0));
  }
}

#if defined(__x86_64__)
constexpr long kX32 = 0x40000000;

VICTIM_TEST(EachFilter, EndsWhoCallsAsX32) {
  for (const SandboxPolicyId id : SandboxPolicies()) {
    EXPECT_EQ(Under(id, [] { return Errno(kX32 + SYS_getpid); }), kDiesOfSigsys);
  }
}

int GetPidOf32BitPrograms() {
  int result = 20;  // getpid
  __asm__ volatile("int $0x80" : "+a"(result) : : "memory", "r8", "r9", "r10", "r11");
  return result > 0 ? 0 : 1;
}

VICTIM_TEST(EachFilter, EndsWhoCallsAsA32BitProgram) {
  if (Confined(std::vector<Filter>{}, GetPidOf32BitPrograms) != Exits(0)) {
    GTEST_SKIP() << "this kernel has no calls of 32-bit programs";
  }
  for (const SandboxPolicyId id : SandboxPolicies()) {
    EXPECT_EQ(Under(id, GetPidOf32BitPrograms), kDiesOfSigsys);
  }
}
#endif

VICTIM_TEST(EachFilter, TellsLibrariesWhatTheyCannotHave) {
  struct Attempt {
    const char* what;
    int error;
    std::function<int()> deed;
  };
  const Attempt attempts[] = {
      {"setpriority of another", EPERM, [] { return Errno(SYS_setpriority, PRIO_PROCESS, 1, 5); }},
      {"prlimit64 of another", EPERM,
       [] { return Errno(SYS_prlimit64, 1, RLIMIT_CORE, nullptr, nullptr); }},
      {"sched_setaffinity", EPERM, [] { return Errno(SYS_sched_setaffinity, 0, 0, nullptr); }},
      {"fork", EPERM, [] { return Errno(SYS_clone, SIGCHLD, nullptr, nullptr, nullptr, nullptr); }},
      {"setuid", EPERM, [] { return Errno(SYS_setuid, 0); }},
      {"wait4", ECHILD, [] { return Errno(SYS_wait4, -1, nullptr, 0, nullptr); }},
      {"ioctl TIOCSTI", ENOTTY, [] { return Errno(SYS_ioctl, 0, TIOCSTI, nullptr); }},
      {"fcntl F_SETOWN", EINVAL, [] { return Errno(SYS_fcntl, 0, F_SETOWN, 1); }},
      {"MADV_HWPOISON", EINVAL, [] { return Errno(SYS_madvise, nullptr, 0, MADV_HWPOISON); }},
      {"MADV_MERGEABLE", EINVAL, [] { return Errno(SYS_madvise, nullptr, 0, MADV_MERGEABLE); }},
      {"mremap in place", ENOMEM,
       [] { return Errno(SYS_mremap, nullptr, 4096, 8192, MREMAP_MAYMOVE); }},
      {"PR_SET_DUMPABLE 1", EPERM, [] { return Errno(SYS_prctl, PR_SET_DUMPABLE, 1, 0, 0, 0); }},
      {"PR_SET_PTRACER", EPERM,
       [] { return Errno(SYS_prctl, PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0); }},
      {"a clock of another process", EINVAL,
       [] {
         timespec now;
         return Errno(SYS_clock_gettime, (~1 << 3) | 2, &now);
       }},
      {"a filter with a listener", EPERM,
       [] {
         return Errno(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER,
                      nullptr);
       }},
      {"openat", EACCES,
       [] { return Errno(SYS_openat, AT_FDCWD, "/etc/passwd", O_RDONLY | O_CLOEXEC); }},
      {"statx", EACCES, [] { return Errno(SYS_statx, AT_FDCWD, "/", 0, 0, nullptr); }},
      {"process_madvise of another", EPERM,
       [] { return Errno(SYS_process_madvise, 0, nullptr, 0, MADV_POPULATE_READ, 0); }},
      {"io_uring_setup", ENOSYS, [] { return Errno(SYS_io_uring_setup, 1, nullptr); }},
      {"a call that nobody knows", ENOSYS, [] { return Errno(1000); }},
      {"fanotify's little sister", ENOSYS, [] { return Errno(SYS_inotify_init1, 0); }},
  };
  for (const SandboxPolicyId id : SandboxPolicies()) {
    for (const Attempt& attempt : attempts) {
      EXPECT_EQ(Under(id, attempt.deed), Exits(attempt.error))
          << SandboxPolicyName(id) << ": " << attempt.what;
    }
  }
}

int OpenAnInternetSocket() { return Errno(SYS_socket, AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0); }

VICTIM_TEST(EachFilter, LetsOnlyTheSocketProcessOpenSocketsOfTheInternet) {
  for (const SandboxPolicyId id : SandboxPolicies()) {
    EXPECT_EQ(Under(id, OpenAnInternetSocket), Exits(id == SandboxPolicyId::kSocket ? 0 : EACCES))
        << SandboxPolicyName(id);
    EXPECT_EQ(Under(id, [] { return Errno(SYS_socket, AF_INET, SOCK_RAW, IPPROTO_ICMP); }),
              Exits(EACCES));
    EXPECT_EQ(Under(id, [] { return Errno(SYS_socket, AF_PACKET, SOCK_DGRAM, 0); }), Exits(EACCES));
  }
}

int MapCode(int protection) {
  return Errno(SYS_mmap, nullptr, 4096, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

VICTIM_TEST(EachFilter, KeepsMemoryFromBeingWritableAndExecutable) {
  static char page[4096] __attribute__((aligned(4096)));
  for (const SandboxPolicyId id : SandboxPolicies()) {
    SCOPED_TRACE(SandboxPolicyName(id));
    const bool makes_code = id == SandboxPolicyId::kGpu || id == SandboxPolicyId::kVr;
    const bool loads_code = makes_code || id == SandboxPolicyId::kMedia;
    EXPECT_EQ(Under(id, [] { return MapCode(PROT_READ | PROT_WRITE); }), Exits(0));
    EXPECT_EQ(Under(id, [] { return MapCode(PROT_READ | PROT_WRITE | PROT_EXEC); }), Exits(EACCES));
    EXPECT_EQ(Under(id, [] { return MapCode(PROT_READ | PROT_EXEC); }),
              Exits(loads_code ? 0 : EACCES));
    EXPECT_EQ(Under(id, [] { return Errno(SYS_mprotect, page, 4096, PROT_READ | PROT_EXEC); }),
              Exits(makes_code ? 0 : EACCES));
    EXPECT_EQ(
        Under(id,
              [] { return Errno(SYS_mprotect, page, 4096, PROT_READ | PROT_WRITE | PROT_EXEC); }),
        Exits(EACCES));
  }
}

int StartAThread() {
  try {
    int sum = 0;
    std::mutex mutex;
    const auto add = [&](int number) {
      const std::lock_guard<std::mutex> lock(mutex);
      sum += number;
    };
    std::thread one(add, 1);
    std::thread two(add, 2);
    one.join();
    two.join();
    return sum == 3 ? 0 : 100;
  } catch (const std::system_error& error) {
    return error.code().value();
  }
}

VICTIM_TEST(EachFilter, LetsAllHaveThreadsButComputeOnly) {
  for (const SandboxPolicyId id : SandboxPolicies()) {
    EXPECT_EQ(Under(id, StartAThread), Exits(id == SandboxPolicyId::kComputeOnly ? EPERM : 0))
        << SandboxPolicyName(id);
  }
}

int UseLargeBlocks() {
  constexpr size_t kSmall = 1 << 20;
  char* block = static_cast<char*>(malloc(kSmall));
  if (block == nullptr) return 1;
  memset(block, 'x', kSmall);
  block = static_cast<char*>(realloc(block, 64 * kSmall));
  if (block == nullptr || CountOthers(block, kSmall, 'x') != 0) return 2;
  memset(block, 'y', 64 * kSmall);
  block = static_cast<char*>(realloc(block, kSmall));
  if (block == nullptr || CountOthers(block, kSmall, 'y') != 0) return 3;
  free(block);
  return 0;
}

VICTIM_TEST(EachFilter, LetsMallocGrowAndShrinkLargeBlocksByCopying) {
  for (const SandboxPolicyId id : SandboxPolicies()) {
    EXPECT_EQ(Under(id, UseLargeBlocks), Exits(0)) << SandboxPolicyName(id);
  }
}

int PrintToAPipe() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return 1;
  FILE* const out = fdopen(ends[1], "w");
  if (out == nullptr || fprintf(out, "%d bottles\n", 99) != 11 || fclose(out) != 0) return 2;
  char text[32] = {};
  if (read(ends[0], text, sizeof(text)) != 11) return 3;
  return strcmp(text, "99 bottles\n") == 0 ? 0 : 4;
}

int Wait() {
  const timespec moment = {.tv_sec = 0, .tv_nsec = 1};
  pollfd nothing = {};
  if (nanosleep(&moment, nullptr) != 0) return 1;
  return poll(&nothing, 0, 0);
}

int AskForTheTime() {
  timespec now = {};
  if (clock_gettime(CLOCK_MONOTONIC, &now) != 0) return 1;
  if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now) != 0) return 2;
  return time(nullptr) > 0 ? 0 : 3;
}

int DrawRandomNumbers() {
  unsigned char bytes[16];
  if (getentropy(bytes, sizeof(bytes)) != 0) return 1;
  std::random_device device;
  device();
  return 0;
}

int RaiseASignal() {
  static volatile sig_atomic_t seen = 0;
  if (signal(SIGUSR1, [](int) { seen = 1; }) == SIG_ERR) return 1;
  return raise(SIGUSR1) == 0 && seen == 1 ? 0 : 2;
}

int MakePairs() {
  int pair[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) return errno;
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) return errno;
  int pid = 0;
  socklen_t size = sizeof(pid);
  return getsockopt(pair[0], SOL_SOCKET, SO_TYPE, &pid, &size) == 0 ? 0 : errno;
}

int NameItself() {
  char name[16] = {};
  if (prctl(PR_SET_NAME, "renamed") != 0 || prctl(PR_GET_NAME, name) != 0) return 1;
  utsname system;
  return strcmp(name, "renamed") == 0 && uname(&system) == 0 ? 0 : 2;
}

int MeasureItself() {
  struct stat status;
  rusage usage;
  if (fstat(STDOUT_FILENO, &status) != 0) return 1;
  return getrusage(RUSAGE_SELF, &usage) == 0 ? 0 : 2;
}

VICTIM_TEST(EachFilter, LetsLibcWorkInAllThatAreMoreThanComputeOnly) {
  const std::pair<const char*, int (*)()> deeds[] = {
      {"a pipe", PrintToAPipe},      {"patience", Wait},          {"the time", AskForTheTime},
      {"chance", DrawRandomNumbers}, {"signals", RaiseASignal},   {"socket pairs", MakePairs},
      {"its name", NameItself},      {"its size", MeasureItself},
  };
  for (const SandboxPolicyId id : SandboxPolicies()) {
    if (id == SandboxPolicyId::kComputeOnly) continue;
    for (const auto& [what, deed] : deeds) {
      EXPECT_EQ(Under(id, deed), Exits(0)) << SandboxPolicyName(id) << ": " << what;
    }
  }
}

VICTIM_TEST(ComputeOnly, ReadsAndWritesAndHasMemoryAndChance) {
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
  EXPECT_EQ(Under(SandboxPolicyId::kComputeOnly,
                  [&] {
                    char byte = 'b';
                    if (write(ends[1], &byte, 1) != 1 || read(ends[0], &byte, 1) != 1) return 1;
                    static std::once_flag once;
                    std::call_once(once, [] {});
                    return DrawRandomNumbers();
                  }),
            Exits(0));
  EXPECT_EQ(Under(SandboxPolicyId::kComputeOnly, MakePairs), Exits(ENOSYS));
  EXPECT_EQ(Under(SandboxPolicyId::kComputeOnly,
                  [] { return Errno(SYS_kill, RawSyscall(SYS_getpid), 0); }),
            Exits(EPERM));
}

VICTIM_TEST(Content, HasNoSocketPairOfDatagramsAndNoSocketOfAName) {
  int pair[2];
  EXPECT_EQ(UnderContent([&] { return Errno(SYS_socketpair, AF_UNIX, SOCK_DGRAM, 0, pair); }),
            Exits(EPROTONOSUPPORT));
  EXPECT_EQ(UnderContent([] { return Errno(SYS_socket, AF_UNIX, SOCK_STREAM, 0); }), Exits(EACCES));
}

VICTIM_TEST(ATemplatesFilter, LetsItCloneAsTheForkLoopDoes) {
  const Filter filter = FilterOf(SandboxPolicyId::kContent, FilterKind::kAlone);
  EXPECT_EQ(Confined(filter, [] { return Errno(SYS_clone3, nullptr, 0); }), Exits(EINVAL));
  // CLONE_PIDFD writes to a null pointer: the kernel has looked at the flags.
  EXPECT_EQ(Confined(filter,
                     [] {
                       return Errno(SYS_clone, CLONE_PIDFD | CLONE_PARENT, nullptr, nullptr,
                                    nullptr, nullptr);
                     }),
            Exits(EFAULT));
}

VICTIM_TEST(ATemplatesFilter, LetsItsChildrenFetchTheirPages) {
  constexpr int kPidfdSelf = -10000;  // PIDFD_SELF, of 6.14
  static char page[4096] __attribute__((aligned(4096)));
  iovec range = {.iov_base = page, .iov_len = sizeof(page)};
  const auto populate = [&] {
    return Errno(SYS_process_madvise, kPidfdSelf, &range, 1, MADV_POPULATE_WRITE, 0);
  };
  // An older kernel refuses in its own words.
  const std::string without = Confined(std::vector<Filter>{}, populate);
  EXPECT_NE(without, Exits(EPERM));
  EXPECT_EQ(UnderContent(populate), without);
  EXPECT_EQ(UnderContent([&] { return Errno(SYS_madvise, page, 4096, MADV_POPULATE_READ); }),
            Exits(0));
}

// The broker of an outer filter opens the files in /proc; here nobody has to be asked.
VICTIM_TEST(ATemplatesFilter, LetsItFreezeItself) {
  const std::string before(kMiB, 'x');
  ASSERT_EQ(Attach(FilterOf(SandboxPolicyId::kContent, FilterKind::kBelowListener)), 0);
  const FreezeReport report = FreezeMemory({});
  EXPECT_TRUE(report.frozen()) << report.ToString();
  EXPECT_EQ(CountOthers(before.data(), before.size(), 'x'), 0u);
  EXPECT_EQ(UseLargeBlocks(), 0);
}

VICTIM_TEST(AFilterWithoutListener, RefusesWhatWouldBeAsked) {
  EXPECT_EQ(UnderContent([] { return Errno(SYS_openat, AT_FDCWD, "/dev/null", O_RDONLY); }),
            Exits(EACCES));
  EXPECT_EQ(Confined(FilterOf(SandboxPolicyId::kContent, FilterKind::kBelowListener),
                     [] { return Errno(SYS_openat, AT_FDCWD, "/dev/null", O_RDONLY); }),
            Exits(0));
}

// Filters are a thread's own: one makes calls, and this one answers them.
class NotifiedThread {
 public:
  explicit NotifiedThread(std::function<void(std::promise<int>&)> body)
      : thread_([this, body = std::move(body)] { body(listener_); }) {}
  ~NotifiedThread() { thread_.join(); }
  int Listener() { return listener_.get_future().get(); }

 private:
  std::promise<int> listener_;
  std::thread thread_;
};

// Waits for a call, and answers it with the error. Which call it was.
int AnswerOne(int listener, int error) {
  seccomp_notif asked = {};
  if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &asked) != 0) return -1;
  seccomp_notif_resp answer = {.id = asked.id, .val = 0, .error = -error, .flags = 0};
  if (ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &answer) != 0) return -1;
  return asked.data.nr;
}

VICTIM_TEST(AFilterWithAListener, TellsItOfEachCallThatIsNotAllowed) {
  const Filter filter = FilterOf(SandboxPolicyId::kContent, FilterKind::kWithListener);
  int opened = 0;
  int traced = 0;
  {
    NotifiedThread thread([&](std::promise<int>& listener) {
      listener.set_value(Attach(filter, SECCOMP_FILTER_FLAG_NEW_LISTENER));
      opened = Errno(SYS_openat, AT_FDCWD, "/dev/null", O_RDONLY);
      traced = Errno(SYS_ptrace, 0, 0, 0, 0);
    });
    const UniqueFd listener(thread.Listener());
    ASSERT_GE(listener.get(), 0);
    EXPECT_EQ(AnswerOne(listener.get(), EXDEV), SYS_openat);
    EXPECT_EQ(AnswerOne(listener.get(), EDOM), SYS_ptrace);
  }
  EXPECT_EQ(opened, EXDEV);
  EXPECT_EQ(traced, EDOM);
}

VICTIM_TEST(AFilterBelowAListener, AnswersByItselfAndLeavesTheAskingToTheOuterOne) {
  const Filter outer = FilterOf(SandboxPolicyId::kUtility, FilterKind::kWithListener);
  const Filter inner = FilterOf(SandboxPolicyId::kContent, FilterKind::kBelowListener);
  int refused = 0;
  int opened = 0;
  {
    NotifiedThread thread([&](std::promise<int>& listener) {
      const int outer_listener = Attach(outer, SECCOMP_FILTER_FLAG_NEW_LISTENER);
      // PR_SET_NO_NEW_PRIVS and seccomp are allowed by the outer one.
      const int attached = Attach(inner);
      listener.set_value(attached == 0 ? outer_listener : -1);
      refused = Errno(SYS_socket, AF_INET, SOCK_STREAM, 0);
      opened = Errno(SYS_openat, AT_FDCWD, "/dev/null", O_RDONLY);
    });
    const UniqueFd listener(thread.Listener());
    ASSERT_GE(listener.get(), 0);
    EXPECT_EQ(AnswerOne(listener.get(), EXDEV), SYS_openat);
  }
  EXPECT_EQ(refused, EACCES);
  EXPECT_EQ(opened, EXDEV);
}

double MicrosecondsSince(const timespec& start) {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<double>(now.tv_sec - start.tv_sec) * 1e6 +
         static_cast<double>(now.tv_nsec - start.tv_nsec) / 1e3;
}

// The numbers of compile_filter.h. Run with FORKSERVER_VERBOSE=1 to see them.
VICTIM_TEST(EachFilter, IsAsShortAsItsHeaderSays) {
  printf("policy          kind  instructions  compile us  attach us\n");
  for (const SandboxPolicyId id : SandboxPolicies()) {
    const SandboxPolicy policy = MakeSandboxPolicy(id);
    for (const FilterKind kind : {FilterKind::kWithListener, FilterKind::kAlone}) {
      timespec start;
      clock_gettime(CLOCK_MONOTONIC, &start);
      const absl::StatusOr<Filter> filter = CompileFilter(policy.calls, kind);
      const double compile = MicrosecondsSince(start);
      ASSERT_TRUE(filter.ok());
      EXPECT_LE(filter->size(), kind == FilterKind::kAlone ? 785u : 490u) << policy.name;
      double attach = 0;
      std::thread([&] {
        timespec attach_start;
        clock_gettime(CLOCK_MONOTONIC, &attach_start);
        EXPECT_EQ(Attach(*filter), 0);
        attach = MicrosecondsSince(attach_start);
      }).join();
      printf("%-14s  %4d  %12zu  %10.0f  %9.0f\n", std::string(policy.name).c_str(),
             static_cast<int>(kind), filter->size(), compile, attach);
    }
  }
}

}  // namespace
}  // namespace forkserver::testing
