// What a child weighs: its own anonymous pages and its page tables, and nothing that it shares.
#include "bench/child_memory.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <functional>
#include <vector>

namespace bench {
namespace {

constexpr size_t kBytes = 8 << 20;
constexpr double kKib = kBytes / 1024;

// Weighs a fork of this process that has done `work` and stands still.
ChildMemory WeighAfter(const std::function<void()>& work) {
  int done[2];
  EXPECT_EQ(pipe(done), 0);
  const pid_t pid = fork();
  if (pid == 0) {
    work();
    (void)!write(done[1], "x", 1);
    for (;;) pause();
  }
  char byte;
  EXPECT_EQ(read(done[0], &byte, 1), 1);
  const auto memory = WeighChild(pid);
  EXPECT_TRUE(memory.ok()) << memory.status();
  kill(pid, SIGKILL);
  waitpid(pid, nullptr, 0);
  close(done[0]);
  close(done[1]);
  return memory.ok() ? *memory : ChildMemory{};
}

char* MapPages(int flags, int fd) {
  void* const pages = mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, flags, fd, 0);
  EXPECT_NE(pages, MAP_FAILED);
  return static_cast<char*>(pages);
}

TEST(WeighChild, CountsWhatTheChildWroteAndNotWhatItShares) {
  char* const inherited = MapPages(MAP_PRIVATE | MAP_ANONYMOUS, -1);
  memset(inherited, 1, kBytes);
  const ChildMemory idle = WeighAfter([] {});
  EXPECT_LT(idle.private_anonymous_kib, kKib / 4) << "pages that it shares with this process";
  EXPECT_GT(idle.page_table_kib, 0);
  const ChildMemory wrote = WeighAfter([&] { memset(inherited, 2, kBytes); });
  EXPECT_NEAR(static_cast<double>(wrote.private_anonymous_kib - idle.private_anonymous_kib), kKib,
              kKib / 10);
  munmap(inherited, kBytes);
}

TEST(WeighChild, DoesNotChargeAChildForPagesOfAFile) {
  const int fd = memfd_create("frozen", MFD_CLOEXEC);
  ASSERT_EQ(ftruncate(fd, kBytes), 0);
  char* const frozen = MapPages(MAP_PRIVATE, fd);
  const ChildMemory before = WeighAfter([] {});
  // Pages that nobody else maps: smaps calls them Private_Dirty.
  const ChildMemory read = WeighAfter([&] {
    volatile char sum = 0;
    for (size_t i = 0; i < kBytes; i += 4096) sum = static_cast<char>(sum + frozen[i]);
  });
  EXPECT_NEAR(static_cast<double>(read.private_anonymous_kib),
              static_cast<double>(before.private_anonymous_kib), kKib / 10);
  const ChildMemory wrote = WeighAfter([&] { memset(frozen, 2, kBytes); });
  EXPECT_NEAR(static_cast<double>(wrote.private_anonymous_kib - before.private_anonymous_kib), kKib,
              kKib / 10);
  munmap(frozen, kBytes);
  close(fd);
}

TEST(CountMappings, CountsOneMore) {
  const int before = *CountMappings(getpid());
  void* const page = mmap(nullptr, 4096, PROT_READ, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  EXPECT_EQ(*CountMappings(getpid()), before + 1);
  munmap(page, 4096);
  EXPECT_FALSE(CountMappings(0).ok());
}

}  // namespace
}  // namespace bench
