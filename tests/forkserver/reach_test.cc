// Which process can signal another one or look into it, where no system call filter decides: what
// SECURITY.md says of other users, of the same user and of processes that have nothing of their
// own.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <fstream>
#include <map>
#include <memory>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "preload/prefs/prefs_store.h"
#include "tests/forkserver/degraded_machine.h"
#include "tests/testing/host_test.h"
#include "tests/testing/test_program.h"
#include "transceiver/packet.h"

namespace forkserver {
namespace {

using testing::HostSetup;
using testing::StatusOf;

// What a process gets of another one by each way to it: "done", or an errno.
using Reach = std::map<std::string, std::string>;

std::string Outcome(bool is_done) { return is_done ? "done" : strerrorname_np(errno); }

std::string Open(pid_t pid, std::string_view file, int flags) {
  const std::string path = absl::StrFormat("/proc/%d/%s", pid, file);
  const UniqueFd fd(open(path.c_str(), flags | O_CLOEXEC));
  return Outcome(fd.is_open());
}

std::string TakeDescriptor(pid_t pid) {
  const UniqueFd process(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  if (!process.is_open()) return Outcome(false);
  const UniqueFd taken(static_cast<int>(syscall(SYS_pidfd_getfd, process.get(), 0, 0)));
  return Outcome(taken.is_open());
}

// Signal 0 asks only; nothing is changed in the other one.
std::string ReachOf(pid_t pid) {
  std::string all = absl::StrCat("signal=", Outcome(kill(pid, 0) == 0));
  absl::StrAppend(&all, " memory=", Open(pid, "mem", O_RDWR));
  absl::StrAppend(&all, " environment=", Open(pid, "environ", O_RDONLY));
  absl::StrAppend(&all, " descriptors=", Open(pid, "fd", O_RDONLY | O_DIRECTORY));
  return absl::StrCat(all, " descriptor=", TakeDescriptor(pid));
}

constexpr uid_t kAnother = 12345;

// reach PID           answers with ReachOf
// reach PID another   the same, as another user
class ReachingProgram : public testing::TestProgram {
 public:
  int Run(ChildContext& context) override {
    if (context.argv.empty() || std::string_view(context.argv[0]) != "reach") {
      return TestProgram::Run(context);
    }
    std::string answer;
    if (context.argv.size() == 3 &&
        (setgroups(0, nullptr) != 0 || setresgid(kAnother, kAnother, kAnother) != 0 ||
         setresuid(kAnother, kAnother, kAnother) != 0)) {
      answer = absl::StrCat("user=", strerrorname_np(errno));
    } else {
      answer = ReachOf(atoi(context.argv[1]));
    }
    const auto* bytes = reinterpret_cast<const uint8_t*>(answer.data());
    return context.channel.Send({.type = testing::kEcho}, {bytes, answer.size()}) == 0 ? 0 : 1;
  }
};

Reach ReachFromAChild(ForkServer& server, std::vector<std::string> argv,
                      const std::string& template_name = "") {
  argv.insert(argv.begin(), "reach");
  const absl::StatusOr<LaunchedChild> child = server.Launch(
      {.type = ProcessType::kIpcUnitTest, .argv = argv, .template_name = template_name});
  if (!child.ok()) return {{"launch", child.status().ToString()}};
  uint8_t buffer[1024];
  Packet packet(buffer);
  if (ReceivePacket(child->socket.get(), Blocking::kWait, packet) != PacketOutcome::kMessage) {
    return {{"child", "died"}};
  }
  const std::string answer(packet.payload().begin(), packet.payload().end());
  Reach reach;
  for (const absl::string_view way : absl::StrSplit(answer, ' ')) {
    reach.insert(absl::StrSplit(way, absl::MaxSplits('=', 1)));
  }
  return reach;
}

const Reach kNone = {{"signal", "EPERM"},
                     {"memory", "EACCES"},
                     {"environment", "EACCES"},
                     {"descriptors", "EACCES"},
                     {"descriptor", "EPERM"}};

// The file modes and checks are the kernel's: that nothing here opens what they close is the point.
HOST_TEST(Reach, OfAnotherUserIsNone) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can become another user";
  const absl::StatusOr<LaunchedChild> child =
      server.Launch({.type = ProcessType::kIpcUnitTest, .argv = {"wait"}});
  ASSERT_TRUE(child.ok()) << child.status();
  for (const pid_t pid : {getpid(), *server.seed_pid(), *server.root_pid(), child->process.pid()}) {
    EXPECT_EQ(ReachFromAChild(server, {std::to_string(pid), "another"}), kNone);
    // It is the user that makes the difference: without its change all of it is done.
    for (const auto& [way, outcome] : ReachFromAChild(server, {std::to_string(pid)})) {
      EXPECT_EQ(outcome, "done") << way;
    }
  }
}

// A limit of what is promised, and not a promise. The host is nobody's, so no capability helps.
HOST_TEST(Reach, OfTheSameUserIsAllThatTheKernelLeavesIt) {
  ASSERT_EQ(geteuid(), 65534u);
  const absl::StatusOr<LaunchedChild> child =
      server.Launch({.type = ProcessType::kIpcUnitTest, .argv = {"wait"}});
  ASSERT_TRUE(child.ok()) << child.status();
  const absl::StatusOr<LaunchedChild> sandboxed = server.Launch(
      {.type = ProcessType::kIpcUnitTest, .argv = {"wait"}, .template_name = "sandboxed"});
  ASSERT_TRUE(sandboxed.ok()) << sandboxed.status();
  for (const pid_t pid :
       {getpid(), *server.root_pid(), child->process.pid(), sandboxed->process.pid()}) {
    const Reach reach = ReachFromAChild(server, {std::to_string(pid)});
    // Writing to its memory is the same, unless Yama's ptrace_scope says otherwise.
    ASSERT_TRUE(reach.count("signal") && reach.count("environment"));
    EXPECT_EQ(reach.at("signal"), "done");
    EXPECT_EQ(reach.at("environment"), "done");
    EXPECT_EQ(reach.at("descriptors"), "done");
  }
}

// Whose children are not dumpable. Signals still arrive.
HOST_TEST(Reach, OfTheSameUserIntoAComputeOnlyChildIsNone) {
#if defined(__SANITIZE_ADDRESS__)
  GTEST_SKIP() << "address sanitizer calls sigaltstack, which compute-only does not have";
#endif
  ASSERT_EQ(geteuid(), 65534u);
  const absl::StatusOr<LaunchedChild> child = server.Launch(
      {.type = ProcessType::kIpcUnitTest, .argv = {"wait"}, .template_name = "computing"});
  ASSERT_TRUE(child.ok()) << child.status();
  Reach reach = kNone;
  reach["signal"] = "done";
  EXPECT_EQ(ReachFromAChild(server, {std::to_string(child->process.pid())}), reach);
}

// Where no namespace hides their pids.
HOST_TEST(Reach, OfASandboxedChildWithoutNamespacesIsNoneEither) {
  PrefsStore store;
  ASSERT_TRUE(store.LoadText("pref(\"security.sandbox.content.level\", 1);", "levels.js").empty());
  absl::StatusOr<PrefsGeneration> prefs = store.Publish();
  ASSERT_TRUE(prefs.ok()) << prefs.status();
  server.SetPrefs(*prefs);
  const absl::StatusOr<LaunchedChild> sibling = server.Launch(
      {.type = ProcessType::kIpcUnitTest, .argv = {"wait"}, .template_name = "sandboxed"});
  ASSERT_TRUE(sibling.ok()) << sibling.status();
  ASSERT_NE(sibling->sandbox, nullptr);
  if (!(*sibling->sandbox)[SandboxLayer::kLandlockScopes].holds()) {
    GTEST_SKIP() << "this kernel's Landlock knows no signals (Linux 6.12)";
  }
  for (const pid_t pid : {getpid(), *server.seed_pid(), *server.root_pid(),
                          *StatusOf(server, "sandboxed").pid, sibling->process.pid()}) {
    EXPECT_EQ(ReachFromAChild(server, {std::to_string(pid)}, "sandboxed"), kNone);
  }
  server.SetPrefs({});
}

// From /proc/PID/status: "Seccomp" and the like.
std::string Status(pid_t pid, const std::string& field) {
  std::ifstream file(absl::StrFormat("/proc/%d/status", pid));
  for (std::string line; std::getline(file, line);) {
    if (absl::StartsWith(line, field + ":\t")) return line.substr(field.size() + 2);
  }
  return "(no such line)";
}

std::set<std::string> Descriptors(pid_t pid) {
  const std::string folder = absl::StrFormat("/proc/%d/fd", pid);
  const std::unique_ptr<DIR, int (*)(DIR*)> listing(opendir(folder.c_str()), closedir);
  std::set<std::string> numbers;
  if (listing == nullptr) return {"(cannot be listed)"};
  while (const dirent* const entry = readdir(listing.get())) {
    if (entry->d_name[0] != '.') numbers.insert(entry->d_name);
  }
  return numbers;
}

HOST_TEST(Reach, OfTheInitAndTheTemplateOfASandboxIsThatOfTheSandbox) {
  ASSERT_TRUE(server.WaitUntilServing("sandboxed").ok());
  const TemplateStatus status = StatusOf(server, "sandboxed");
  ASSERT_TRUE(status.pid && status.init_pid);
  for (const pid_t pid : {*status.pid, *status.init_pid}) {
    EXPECT_EQ(Status(pid, "Seccomp"), "2");  // a filter
    EXPECT_EQ(Status(pid, "NoNewPrivs"), "1");
    for (const char* set : {"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"}) {
      EXPECT_EQ(Status(pid, set), "0000000000000000") << set;
    }
  }
  // Its lifeline; the others it closes when the template serves already, perhaps.
  const std::set<std::string> lifeline = {"0"};
  testing::DispatchUntil(server, [&] { return Descriptors(*status.init_pid) == lifeline; });
  EXPECT_EQ(Descriptors(*status.init_pid), lifeline);
}

// "Num RefCount Protocol Flags Type St Inode Path", of the process's network namespace: the path by
// inode, empty where there is none.
std::map<std::string, std::string> LocalSockets(pid_t pid) {
  std::ifstream sockets(absl::StrFormat("/proc/%d/net/unix", pid));
  std::map<std::string, std::string> paths;
  for (std::string line; std::getline(sockets, line);) {
    std::istringstream words(line);
    std::vector<std::string> fields(8);
    for (std::string& field : fields) words >> field;
    paths.emplace(fields[6], fields[7]);
  }
  return paths;
}

// So there is nothing to connect to, for whichever user.
HOST_TEST(Reach, OfWhoKnowsNamesOfSocketsIsNoneAsTheyHaveNone) {
  const absl::StatusOr<LaunchedChild> child =
      server.Launch({.type = ProcessType::kIpcUnitTest, .argv = {"wait"}});
  ASSERT_TRUE(child.ok()) << child.status();
  ASSERT_TRUE(server.WaitUntilServing("sandboxed").ok());
  const pid_t sandboxed = *StatusOf(server, "sandboxed").pid;
  std::map<std::string, std::string> paths = LocalSockets(getpid());
  paths.merge(LocalSockets(sandboxed));  // it has made one in a namespace of its own
  size_t seen = 0;
  for (const pid_t pid : {getpid(), *server.root_pid(), sandboxed, child->process.pid()}) {
    for (const std::string& number : Descriptors(pid)) {
      if (number == "0" || number == "1" || number == "2") continue;  // whatever the test was given
      char target[64] = {};
      const std::string path = absl::StrFormat("/proc/%d/fd/%s", pid, number);
      if (readlink(path.c_str(), target, sizeof(target) - 1) < 0) continue;
      if (!absl::StartsWith(target, "socket:[")) continue;
      ++seen;
      const std::string inode(target + 8, strlen(target) - 9);
      ASSERT_TRUE(paths.count(inode)) << path << " is of another family";
      EXPECT_EQ(paths.at(inode), "") << path;
    }
  }
  EXPECT_GE(seen, 6u);  // both ends of the root's, the other template's and the child's
}

}  // namespace

HostSetup testing::SetUpHost(const std::string& test) {
  HostSetup setup = {.options = TestOptions()};
  setup.options.programs = {{ProcessType::kIpcUnitTest, MakeChildProgram<ReachingProgram>}};
  setup.options.templates = {
      {.name = "sandboxed", .sandbox = {.policy = SandboxPolicyId::kContent}},
      {.name = "computing", .sandbox = {.policy = SandboxPolicyId::kComputeOnly}}};
  if (test.find("OfTheSameUser") != test.npos) setup.before_start = BecomeNobody;
  return setup;
}

}  // namespace forkserver
