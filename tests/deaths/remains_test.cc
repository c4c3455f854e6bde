// What a template leaves that dies and owes answers: none of it is told to those that are gone,
// nobody waits for what does not come, and no other process can write what the host believes.
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include "tests/deaths/death_host.h"
#include "tests/deaths/held_process.h"
#include "tests/deaths/launches_in_flight.h"
#include "tests/deaths/tracer.h"
#include "tests/testing/host_test.h"
#include "tests/testing/test_program.h"

namespace forkserver::testing {
namespace {

// --- a template that is dead and not reaped yet, since another process than its host traces it

bool ComesToBeDead(ForkServer& server, std::string_view name) {
  return DispatchUntil(
      server, [&] { return StatusOf(server, name).state == TemplateStatus::State::kDead; });
}

// A blank that was asked for and is wanted no more, and whose pool goes before the answer.
HOST_TEST(Unreaped, BlankAtTheEnd) {
  ASSERT_TRUE(server.WaitUntilServing(kPage, absl::Seconds(10)).ok());
  const pid_t page = *StatusOf(server, kPage).pid;
  Tracer tracer(server, page);
  ASSERT_TRUE(SignalProcess(page, SIGSTOP).ok());
  ASSERT_TRUE(server.SetPool(kPage, {.min = 1, .max = 3}).ok());
  ASSERT_TRUE(DispatchUntil(server, [&] { return server.in_flight() == 1; }));
  ASSERT_TRUE(server.SetPool(kPage, {.min = 0, .max = 0}).ok());
  for (int i = 0; i < 5; ++i) server.Dispatch(absl::Milliseconds(5));
  ASSERT_TRUE(SignalProcess(page, SIGKILL).ok());
  ASSERT_TRUE(ComesToBeDead(server, kPage));
  tracer.LetGo();
  EXPECT_TRUE(server.End({}).forced.empty());
  EXPECT_EQ(server.in_flight(), 0u);
}

// The root owes a template its process, and is reaped when the server has ended already.
HOST_TEST(Unreaped, StartBehindTheEnd) {
  const pid_t root = *server.root_pid();
  Tracer tracer(server, root);
  ASSERT_TRUE(SignalProcess(root, SIGSTOP).ok());
  ASSERT_TRUE(server.SetPool(kPage, {.min = 1, .max = 3}).ok());  // starts it
  ASSERT_TRUE(SignalProcess(root, SIGKILL).ok());
  ASSERT_TRUE(ComesToBeDead(server, "root"));
  server.End({.launches = absl::Milliseconds(30), .templates = absl::Seconds(1)});
  tracer.LetGo();
  EXPECT_TRUE(DispatchUntil(server, [&] { return server.in_flight() == 0; }));
}

// It has come to serve, and the server reads of that in its own end: nobody watches its init any
// more.
HOST_TEST(Unreaped, HelloBehindTheEnd) {
  gate->Close();
  ASSERT_TRUE(server.SetPool(kBoxed, {.min = 1, .max = 3}).ok());  // starts it
  ASSERT_TRUE(gate->WaitForArrivals(1));
  const auto is_boxed = [](pid_t pid) {
    std::ifstream file("/proc/" + std::to_string(pid) + "/comm");
    std::string name;
    return std::getline(file, name) && name == "fs-boxed";
  };
  const std::vector<pid_t> children = ChildrenOfThisProcess();
  const auto boxed_pid = std::find_if(children.begin(), children.end(), is_boxed);
  ASSERT_NE(boxed_pid, children.end());
  HeldProcess boxed = HeldProcess::Seize(*boxed_pid);
  boxed.RunTraced();
  gate->Open();
  ASSERT_TRUE(boxed.HoldBefore(SYS_recvmsg));
  boxed.LetGo();
  server.End();
  for (int i = 0; i < 5; ++i) server.Dispatch(absl::Milliseconds(5));
  EXPECT_EQ(server.in_flight(), 0u);
}

// --- what each process has of the memory that the host trusts

// Mappings of records of births.
size_t CountRecords(pid_t pid) {
  std::ifstream maps("/proc/" + std::to_string(pid) + "/maps");
  size_t count = 0;
  for (std::string line; std::getline(maps, line);) {
    count += line.find("memfd:births") != line.npos ? 1 : 0;
  }
  return count;
}

// It could write into it: as mmap(2) says, mprotect makes any shared mapping of a file writable
// that was opened for writing.
HOST_TEST(Records, NobodyHasThatOfAnother) {
  EXPECT_EQ(CountRecords(*server.seed_pid()), 1u);
  for (const char* name : {"root", kPage, kBoxed, kInner}) {
    SCOPED_TRACE(name);
    ASSERT_TRUE(server.WaitUntilServing(name, absl::Seconds(10)).ok());
    EXPECT_EQ(CountRecords(*StatusOf(server, name).pid), 1u);
    absl::StatusOr<LaunchedChild> child =
        server.Launch({.type = ProcessType::kIpcUnitTest, .argv = {"wait"}, .template_name = name});
    ASSERT_TRUE(child.ok()) << child.status();
    EXPECT_EQ(CountRecords(child->process.pid()), 0u);
  }
}

// --- a child that is held where it still has its template's socket, and all that waits in it

HOST_TEST(StoppedChild, ForksBehindIt) {
  ASSERT_TRUE(server.WaitUntilServing(kPage, absl::Seconds(10)).ok());
  HeldProcess page = HeldProcess::Seize(*StatusOf(server, kPage).pid);
  LaunchesInFlight launches(server);
  const LaunchOptions options = {.type = ProcessType::kIpcUnitTest,
                                 .argv = {"exit", "7"},
                                 .template_name = kPage,
                                 .timeout = absl::InfiniteDuration()};
  const Told& first = launches.Begin(options);
  const Told& second = launches.Begin(options);
  LaunchOptions failing = options;
  failing.when_template_dies = WhenTemplateDies::kFail;
  const Told& third = launches.Begin(failing);
  std::optional<HeldProcess> child = page.HoldNextChild();
  ASSERT_TRUE(child.has_value());
  ASSERT_TRUE(SignalProcess(page.pid(), SIGKILL).ok());
  EXPECT_TRUE(launches.Dispatches([&] { return second.HasEnded() && third.HasEnded(); }))
      << "there is no child, and the launch waits for it";
  EXPECT_TRUE(second.IsReady()) << second.launch;
  EXPECT_TRUE(absl::IsUnavailable(third.launch)) << third.launch;
  EXPECT_EQ(first.times, 0);
  child->LetGo();
  EXPECT_TRUE(launches.AllEnd());
  EXPECT_TRUE(first.IsReady()) << first.launch;
  EXPECT_TRUE(launches.EachWasToldOnce());
}

}  // namespace
}  // namespace forkserver::testing
