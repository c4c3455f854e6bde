// Hosts that live oddly: with little, with much, and with signals that they treat in their own way.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "forkserver/host/fork_server.h"
#include "preload/prefs/prefs_store.h"
#include "tests/forkserver/degraded_machine.h"
#include "tests/testing/host_test.h"
#include "tests/testing/test_program.h"
#include "transceiver/actor/shared_memory.h"

namespace forkserver {
namespace {

void Limit(int resource, rlim_t limit) {
  rlimit both;
  getrlimit(static_cast<__rlimit_resource_t>(resource), &both);
  both.rlim_cur = limit;
  if (limit > both.rlim_max) both.rlim_max = limit;
  if (setrlimit(static_cast<__rlimit_resource_t>(resource), &both) != 0) abort();
}

constexpr int kManyDescriptors = 10'000;
// Enough for what the test prints.
constexpr rlim_t kMostFileBytes = 256 * 1024;

}  // namespace

testing::HostSetup testing::SetUpHost(const std::string& test) {
  HostSetup setup = {.options = TestOptions()};
  const auto is = [&](std::string_view part) { return test.find(part) != test.npos; };
  if (is("SixtyFourDescriptors")) setup.before_start = [] { Limit(RLIMIT_NOFILE, 64); };
  if (is("SmallFiles")) setup.before_start = [] { Limit(RLIMIT_FSIZE, kMostFileBytes); };
  if (is("IgnoredSigchld")) setup.before_start = [] { signal(SIGCHLD, SIG_IGN); };
  if (is("SigpipeAtItsDefault")) setup.before_start = [] { signal(SIGPIPE, SIG_DFL); };
  if (is("NoMoreProcesses")) setup.before_start = testing::DropToNobody;
  if (is("Subreaper")) setup.before_start = [] { prctl(PR_SET_CHILD_SUBREAPER, 1); };
  if (is("TenThousandDescriptors")) {
    setup.before_start = [] {
      // Not in what it exec's.
      if (getenv("FORKSERVER_TEST_ODD_HOST") != nullptr) return;
      setenv("FORKSERVER_TEST_ODD_HOST", "1", 1);
      Limit(RLIMIT_NOFILE, kManyDescriptors + 1000);
      for (int i = 0; i < kManyDescriptors; ++i) {
        if (fcntl(STDERR_FILENO, F_DUPFD, 3) < 0) abort();  // not close-on-exec
      }
    };
  }
  return setup;
}

namespace {

LaunchOptions Run(std::vector<std::string> argv, LaunchWay way) {
  LaunchOptions options = {.type = ProcessType::kIpcUnitTest, .argv = std::move(argv)};
  options.way = way;
  return options;
}

void ExpectLaunchesByBothWays(ForkServer& server, int times = 3) {
  for (const LaunchWay way : {LaunchWay::kTemplate, LaunchWay::kExec}) {
    SCOPED_TRACE(way == LaunchWay::kExec ? "exec" : "template");
    for (int i = 0; i < times; ++i) {
      absl::StatusOr<LaunchedChild> child = server.Launch(Run({"exit", std::to_string(i)}, way));
      ASSERT_TRUE(child.ok()) << child.status();
      const absl::StatusOr<ExitStatus> status = child->process.Wait();
      ASSERT_TRUE(status.ok()) << status.status();
      EXPECT_EQ(status->ToString(), "exited with status " + std::to_string(i));
    }
  }
}

HOST_TEST(OddHost, WithSixtyFourDescriptorsLaunches) { ExpectLaunchesByBothWays(server, 40); }

HOST_TEST(OddHost, WithTenThousandDescriptorsGivesChildrenNone) {
  for (const LaunchWay way : {LaunchWay::kTemplate, LaunchWay::kExec}) {
    SCOPED_TRACE(way == LaunchWay::kExec ? "exec" : "template");
    absl::StatusOr<LaunchedChild> child = server.Launch(Run({"report"}, way));
    ASSERT_TRUE(child.ok()) << child.status();
    const absl::StatusOr<testing::Report> report = testing::ReportOf(*child);
    ASSERT_TRUE(report.ok()) << report.status();
    EXPECT_EQ(testing::DescriptorNumbers(*report), "0 1 2");
    EXPECT_TRUE(child->process.Wait()->success());
  }
}

// The limit counts for memfds too, and the kernel's signal would end the host.
HOST_TEST(OddHost, ThatMayHaveSmallFilesOnlyHearsOfEachThatIsTooLarge) {
  ExpectLaunchesByBothWays(server);
  PrefsStore store;
  store.LoadText("pref(\"a\", \"" + std::string(1024 * 1024, 'x') + "\");", "test");
  const absl::StatusOr<PrefsGeneration> generation = store.Publish();
  ASSERT_FALSE(generation.ok());
  EXPECT_NE(std::string(generation.status().message()).find("EFBIG"), std::string::npos)
      << generation.status();
  const absl::StatusOr<WritableMemory> memory = WritableMemory::Create("test", 1024 * 1024);
  EXPECT_NE(std::string(memory.status().message()).find("ftruncate memfd test: EFBIG"),
            std::string::npos)
      << memory.status();
  LaunchOptions large = Run({"exit", "0"}, LaunchWay::kTemplate);
  for (int i = 0; i < 20; ++i) {
    large.set_environment.push_back("BIG" + std::to_string(i) + "=" + std::string(50'000, 'x'));
  }
  const absl::StatusOr<LaunchedChild> child = server.Launch(large);
  ASSERT_FALSE(child.ok());
  EXPECT_NE(std::string(child.status().message()).find("EFBIG"), std::string::npos)
      << child.status();
  ExpectLaunchesByBothWays(server);
}

HOST_TEST(OddHost, WithAnIgnoredSigchldGetsEachStatus) { ExpectLaunchesByBothWays(server); }

HOST_TEST(OddHost, ThatIsASubreaperGetsEachStatusAndNoOrphans) { ExpectLaunchesByBothWays(server); }

// The limit is the user's, and the template's to feel: it forks.
HOST_TEST(OddHost, WhoseUserMayHaveNoMoreProcessesHearsOfEachAndGoesOn) {
  const pid_t root = *server.root_pid();
  rlimit before;
  ASSERT_EQ(prlimit(root, RLIMIT_NPROC, nullptr, &before), 0);
  rlimit low = before;
  low.rlim_cur = 1;
  ASSERT_EQ(prlimit(root, RLIMIT_NPROC, &low, nullptr), 0);
  for (int i = 0; i < 5; ++i) {
    const absl::StatusOr<LaunchedChild> child = server.Launch(Run({"exit", "0"}, LaunchWay::kFork));
    ASSERT_FALSE(child.ok());
    EXPECT_NE(std::string(child.status().message()).find("EAGAIN"), std::string::npos)
        << child.status();
  }
  ASSERT_EQ(prlimit(root, RLIMIT_NPROC, &before, nullptr), 0);
  const absl::StatusOr<LaunchedChild> child = server.Launch(Run({"exit", "0"}, LaunchWay::kFork));
  ASSERT_TRUE(child.ok()) << child.status();
}

HOST_TEST(OddHost, WithSigpipeAtItsDefaultOutlivesItsTemplate) {
  ASSERT_TRUE(testing::SignalRoot(server, SIGKILL).ok());
  absl::StatusOr<LaunchedChild> child = server.Launch(Run({"exit", "0"}, LaunchWay::kTemplate));
  if (child.ok()) {
    EXPECT_TRUE(child->process.Wait()->success());
  }
  absl::StatusOr<LaunchedChild> other = server.Launch(Run({"exit", "4"}, LaunchWay::kExec));
  ASSERT_TRUE(other.ok()) << other.status();
  EXPECT_EQ(other->process.Wait()->code, 4);
}

// Forked children send no SIGCHLD, and a plain waitpid(2) does not see them.
HOST_TEST(OddHost, ThatReapsWhateverThereIsTakesNoStatusOfAForkedChild) {
  std::atomic<bool> is_over = false;
  std::atomic<int> taken = 0;
  std::thread reaper([&] {
    while (!is_over) {
      if (waitpid(-1, nullptr, WNOHANG) > 0) ++taken;
    }
  });
  for (int i = 0; i < 50; ++i) {
    absl::StatusOr<LaunchedChild> child =
        server.Launch(Run({"exit", std::to_string(i)}, LaunchWay::kTemplate));
    EXPECT_TRUE(child.ok()) << child.status();
    if (!child.ok()) break;
    const absl::StatusOr<ExitStatus> status = child->process.Wait();
    EXPECT_TRUE(status.ok()) << status.status();
    EXPECT_EQ(status.ok() ? status->code : -1, i);
  }
  is_over = true;
  reaper.join();
  EXPECT_EQ(taken, 0);
}

}  // namespace
}  // namespace forkserver
