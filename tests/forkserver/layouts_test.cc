// Layouts of addresses: which children share one, how launches are spread over them, and what the
// end of one does to the others.
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/personality.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_format.h"
#include "forkserver/server/hello.h"
#include "tests/testing/host_test.h"
#include "tests/testing/test_program.h"
#include "transceiver/clock.h"
#include "transceiver/mini_transceiver.h"
#include "transceiver/packet.h"

namespace forkserver {
namespace {

using testing::DispatchUntil;
using testing::HostSetup;
using testing::SignalProcess;
using State = TemplateStatus::State;

// Where things are in a child.
struct Addresses {
  uintptr_t heap = 0;  // of what a warm-up made; 0: it did not run
  uintptr_t code = 0;
  uintptr_t libc = 0;
  uintptr_t stack = 0;
  uintptr_t vdso = 0;

  bool operator==(const Addresses&) const = default;
};

int* made_by_a_warm_up = nullptr;
// Of the host and its forks, and not of what was exec'ed.
bool is_in_first_layout = false;
// Names a file with a byte for each warm-up that died.
constexpr char kDeathsVariable[] = "FORKSERVER_TEST_DEATHS";

void CountDeathAndDie() {
  const UniqueFd file(open(getenv(kDeathsVariable), O_WRONLY | O_APPEND | O_CLOEXEC));
  _exit(write(file.get(), "x", 1) == 1 ? 1 : 2);
}

Addresses OwnAddresses() {
  // The address of a function of libc's may be that of a jump in this program; dlsym's is not.
  return {.heap = reinterpret_cast<uintptr_t>(made_by_a_warm_up),
          .code = reinterpret_cast<uintptr_t>(&OwnAddresses),
          .libc = reinterpret_cast<uintptr_t>(dlsym(RTLD_DEFAULT, "gnu_get_libc_version")),
          .stack = getauxval(AT_RANDOM),
          .vdso = getauxval(AT_SYSINFO_EHDR)};
}

// "addresses" sends them; "open PATH" sends what came of it. Both then wait for the host to hang
// up. All else is TestProgram's.
class LayoutProgram : public testing::TestProgram {
 public:
  int Run(ChildContext& context) override {
    const std::string_view what = context.argv[0];
    if (what == "addresses") {
      const Addresses own = OwnAddresses();
      context.channel.Send({.type = testing::kEcho},
                           {reinterpret_cast<const uint8_t*>(&own), sizeof(own)});
    } else if (what == "open") {
      const UniqueFd fd(open(context.argv[1], O_RDONLY | O_CLOEXEC));
      const std::string answer = fd.is_open() ? "opened" : strerrorname_np(errno);
      context.channel.Send({.type = testing::kEcho},
                           {reinterpret_cast<const uint8_t*>(answer.data()), answer.size()});
    } else {
      return TestProgram::Run(context);
    }
    while (context.channel.Receive() == ReceiveOutcome::kMessage) {
    }
    return 0;
  }
};

// What a child sends of itself; empty: it did not.
std::string Said(const LaunchedChild& child) {
  uint8_t buffer[256];
  Packet packet(buffer);
  if (ReceivePacket(child.socket.get(), Blocking::kWait, packet) != PacketOutcome::kMessage) {
    return "";
  }
  return {packet.payload().begin(), packet.payload().end()};
}

LaunchOptions From(std::string_view template_name, std::vector<std::string> argv = {"addresses"}) {
  return {.type = ProcessType::kUtility,
          .argv = std::move(argv),
          .way = LaunchWay::kTemplate,
          .template_name = std::string(template_name)};
}

LaunchOptions WithItsOwn() {
  LaunchOptions options = From("root");
  options.layout = Layout::kOwn;
  return options;
}

// Nothing, and a failed test, where it cannot be launched.
std::optional<Addresses> AddressesOf(ForkServer& server, const LaunchOptions& options) {
  const absl::StatusOr<LaunchedChild> child = server.Launch(options);
  EXPECT_TRUE(child.ok()) << child.status();
  if (!child.ok()) return std::nullopt;
  const std::string said = Said(*child);
  Addresses addresses;
  EXPECT_EQ(said.size(), sizeof(addresses));
  if (said.size() != sizeof(addresses)) return std::nullopt;
  memcpy(&addresses, said.data(), sizeof(addresses));
  return addresses;
}

TemplateStatus StatusOf(const ForkServer& server, std::string_view name, int layout) {
  for (TemplateStatus& one : server.templates()) {
    if (one.name == name && one.layout == layout) return std::move(one);
  }
  ADD_FAILURE() << "no template '" << name << "' in layout " << layout;
  return {};
}

bool ComesToBe(ForkServer& server, State state, std::string_view name, int layout) {
  return DispatchUntil(server, [&] { return StatusOf(server, name, layout).state == state; });
}

constexpr int kLayouts = 3;

bool AllRootsServe(ForkServer& server) {
  for (int layout = 0; layout < kLayouts; ++layout) {
    if (!ComesToBe(server, State::kServing, "root", layout)) return false;
  }
  return true;
}

// Of another process of this program, as the kernel has told it.
uintptr_t VdsoOf(pid_t pid) {
  std::ifstream file(absl::StrFormat("/proc/%d/auxv", pid), std::ios::binary);
  for (uintptr_t entry[2]; file.read(reinterpret_cast<char*>(entry), sizeof(entry));) {
    if (entry[0] == AT_SYSINFO_EHDR) return entry[1];
  }
  return 0;
}

// Tells by a child's addresses which root it comes from, also when that is dead.
class LayoutsByVdso {
 public:
  explicit LayoutsByVdso(ForkServer& server) {
    for (int layout = 0; layout < kLayouts; ++layout) {
      const std::optional<pid_t> root = StatusOf(server, "root", layout).pid;
      if (root.has_value()) layouts_[VdsoOf(*root)] = layout;
    }
    EXPECT_EQ(layouts_.size(), static_cast<size_t>(kLayouts));
  }

