#include "preload/thread_block.h"

#include <errno.h>
#include <gtest/gtest.h>
#include <linux/rseq.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/rseq.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>
#include <thread>

#include "tests/preload/freeze/victim.h"
#include "transceiver/raw_syscall.h"

namespace forkserver {
namespace {

constexpr char kNoRseq[] = "glibc has registered no rseq here";

const volatile struct rseq& Area() {
  return *reinterpret_cast<struct rseq*>(static_cast<char*>(__builtin_thread_pointer()) +
                                         __rseq_offset);
}

// Whether the kernel keeps this thread's area: it refuses a second one with EBUSY, or gives up what
// it is told to give up. Leaves it as it was.
bool IsRegistered() {
  void* const area = const_cast<struct rseq*>(&Area());
  const long result = RawSyscall(SYS_rseq, area, 32, 0, RSEQ_SIG);
  if (result == 0) RawSyscall(SYS_rseq, area, 32, RSEQ_FLAG_UNREGISTER, RSEQ_SIG);
  EXPECT_TRUE(result == 0 || result == -EBUSY) << result;
  return result != 0;
}

struct RobustList {
  void* head = nullptr;
  size_t size = 0;
};
RobustList RobustListOfThisThread() {
  RobustList list;
  RawSyscall(SYS_get_robust_list, 0, &list.head, &list.size);
  return list;
}

// As a template forks: without libc, and so without what libc's fork puts right.
bool RawChildPasses(const std::function<void()>& body) {
  const long pid = RawSyscall(SYS_clone, SIGCHLD, nullptr, nullptr, nullptr, nullptr);
  if (pid == 0) {
    body();
    RawSyscall(SYS_exit_group, ::testing::Test::HasFailure() ? 1 : 0);
  }
  int status = -1;
  RawSyscall(SYS_wait4, pid, &status, 0, nullptr);
  return status == 0;
}

TEST(ThreadBlock, KnowsWhereTheTidIs) {
  const ThreadBlock block = ThreadBlock::Find();
  if (block.tid() == nullptr) GTEST_SKIP() << "no PR_GET_TID_ADDRESS";
  EXPECT_EQ(*block.tid(), gettid());
}

VICTIM_TEST(ThreadBlock, QuietOneIsNotWrittenByTheKernelAndRestoredOneIs) {
  if (__rseq_size == 0) GTEST_SKIP() << kNoRseq;
  const ThreadBlock block = ThreadBlock::Find();
  ASSERT_TRUE(IsRegistered());
  EXPECT_LT(Area().cpu_id, uint32_t{CPU_SETSIZE});
  block.Quiet();
  EXPECT_FALSE(IsRegistered());
  EXPECT_EQ(Area().cpu_id, static_cast<uint32_t>(RSEQ_CPU_ID_UNINITIALIZED));
  sched_yield();
  EXPECT_EQ(Area().cpu_id, static_cast<uint32_t>(RSEQ_CPU_ID_UNINITIALIZED));
  block.Restore();
  EXPECT_TRUE(IsRegistered());
  EXPECT_LT(Area().cpu_id, uint32_t{CPU_SETSIZE});
}

VICTIM_TEST(ThreadBlock, QuietTwiceIsQuietAndRestoredTwiceIsRestored) {
  if (__rseq_size == 0) GTEST_SKIP() << kNoRseq;
  const ThreadBlock block = ThreadBlock::Find();
  block.Restore();  // of one that never was quiet
  EXPECT_TRUE(IsRegistered());
  block.Quiet();
  block.Quiet();
  EXPECT_FALSE(IsRegistered());
  block.Restore();
  block.Restore();
  EXPECT_TRUE(IsRegistered());
  EXPECT_EQ(*block.tid(), gettid());
}

VICTIM_TEST(ThreadBlock, ChildOfAQuietOneIsQuietUntilItIsRestored) {
  if (__rseq_size == 0) GTEST_SKIP() << kNoRseq;
  const ThreadBlock block = ThreadBlock::Find();
  block.Quiet();
  EXPECT_TRUE(RawChildPasses([&] {
    EXPECT_FALSE(IsRegistered());
    block.Restore();
    EXPECT_TRUE(IsRegistered());
    EXPECT_LT(Area().cpu_id, uint32_t{CPU_SETSIZE});
    // Threads of its own have theirs.
    bool has_area = false;
    std::thread([&has_area] { has_area = IsRegistered(); }).join();
    EXPECT_TRUE(has_area);
  }));
  EXPECT_FALSE(IsRegistered());
}

VICTIM_TEST(ThreadBlock, RestoredChildHasItsTidAndItsRobustList) {
  const ThreadBlock block = ThreadBlock::Find();
  ASSERT_NE(block.tid(), nullptr);
  const pid_t parent = gettid();
  const RobustList before = RobustListOfThisThread();
  ASSERT_NE(before.head, nullptr);
  block.Quiet();
  EXPECT_TRUE(RawChildPasses([&] {
    EXPECT_EQ(*block.tid(), parent);  // which is what must be put right
    EXPECT_EQ(RobustListOfThisThread().head, nullptr);
    block.Restore();
    EXPECT_EQ(*block.tid(), RawSyscall(SYS_gettid));
    EXPECT_NE(*block.tid(), parent);
    EXPECT_EQ(RobustListOfThisThread().head, before.head);
    EXPECT_EQ(RobustListOfThisThread().size, before.size);
    pthread_mutex_t mutex = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;
    pthread_mutex_lock(&mutex);
    EXPECT_EQ(mutex.__data.__owner, RawSyscall(SYS_gettid));
  }));
  EXPECT_EQ(*block.tid(), parent);
}

// What the list is for: its owner died, and the next one hears of it.
VICTIM_TEST(ThreadBlock, RobustMutexOfARestoredChildOutlivesIt) {
  auto* const mutex = static_cast<pthread_mutex_t*>(mmap(
      nullptr, sizeof(pthread_mutex_t), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  ASSERT_NE(mutex, MAP_FAILED);
  pthread_mutexattr_t attributes;
  pthread_mutexattr_init(&attributes);
  pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
  pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
  ASSERT_EQ(pthread_mutex_init(mutex, &attributes), 0);
  const ThreadBlock block = ThreadBlock::Find();
  block.Quiet();
  EXPECT_TRUE(RawChildPasses([&] {
    block.Restore();
    EXPECT_EQ(pthread_mutex_lock(mutex), 0);
  }));
  block.Restore();
  EXPECT_EQ(pthread_mutex_trylock(mutex), EOWNERDEAD);
}

}  // namespace
}  // namespace forkserver
