// A freeze that cannot be completed leaves the memory as it was, says which call failed, and falls
// back to anonymous huge pages.
#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <initializer_list>
#include <map>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "preload/freeze/freeze.h"
#include "preload/freeze/freeze_engine.h"
#include "preload/freeze/frozen_memory.h"
#include "preload/freeze/glibc_allocator.h"
#include "tests/preload/freeze/victim.h"
#include "tests/transceiver/open_descriptors.h"

namespace forkserver::testing {
namespace {

// From here on `call` fails with `error` where its argument number `argument` has the bits `bits`.
void FailCalls(int call, int error, std::initializer_list<scmp_arg_cmp> when = {}) {
  scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
  ASSERT_EQ(seccomp_rule_add_array(filter, SCMP_ACT_ERRNO(static_cast<unsigned>(error)), call,
                                   static_cast<unsigned>(when.size()), when.begin()),
            0);
  ASSERT_EQ(seccomp_load(filter), 0);
  seccomp_release(filter);
}

std::vector<std::string> Maps() {
  std::ifstream maps("/proc/self/maps");
  std::vector<std::string> lines;
  for (std::string line; std::getline(maps, line);) lines.push_back(line);
  return lines;
}

size_t FrozenMappings() {
  const absl::StatusOr<FrozenMemory> memory = MeasureFrozenMemory(getpid());
  return memory.ok() ? memory->mappings : 999'999;
}

// All kinds of memory that a freeze touches, and whether its bytes are what they were.
struct Memory {
  char* large = MapMemory(80 * kMiB);
  char* read_only = MapMemory(kMiB);
  char* closed = MapMemory(kMiB);
  char* sparse = MapMemory(64 * kMiB);
  std::vector<std::string> texts = std::vector<std::string>(10'000, std::string(50, 't'));

  Memory() {
    mprotect(large, 4096, PROT_NONE);
    memset(large + 4096, 'l', 80 * kMiB - 4096);
    memset(read_only, 'r', kMiB);
    mprotect(read_only, kMiB, PROT_READ);
    memset(closed, 'c', kMiB);
    mprotect(closed, kMiB, PROT_NONE);
    madvise(sparse, 64 * kMiB, MADV_NOHUGEPAGE);
    for (size_t at = 0; at < 64 * kMiB; at += kMiB) sparse[at] = 's';
  }
  void ExpectWhole() {
    EXPECT_EQ(CountOthers(large + 4096, 80 * kMiB - 4096, 'l'), 0u);
    EXPECT_EQ(CountOthers(read_only, kMiB, 'r'), 0u);
    EXPECT_EQ(mprotect(closed, kMiB, PROT_READ), 0);
    EXPECT_EQ(CountOthers(closed, kMiB, 'c'), 0u);
    EXPECT_EQ(mprotect(closed, kMiB, PROT_NONE), 0);
    size_t found = 0;
    for (size_t at = 0; at < 64 * kMiB; at += kMiB) found += sparse[at] == 's';
    EXPECT_EQ(found, 64u);
    for (const std::string& text : texts) ASSERT_EQ(text, std::string(50, 't'));
  }
};

void ExpectFallback(Memory& memory, const std::string& why_not) {
  const size_t descriptors = OpenDescriptors();
  const FreezeReport report = FreezeMemory({});
  EXPECT_EQ(report.method, FreezeMethod::kAnonymousHugePages);
  EXPECT_EQ(report.WhyNot(), why_not);
  EXPECT_EQ(report.still_frozen_bytes, 0u);
  EXPECT_EQ(FrozenMappings(), 0u);
  EXPECT_EQ(OpenDescriptors(), descriptors);
  memory.ExpectWhole();
  // And it is ordinary memory, which forgets.
  ASSERT_EQ(madvise(memory.large + 4 * kMiB, kMiB, MADV_DONTNEED), 0);
  EXPECT_EQ(CountOthers(memory.large + 4 * kMiB, kMiB, 0), 0u);
  memset(memory.large + 4 * kMiB, 'l', kMiB);
  EXPECT_TRUE(ChildPasses([&] { memory.ExpectWhole(); }));
}

VICTIM_TEST(FreezeFailure, WithoutMemfdsTheMemoryIsCollapsed) {
  Memory memory;
  FailCalls(SCMP_SYS(memfd_create), EPERM);
  ExpectFallback(memory, "memfd_create: EPERM");
  EXPECT_GT(FreezeMemory({}).collapsed_bytes, 40 * kMiB);
}

VICTIM_TEST(FreezeFailure, ALimitOfFileSizesDoesNotKill) {
  Memory memory;
  const rlimit limit = {.rlim_cur = kMiB, .rlim_max = kMiB};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &limit), 0);
  ExpectFallback(memory, "ftruncate of the memfd (RLIMIT_FSIZE): EFBIG");
}

VICTIM_TEST(FreezeFailure, ASoftLimitOfFileSizesIsRaisedForTheTime) {
  Memory memory;
  rlimit limit;
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &limit), 0);
  if (limit.rlim_max != RLIM_INFINITY) GTEST_SKIP() << "the hard limit is set";
  limit.rlim_cur = kMiB;
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &limit), 0);
  Freeze();
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &limit), 0);
  EXPECT_EQ(limit.rlim_cur, kMiB);
  memory.ExpectWhole();
}

