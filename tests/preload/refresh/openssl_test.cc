// What a fork does to a generator that looks at its pid to see whether it was forked.
#include <errno.h>
#include <linux/sched.h>
#include <openssl/rand.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <functional>
#include <optional>
#include <string>

#include "tests/preload/freeze/victim.h"
#include "transceiver/raw_syscall.h"

namespace forkserver {
namespace {

using Numbers = unsigned char[16];

// Of the processes of one test.
struct Seen {
  int pids[2];
  Numbers numbers[2];
};

// As a template forks, without pthread_atfork's handlers; in a pid namespace of its own, where the
// child is pid 1. Returns its wait status, or minus errno.
int RunAsFirstOfANamespace(const std::function<void()>& body) {
  clone_args arguments = {};
  arguments.flags = CLONE_NEWPID;
  arguments.exit_signal = SIGCHLD;
  const long pid = RawSyscall(SYS_clone3, &arguments, sizeof(arguments));
  if (pid < 0) return static_cast<int>(pid);
  if (pid == 0) {
    body();
    RawSyscall(SYS_exit_group, 0);
  }
  int status = -1;
  RawSyscall(SYS_wait4, pid, &status, __WALL, nullptr);
  return status;
}

// The seeded process is pid 1 of its namespace, and so is each of its two children.
std::optional<Seen> SeeTwoChildrenOfTheSamePid(const std::function<void()>& hook) {
  auto* const seen = static_cast<Seen*>(
      mmap(nullptr, sizeof(Seen), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  EXPECT_NE(seen, MAP_FAILED);
  const int status = RunAsFirstOfANamespace([&] {
    Numbers seeded;
    if (RAND_bytes(seeded, sizeof(seeded)) != 1) _exit(1);
    for (int i = 0; i < 2; ++i) {
      RunAsFirstOfANamespace([&] {
        hook();
        seen->pids[i] = getpid();
        RAND_bytes(seen->numbers[i], sizeof(Numbers));
      });
    }
  });
  const Seen copy = *seen;
  munmap(seen, sizeof(Seen));
  if (status == -EPERM) return std::nullopt;
  EXPECT_EQ(status, 0);
  EXPECT_EQ(copy.pids[0], 1);
  EXPECT_EQ(copy.pids[1], 1);
  return copy;
}

constexpr char kNotAllowed[] = "clone3 with CLONE_NEWPID: EPERM, it is root's";

VICTIM_TEST(Openssl, RepeatsItselfInAPidNamespaceWhereThePidIsTheSame) {
  const std::optional<Seen> seen = SeeTwoChildrenOfTheSamePid([] {});
  if (!seen) GTEST_SKIP() << kNotAllowed;
  EXPECT_EQ(memcmp(seen->numbers[0], seen->numbers[1], sizeof(Numbers)), 0);
}

VICTIM_TEST(Openssl, DoesNotRepeatItselfThereWhenItIsPolled) {
  const std::optional<Seen> seen = SeeTwoChildrenOfTheSamePid([] { RAND_poll(); });
  if (!seen) GTEST_SKIP() << kNotAllowed;
  EXPECT_NE(memcmp(seen->numbers[0], seen->numbers[1], sizeof(Numbers)), 0);
}

}  // namespace
}  // namespace forkserver
