// Compiled with -fstack-protector-all: every function here, but for those that say otherwise, puts
// the canary on its stack and compares when it returns.
#include "preload/refresh/process_secrets.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <thread>

#include "tests/preload/freeze/victim.h"

namespace forkserver {
namespace {

#if defined(__x86_64__)
uintptr_t ThreadWord(size_t offset) {
  uintptr_t word;
  __asm__ volatile("movq %%fs:(%1), %0" : "=r"(word) : "r"(offset));
  return word;
}
uintptr_t Canary() { return ThreadWord(0x28); }
uintptr_t PointerGuard() { return ThreadWord(0x30); }

std::string RandomBytes() {
  return std::string(reinterpret_cast<const char*>(getauxval(AT_RANDOM)), 16);
}

// Forks, refreshes the child and runs `body` there, whose frames all come after that. Returns the
// child's wait status.
[[gnu::no_stack_protector]] int InRefreshedChild(void (*body)()) {
  const ProcessSecrets secrets = ProcessSecrets::Find();
  fflush(nullptr);
  const pid_t pid = fork();
  if (pid == 0) {
    if (secrets.Refresh() != 0) _exit(1);
    body();
    fflush(nullptr);
    _exit(::testing::Test::HasFailure() ? 1 : 0);
  }
  int status = -1;
  waitpid(pid, &status, 0);
  return status;
}

uintptr_t canary_before;
uintptr_t guard_before;
std::string random_before;

VICTIM_TEST(ProcessSecrets, ChildHasACanaryAndRandomBytesOfItsOwn) {
  canary_before = Canary();
  guard_before = PointerGuard();
  random_before = RandomBytes();
  EXPECT_EQ(InRefreshedChild([] {
              EXPECT_NE(Canary(), canary_before);
              EXPECT_EQ(Canary() & 0xff, 0u);
              EXPECT_NE(RandomBytes(), random_before);
              EXPECT_NE(
                  memcmp(RandomBytes().data() + 1, reinterpret_cast<char*>(&canary_before) + 1, 7),
                  0);
              EXPECT_EQ(PointerGuard(), guard_before);
            }),
            0);
  EXPECT_EQ(Canary(), canary_before);
  EXPECT_EQ(RandomBytes(), random_before);
}

[[gnu::noinline]] int Deep(int depth) {
  volatile char room[64];
  room[0] = static_cast<char>(depth);
  return depth == 0 ? room[0] : Deep(depth - 1) + room[0];
}

VICTIM_TEST(ProcessSecrets, LaterFramesAndThreadsCompareTheNewCanary) {
  canary_before = Canary();
  EXPECT_EQ(InRefreshedChild([] {
              EXPECT_EQ(Deep(10), 55);
              uintptr_t of_thread = 0;
              std::thread([&of_thread] { of_thread = Canary() + 0 * Deep(10); }).join();
              EXPECT_EQ(of_thread, Canary());
              EXPECT_NE(of_thread, canary_before);
            }),
            0);
}

[[gnu::noinline]] void RefreshAndReturn() {
  if (ProcessSecrets::Find().Refresh() != 0) _exit(1);
}

// Why the header wants a caller that never returns; and without this the others could not fail.
VICTIM_TEST(ProcessSecrets, FrameOfBeforeThatReturnsEndsTheProcess) {
  fflush(nullptr);
  const pid_t pid = fork();
  if (pid == 0) {
    // What __stack_chk_fail has to say is for no test report.
    fclose(stderr);
    close(STDERR_FILENO);
    RefreshAndReturn();
    _exit(0);
  }
  int status = 0;
  waitpid(pid, &status, 0);
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT) << status;
}

jmp_buf place_before;

// Not compared, since it is left for good in the child.
[[gnu::no_stack_protector]] int JumpBackInRefreshedChild() {
  if (setjmp(place_before) != 0) _exit(7);
  return InRefreshedChild([] { longjmp(place_before, 1); });
}

// The pointer guard is kept for them.
VICTIM_TEST(ProcessSecrets, PointersThatGlibcMangledBeforeTheForkLeadWhereTheyLed) {
  const int jumped = JumpBackInRefreshedChild();
  EXPECT_TRUE(WIFEXITED(jumped) && WEXITSTATUS(jumped) == 7) << jumped;

  ASSERT_EQ(atexit([] { _exit(9); }), 0);
  const int ended = InRefreshedChild([] { exit(0); });
  EXPECT_TRUE(WIFEXITED(ended) && WEXITSTATUS(ended) == 9) << ended;
  // Before the handler, which is this process's too.
  fflush(nullptr);
  _exit(::testing::Test::HasFailure() ? 1 : 0);
}
#endif

}  // namespace
}  // namespace forkserver
