// What `tools/bench --syscalls` counts in the output of strace.
#include "bench/syscalls.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <sstream>
#include <string>

#include "tests/testing/program.h"

namespace bench {
namespace {

TEST(CountSyscalls, CountsCallsBetweenRequestsByRole) {
  std::istringstream trace(R"(100   execve("x", ["x"], 0x7) = 0
101   recvmsg(3,  <unfinished ...>
100   read(0, "once\n", 4096)           = 6
100   sendmsg(14, {}) = 3
101   <... recvmsg resumed>{}) = 3
101   clone3({flags=CLONE_PARENT}, 88) = 102
102   exit_group(0) = ?
102   +++ exited with 0 +++
100   write(1, "9.0\n", 4) = 4
101   recvmsg(3,  <unfinished ...>
100   read(0,  <unfinished ...>
100   <... read resumed>"once\n", 4096) = 6
100   sendmsg(14, {}) = 3
101   <... recvmsg resumed>{}) = 3
101   clone3({flags=CLONE_PARENT}, 88 <unfinished ...>
103   getpid() = 103
101   <... clone3 resumed> => {pidfd=[5]}, 88) = 103
103   exit_group(0) = ?
100   --- SIGCHLD {si_signo=SIGCHLD} ---
100   write(1, "9.0\n", 4) = 4
101   recvmsg(3,  <unfinished ...>
100   read(0, "", 4096) = 0
100   close(14) = 0
)");
  const SyscallCounts counts = CountSyscalls(trace, 1);
  EXPECT_EQ(counts.size(), 5u);
  EXPECT_EQ(counts.at("sendmsg").host, 1);
  EXPECT_EQ(counts.at("clone3").template_, 1);
  EXPECT_EQ(counts.at("recvmsg").template_, 1);
  EXPECT_EQ(counts.at("recvmsg").host, 0);
  EXPECT_EQ(counts.at("getpid").child, 1);
  EXPECT_EQ(counts.at("exit_group").child, 1);
}

TEST(LaunchBench, SyscallsOfALaunchAreWholeNumbers) {
  if (std::system("strace -o /dev/null true 2>/dev/null") != 0) {
    GTEST_SKIP() << "no strace here, or none that may trace";
  }
  const forkserver::testing::ProgramResult result =
      forkserver::testing::RunProgram({"bench/launch_bench", "--syscalls"});
  ASSERT_EQ(result.exit_code, 0) << result.errors;
  for (const std::string& line : forkserver::testing::Lines(result.output)) {
    if (line.rfind("clone3", 0) != 0 && line.rfind("clone ", 0) != 0) continue;
    std::istringstream words(line);
    std::string name, host, template_, child;
    words >> name >> host >> template_ >> child;
    EXPECT_EQ(host, "-");
    EXPECT_EQ(template_, "1.00");
    EXPECT_EQ(child, "-");
    return;
  }
  FAIL() << "no clone in\n" << result.output;
}

}  // namespace
}  // namespace bench
