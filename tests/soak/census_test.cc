// A census sees what was leaked on purpose: a soak's closing census can fail.
#include "tests/soak/census.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <vector>

#include "absl/strings/str_format.h"
#include "forkserver/host/process.h"
#include "tests/testing/quiet_child.h"
#include "transceiver/unique_fd.h"

namespace forkserver::soak {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

constexpr size_t kLeakBytes = 64 << 20;
// Well below what is leaked here on purpose, and above what a test's own strings take.
constexpr CensusBounds kBounds = {.mappings = 0, .rss_kib = 16 << 10, .heap_bytes = 64 << 10};

class CensusTest : public ::testing::Test {
 protected:
  CensusTest() {
    // The first of all maps and loads what the later ones find.
    Take();
    opening_ = Take();
  }

  Census Take() {
    absl::StatusOr<Census> census = TakeCensus({{"host", getpid()}});
    EXPECT_TRUE(census.ok()) << census.status();
    return *std::move(census);
  }
  std::vector<std::string> Differences() { return soak::Differences(opening_, Take(), kBounds); }

  Census opening_;
};

TEST_F(CensusTest, FindsNothingWhereNothingWasLeaked) { EXPECT_THAT(Differences(), IsEmpty()); }

TEST_F(CensusTest, FindsADescriptorAndItsKind) {
  const UniqueFd leaked(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  EXPECT_THAT(Differences(),
              ElementsAre(AllOf(StartsWith("descriptors: host: socket"), HasSubstr("now"))));
  EXPECT_EQ(LeakedDescriptors(opening_, Take()), 1);
}

// As a template has that keeps one of each launch.
TEST_F(CensusTest, FindsADescriptorOfAWatchedChild) {
  testing::QuietChild plain = testing::SpawnQuietChild();
  const Process before(plain.pid, std::move(plain.pidfd));
  const UniqueFd leaked(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  testing::QuietChild child = testing::SpawnQuietChild();  // which has it too
  const Process after(child.pid, std::move(child.pidfd));
  const auto census = [](const Process& process) {
    absl::StatusOr<Census> taken = TakeCensus({{"template", process.pid()}});
    EXPECT_TRUE(taken.ok()) << taken.status();
    taken->strays.clear();
    return *std::move(taken);
  };
  const Census opening = census(before);
  const Census closing = census(after);
  EXPECT_THAT(soak::Differences(opening, closing, kBounds),
              Contains(StartsWith("descriptors: template: socket")));
  EXPECT_GE(LeakedDescriptors(opening, closing), 1);
}

TEST_F(CensusTest, FindsADescriptorThatHasBecomeOneOfAnotherKind) {
  UniqueFd descriptor(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  opening_ = Take();
  descriptor.reset(open("/dev/null", O_RDONLY | O_CLOEXEC));
  EXPECT_THAT(Differences(), ElementsAre(StartsWith("descriptors: host: /dev/null"),
                                         StartsWith("descriptors: host: socket")));
}

TEST_F(CensusTest, FindsAChildThatRunsAndOneThatIsAZombie) {
  testing::QuietChild child = testing::SpawnQuietChild();
  Process process(child.pid, std::move(child.pidfd));
  // Its pidfd is a descriptor more, too.
  EXPECT_THAT(Differences(),
              ElementsAre(StartsWith(absl::StrFormat("process: pid %d (", process.pid())),
                          StartsWith("descriptors: host: anon_inode:[pidfd]")));
  ASSERT_TRUE(process.Signal(SIGKILL).ok());
  siginfo_t ended = {};
  ASSERT_EQ(waitid(P_PID, process.pid(), &ended, WEXITED | WNOWAIT | __WALL), 0);
  EXPECT_THAT(Differences(), Contains(HasSubstr("state Z")));
}

// A child whose child dies with it, and whose pid it tells. Nothing but system calls in both.
Process SpawnParent(pid_t& grandchild) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) abort();
  const UniqueFd reader(ends[0]);
  UniqueFd writer(ends[1]);
  int pidfd = -1;
  clone_args arguments = {};
  arguments.flags = CLONE_PIDFD;
  arguments.pidfd = reinterpret_cast<uint64_t>(&pidfd);
  const long pid = syscall(SYS_clone3, &arguments, sizeof(arguments));
  if (pid == 0) {
    clone_args plain = {};
    const long below = syscall(SYS_clone3, &plain, sizeof(plain));
    if (below == 0) syscall(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    const pid_t told = static_cast<pid_t>(below);
    if (below > 0) syscall(SYS_write, writer.get(), &told, sizeof(told));
    for (;;) syscall(SYS_ppoll, nullptr, 0, nullptr, nullptr, 0);
  }
  if (pid < 0) abort();
  writer.reset();
  EXPECT_EQ(read(reader.get(), &grandchild, sizeof(grandchild)), ssize_t{sizeof(grandchild)});
  return Process(static_cast<pid_t>(pid), UniqueFd(pidfd));
}

TEST_F(CensusTest, FindsTheChildOfAWatchedChildAndNotTheWatchedOne) {
  pid_t grandchild = 0;
  const Process parent = SpawnParent(grandchild);
  const absl::StatusOr<Census> census =
      TakeCensus({{"host", getpid()}, {"template", parent.pid()}});
  ASSERT_TRUE(census.ok()) << census.status();
  ASSERT_EQ(census->strays.size(), 1u);
  EXPECT_EQ(census->strays.begin()->first, grandchild);
  EXPECT_THAT(census->strays.begin()->second,
              HasSubstr(absl::StrFormat("child of %d", parent.pid())));
  EXPECT_EQ(census->watched.size(), 2u);
}

TEST_F(CensusTest, FindsAMapping) {
  // Not at its neighbours' rights, with which it would be one line.
  void* const leaked =
      mmap(nullptr, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(leaked, MAP_FAILED);
  EXPECT_THAT(Differences(), ElementsAre(StartsWith("mappings: host")));
  munmap(leaked, 4096);
}

TEST_F(CensusTest, FindsMemoryThatWasTouched) {
  void* const memory =
      mmap(nullptr, kLeakBytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(memory, MAP_FAILED);
  opening_ = Take();
  memset(memory, 1, kLeakBytes);
  EXPECT_THAT(Differences(), ElementsAre(StartsWith("memory: host")));
  munmap(memory, kLeakBytes);
}

// Address sanitizer's malloc does not count.
#ifndef __SANITIZE_ADDRESS__
TEST_F(CensusTest, FindsHeapThatIsInUse) {
  const std::vector<char> leaked(100 << 10);
  EXPECT_THAT(Differences(), ElementsAre(StartsWith("heap: ")));
}
#endif

TEST_F(CensusTest, FailsWhereAWatchedProcessIsGone) {
  testing::QuietChild child = testing::SpawnQuietChild();
  pid_t pid = child.pid;
  { const Process killed_and_reaped(child.pid, std::move(child.pidfd)); }
  const absl::StatusOr<Census> census = TakeCensus({{"template content", pid}});
  ASSERT_FALSE(census.ok());
  EXPECT_THAT(std::string(census.status().message()),
              StartsWith(absl::StrFormat("template content: open /proc/%d/maps: ENOENT", pid)));
}

}  // namespace
}  // namespace forkserver::soak
