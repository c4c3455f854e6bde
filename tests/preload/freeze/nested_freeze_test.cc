// A process that was forked from a frozen one freezes again: only what it changed is written.
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "preload/freeze/freeze.h"
#include "preload/freeze/glibc_allocator.h"
#include "tests/preload/freeze/victim.h"
#include "tests/transceiver/open_descriptors.h"
#include "transceiver/clock.h"
#include "transceiver/raw_syscall.h"

namespace forkserver::testing {
namespace {

// The best of some, without writing to memory.
int64_t NanosOfAFork() {
  int64_t best = INT64_MAX;
  for (int i = 0; i < 20; ++i) {
    const int64_t start = NowNanos();
    const long pid = RawSyscall(SYS_clone, SIGCHLD, nullptr, nullptr, nullptr, nullptr);
    if (pid == 0) RawSyscall(SYS_exit_group, 0);
    RawSyscall(SYS_wait4, pid, nullptr, 0, nullptr);
    best = std::min(best, NowNanos() - start);
  }
  return best;
}

// Of this process, however long it had to wait for a processor.
int64_t ProcessorNanos() {
  timespec time;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return time.tv_sec * kNanosPerSecond + time.tv_nsec;
}

// What everything but the memory of a test adds to a nested freeze: the heap, .data and the like.
constexpr uint64_t kOwnChanges = 2 * kMiB;

VICTIM_TEST(NestedFreeze, OneWrittenPageCostsAboutNothing) {
  constexpr size_t kSize = 512 * kMiB;
  PrepareAllocatorForFreeze();
  char* const memory = MapMemory(kSize);
  memset(memory, 'x', kSize);
  const int64_t first_start = ProcessorNanos();
  Freeze();
  const int64_t first_nanos = ProcessorNanos() - first_start;
  EXPECT_TRUE(ChildPasses([&] {
    PrepareAllocatorForFreeze();
    EXPECT_EQ(CountOthers(memory, kSize, 'x'), 0u);  // maps all of it
    memory[100 * kMiB + 5] = 'y';
    const int64_t start = ProcessorNanos();
    const FreezeReport report = FreezeMemory({});
    const int64_t nanos = ProcessorNanos() - start;
    const int64_t fork_nanos = NanosOfAFork();
    EXPECT_TRUE(report.frozen()) << report.ToString();
    EXPECT_LT(report.bytes, kOwnChanges) << report.ToString();
    EXPECT_LT(nanos, first_nanos / 4) << report.ToString();
    EXPECT_LT(fork_nanos, 5'000'000);
    printf(
        "%s\nfirst freeze: %.3f ms of the processor, this one: %.3f ms, fork after it: %.3f ms\n",
        report.ToString().c_str(), static_cast<double>(first_nanos) / 1e6,
        static_cast<double>(nanos) / 1e6, static_cast<double>(fork_nanos) / 1e6);
    EXPECT_EQ(CountOthers(memory, kSize, 'x'), 1u);
    EXPECT_EQ(memory[100 * kMiB + 5], 'y');
  }));
  EXPECT_EQ(memory[100 * kMiB + 5], 'x');
}

VICTIM_TEST(NestedFreeze, TheCleanRestStaysCleanForkAfterFork) {
  constexpr size_t kSize = 64 * kMiB;
  char* const memory = MapMemory(kSize);
  memset(memory, 'x', kSize);
  Freeze();
  EXPECT_TRUE(ChildPasses([&] {
    for (size_t i = 0; i < 100; ++i) memory[i * (kSize / 100)] = 'y';
    const FreezeReport report = FreezeMemory({});
    const long pid = RawSyscall(SYS_clone, SIGCHLD, nullptr, nullptr, nullptr, nullptr);
    if (pid == 0) {
      const uint64_t anonymous = AnonymousBytesOfFrozenMemory();
      _exit(anonymous == 0 ? 0 : 1);
    }
    int status = -1;
    RawSyscall(SYS_wait4, pid, &status, 0, nullptr);
    EXPECT_EQ(CountOthers(memory, kSize, 'x'), 100u);
    EXPECT_LT(report.bytes, kOwnChanges + 100 * 4096u) << report.ToString();
    EXPECT_LT(report.mappings, 300u);
  }));
}

VICTIM_TEST(NestedFreeze, GoesThreeLevelsDeep) {
  PrepareAllocatorForFreeze();
  char* const memory = MapMemory(16 * kMiB);
  memset(memory, '0', 16 * kMiB);
  std::vector<std::string> texts(1000, "0");
  const std::function<void(int)> descend = [&](int level) {
    // One page of the shared memory, a part of the heap, and new memory for each level.
    for (int i = 0; i < level; ++i) {
      EXPECT_EQ(CountOthers(memory + (1 + i) * kMiB, 4096, static_cast<char>('1' + i)), 0u);
      EXPECT_EQ(texts[static_cast<size_t>(i)], std::string(100, static_cast<char>('1' + i)));
    }
    EXPECT_EQ(CountOthers(memory + (1 + level) * kMiB, 4096, '0'), 0u);
    EXPECT_EQ(texts[999], "0");
    if (level == 3) return;
    PrepareAllocatorForFreeze();
    memset(memory + (1 + level) * kMiB, '1' + level, 4096);
    texts[static_cast<size_t>(level)] = std::string(100, static_cast<char>('1' + level));
    texts.emplace_back("new");
    const size_t descriptors = OpenDescriptors();
    const FreezeReport report = Freeze();
    EXPECT_EQ(OpenDescriptors(), descriptors);
    if (level > 0) {
      EXPECT_LT(report.bytes, kOwnChanges);
    }
    EXPECT_TRUE(ChildPasses([&] { descend(level + 1); }));
    EXPECT_TRUE(ChildPasses([&] { descend(level + 1); })) << "the first child left its marks";
  };
  descend(0);
}

VICTIM_TEST(NestedFreeze, ItsMemoryOutlivesTheEarlierTemplate) {
  char* const memory = MapMemory(8 * kMiB);
  memset(memory, 'x', 8 * kMiB);
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  const pid_t earlier = fork();
  if (earlier == 0) {
    Freeze();
    int alive[2];  // closed when this process has ended, and nobody else holds its writing end
    if (pipe(alive) != 0) _exit(1);
    const pid_t later = fork();
    if (later != 0) _exit(0);
    close(alive[1]);
    memory[kMiB] = 'y';
    const bool frozen = FreezeMemory({}).frozen();
    char end;
    if (read(alive[0], &end, 1) != 0) _exit(1);
    const char good = frozen && CountOthers(memory, 8 * kMiB, 'x') == 1;
    _exit(write(ends[1], &good, 1) == 1 ? 0 : 1);
  }
  waitpid(earlier, nullptr, 0);
  close(ends[1]);
  char good = 0;
  EXPECT_EQ(read(ends[0], &good, 1), 1);
  EXPECT_EQ(good, 1);
}

VICTIM_TEST(NestedFreeze, UnchangedProcessesWriteAlmostNothing) {
  char* const memory = MapMemory(8 * kMiB);
  memset(memory, 'x', 8 * kMiB);
  Freeze();
  EXPECT_TRUE(ChildPasses([&] {
    EXPECT_LT(Freeze().bytes, kOwnChanges);
    EXPECT_LT(Freeze().bytes, kOwnChanges) << "in the same process";
    EXPECT_EQ(CountOthers(memory, 8 * kMiB, 'x'), 0u);
  }));
}

}  // namespace
}  // namespace forkserver::testing
