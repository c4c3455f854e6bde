#include "tests/testing/host_test.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_format.h"
#include "forkserver/host/self_exec.h"
#include "tests/testing/program.h"
#include "tests/testing/test_program.h"
#include "transceiver/errno_status.h"

namespace forkserver::testing {
namespace {

constexpr char kAsHost[] = "--as-host=";
constexpr char kTestVariable[] = "FORKSERVER_TEST";
// "epoll" for hosts that wait so: the same tests, run a second time.
constexpr char kEventLoopVariable[] = "FORKSERVER_TEST_EVENT_LOOP";
constexpr int kExitSkipped = 77;

// Set in the victim.
ForkServer* host_server = nullptr;
HostSetup* host_setup = nullptr;

// The runner's environment, less what would have the victim write the runner's own reports.
std::vector<std::string> VictimEnvironment(const std::string& test) {
  std::vector<std::string> environment;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    if (text.starts_with("XML_OUTPUT_FILE=") || text.starts_with("TEST_") ||
        text.starts_with("TESTBRIDGE_") || text.starts_with("GTEST_")) {
      continue;
    }
    environment.emplace_back(text);
  }
  environment.push_back(absl::StrFormat("%s=%s", kTestVariable, test));
  return environment;
}

void RunVictim(const std::string& test) {
  const ProgramResult result = RunProgram({.argv = {"host-under-test", kAsHost + test},
                                           .path = "/proc/self/exe",
                                           .environment = VictimEnvironment(test)});
  if (result.exit_code == kExitSkipped) GTEST_SKIP() << result.output;
  EXPECT_EQ(result.exit_code, 0) << test << " in its host " << result.how << "\n"
                                 << result.output << result.errors;
}

// For the message of a failed count.
std::string ListDescriptors() {
  std::string text;
  for (int fd = 0; fd < 1024; ++fd) {
    char target[256];
    const ssize_t size =
        readlink(absl::StrFormat("/proc/self/fd/%d", fd).c_str(), target, sizeof(target));
    if (size > 0) absl::StrAppendFormat(&text, "%d -> %s\n", fd, std::string(target, size));
  }
  return text;
}

void RunBody(void (*body)(ForkServer& server)) {
  if (host_setup->wait_until_serving) {
    const absl::StatusOr<HelloMessage> hello = host_server->WaitUntilServing();
    ASSERT_TRUE(hello.ok()) << hello.status();
  }
  const size_t descriptors = CountOpenDescriptors();
  const std::string listed = ListDescriptors();
  // Seed and root, of which the second may not be there yet.
  const size_t children = std::max<size_t>(CountChildren(), 2);
  body(*host_server);
  if (!host_setup->drain_after_body) return;
  // What was given up may still be dying.
  for (int i = 0; i < 1000 && host_server->in_flight() > 0; ++i) {
    host_server->Dispatch(absl::Milliseconds(100));
  }
  EXPECT_EQ(host_server->in_flight(), 0u);
  EXPECT_LE(CountOpenDescriptors(), descriptors) << "the host leaks descriptors; before:\n"
                                                 << listed << "after:\n"
                                                 << ListDescriptors();
  EXPECT_LE(CountChildren(), children) << "the host leaks children";
}

int HostMain(int argc, char** argv, const std::string& test) {
  HostSetup setup = SetUpHost(test);
  if (setup.before_start) setup.before_start();
  absl::StatusOr<std::unique_ptr<ForkServer>> server =
      ForkServer::Start(argc, argv, std::move(setup.options));
  if (!server.ok()) {
    absl::FPrintF(stderr, "%s\n", std::string(server.status().message()));
    return 1;
  }
  host_server = server->get();
  host_setup = &setup;
  std::string filter = "--gtest_filter=" + test;
  char* arguments[] = {argv[0], filter.data(), nullptr};
  int count = 2;
  ::testing::InitGoogleTest(&count, arguments);
  const int failed = RUN_ALL_TESTS();
  const ::testing::UnitTest& unit = *::testing::UnitTest::GetInstance();
  const bool skipped = unit.skipped_test_count() > 0;
  const bool ran = unit.test_to_run_count() == 1;
  host_server = nullptr;
  server->reset();
  // Every template has been reaped by now.
  if (CountChildren() != 0) {
    absl::FPrintF(stderr, "children are left after the fork server's end\n");
    return 1;
  }
  if (failed != 0 || !ran) return 1;
  return skipped ? kExitSkipped : 0;
}

}  // namespace

StartOptions TestOptions() {
  const char* loop = getenv(kEventLoopVariable);
  return {.programs = {{ProcessType::kIpcUnitTest, MakeChildProgram<TestProgram>}},
          .warm_ups = {},
          .event_loop = loop != nullptr && strcmp(loop, "epoll") == 0 ? EventLoop::Backend::kEpoll
                                                                      : EventLoop::Backend::kBest};
}

size_t CountOpenDescriptors() {
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(opendir("/proc/self/fd"), closedir);
  size_t count = 0;
  while (readdir(folder.get()) != nullptr) ++count;
  return count - 3;  // ".", ".." and the folder itself
}

size_t CountChildren() {
  const std::unique_ptr<DIR, int (*)(DIR*)> tasks(opendir("/proc/self/task"), closedir);
  size_t count = 0;
  while (const dirent* task = readdir(tasks.get())) {
    std::ifstream file(absl::StrFormat("/proc/self/task/%s/children", task->d_name));
    for (int pid; file >> pid;) ++count;
  }
  return count;
}

absl::Status SignalRoot(const ForkServer& server, int signal) {
  const std::optional<pid_t> pid = server.root_pid();
  if (!pid.has_value()) return absl::NotFoundError("there is no root");
  const UniqueFd pidfd(static_cast<int>(syscall(SYS_pidfd_open, *pid, 0)));
  if (!pidfd.is_open() || syscall(SYS_pidfd_send_signal, pidfd.get(), signal, nullptr, 0) != 0) {
    return ErrnoStatus(errno, absl::StrFormat("signal %d to root %d", signal, *pid));
  }
  return absl::OkStatus();
}

void RunInHost(const std::string& test, void (*body)(ForkServer& server)) {
  if (host_server != nullptr) {
    RunBody(body);
  } else {
    RunVictim(test);
  }
}

}  // namespace forkserver::testing

int main(int argc, char** argv) {
  using forkserver::testing::HostMain;
  using forkserver::testing::kAsHost;
  if (argc == 2 && strncmp(argv[1], kAsHost, strlen(kAsHost)) == 0) {
    return HostMain(argc, argv, argv[1] + strlen(kAsHost));
  }
  if (forkserver::FindLaunchSocketArgument(argc, argv) >= 0) {
    const char* test = getenv(forkserver::testing::kTestVariable);
    return HostMain(argc, argv, test != nullptr ? test : "");
  }
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