// In the last call of all, when everything has been frozen.
VICTIM_TEST(FreezeFailure, ASealThatIsRefusedUndoesAll) {
  Memory memory;
  FailCalls(SCMP_SYS(fcntl), EPERM, {SCMP_A1(SCMP_CMP_EQ, F_ADD_SEALS)});
  ExpectFallback(memory, "fcntl F_ADD_SEALS: EPERM");
}

// In the third chunk of a large mapping, after others.
VICTIM_TEST(FreezeFailure, AFileSystemThatFillsUpUndoesAll) {
  Memory memory;
  FailCalls(SCMP_SYS(pwrite64), ENOSPC, {SCMP_A3(SCMP_CMP_MASKED_EQ, 64 * kMiB, 64 * kMiB)});
  ExpectFallback(memory, "pwrite to the memfd: ENOSPC");
}

VICTIM_TEST(FreezeFailure, AMappingThatIsRefusedUndoesAll) {
  Memory memory;
  FailCalls(SCMP_SYS(mmap), ENOMEM,
            {SCMP_A3(SCMP_CMP_EQ, MAP_PRIVATE | MAP_FIXED),
             SCMP_A5(SCMP_CMP_MASKED_EQ, 32 * kMiB, 32 * kMiB)});
  ExpectFallback(memory, "mmap of the memfd: ENOMEM");
}

VICTIM_TEST(FreezeFailure, AKernelThatCannotMoveMemoryAsideFreezesNothing) {
  Memory memory;
  FailCalls(SCMP_SYS(mremap), EINVAL,
            {SCMP_A3(SCMP_CMP_EQ, MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP)});
  ExpectFallback(memory, "mremap of a mapping: EINVAL");
}

VICTIM_TEST(FreezeFailure, ALimitOfAddressSpaceUndoesAll) {
  Memory memory;
  const uint64_t now = StatusBytes(0, "status", "VmSize:");
  const rlimit limit = {.rlim_cur = now + 100 * kMiB, .rlim_max = now + 100 * kMiB};
  ASSERT_EQ(setrlimit(RLIMIT_AS, &limit), 0);
  ExpectFallback(memory, "mremap of a mapping: ENOMEM");
}

VICTIM_TEST(FreezeFailure, WithoutCollapseItIsFrozenInSmallPages) {
  Memory memory;
  FailCalls(SCMP_SYS(madvise), EINVAL, {SCMP_A2(SCMP_CMP_EQ, kMadvCollapse)});
  const FreezeReport report = Freeze();
  EXPECT_EQ(report.collapsed_bytes, 0u);
  memory.ExpectWhole();
  EXPECT_TRUE(ChildPasses([&] { memory.ExpectWhole(); }));
}