  // -1: none of them.
  int Of(const Addresses& addresses) const {
    const auto found = layouts_.find(addresses.vdso);
    return found == layouts_.end() ? -1 : found->second;
  }

 private:
  std::map<uintptr_t, int> layouts_;
};

// How many of so many launches, one after the other, came from which layout.
std::map<int, int> Spread(ForkServer& server, const LayoutsByVdso& layouts,
                          const LaunchOptions& options, int count) {
  std::map<int, int> spread;
  for (int i = 0; i < count; ++i) {
    if (const auto addresses = AddressesOf(server, options)) ++spread[layouts.Of(*addresses)];
  }
  return spread;
}

// Launches until one comes from that layout.
std::optional<Addresses> LaunchFromLayout(ForkServer& server, const LayoutsByVdso& layouts,
                                          const LaunchOptions& options, int layout) {
  std::optional<Addresses> found;
  EXPECT_TRUE(DispatchUntil(server, [&] {
    found = AddressesOf(server, options);
    return !found.has_value() || layouts.Of(*found) == layout;
  }));
  return found;
}

void ExpectNothingShared(const Addresses& one, const Addresses& other) {
#if !defined(__SANITIZE_ADDRESS__)  // its malloc is at the same place in every process
  EXPECT_NE(one.heap, other.heap);
#endif
  EXPECT_NE(one.code, other.code);
  EXPECT_NE(one.libc, other.libc);
  EXPECT_NE(one.stack, other.stack);
  EXPECT_NE(one.vdso, other.vdso);
}

// Null: it does.
const char* WhyKernelDrawsNoLayouts() {
  if ((personality(0xffffffff) & ADDR_NO_RANDOMIZE) != 0) {
    return "personality ADDR_NO_RANDOMIZE: all processes have one layout";
  }
  std::ifstream file("/proc/sys/kernel/randomize_va_space");
  int randomized = 0;
  file >> randomized;
  return randomized != 0 ? nullptr : "randomize_va_space is 0: all processes have one layout";
}

constexpr absl::Duration kSoon = absl::Milliseconds(40);

}  // namespace

HostSetup testing::SetUpHost(const std::string& test) {
  const auto is = [&test](std::string_view part) { return test.find(part) != test.npos; };
  HostSetup setup = {.options = TestOptions()};
  setup.options.layouts = kLayouts;
  setup.options.programs.push_back({ProcessType::kUtility, MakeChildProgram<LayoutProgram>});
  setup.options.warm_ups = {{"heap object", [] {
                               made_by_a_warm_up = new int(1);
                               return absl::OkStatus();
                             }}};
  setup.options.templates = {{.name = "page", .pool = kNoPool},
                             {.name = "article", .parent = "page"}};
  TemplateOptions& page = setup.options.templates[0];
  if (is("Ahead")) {
    page.start = TemplateStart::kAhead;
    page.pool = PoolBounds{.min = 1, .max = 1};
  }
  if (is("AlwaysDies")) {
    setup.before_start = [] {
      if (getenv(kDeathsVariable) != nullptr) return;
      is_in_first_layout = true;
      std::string path = ::testing::TempDir() + "layouts_test_deaths_XXXXXX";
      close(mkostemp(path.data(), O_CLOEXEC));
      setenv(kDeathsVariable, path.c_str(), 1);
    };
    page.warm_ups = {{"dies elsewhere", [] {
                        if (!is_in_first_layout) CountDeathAndDie();
                        return absl::OkStatus();
                      }}};
  }
  if (is("BackedOff")) {
    setup.options.restart = {
        .first_delay = absl::Hours(1), .longest_delay = absl::Hours(1), .jitter = 0};
  }
  if (is("Evicted")) page.evict_after = kSoon;
  if (is("Sandboxed")) {
    page.sandbox = {.policy = SandboxPolicyId::kContent};
    setup.options.templates.push_back({.name = "letter",
                                       .sandbox = {.policy = SandboxPolicyId::kContent,
                                                   .files = {{.path = "/etc/hostname",
                                                              .reach = FileReach::kExactly,
                                                              .rights = kMayRead}}}});
  }
  setup.drain_after_body = !is("DestroyedServer");
  return setup;
}

namespace {

HOST_TEST(Layouts, ChildrenOfDifferentLayoutsHaveNoAddressInCommonAndThoseOfOneHaveAll) {
  if (const char* why = WhyKernelDrawsNoLayouts()) GTEST_SKIP() << why;
  ASSERT_TRUE(AllRootsServe(server));
  const LayoutsByVdso layouts(server);
  std::map<int, std::vector<Addresses>> children;
  for (int i = 0; i < 3 * kLayouts; ++i) {
    const std::optional<Addresses> addresses = AddressesOf(server, From("root"));
    ASSERT_TRUE(addresses.has_value());
    EXPECT_NE(addresses->heap, 0u);
    children[layouts.Of(*addresses)].push_back(*addresses);
  }
  ASSERT_EQ(children.size(), static_cast<size_t>(kLayouts));
  for (const auto& [layout, of_one] : children) {
    EXPECT_GE(layout, 0);
    for (const Addresses& addresses : of_one) EXPECT_EQ(addresses, of_one.front());
    for (const auto& [other_layout, of_another] : children) {
      if (other_layout != layout) ExpectNothingShared(of_one.front(), of_another.front());
    }
  }
}

HOST_TEST(Layouts, AnOwnOneIsLikeNoOther) {
  if (const char* why = WhyKernelDrawsNoLayouts()) GTEST_SKIP() << why;
  ASSERT_TRUE(AllRootsServe(server));
  std::vector<Addresses> all;
  for (int i = 0; i < kLayouts + 2; ++i) {
    const std::optional<Addresses> addresses =
        AddressesOf(server, i < kLayouts ? From("root") : WithItsOwn());
    ASSERT_TRUE(addresses.has_value());
    // What the warm-ups of a template have made is not there.
    EXPECT_EQ(addresses->heap != 0, i < kLayouts);
    for (const Addresses& other : all) {
      EXPECT_NE(addresses->code, other.code);
      EXPECT_NE(addresses->libc, other.libc);
      EXPECT_NE(addresses->stack, other.stack);
      EXPECT_NE(addresses->vdso, other.vdso);
    }
    all.push_back(*addresses);
  }
}

HOST_TEST(Layouts, AnOwnOneComesByExecAndCannotComeByAFork) {
  LaunchOptions options = WithItsOwn();
  for (const LaunchWay way : {LaunchWay::kTemplate, LaunchWay::kExec}) {
    options.way = way;
    const absl::StatusOr<LaunchedChild> child = server.Launch(options);
    ASSERT_TRUE(child.ok()) << child.status();
    EXPECT_EQ(child->by, LaunchedBy::kExec);
  }
  options.way = LaunchWay::kFork;
  const absl::Status refused = server.Launch(options).status();
  EXPECT_TRUE(absl::IsInvalidArgument(refused)) << refused;
  EXPECT_NE(std::string(refused.message()).find("layout"), std::string::npos) << refused;
}

HOST_TEST(Layouts, TooFewOrTooManyAreInvalid) {
  for (const int layouts : {-1, 0, kMostLayouts + 1}) {
    char name[] = "program";
    char* argv[] = {name, nullptr};
    const absl::Status status = ForkServer::Start(1, argv, {.layouts = layouts}).status();
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
    EXPECT_EQ(std::string(status.message()),
              absl::StrFormat("start: there can be 1 to 16 layouts, not %d", layouts));
  }
}

HOST_TEST(Layouts, EachHasARootAndTheSameTemplatesBelowIt) {
  std::vector<std::string> names;
  for (const TemplateStatus& one : server.templates()) {
    names.push_back(absl::StrFormat("%d %s < %s", one.layout, one.name, one.parent));
  }
  EXPECT_EQ(names, (std::vector<std::string>{"0 root < ", "0 page < root", "0 article < page",  //
                                             "1 root < ", "1 page < root", "1 article < page",  //
                                             "2 root < ", "2 page < root", "2 article < page"}));
}

HOST_TEST(Layouts, LaunchesTakeThemInTurn) {
  if (const char* why = WhyKernelDrawsNoLayouts()) GTEST_SKIP() << why;
  ASSERT_TRUE(AllRootsServe(server));
  const LayoutsByVdso layouts(server);
  EXPECT_EQ(Spread(server, layouts, From("root"), 6), (std::map<int, int>{{0, 2}, {1, 2}, {2, 2}}));
  // Each template counts for itself.
  for (int layout = 0; layout < kLayouts; ++layout) {
    ASSERT_TRUE(LaunchFromLayout(server, layouts, From("article"), layout).has_value());
  }
  EXPECT_EQ(Spread(server, layouts, From("article"), 6),
            (std::map<int, int>{{0, 2}, {1, 2}, {2, 2}}));
}

// A stopped root forks no template: its layout stays cold.
HOST_TEST(Layouts, NoLaunchWaitsForAColdOneWhichWarmsUpMeanwhile) {
  if (const char* why = WhyKernelDrawsNoLayouts()) GTEST_SKIP() << why;
  ASSERT_TRUE(AllRootsServe(server));
  const LayoutsByVdso layouts(server);
  for (const int layout : {1, 2}) {
    ASSERT_TRUE(SignalProcess(StatusOf(server, "root", layout).pid, SIGSTOP).ok());
  }
  EXPECT_EQ(Spread(server, layouts, From("page"), 1), (std::map<int, int>{{0, 1}}));
  // Its Hello may be later than the child's.
  ASSERT_TRUE(ComesToBe(server, State::kServing, "page", 0));
  EXPECT_EQ(StatusOf(server, "page", 1).state, State::kNotStarted);
  EXPECT_EQ(Spread(server, layouts, From("page"), 6), (std::map<int, int>{{0, 6}}));
  for (const int layout : {1, 2}) {
    EXPECT_EQ(StatusOf(server, "page", layout).state, State::kStarting);
    ASSERT_TRUE(SignalProcess(StatusOf(server, "root", layout).pid, SIGCONT).ok());
    EXPECT_TRUE(ComesToBe(server, State::kServing, "page", layout));
  }
  EXPECT_EQ(Spread(server, layouts, From("page"), 6), (std::map<int, int>{{0, 2}, {1, 2}, {2, 2}}));
}

HOST_TEST(Layouts, ADeadFurtherRootStopsNoLaunch) {
  if (const char* why = WhyKernelDrawsNoLayouts()) GTEST_SKIP() << why;
  ASSERT_TRUE(AllRootsServe(server));
  const LayoutsByVdso layouts(server);
  ASSERT_TRUE(LaunchFromLayout(server, layouts, From("page"), 1).has_value());
  ASSERT_TRUE(LaunchFromLayout(server, layouts, From("page"), 2).has_value());
  ASSERT_TRUE(SignalProcess(StatusOf(server, "root", 1).pid, SIGKILL).ok());
  ASSERT_TRUE(ComesToBe(server, State::kDead, "root", 1));
  const absl::Status why = StatusOf(server, "root", 1).why_dead;
  EXPECT_NE(std::string(why.message()).find("root template of layout 1 died"), std::string::npos)
      << why;
  // Those below it serve on.
  EXPECT_EQ(Spread(server, layouts, From("page"), 6), (std::map<int, int>{{0, 2}, {1, 2}, {2, 2}}));
  EXPECT_EQ(StatusOf(server, "root", 1).state, State::kDead);
}

HOST_TEST(Layouts, ADeadFurtherRootIsExecedAgainByALaunchThatPassesItOver) {
  if (const char* why = WhyKernelDrawsNoLayouts()) GTEST_SKIP() << why;
  ASSERT_TRUE(AllRootsServe(server));
  const LayoutsByVdso layouts(server);
  ASSERT_TRUE(SignalProcess(StatusOf(server, "root", 1).pid, SIGKILL).ok());
  ASSERT_TRUE(ComesToBe(server, State::kDead, "root", 1));
  ASSERT_TRUE(DispatchUntil(server, [&] {
    const std::optional<Addresses> addresses = AddressesOf(server, From("root"));
    EXPECT_TRUE(addresses.has_value());
    return StatusOf(server, "root", 1).starts == 2;
  }));
  ASSERT_TRUE(ComesToBe(server, State::kServing, "root", 1));
  const LayoutsByVdso anew(server);
  EXPECT_EQ(Spread(server, anew, From("root"), 6), (std::map<int, int>{{0, 2}, {1, 2}, {2, 2}}));
  // It is another layout than it was, and none of the others'.
  EXPECT_EQ(layouts.Of({.vdso = VdsoOf(*StatusOf(server, "root", 1).pid)}), -1);
}

HOST_TEST(Layouts, ADeadFirstRootStopsNoLaunchEither) {
  if (const char* why = WhyKernelDrawsNoLayouts()) GTEST_SKIP() << why;
  ASSERT_TRUE(AllRootsServe(server));
  const LayoutsByVdso layouts(server);
  ASSERT_TRUE(testing::SignalRoot(server, SIGKILL).ok());
  ASSERT_TRUE(ComesToBe(server, State::kDead, "root", 0));
  // Started below the next one.
  ASSERT_TRUE(AddressesOf(server, From("page")).has_value());
  EXPECT_EQ(StatusOf(server, "page", 0).state, State::kNotStarted);
  EXPECT_EQ(StatusOf(server, "root", 0).state, State::kDead);
  ASSERT_TRUE(server.WaitUntilServing().ok());
  // Forked from the seed, it has the layout that it had.
  EXPECT_EQ(layouts.Of({.vdso = VdsoOf(*server.root_pid())}), 0);
  EXPECT_EQ(Spread(server, layouts, From("root"), 6), (std::map<int, int>{{0, 2}, {1, 2}, {2, 2}}));
}

HOST_TEST(Layouts, WithoutAnyRootALaunchStartsTheFirst) {
  ASSERT_TRUE(AllRootsServe(server));
  for (int layout = 0; layout < kLayouts; ++layout) {
    ASSERT_TRUE(SignalProcess(StatusOf(server, "root", layout).pid, SIGKILL).ok());
    ASSERT_TRUE(ComesToBe(server, State::kDead, "root", layout));
  }
  for (const char* name : {"page", "root"})
    EXPECT_TRUE(AddressesOf(server, From(name)).has_value());
  EXPECT_TRUE(ComesToBe(server, State::kServing, "root", 0));
}

HOST_TEST(Layouts, ATemplateThatIsEvictedAndStartedAgainKeepsItsOwn) {
  if (const char* why = WhyKernelDrawsNoLayouts()) GTEST_SKIP() << why;
  ASSERT_TRUE(AllRootsServe(server));
  const LayoutsByVdso layouts(server);
  const std::optional<Addresses> before = LaunchFromLayout(server, layouts, From("page"), 1);
  ASSERT_TRUE(before.has_value());
  ASSERT_TRUE(ComesToBe(server, State::kNotStarted, "page", 1));
  const std::optional<Addresses> after = LaunchFromLayout(server, layouts, From("page"), 1);
  ASSERT_TRUE(after.has_value());
  EXPECT_EQ(*before, *after);
}

HOST_TEST(Layouts, ATemplateThatIsKilledIsStartedAgainWhileOthersServe) {
  if (const char* why = WhyKernelDrawsNoLayouts()) GTEST_SKIP() << why;
  ASSERT_TRUE(AllRootsServe(server));
  const LayoutsByVdso layouts(server);
  const std::optional<Addresses> before = LaunchFromLayout(server, layouts, From("page"), 1);
  ASSERT_TRUE(before.has_value());
  const std::optional<pid_t> killed = StatusOf(server, "page", 1).pid;
  ASSERT_TRUE(SignalProcess(killed, SIGKILL).ok());
  ASSERT_TRUE(ComesToBe(server, State::kDead, "page", 1));
  const std::optional<Addresses> after = LaunchFromLayout(server, layouts, From("page"), 1);
  ASSERT_TRUE(after.has_value());
  EXPECT_EQ(*before, *after);
  EXPECT_NE(StatusOf(server, "page", 1).pid, killed);
}

HOST_TEST(Layouts, ATemplateWhoseWarmUpAlwaysDiesIsTriedTwiceAndThenBackedOff) {
  ASSERT_TRUE(AllRootsServe(server));
  const std::string path = getenv(kDeathsVariable);
  const auto deaths = [&path] { return static_cast<int64_t>(std::filesystem::file_size(path)); };
  ASSERT_TRUE(DispatchUntil(server, [&] {
    EXPECT_TRUE(AddressesOf(server, From("page")).has_value());
    return deaths() == 2 * (kLayouts - 1);
  }));
  for (const int layout : {1, 2}) ASSERT_TRUE(ComesToBe(server, State::kDead, "page", layout));
  for (int i = 0; i < 2 * kLayouts; ++i) {
    EXPECT_TRUE(AddressesOf(server, From("page")).has_value());
  }
  for (const int layout : {1, 2}) EXPECT_EQ(StatusOf(server, "page", layout).starts, 2u);
  EXPECT_EQ(StatusOf(server, "page", 0).state, State::kServing);
  unlink(path.c_str());
}

HOST_TEST(Layouts, AheadStartsInEachWithItsBlanks) {
  const auto blanks_wait = [&server](int layout) {
    return DispatchUntil(server,
                         [&] { return StatusOf(server, "page", layout).idle_blanks.size() == 1; });
  };
  std::set<pid_t> blanks;
  for (int layout = 0; layout < kLayouts; ++layout) {
    ASSERT_TRUE(blanks_wait(layout));
    blanks.insert(StatusOf(server, "page", layout).idle_blanks.front());
  }
  std::set<pid_t> children;
  for (int i = 0; i < kLayouts; ++i) {
    const absl::StatusOr<LaunchedChild> child = server.Launch(From("page"));
    ASSERT_TRUE(child.ok()) << child.status();
    EXPECT_EQ(child->by, LaunchedBy::kPool);
    children.insert(child->process.pid());
  }
  EXPECT_EQ(children, blanks);
}

// Of an exec'ed root's the kernel tells everybody who waits.
HOST_TEST(Layouts, OnlyTheFirstOnesChildrenAreSilent) {
  ASSERT_TRUE(AllRootsServe(server));
  std::multiset<int> waits;
  for (int i = 0; i < kLayouts; ++i) {
    absl::StatusOr<LaunchedChild> child = server.Launch(From("root", {"exit", "0"}));
    ASSERT_TRUE(child.ok()) << child.status();
    siginfo_t info;
    waits.insert(waitid(P_PID, child->process.pid(), &info, WEXITED | WNOWAIT) == 0 ? 0 : errno);
  }
  EXPECT_EQ(waits, (std::multiset<int>{0, 0, ECHILD}));
  for (int layout = 0; layout < kLayouts; ++layout) {
    const uint32_t capabilities = StatusOf(server, "root", layout).hello.capabilities;
    EXPECT_EQ((capabilities & kSilentChildren) != 0, layout == 0) << layout;
  }
}

HOST_TEST(Layouts, SandboxedOnesHaveNamespacesListenerAndInitEach) {
  if (const char* why = WhyKernelDrawsNoLayouts()) GTEST_SKIP() << why;
  ASSERT_TRUE(AllRootsServe(server));
  const LayoutsByVdso layouts(server);
  std::set<std::string> namespaces;
  std::set<pid_t> inits;
  for (int layout = 0; layout < kLayouts; ++layout) {
    ASSERT_TRUE(LaunchFromLayout(server, layouts, From("page"), layout).has_value());
    const TemplateStatus page = StatusOf(server, "page", layout);
    EXPECT_EQ(page.hello.sandbox[SandboxLayer::kListener].outcome, LayerOutcome::kEngaged);
    ASSERT_TRUE(page.init_pid.has_value());
    inits.insert(*page.init_pid);
    char link[64];
    const ssize_t size =
        readlink(absl::StrFormat("/proc/%d/ns/pid", *page.init_pid).c_str(), link, sizeof(link));
    ASSERT_GT(size, 0);
    namespaces.emplace(link, size);
  }
  EXPECT_EQ(inits.size(), static_cast<size_t>(kLayouts));
  EXPECT_EQ(namespaces.size(), static_cast<size_t>(kLayouts));
}

HOST_TEST(Layouts, SandboxedOnesHaveTheFileRulesOfTheirTemplate) {
  if (const char* why = WhyKernelDrawsNoLayouts()) GTEST_SKIP() << why;
  ASSERT_TRUE(AllRootsServe(server));
  const LayoutsByVdso layouts(server);
  for (const char* name : {"page", "letter"}) {
    for (int layout = 0; layout < kLayouts; ++layout) {
      ASSERT_TRUE(LaunchFromLayout(server, layouts, From(name), layout).has_value());
    }
    const std::string expected = std::string_view(name) == "letter" ? "opened" : "EACCES";
    for (int i = 0; i < kLayouts; ++i) {
      const absl::StatusOr<LaunchedChild> child =
          server.Launch(From(name, {"open", "/etc/hostname"}));
      ASSERT_TRUE(child.ok()) << child.status();
      EXPECT_EQ(Said(*child), expected) << name;
    }
  }
}

// That the host has no child left after the server's end is what main of these tests checks.
HOST_TEST(Layouts, DestroyedServerEndsAllOfThem) { ASSERT_TRUE(AllRootsServe(server)); }

HOST_TEST(Layouts, DestroyedServerEndsThoseThatHaveJustStarted) {
  server.LaunchAsync(From("article"), [](absl::StatusOr<LaunchedChild>) {});
}

}  // namespace
}  // namespace forkserver
