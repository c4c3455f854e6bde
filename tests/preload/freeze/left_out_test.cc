// What must not be frozen is left as it is, and listed with its reason; and memory that is mostly
// absent stays absent.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <string>

#include "gtest/gtest.h"
#include "preload/freeze/freeze.h"
#include "preload/freeze/frozen_memory.h"
#include "tests/preload/freeze/victim.h"
#include "transceiver/unique_fd.h"

namespace forkserver::testing {
namespace {

constexpr int kMadvGuardInstall = 102;  // Linux 6.13, after the headers of Debian 12

// The bytes that were left out for that reason; 0 if there is no such entry.
uint64_t LeftOutBytes(const FreezeReport& report, LeaveOutReason why) {
  for (const FreezeReport::LeftOut& entry : report.left_out()) {
    if (entry.why == why) return entry.bytes;
  }
  return 0;
}

// The line of /proc/self/maps for an address.
std::string MapsLine(const void* address) {
  const uintptr_t at = reinterpret_cast<uintptr_t>(address);
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    uintptr_t start, end;
    if (sscanf(line.c_str(), "%lx-%lx ", &start, &end) == 2 && start <= at && at < end) return line;
  }
  return "not mapped";
}

bool IsFrozen(const void* address) {
  return MapsLine(address).find(kFrozenMemoryName) != std::string::npos;
}

// Memory with neighbours that it does not merge with, every byte of it `x`.
char* MapFilled(size_t size) {
  char* const memory = MapMemory(size + 2 * 4096);
  mprotect(memory, 4096, PROT_NONE);
  mprotect(memory + 4096 + size, 4096, PROT_NONE);
  memset(memory + 4096, 'x', size);
  return memory + 4096;
}

VICTIM_TEST(LeftOut, MemoryThatIsWipedOnForkIsStillWiped) {
  char* const memory = MapFilled(kMiB);
  ASSERT_EQ(madvise(memory, kMiB, MADV_WIPEONFORK), 0);
  const FreezeReport report = Freeze();
  EXPECT_EQ(LeftOutBytes(report, LeaveOutReason::kWipeOnFork), kMiB);
  EXPECT_EQ(CountOthers(memory, kMiB, 'x'), 0u);
  EXPECT_TRUE(ChildPasses([&] { EXPECT_EQ(CountOthers(memory, kMiB, 0), 0u); }));
}

VICTIM_TEST(LeftOut, MemoryThatChildrenDoNotInheritIsStillNotInherited) {
  char* const memory = MapFilled(kMiB);
  ASSERT_EQ(madvise(memory, kMiB, MADV_DONTFORK), 0);
  const FreezeReport report = Freeze();
  EXPECT_EQ(LeftOutBytes(report, LeaveOutReason::kDontFork), kMiB);
  EXPECT_EQ(CountOthers(memory, kMiB, 'x'), 0u);
  EXPECT_TRUE(ChildPasses([&] { EXPECT_EQ(MapsLine(memory), "not mapped"); }));
}

VICTIM_TEST(LeftOut, MemoryThatIsNotDumpedGoesIntoNoFile) {
  char* const memory = MapFilled(kMiB);
  ASSERT_EQ(madvise(memory, kMiB, MADV_DONTDUMP), 0);
  EXPECT_EQ(LeftOutBytes(Freeze(), LeaveOutReason::kDontDump), kMiB);
  EXPECT_FALSE(IsFrozen(memory));
  EXPECT_EQ(CountOthers(memory, kMiB, 'x'), 0u);
}

VICTIM_TEST(LeftOut, LockedMemoryStaysLocked) {
  char* const memory = MapFilled(64 * 1024);
  if (mlock(memory, 64 * 1024) != 0) GTEST_SKIP() << "mlock is not allowed here";
  EXPECT_EQ(LeftOutBytes(Freeze(), LeaveOutReason::kLocked), 64u * 1024);
  EXPECT_FALSE(IsFrozen(memory));
  EXPECT_EQ(StatusBytes(0, "status", "VmLck:"), 64u * 1024);
}

VICTIM_TEST(LeftOut, GuardPagesStillGuard) {
  char* const memory = MapFilled(kMiB);
  if (madvise(memory + 512 * 1024, 4096, kMadvGuardInstall) != 0) {
    GTEST_SKIP() << "no MADV_GUARD_INSTALL, which came with Linux 6.13";
  }
  const FreezeReport report = Freeze();
  const uint64_t left_out = LeftOutBytes(report, LeaveOutReason::kGuardPages) +
                            LeftOutBytes(report, LeaveOutReason::kUnreadable);
  EXPECT_EQ(left_out, kMiB - 4096) << report.ToString();
  EXPECT_FALSE(IsFrozen(memory));
  EXPECT_EQ(CountOthers(memory, 512 * 1024, 'x'), 0u);
  EXPECT_EQ(CountOthers(memory + 516 * 1024, 508 * 1024, 'x'), 0u);
  const pid_t pid = fork();
  if (pid == 0) {
    memory[512 * 1024] = 'y';
    _exit(0);
  }
  int status = 0;
  waitpid(pid, &status, 0);
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV) << status;
}

// Kernels that do not show guard pages, and memory that the machine has lost, look so.
VICTIM_TEST(LeftOut, MemoryThatCannotAllBeReadIsPutBack) {
  const UniqueFd file(memfd_create("short", MFD_CLOEXEC));
  ASSERT_EQ(ftruncate(file.get(), 2 * 4096), 0);
  // Four pages of a file of two.
  char* const memory = static_cast<char*>(
      mmap(nullptr, 4 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, file.get(), 0));
  memset(memory, 'x', 4096);
  const FreezeReport report = Freeze();
  EXPECT_EQ(LeftOutBytes(report, LeaveOutReason::kUnreadable), 4096u) << report.ToString();
  EXPECT_EQ(CountOthers(memory, 4096, 'x'), 0u);
  EXPECT_EQ(CountOthers(memory + 4096, 4096, 0), 0u);
  EXPECT_NE(MapsLine(memory).find("memfd:short"), std::string::npos) << MapsLine(memory);
  memory[0] = 'y';
}

