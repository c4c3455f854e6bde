#include "tests/testing/host_test.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_format.h"
#include "forkserver/host/self_exec.h"
#include "tests/testing/program.h"
#include "tests/testing/test_program.h"
#include "transceiver/clock.h"
#include "transceiver/errno_status.h"
#include "transceiver/poll_until.h"

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
bool host_keeps_records = false;

void RunVictim(const std::string& test) {
  const ProgramResult result = RunProgram(
      {.argv = {"host-under-test", kAsHost + test},
       .path = "/proc/self/exe",
       .environment = VictimEnvironment({absl::StrFormat("%s=%s", kTestVariable, test)})});
  if (result.exit_code == kExitSkipped) GTEST_SKIP() << result.output;
  EXPECT_EQ(result.exit_code, 0) << test << " in its host " << result.how << "\n"
                                 << result.output << result.errors;
}

// For the message of a failed count. In no order.
std::string ListDescriptors() {
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(opendir("/proc/self/fd"), closedir);
  std::string text;
  while (const dirent* entry = readdir(folder.get())) {
    if (entry->d_name[0] == '.' || atoi(entry->d_name) == dirfd(folder.get())) continue;
    char target[256];
    const ssize_t size = readlinkat(dirfd(folder.get()), entry->d_name, target, sizeof(target));
    absl::StrAppendFormat(&text, "%s -> %s\n", entry->d_name,
                          size > 0 ? std::string(target, static_cast<size_t>(size)) : "?");
  }
  return text;
}

struct Count {
  size_t descriptors = 0;
  size_t children = 0;

  bool operator==(const Count&) const = default;
};

constexpr size_t kBrokersDescriptors = 2;

// What a template (or the seed, a blank, or the init of a pid namespace) that runs has in the host:
// a child, and for it a socket and a pidfd, and where records are kept one of those for all but the
// init. A sandbox's listener is one more descriptor, and its broker has two.
Count CountServersOwn(const ForkServer& server) {
  Count own;
  own.children = server.seed_pid().has_value() ? 1 : 0;
  bool has_broker = false;
  size_t inits = 0;
  for (const TemplateStatus& one : server.templates()) {
    own.children +=
        (one.pid.has_value() ? 1 : 0) + (one.init_pid.has_value() ? 1 : 0) + one.idle_blanks.size();
    inits += one.init_pid.has_value() ? 1 : 0;
    const LayerState& listener = one.hello.sandbox[SandboxLayer::kListener];
    if (listener.outcome != LayerOutcome::kEngaged) continue;
    has_broker = true;
    // It is there as long as the init is; without namespaces there is none.
    const bool has_init =
        one.hello.sandbox[SandboxLayer::kPidNamespace].outcome == LayerOutcome::kEngaged;
    if (has_init ? one.init_pid.has_value() : one.pid.has_value()) ++own.descriptors;
  }
  own.descriptors += 2 * own.children + (has_broker ? kBrokersDescriptors : 0);
  if (host_keeps_records) own.descriptors += own.children - inits;
  return own;
}

// All but the server's own.
Count CountOthers(const ForkServer& server) {
  const Count own = CountServersOwn(server);
  return {.descriptors = CountOpenDescriptors() - own.descriptors,
          .children = CountChildren() - own.children};
}

// False: it is doing something, perhaps on a thread of its own.
bool CountOthersAtRest(const ForkServer& server, Count& count) {
  const Count own = CountServersOwn(server);
  if (server.in_flight() > 0) return false;
  count = CountOthers(server);
  return server.in_flight() == 0 && CountServersOwn(server) == own;
}

void RunBody(void (*body)(ForkServer& server)) {
  if (host_setup->wait_until_serving) {
    const absl::StatusOr<HelloMessage> hello = host_server->WaitUntilServing();
    ASSERT_TRUE(hello.ok()) << hello.status();
  }
  const std::string listed = ListDescriptors();
  Count before = CountOthers(*host_server);
  // A root that is still to come may be a child already, and the slot for its pidfd is taken.
  if (!host_setup->wait_until_serving) before.children = 0;
  if (host_setup->body_starts_broker) before.descriptors += kBrokersDescriptors;
  body(*host_server);
  if (!host_setup->drain_after_body) return;
  // What was given up may still be dying, and the broker's thread close what it gave to a child.
  Count after;
  bool was_at_rest = false;
  DispatchUntil(*host_server, [&] {
    if (!CountOthersAtRest(*host_server, after)) return false;
    was_at_rest = true;
    return after.descriptors <= before.descriptors && after.children <= before.children;
  });
  EXPECT_TRUE(was_at_rest) << "launches or answers are under way for ever";
  EXPECT_LE(after.descriptors, before.descriptors) << "the host leaks descriptors; before:\n"
                                                   << listed << "after:\n"
                                                   << ListDescriptors();
  EXPECT_LE(after.children, before.children) << "the host leaks children";
}

int HostMain(int argc, char** argv, const std::string& test) {
  HostSetup setup = SetUpHost(test);
  if (setup.before_start) setup.before_start();
  host_keeps_records = setup.options.flight_recorder.wants_records();
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
                                                                      : EventLoop::Backend::kBest,
          .under_memory_pressure = UnderPressure::kKeepPools};
}

size_t CountOpenDescriptors() {
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(opendir("/proc/self/fd"), closedir);
  size_t count = 0;
  while (readdir(folder.get()) != nullptr) ++count;
  return count - 3;  // ".", ".." and the folder itself
}

std::vector<pid_t> ChildrenOfThisProcess() {
  const std::unique_ptr<DIR, int (*)(DIR*)> tasks(opendir("/proc/self/task"), closedir);
  std::vector<pid_t> children;
  while (const dirent* task = readdir(tasks.get())) {
    std::ifstream file(absl::StrFormat("/proc/self/task/%s/children", task->d_name));
    for (pid_t pid; file >> pid;) children.push_back(pid);
  }
  return children;
}

size_t CountChildren() { return ChildrenOfThisProcess().size(); }

TemplateStatus StatusOf(const ForkServer& server, std::string_view template_name) {
  for (TemplateStatus& one : server.templates()) {
    if (one.name == template_name) return std::move(one);
  }
  absl::FPrintF(stderr, "no template '%s'\n", template_name);
  abort();
}

bool DispatchUntil(ForkServer& server, const std::function<bool()>& done) {
  const int64_t deadline = NowNanos() + 10 * kNanosPerSecond;
  while (!done()) {
    if (NowNanos() >= deadline) return false;
    server.Dispatch(absl::Milliseconds(20));
  }
  return true;
}

UniqueFd OpenPidfd(pid_t pid) {
  return UniqueFd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
}

bool WaitForEnd(const UniqueFd& pidfd) {
  return PollUntil(pidfd.get(), POLLIN, NowNanos() + 10 * kNanosPerSecond) > 0;
}

absl::Status SignalProcess(std::optional<pid_t> pid, int signal) {
  if (!pid.has_value()) return absl::NotFoundError("signal: there is no such process");
  const UniqueFd pidfd = OpenPidfd(*pid);
  if (!pidfd.is_open() || syscall(SYS_pidfd_send_signal, pidfd.get(), signal, nullptr, 0) != 0) {
    return ErrnoStatus(errno, absl::StrFormat("signal %d to pid %d", signal, *pid));
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