// A process with as many mappings as it may have can still undo what it began.
VICTIM_TEST(FreezeFailure, AProcessAtItsLimitOfMappingsLosesNothing) {
  std::ifstream file("/proc/sys/vm/max_map_count");
  size_t most = 0;
  file >> most;
  if (most > 66'000) GTEST_SKIP() << "vm.max_map_count is " << most;
  Memory memory;
  // Every second page closed: a mapping each.
  char* const pages = MapMemory(most * 4096, MAP_NORESERVE);
  for (size_t room : {24, 8}) {
    size_t mappings = Maps().size();
    for (size_t i = 0; mappings + room < most; i += 2) {
      if (mprotect(pages + i * 4096, 4096, PROT_NONE) != 0) break;
      if (i % 1024 == 0)
        mappings = Maps().size();
      else
        mappings += 2;
    }
    const FreezeReport report = FreezeMemory({});
    EXPECT_FALSE(report.frozen()) << report.ToString();
    memory.ExpectWhole();
  }
}

// The n-th system call of the freeze fails, for each n, by ptrace. Whatever it is, no byte is lost.
VICTIM_TEST(FreezeFailure, WhicheverCallFailsNoByteIsLost) {
  PrepareAllocatorForFreeze();
  char* const large = MapMemory(6 * kMiB);
  memset(large, 'l', 6 * kMiB);
  char* const closed = MapMemory(kMiB, MAP_NORESERVE);
  memset(closed, 'c', kMiB);
  mprotect(closed, kMiB, PROT_NONE);
  constexpr long kMarker = SYS_getppid;
  std::map<std::string, int> outcomes;
  for (int failing = 0;; ++failing) {
    fflush(nullptr);
    const pid_t pid = fork();
    if (pid == 0) {
      ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
      raise(SIGSTOP);
      syscall(kMarker);
      const FreezeReport report = FreezeMemory({});
      syscall(kMarker);
      mprotect(closed, kMiB, PROT_READ);
      const bool whole =
          CountOthers(large, 6 * kMiB, 'l') == 0 && CountOthers(closed, kMiB, 'c') == 0;
      _exit(!whole ? 100 : report.frozen() ? 0 : 1 + static_cast<int>(report.stopped_at));
    }
    int status = 0;
    ASSERT_EQ(waitpid(pid, &status, 0), pid);
    ptrace(PTRACE_SETOPTIONS, pid, nullptr, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL);
    int markers = 0;
    int calls = 0;
    long failed_call = -1;
    bool entering = true;
    for (;;) {
      ptrace(PTRACE_SYSCALL, pid, nullptr, nullptr);
      ASSERT_EQ(waitpid(pid, &status, 0), pid);
      if (!WIFSTOPPED(status)) break;
      if (WSTOPSIG(status) != (SIGTRAP | 0x80)) {
        EXPECT_TRUE(false) << "signal " << WSTOPSIG(status) << " after call " << failed_call;
        kill(pid, SIGKILL);
        continue;
      }
      user_regs_struct registers;
      ptrace(PTRACE_GETREGS, pid, nullptr, &registers);
      const bool enters = entering;
      entering = !entering;
      if (enters) {
        const long call = static_cast<long>(registers.orig_rax);
        if (call == kMarker) ++markers;
        // Giving back what is not needed any more does not fail.
        const bool counts = markers == 1 && call != kMarker && call != SYS_munmap &&
                            call != SYS_close && call != SYS_rt_sigprocmask &&
                            call != SYS_brk;  // which fails in a way of its own
        // The move back is the one call that must not fail: the process would trap.
        const bool moves_back = call == SYS_mremap && failed_call >= 0;
        if (counts && !moves_back && calls++ == failing) {
          failed_call = call;
          registers.orig_rax = static_cast<unsigned long>(-1);
          ptrace(PTRACE_SETREGS, pid, nullptr, &registers);
        }
      } else if (failed_call >= 0 && static_cast<long>(registers.orig_rax) == -1) {
        registers.rax = static_cast<unsigned long>(-ENOMEM);
        ptrace(PTRACE_SETREGS, pid, nullptr, &registers);
      }
    }
    EXPECT_TRUE(WIFEXITED(status))
        << "call " << failed_call << " number " << failing << ": killed by " << WTERMSIG(status);
    if (WIFEXITED(status)) {
      EXPECT_NE(WEXITSTATUS(status), 100)
          << "call " << failed_call << " number " << failing << " lost bytes";
      ++outcomes[WEXITSTATUS(status) == 0
                     ? "frozen"
                     : Describe(static_cast<FreezeStep>(WEXITSTATUS(status) - 1))];
    }
    if (failed_call < 0) break;  // fewer calls than that
    ASSERT_LT(failing, 5000);
  }
  for (const auto& [outcome, count] : outcomes) printf("%5d %s\n", count, outcome.c_str());
  EXPECT_GT(outcomes["pwrite to the memfd"], 0);
  EXPECT_GT(outcomes["mmap of the memfd"], 0);
  EXPECT_GT(outcomes["mremap of a mapping"], 0);
}

}  // namespace
}  // namespace forkserver::testing
