// Hosts that live oddly: with little, with much, and with signals that they treat in their own way.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "forkserver/host/fork_server.h"
#include "preload/prefs/prefs_store.h"
#include "tests/forkserver/degraded_machine.h"
#include "tests/testing/host_test.h"
#include "tests/testing/mappings_below_heap.h"
#include "tests/testing/pool_host.h"
#include "tests/testing/temporary_folder.h"
#include "tests/testing/test_program.h"
#include "transceiver/actor/shared_memory.h"
#include "transceiver/messages.h"
#include "transceiver/packet.h"

namespace forkserver {
namespace {

void Limit(int resource, rlim_t limit) {
  rlimit both;
  getrlimit(static_cast<__rlimit_resource_t>(resource), &both);
  both.rlim_cur = limit;
  if (limit > both.rlim_max) both.rlim_max = limit;
  if (setrlimit(static_cast<__rlimit_resource_t>(resource), &both) != 0) abort();
}

constexpr char kBoxed[] = "boxed";

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
  if (is("SigpipeAtItsDefault")) {
    setup.before_start = [] {
      signal(SIGPIPE, SIG_DFL);
      setenv("FORKSERVER_SANDBOX_LOG", "1", 1);
    };
    setup.options.templates = {{.name = kBoxed, .sandbox = {.policy = SandboxPolicyId::kContent}}};
  }
  if (is("ReaderOfItsRefusals")) setup.body_starts_broker = true;
  if (is("MappingsBelowItsHeap")) {
    setup = testing::PoolHost();
    setup.options.templates = {{.name = kBoxed, .sandbox = {.policy = SandboxPolicyId::kContent}}};
    setup.body_starts_broker = true;
    setup.before_start = is("AnUnlimitedStack") ? testing::HaveMappingsBelowTheHeapByUnlimitedStack
                                                : testing::HaveMappingsBelowTheHeapByPersonality;
  }
  if (is("MayNotSearch")) {
    setup.before_start = [] {
      if (geteuid() != 0) return;
      const testing::TemporaryFolder folder;
      if (chdir(folder.path().c_str()) != 0) abort();
      testing::BecomeNobody();
    };
  }
  if (is("NoMoreProcesses")) setup.before_start = testing::DropToNobody;
  if (is("OfAUserOfItsOwn")) {
    setup.before_start = testing::BecomeAUserOfItsOwn;
    setup.options.templates = {{.name = kBoxed, .sandbox = {.policy = SandboxPolicyId::kContent}}};
    setup.options.restart = {.first_delay = absl::ZeroDuration(), .most_deaths = 0};
    setup.body_starts_broker = true;
  }
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

HOST_TEST(OddHost, InAFolderThatItMayNotSearchLaunches) { ExpectLaunchesByBothWays(server); }

// A seed would have the first one's sockets, and with them its children would not see its end.
HOST_TEST(OddHost, WithAServerExecsTheRootOfAnother) {
  char name[] = "another";
  char* argv[] = {name, nullptr};
  const auto another = ForkServer::Start(1, argv, testing::TestOptions());
  ASSERT_TRUE(another.ok()) << another.status();
  const StartReport& report = (*another)->start_report();
  EXPECT_EQ(report.way, LaunchWay::kExec);
  EXPECT_EQ(report.reason,
            "another fork server is in this process, whose descriptors a seed would inherit");
  ExpectLaunchesByBothWays(**another);
  ExpectLaunchesByBothWays(server);
}

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

// The one orphan is a child's child, which the embedder wanted; the library leaves it alone.
HOST_TEST(OddHost, ThatIsASubreaperGetsEachStatusAndNoOrphansButItsChildrens) {
  ExpectLaunchesByBothWays(server);
  EXPECT_EQ(testing::BlankPids(server), std::vector<pid_t>());
  for (const LaunchWay way : {LaunchWay::kTemplate, LaunchWay::kExec}) {
    absl::StatusOr<LaunchedChild> child = server.Launch(Run({"exec", "sleep 1000 & exit 3"}, way));
    ASSERT_TRUE(child.ok()) << child.status();
    EXPECT_EQ(child->process.Wait()->ToString(), "exited with status 3");
    const std::vector<pid_t> orphans = testing::BlankPids(server);
    ASSERT_EQ(orphans.size(), 1u);
    ASSERT_TRUE(testing::SignalProcess(orphans[0], SIGKILL).ok());
    ExpectLaunchesByBothWays(server, 1);
    EXPECT_EQ(waitpid(orphans[0], nullptr, 0), orphans[0]) << strerror(errno);
  }
}

// Below it another host is killed, with all that it has: each of those ends, is the subreaper's to
// reap, and takes no status of the subreaper's own.
HOST_TEST(OddHost, ThatIsASubreaperOutlivesAHostBelowIt) {
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
  LaunchOptions doomed = Run({"exec", "exec tests/forkserver/doomed_host"}, LaunchWay::kTemplate);
  doomed.stdio[STDOUT_FILENO] = Stdio::Descriptor(ends[1]);
  absl::StatusOr<LaunchedChild> host = server.Launch(doomed);
  close(ends[1]);
  ASSERT_TRUE(host.ok()) << host.status();
  const std::unique_ptr<FILE, int (*)(FILE*)> output(fdopen(ends[0], "r"), fclose);
  std::vector<pid_t> all;
  char line[64];
  while (fgets(line, sizeof(line), output.get()) != nullptr && std::string(line) != "end\n") {
    all.push_back(atoi(line));
  }
  ASSERT_EQ(all.size(), 13u);
  ASSERT_TRUE(host->process.Signal(SIGKILL).ok());
  EXPECT_EQ(host->process.Wait()->ToString(), "killed by SIGKILL");
  ExpectLaunchesByBothWays(server, 1);
  // In whatever order: the init of a pid namespace ends when all that are in it have been reaped.
  for (size_t i = 0; i < all.size(); ++i) {
    const pid_t reaped = waitpid(-1, nullptr, __WALL);
    EXPECT_EQ(std::count(all.begin(), all.end(), reaped), 1) << reaped;
  }
  EXPECT_EQ(testing::BlankPids(server), std::vector<pid_t>());
  ExpectLaunchesByBothWays(server, 1);
}

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

// Of the whole tree, as `ulimit -u` would have set it before the host's start.
void SetMostProcesses(const ForkServer& server, const rlimit& limit) {
  std::vector<pid_t> all = {0};
  if (server.seed_pid()) all.push_back(*server.seed_pid());
  for (const TemplateStatus& one : server.templates()) {
    if (one.pid) all.push_back(*one.pid);
  }
  for (const pid_t pid : all) ASSERT_EQ(prlimit(pid, RLIMIT_NPROC, &limit, nullptr), 0) << pid;
}

// "" where it came to its end as it should.
std::string WhyNot(ForkServer& server, const LaunchOptions& options) {
  absl::StatusOr<LaunchedChild> child = server.Launch(options);
  if (!child.ok()) return std::string(child.status().message());
  const absl::StatusOr<ExitStatus> status = child->process.Wait();
  return status.ok() && status->ToString() == "exited with status 3" ? "" : "a lost status";
}

// The host is a process of the user's as well, and so is each thread: with room for none, one, two
// or more, until there is room for all, each launch works or says which call had EAGAIN.
HOST_TEST(OddHost, OfAUserOfItsOwnHearsOfEachProcessThatIsOneTooMany) {
  rlimit before;
  ASSERT_EQ(getrlimit(RLIMIT_NPROC, &before), 0);
  LaunchOptions forked = Run({"exit", "3"}, LaunchWay::kFork);
  forked.when_template_dies = WhenTemplateDies::kFail;
  LaunchOptions boxed = forked;
  boxed.template_name = kBoxed;
  LaunchOptions execed = Run({"exit", "3"}, LaunchWay::kExec);
  std::set<std::string> reasons;
  const auto expect_nothing_but_eagain = [&] {
    for (LaunchOptions* options : {&forked, &boxed, &execed}) {
      // What ends counts until it has ended.
      ASSERT_TRUE(testing::DispatchUntil(server, [&] { return server.in_flight() == 0; }));
      const std::string why = WhyNot(server, *options);
      EXPECT_TRUE(why.empty() || why.ends_with(": EAGAIN")) << why;
      reasons.insert(why);
    }
    // It keeps the limit that its user namespace was made under (user_namespaces(7)).
    const std::optional<pid_t> pid = testing::StatusOf(server, kBoxed).pid;
    if (pid) {
      ASSERT_TRUE(testing::SignalProcess(pid, SIGKILL).ok());
    }
    EXPECT_TRUE(testing::DispatchUntil(
        server, [&] { return !testing::StatusOf(server, kBoxed).pid.has_value(); }));
  };
  for (rlim_t most = 1; most <= 10; ++most) {
    SCOPED_TRACE(most);
    SetMostProcesses(server, {.rlim_cur = most, .rlim_max = before.rlim_max});
    for (int i = 0; i < 3; ++i) expect_nothing_but_eagain();
  }
  SetMostProcesses(server, before);
  for (LaunchOptions* options : {&forked, &boxed, &execed}) {
    EXPECT_EQ(WhyNot(server, *options), "");
  }
  EXPECT_TRUE(reasons.contains("launch of ipc-unit-test: fork: EAGAIN"));
  EXPECT_TRUE(reasons.contains("launch of ipc-unit-test: spawn: clone: EAGAIN"));
  EXPECT_TRUE(reasons.contains("launch of ipc-unit-test: start of template 'boxed': fork: EAGAIN"));
  EXPECT_TRUE(reasons.contains("launch of ipc-unit-test: pthread_create: EAGAIN")) << "the broker";
  if (testing::StatusOf(server, kBoxed).init_pid) {
    EXPECT_TRUE(reasons.contains(
        "launch of ipc-unit-test: start of template 'boxed': sandbox: pid namespace: clone3 of the "
        "pid namespace's init: EAGAIN"));
  }
}

// Where the freeze finds what it expects in another order.
void ExpectFrozenTemplatesThatLaunchByAllWays(ForkServer& server) {
  ASSERT_TRUE(testing::MappingsLieBelowTheHeap());
  ExpectLaunchesByBothWays(server);
  LaunchOptions forked = Run({"exit", "3"}, LaunchWay::kFork);
  EXPECT_EQ(WhyNot(server, forked), "");
  forked.template_name = kBoxed;
  EXPECT_EQ(WhyNot(server, forked), "");
  testing::ArriveInABurst(server, testing::Pooled({"exit", "3"}));
  ASSERT_TRUE(testing::DispatchUntil(server, [&] { return testing::IdleBlanks(server) > 0; }));
  absl::StatusOr<LaunchedChild> pooled = server.Launch(testing::Pooled({"exit", "3"}));
  ASSERT_TRUE(pooled.ok()) << pooled.status();
  EXPECT_EQ(pooled->by, LaunchedBy::kPool);
  EXPECT_EQ(pooled->process.Wait()->ToString(), "exited with status 3");
#if !defined(__SANITIZE_ADDRESS__)
  for (const std::string_view name : {kRootTemplate, std::string_view(kBoxed)}) {
    const FreezeReport freeze = testing::StatusOf(server, name).hello.freeze;
    EXPECT_TRUE(freeze.frozen()) << name << ": " << freeze.ToString();
  }
#endif
}

HOST_TEST(OddHost, WithAnUnlimitedStackAndMappingsBelowItsHeapFreezesAndLaunches) {
  ExpectFrozenTemplatesThatLaunchByAllWays(server);
}

HOST_TEST(OddHost, OfTheLegacyLayoutWithMappingsBelowItsHeapFreezesAndLaunches) {
  ExpectFrozenTemplatesThatLaunchByAllWays(server);
}

// The sockets between processes raise no SIGPIPE: those of SOCK_SEQPACKET never do, only streams
// and pipes (unix(7): EPIPE; net/unix/af_unix.c has it in unix_stream_sendmsg alone). This shows
// that the death of a template costs nothing else.
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

// A peer that gives a socket away chooses its kind, and the signal would end the host.
HOST_TEST(OddHost, WithSigpipeAtItsDefaultSendsIntoAStreamWhoseReaderIsGone) {
  int ends[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  const UniqueFd writer(ends[0]);
  close(ends[1]);
  EXPECT_EQ(SendPacket(writer.get(), Blocking::kNever, {.type = kFirstApplicationType}, {}, {}),
            EPIPE);
}

// The broker prints what it refuses, on the host's stderr.
HOST_TEST(OddHost, WithSigpipeAtItsDefaultOutlivesTheReaderOfItsRefusals) {
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
  const UniqueFd writer(ends[1]);
  const UniqueFd before(fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3));
  ASSERT_EQ(dup2(writer.get(), STDERR_FILENO), STDERR_FILENO);
  close(ends[0]);
  LaunchOptions refused = Run({"exec", "exit 0"}, LaunchWay::kTemplate);
  refused.template_name = kBoxed;
  absl::StatusOr<LaunchedChild> child = server.Launch(refused);
  const absl::StatusOr<ExitStatus> status =
      child.ok() ? child->process.Wait() : absl::StatusOr<ExitStatus>(child.status());
  EXPECT_TRUE(testing::DispatchUntil(server, [&] { return !server.refused_calls().empty(); }));
  ASSERT_EQ(dup2(before.get(), STDERR_FILENO), STDERR_FILENO);
  EXPECT_TRUE(status.ok()) << status.status();
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
