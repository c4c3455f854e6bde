// Nothing survives the host.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <vector>

#include "forkserver/host/process.h"

namespace forkserver {
namespace {

struct DoomedHost {
  std::unique_ptr<Process> process;
  std::vector<UniqueFd> others;  // pidfds of templates, children and a blank
};

DoomedHost StartDoomedHost() {
  DoomedHost host;
  int ends[2];
  EXPECT_EQ(pipe2(ends, O_CLOEXEC), 0);
  UniqueFd write_end(ends[1]);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, write_end.get(), STDOUT_FILENO);
  char program[] = "tests/forkserver/doomed_host";
  char* argv[] = {program, nullptr};
  pid_t pid = -1;
  EXPECT_EQ(posix_spawn(&pid, program, &actions, nullptr, argv, environ), 0);
  posix_spawn_file_actions_destroy(&actions);
  write_end.reset();
  absl::StatusOr<Process> process = Process::Adopt(pid);
  EXPECT_TRUE(process.ok());
  if (process.ok()) host.process = std::make_unique<Process>(*std::move(process));
  const std::unique_ptr<FILE, int (*)(FILE*)> output(fdopen(ends[0], "r"), fclose);
  char line[64];
  while (fgets(line, sizeof(line), output.get()) != nullptr && std::string(line) != "end\n") {
    // The host is alive and has not reaped it, so this is the process that it meant.
    host.others.emplace_back(static_cast<int>(syscall(SYS_pidfd_open, atoi(line), 0)));
    EXPECT_TRUE(host.others.back().is_open());
  }
  EXPECT_EQ(host.others.size(), 13u);
  return host;
}

void ExpectAllEnd(const DoomedHost& host) {
  for (size_t i = 0; i < host.others.size(); ++i) {
    pollfd state = {.fd = host.others[i].get(), .events = POLLIN, .revents = 0};
    EXPECT_EQ(poll(&state, 1, 20'000), 1) << "process " << i << " lives on";
  }
  // Added up with those of //tests/deaths.
  if (!::testing::Test::HasFailure()) ::testing::Test::RecordProperty("deaths_survived", 1);
}

TEST(HostDeath, KillsTemplatesChildrenAndBlanks) {
  DoomedHost host = StartDoomedHost();
  ASSERT_NE(host.process, nullptr);
  ASSERT_TRUE(host.process->Signal(SIGKILL).ok());
  EXPECT_EQ(host.process->Wait(absl::Seconds(20))->code, SIGKILL);
  ExpectAllEnd(host);
}

TEST(HostDeath, ByASignalThatTheTemplatesBlockKillsThemToo) {
  DoomedHost host = StartDoomedHost();
  ASSERT_NE(host.process, nullptr);
  ASSERT_TRUE(host.process->Signal(SIGINT).ok());
  EXPECT_EQ(host.process->Wait(absl::Seconds(20))->code, SIGINT);
  ExpectAllEnd(host);
}

// A stopped template cannot answer, and must not outlive its host for that.
TEST(HostDeath, KillsStoppedProcessesToo) {
  DoomedHost host = StartDoomedHost();
  ASSERT_NE(host.process, nullptr);
  for (const UniqueFd& other : host.others) {
    ASSERT_EQ(syscall(SYS_pidfd_send_signal, other.get(), SIGSTOP, nullptr, 0), 0);
  }
  ASSERT_TRUE(host.process->Signal(SIGKILL).ok());
  EXPECT_EQ(host.process->Wait(absl::Seconds(20))->code, SIGKILL);
  // Those that asked for no signal have only the hang-up, which they see when they run again.
  for (const UniqueFd& other : host.others) {
    syscall(SYS_pidfd_send_signal, other.get(), SIGCONT, nullptr, 0);
  }
  ExpectAllEnd(host);
}

}  // namespace
}  // namespace forkserver