VICTIM_TEST(LeftOut, SealedMappingsAreLeftWithTheirBytes) {
  char* const memory = MapFilled(64 * 1024);
#ifndef SYS_mseal
#define SYS_mseal 462
#endif
  if (syscall(SYS_mseal, memory, 64 * 1024, 0) != 0) {
    GTEST_SKIP() << "no mseal, which came with Linux 6.10";
  }
  const FreezeReport report = Freeze();
  EXPECT_EQ(LeftOutBytes(report, LeaveOutReason::kSealed) +
                LeftOutBytes(report, LeaveOutReason::kCannotBeMoved),
            64u * 1024)
      << report.ToString();
  EXPECT_EQ(CountOthers(memory, 64 * 1024, 'x'), 0u);
}

VICTIM_TEST(LeftOut, SharedMemoryStaysShared) {
  char* const memory = static_cast<char*>(
      mmap(nullptr, kMiB, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  memset(memory, 'x', kMiB);
  Freeze();
  EXPECT_TRUE(ChildPasses([&] { memory[0] = 'y'; }));
  EXPECT_EQ(memory[0], 'y');
}

VICTIM_TEST(LeftOut, TheStackIsListed) {
  char text[4096];
  memset(text, 'x', sizeof(text));
  const FreezeReport report = Freeze();
  EXPECT_GT(LeftOutBytes(report, LeaveOutReason::kStack), 0u);
  EXPECT_FALSE(IsFrozen(text));
  EXPECT_EQ(CountOthers(text, sizeof(text), 'x'), 0u);
}

VICTIM_TEST(Sparse, AReservationCostsWhatIsInUseOfIt) {
  constexpr size_t kReserved = size_t{3} << 30;
  char* const memory = MapMemory(kReserved, MAP_NORESERVE);
  madvise(memory, kReserved, MADV_NOHUGEPAGE);
  for (size_t i = 0; i < 10; ++i) memory[i * 300 * kMiB] = 'x';
  char* const other = MapMemory(4096);
  *other = 'x';
  const FreezeReport report = Freeze();
  EXPECT_LT(report.bytes, 8 * kMiB);
  EXPECT_LT(report.mappings, 200u);
  EXPECT_TRUE(ChildPasses([&] {
    const uint64_t before = StatusBytes(0, "status", "RssShmem:");
    // Reading what is absent takes no memory that stays.
    size_t others = 0;
    for (size_t at = 0; at < kReserved; at += 4096) others += memory[at] != 0;
    EXPECT_EQ(others, 10u);
    EXPECT_LT(StatusBytes(0, "status", "RssShmem:"), before + 4 * kMiB);
    memset(memory + kMiB, 'y', 32 * kMiB);
  }));
}

VICTIM_TEST(Sparse, ZeroesThatWereOnlyReadAreNotWritten) {
  constexpr size_t kSize = 256 * kMiB;
  char* const memory = MapMemory(kSize);
  madvise(memory, kSize, MADV_NOHUGEPAGE);
  size_t others = 0;
  for (size_t at = 0; at < kSize; at += 4096) others += memory[at] != 0;
  EXPECT_EQ(others, 0u);
  memset(memory + 100 * kMiB, 'x', kMiB);
  EXPECT_LT(Freeze().bytes, 8 * kMiB);
  EXPECT_EQ(CountOthers(memory + 100 * kMiB, kMiB, 'x'), 0u);
  EXPECT_EQ(CountOthers(memory + 101 * kMiB, kMiB, 0), 0u);
}

VICTIM_TEST(Sparse, ScatteredPagesDoNotBecomeThousandsOfMappings) {
  constexpr size_t kSize = 512 * kMiB;
  char* const memory = MapMemory(kSize);
  madvise(memory, kSize, MADV_NOHUGEPAGE);
  for (size_t at = 0; at < kSize; at += 256 * 1024) memory[at] = 'x';
  const FreezeReport report = Freeze();
  EXPECT_LT(report.mappings, 1100u);
  EXPECT_LT(report.bytes, 32 * kMiB);
  size_t found = 0;
  for (size_t at = 0; at < kSize; at += 256 * 1024) found += memory[at] == 'x';
  EXPECT_EQ(found, kSize / (256 * 1024));
}

VICTIM_TEST(Sparse, ALargeFileWithFewWrittenPagesKeepsTheRestInTheFile) {
  const UniqueFd file(memfd_create("large", MFD_CLOEXEC));
  const std::string content(64 * kMiB, 'f');
  ASSERT_EQ(write(file.get(), content.data(), content.size()),
            static_cast<ssize_t>(content.size()));
  char* const memory = static_cast<char*>(
      mmap(nullptr, 64 * kMiB, PROT_READ | PROT_WRITE, MAP_PRIVATE, file.get(), 0));
  memory[10 * kMiB] = 'x';
  memory[20 * kMiB] = 'x';
  const FreezeReport report = Freeze();
  EXPECT_LT(report.bytes, 72 * kMiB) << "the text itself, and two pages";
  EXPECT_TRUE(IsFrozen(memory + 10 * kMiB));
  EXPECT_FALSE(IsFrozen(memory + 11 * kMiB));
  EXPECT_EQ(CountOthers(memory, 64 * kMiB, 'f'), 2u);
}

}  // namespace
}  // namespace forkserver::testing
