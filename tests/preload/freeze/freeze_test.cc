// What frozen memory keeps, and what it may be used for afterwards.
#include "preload/freeze/freeze.h"

#include <fcntl.h>
#include <malloc.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "gtest/gtest.h"
#include "preload/freeze/frozen_memory.h"
#include "preload/freeze/glibc_allocator.h"
#include "tests/preload/freeze/victim.h"
#include "tests/transceiver/open_descriptors.h"
#include "transceiver/raw_syscall.h"
#include "transceiver/unique_fd.h"

namespace forkserver::testing {
namespace {

int initialized_variable = 41;
int zeroed_variable;
thread_local int thread_variable = 7;
// In .data.rel.ro: written by the loader's relocations, then protected.
const char* const kRelocatedTexts[] = {"one", "two", "three"};

size_t MappingCount() {
  std::ifstream maps("/proc/self/maps");
  size_t count = 0;
  for (std::string line; std::getline(maps, line);) ++count;
  return count;
}

VICTIM_TEST(Freeze, ObjectsBuiltBeforeCanBeReadAndExtendedInChildren) {
  PrepareAllocatorForFreeze();
  std::unordered_map<int, std::string> map;
  for (int i = 0; i < 100'000; ++i) map.emplace(i, std::to_string(i) + " and a longer text");
  Freeze();
  EXPECT_TRUE(ChildPasses([&] {
    for (int i = 0; i < 100'000; ++i) {
      ASSERT_EQ(map[i], std::to_string(i) + " and a longer text");
      map[-i - 1] = "x";
    }
    map.clear();
  }));
  EXPECT_EQ(map.size(), 100'000u);
  EXPECT_EQ(map[99'999], "99999 and a longer text");
}

VICTIM_TEST(Freeze, VariablesKeepTheirValuesAndCanBeWritten) {
  initialized_variable = 42;
  zeroed_variable = 43;
  thread_variable = 44;
  Freeze();
  EXPECT_EQ(initialized_variable, 42);
  EXPECT_EQ(zeroed_variable, 43);
  EXPECT_EQ(thread_variable, 44);
  EXPECT_TRUE(ChildPasses([] {
    initialized_variable = zeroed_variable = thread_variable = 1;
    EXPECT_EQ(initialized_variable + zeroed_variable + thread_variable, 3);
  }));
  EXPECT_EQ(initialized_variable, 42);
}

VICTIM_TEST(Freeze, ProtectionsAreWhatTheyWere) {
  char* const memory = MapMemory(4 * 4096);
  memset(memory, 'x', 4 * 4096);
  mprotect(memory + 4096, 4096, PROT_READ);
  mprotect(memory + 8192, 4096, PROT_NONE);
  mprotect(memory + 12288, 4096, PROT_READ | PROT_EXEC);
  const FreezeReport report = Freeze();
  EXPECT_GE(report.bytes, 4 * 4096u);
  std::ifstream maps("/proc/self/maps");
  std::string rights;
  for (std::string line; std::getline(maps, line);) {
    const uintptr_t at = reinterpret_cast<uintptr_t>(memory);
    uintptr_t start, end;
    // The first may be one with what lies below it.
    if (sscanf(line.c_str(), "%lx-%lx ", &start, &end) != 2) continue;
    if (end <= at || start >= at + 4 * 4096) continue;
    EXPECT_NE(line.find(kFrozenMemoryName), line.npos) << line;
    rights += line.substr(line.find(' '), 5);
  }
  EXPECT_EQ(rights, " rw-p r--p ---p r-xp");
  mprotect(memory, 4 * 4096, PROT_READ);
  EXPECT_EQ(CountOthers(memory, 4 * 4096, 'x'), 0u);
}

VICTIM_TEST(Freeze, RelocatedReadOnlyDataIsFrozenToo) {
  Freeze();
  std::ifstream smaps("/proc/self/smaps");
  bool inside = false;
  bool found = false;
  for (std::string line; std::getline(smaps, line);) {
    const uintptr_t at = reinterpret_cast<uintptr_t>(&kRelocatedTexts);
    uintptr_t start, end;
    if (sscanf(line.c_str(), "%lx-%lx ", &start, &end) == 2) {
      inside = start <= at && at < end;
      if (inside) {
        found = true;
        EXPECT_NE(line.find("r--p"), line.npos) << line;
        EXPECT_NE(line.find(kFrozenMemoryName), line.npos) << line;
      }
    }
  }
  EXPECT_TRUE(found);
  EXPECT_STREQ(kRelocatedTexts[2], "three");
}

VICTIM_TEST(Freeze, AChildsWritesAreItsOwn) {
  char* const memory = MapMemory(4 * kMiB);
  memset(memory, 'x', 4 * kMiB);
  Freeze();
  EXPECT_TRUE(ChildPasses([&] { memset(memory, 'c', 4 * kMiB); }));
  EXPECT_TRUE(ChildPasses([&] { EXPECT_EQ(CountOthers(memory, 4 * kMiB, 'x'), 0u); }));
  EXPECT_EQ(CountOthers(memory, 4 * kMiB, 'x'), 0u);
}

VICTIM_TEST(Freeze, AChildsWriteCopiesOnePageOfAHugeFolio) {
  char* const memory = MapMemory(16 * kMiB);
  memset(memory, 'x', 16 * kMiB);
  const FreezeReport report = Freeze();
  if (report.collapsed_bytes == 0) GTEST_SKIP() << "no folios of 2 MiB here";
  EXPECT_TRUE(ChildPasses([&] {
    const volatile char* touched = memory;
    static_cast<void>(touched[8 * kMiB]);
    const uint64_t before = StatusBytes(0, "status", "RssAnon:");
    memory[8 * kMiB] = 'c';
    EXPECT_LE(StatusBytes(0, "status", "RssAnon:") - before, 256u * 1024);
  }));
}

VICTIM_TEST(Freeze, FrozenMemoryHasNoAnonymousPageAfterAThousandForks) {
  PrepareAllocatorForFreeze();
  std::vector<std::string> texts(50'000, std::string(100, 'x'));
  char* const memory = MapMemory(32 * kMiB);
  memset(memory, 'x', 32 * kMiB);
  fflush(nullptr);
  FreezeReport report = FreezeMemory({});
  // As a template does: no libc, nothing written but the stack.
  int failures = 0;
  for (int i = 0; i < 1000; ++i) {
    const long pid = RawSyscall(SYS_clone, SIGCHLD, nullptr, nullptr, nullptr, nullptr);
    if (pid == 0) RawSyscall(SYS_exit_group, 0);
    int status = 0;
    if (RawSyscall(SYS_wait4, pid, &status, 0, nullptr) != pid || status != 0) ++failures;
  }
  int answer[2];
  RawSyscall(SYS_pipe2, answer, O_CLOEXEC);
  const long pid = RawSyscall(SYS_clone, SIGCHLD, nullptr, nullptr, nullptr, nullptr);
  if (pid == 0) {
    // Its parent waits, and is as the thousand forks left it.
    const absl::StatusOr<FrozenMemory> memory = MeasureFrozenMemory(getppid());
    const bool good = memory.ok() && memory->mappings > 0 && memory->anonymous_bytes == 0;
    if (!good) printf("%s\n%s", memory.status().ToString().c_str(), memory->written.c_str());
    fflush(stdout);
    _exit(good ? 0 : 1);
  }
  int status = -1;
  RawSyscall(SYS_wait4, pid, &status, 0, nullptr);
  EXPECT_EQ(failures, 0);
  EXPECT_EQ(status, 0) << "frozen memory has been written";
  EXPECT_TRUE(report.frozen()) << report.ToString();
}

VICTIM_TEST(Freeze, AWriteToFrozenMemoryIsMeasured) {
  char* const memory = MapMemory(4 * kMiB);
  memset(memory, 'x', 4 * kMiB);
  Freeze();
  const uint64_t before = AnonymousBytesOfFrozenMemory();
  memory[kMiB] = 'y';
  memory[3 * kMiB] = 'y';
  EXPECT_GE(AnonymousBytesOfFrozenMemory(), before + 2 * 4096u);
}

VICTIM_TEST(Freeze, NoDescriptorAndNoMappingOfItsOwnIsLeft) {
  const size_t descriptors = OpenDescriptors();
  char* const memory = MapMemory(64 * kMiB);
  memset(memory, 'x', 64 * kMiB);
  const size_t mappings = MappingCount();
  const FreezeReport report = Freeze();
  EXPECT_EQ(OpenDescriptors(), descriptors);
  // A frozen mapping parts in three at the most, and what is frozen is counted.
  EXPECT_LE(MappingCount(), mappings + 2 * report.mappings);
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    if (line.find(kFrozenMemoryName) == line.npos) continue;
    EXPECT_EQ(line.find("s 0"), line.npos) << "a shared mapping is left: " << line;
  }
}

VICTIM_TEST(Freeze, TheFileIsSealed) {
  char* const memory = MapMemory(4 * kMiB);
  memset(memory, 'x', 4 * kMiB);
  Freeze();
  char path[64];
  const uintptr_t at = reinterpret_cast<uintptr_t>(memory);
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    uintptr_t start, end;
    if (sscanf(line.c_str(), "%lx-%lx ", &start, &end) != 2 || at < start || at >= end) continue;
    snprintf(path, sizeof(path), "/proc/self/map_files/%lx-%lx", start, end);
  }
  const UniqueFd file(open(path, O_RDWR | O_CLOEXEC));
  if (!file.is_open()) GTEST_SKIP() << "not allowed to open " << path;
  EXPECT_EQ(fcntl(file.get(), F_GET_SEALS),
            F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL);
  EXPECT_EQ(pwrite(file.get(), "y", 1, 0), -1);
}

VICTIM_TEST(Freeze, SignalsAreDeliveredAfterItAndTheMaskIsAsItWas) {
  sigset_t before, after;
  sigprocmask(SIG_BLOCK, nullptr, &before);
  Freeze();
  sigprocmask(SIG_BLOCK, nullptr, &after);
  for (int signal = 1; signal < 65; ++signal) {
    EXPECT_EQ(sigismember(&before, signal), sigismember(&after, signal)) << signal;
  }
}

VICTIM_TEST(Freeze, ChildrenCreateThreads) {
  PrepareAllocatorForFreeze();
  std::thread([] { static_cast<void>(std::string(100, 'x')); }).join();  // a cached stack
  Freeze();
  EXPECT_TRUE(ChildPasses([] {
    std::atomic<int> sum = 0;
    std::vector<std::thread> threads;
    for (int i = 0; i < 16; ++i) {
      threads.emplace_back([&sum, i] {
        std::unordered_map<int, std::string> map;
        for (int j = 0; j < 10'000; ++j) map[j] = std::string(100, static_cast<char>('a' + i));
        EXPECT_EQ(thread_variable, 7);
        thread_variable = i;
        sum += static_cast<int>(map.size());
      });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(sum, 160'000);
    EXPECT_EQ(thread_variable, 7);
  }));
}

VICTIM_TEST(Freeze, ChildrenForkAndExec) {
  Freeze();
  EXPECT_TRUE(ChildPasses([] {
    EXPECT_TRUE(ChildPasses([] { std::string(1000, 'x').append("y"); }));
    EXPECT_EQ(system("exit 0"), 0);
  }));
}

VICTIM_TEST(Freeze, BrkGrowsAndShrinksInChildren) {
  // So that malloc does not move the break meanwhile.
  PrepareAllocatorForFreeze();
  mallopt(M_TOP_PAD, 16 * kMiB);
  void* volatile block = malloc(kMiB);  // volatile: the pair is not optimized away
  free(block);
  char* const heap = static_cast<char*>(sbrk(0));
  ASSERT_EQ(sbrk(kMiB), heap);
  memset(heap, 'x', kMiB);
  Freeze();
  EXPECT_TRUE(ChildPasses([&] {
    ASSERT_EQ(sbrk(kMiB), heap + kMiB);
    EXPECT_EQ(CountOthers(heap + kMiB, kMiB, 0), 0u);
    memset(heap + kMiB, 'y', kMiB);
    EXPECT_EQ(CountOthers(heap, kMiB, 'x'), 0u);
    ASSERT_NE(sbrk(-static_cast<intptr_t>(kMiB + kMiB / 2)), reinterpret_cast<void*>(-1));
    ASSERT_EQ(sbrk(kMiB), heap + kMiB / 2);
    EXPECT_EQ(CountOthers(heap, kMiB / 2, 'x'), 0u);
    EXPECT_EQ(CountOthers(heap + kMiB / 2, kMiB, 0), 0u);
  }));
}

VICTIM_TEST(Freeze, CallocReturnsZeroesAfterMallocHasTrimmed) {
  PrepareAllocatorForFreeze();
  std::vector<char*> blocks;
  for (int i = 0; i < 4000; ++i) {
    blocks.push_back(static_cast<char*>(malloc(10'000)));
    memset(blocks.back(), 'x', 10'000);
  }
  Freeze();
  EXPECT_TRUE(ChildPasses([&] {
    for (char* block : blocks) free(block);
    malloc_trim(0);
    for (size_t size : {100u, 10'000u, 100'000u, 1'000'000u, 10'000'000u}) {
      for (int i = 0; i < 20; ++i) {
        char* const block = static_cast<char*>(calloc(1, size));
        ASSERT_EQ(CountOthers(block, size, 0), 0u) << size;
        memset(block, 'y', size);
        if (i % 2 == 0) free(block);
      }
      malloc_trim(0);
    }
  }));
}

VICTIM_TEST(Freeze, CallocReturnsZeroesInArenasOfThreads) {
  PrepareAllocatorForFreeze();
  const auto churn = [] {
    std::vector<char*> blocks;
    for (int round = 0; round < 10; ++round) {
      for (int i = 0; i < 200; ++i) {
        const size_t size = static_cast<size_t>(1000 * (1 + i % 90));
        blocks.push_back(static_cast<char*>(calloc(1, size)));
        ASSERT_EQ(CountOthers(blocks.back(), size, 0), 0u);
        memset(blocks.back(), 'x', size);
      }
      for (char* block : blocks) free(block);
      blocks.clear();
      malloc_trim(0);
    }
  };
  // Its arena outlives it, and is handed to threads of children.
  std::thread(churn).join();
  Freeze();
  EXPECT_TRUE(ChildPasses([&] {
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) threads.emplace_back(churn);
    for (std::thread& thread : threads) thread.join();
  }));
}

VICTIM_TEST(Freeze, LargeBlocksGrowByReallocInChildren) {
  PrepareAllocatorForFreeze();
  std::vector<char*> blocks;
  for (int i = 0; i < 4; ++i) {
    blocks.push_back(static_cast<char*>(malloc(4 * kMiB)));
    memset(blocks.back(), 'a' + i, 4 * kMiB);
  }
  Freeze();
  EXPECT_TRUE(ChildPasses([&] {
    for (int i = 0; i < 4; ++i) {
      char* const block = static_cast<char*>(realloc(blocks[i], 32 * kMiB));
      EXPECT_EQ(CountOthers(block, 4 * kMiB, static_cast<char>('a' + i)), 0u);
      memset(block, 'z', 32 * kMiB);
    }
  }));
}

// The blocks that were mapped before anybody prepared the allocator.
VICTIM_TEST(Freeze, BlocksWithMappingsOfTheirOwnGrowByReallocInChildren) {
  mallopt(M_MMAP_THRESHOLD, 128 * 1024);
  char* block = static_cast<char*>(malloc(4 * kMiB));
  memset(block, 'a', 4 * kMiB);
  Freeze();
  EXPECT_TRUE(ChildPasses([&] {
    block = static_cast<char*>(realloc(block, 32 * kMiB));
    EXPECT_EQ(CountOthers(block, 4 * kMiB, 'a'), 0u);
    memset(block, 'z', 32 * kMiB);
  }));
}

VICTIM_TEST(Freeze, AMappingThatGrowsFindsZeroesAndNoNeighbour) {
  char* const first = MapMemory(4 * kMiB);
  char* const second = MapMemory(4 * kMiB);
  mprotect(second, 4096, PROT_READ);  // a mapping of its own
  memset(first, 'a', 4 * kMiB);
  memset(second + 4096, 'b', 4 * kMiB - 4096);
  Freeze();
  EXPECT_TRUE(ChildPasses([&] {
    char* const grown = static_cast<char*>(mremap(first, 4 * kMiB, 64 * kMiB, MREMAP_MAYMOVE));
    ASSERT_NE(grown, MAP_FAILED);
    EXPECT_EQ(CountOthers(grown, 4 * kMiB, 'a'), 0u);
    EXPECT_EQ(CountOthers(grown + 4 * kMiB, 60 * kMiB, 0), 0u);
    memset(grown, 'c', 64 * kMiB);
  }));
}

VICTIM_TEST(Freeze, AfterItLargeBlocksHaveMappingsOfTheirOwnAgain) {
  PrepareAllocatorForFreeze();
  Freeze();
  EXPECT_TRUE(ChildPasses([] {
    const size_t before = mallinfo2().hblks;
    void* volatile block = malloc(64 * kMiB);
    EXPECT_EQ(mallinfo2().hblks, before + 1);
    free(block);
  }));
}

VICTIM_TEST(Freeze, TheThreadsControlBlockStaysAnonymous) {
  Freeze();
  std::ifstream maps("/proc/self/maps");
  const uintptr_t at = reinterpret_cast<uintptr_t>(__builtin_thread_pointer());
  for (std::string line; std::getline(maps, line);) {
    uintptr_t start, end;
    if (sscanf(line.c_str(), "%lx-%lx ", &start, &end) != 2 || at < start || at >= end) continue;
    EXPECT_EQ(line.find(kFrozenMemoryName), line.npos) << line;
  }
}

VICTIM_TEST(Freeze, WithASecondThreadNothingIsDone) {
  std::thread idle([] { pause(); });
  const FreezeReport report = FreezeMemory({});
  EXPECT_EQ(report.method, FreezeMethod::kOff);
  EXPECT_EQ(report.WhyNot(), "off: more than one thread: EBUSY");
  idle.detach();
}

}  // namespace
}  // namespace forkserver::testing
