// Children of sandboxed templates: what they get, how they are launched and how they end.
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/strings/str_format.h"
#include "tests/testing/host_test.h"
#include "tests/testing/test_program.h"
#include "transceiver/mini_transceiver.h"
#include "transceiver/packet.h"

namespace forkserver {
namespace {

using testing::DispatchUntil;
using testing::HostSetup;
using testing::SignalProcess;
using testing::StatusOf;
using State = TemplateStatus::State;

std::string Answer(const std::string& question) {
  if (question == "pid") return std::to_string(getpid());
  if (question == "host name") {
    utsname name;
    uname(&name);
    return name.nodename;
  }
  if (question == "open /etc/hostname") {
    const UniqueFd fd(open("/etc/hostname", O_RDONLY | O_CLOEXEC));
    return fd.is_open() ? "opened" : strerrorname_np(errno);
  }
  if (question == "open /usr/share/zoneinfo") {
    const UniqueFd fd(open("/usr/share/zoneinfo/UTC", O_RDONLY | O_CLOEXEC));
    char text[4] = {};
    if (!fd.is_open()) return strerrorname_np(errno);
    return read(fd.get(), text, sizeof(text)) == 4 ? std::string(text, 4) : "short";
  }
  if (question == "kill init") return kill(1, SIGKILL) == 0 ? "done" : strerrorname_np(errno);
  if (question == "fork") {
    const long pid = syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
    return pid > 0 ? "done" : strerrorname_np(errno);
  }
  if (question == "clone3") {
    return syscall(SYS_clone3, nullptr, 0) < 0 ? strerrorname_np(errno) : "done";
  }
  if (question == "seccomp") {
    return syscall(SYS_seccomp, 1, 0, nullptr) < 0 ? strerrorname_np(errno) : "done";
  }
  if (question == "mount") return syscall(SYS_mount, 0, 0, 0, 0, 0) == 0 ? "done" : "failed";
  return "?";
}

// Answers questions that come as messages until the host hangs up; all else is TestProgram's.
class SandboxedProgram : public testing::TestProgram {
 public:
  int Run(ChildContext& context) override {
    if (context.argv.empty() || std::string_view(context.argv[0]) != "answer") {
      return TestProgram::Run(context);
    }
    while (context.channel.Receive() == ReceiveOutcome::kMessage) {
      const std::span<const uint8_t> question = context.channel.packet().payload();
      const std::string answer =
          Answer(std::string(reinterpret_cast<const char*>(question.data()), question.size()));
      context.channel.Send({.type = testing::kEcho},
                           {reinterpret_cast<const uint8_t*>(answer.data()), answer.size()});
    }
    return 0;
  }
};

std::string Ask(const LaunchedChild& child, std::string_view question) {
  SendPacket(child.socket.get(), Blocking::kWait, {.type = testing::kEcho},
             {reinterpret_cast<const uint8_t*>(question.data()), question.size()}, {});
  uint8_t buffer[1024];
  Packet packet(buffer);
  if (ReceivePacket(child.socket.get(), Blocking::kWait, packet) != PacketOutcome::kMessage) {
    return "(no answer)";
  }
  return {reinterpret_cast<const char*>(packet.payload().data()), packet.payload().size()};
}

LaunchOptions Answering(ProcessType type = ProcessType::kIpcUnitTest) {
  return {.type = type, .argv = {"answer"}};
}

HOST_TEST(Sandbox, EveryLayerIsEngagedAndTheLaunchSaysSo) {
  absl::StatusOr<LaunchedChild> child = server.Launch(Answering());
  ASSERT_TRUE(child.ok()) << child.status();
  ASSERT_NE(child->sandbox, nullptr);
  EXPECT_EQ(child->sandbox->policy, SandboxPolicyId::kContent);
  EXPECT_EQ(child->sandbox->level, kFullSandbox);
  for (size_t i = 0; i < kSandboxLayerCount; ++i) {
    const auto layer = static_cast<SandboxLayer>(i);
    if (layer == SandboxLayer::kNotDumpable) continue;  // this policy has a broker
    EXPECT_EQ((*child->sandbox)[layer].outcome, LayerOutcome::kEngaged)
        << SandboxLayerName(layer) << ": " << LayerStateText((*child->sandbox)[layer]);
  }
}

HOST_TEST(Sandbox, TheHostSeesItsOwnPidAndTheChildAnother) {
  absl::StatusOr<LaunchedChild> child = server.Launch(Answering());
  ASSERT_TRUE(child.ok()) << child.status();
  EXPECT_NE(Ask(*child, "pid"), std::to_string(child->process.pid()));
  EXPECT_EQ(Ask(*child, "pid"), std::to_string(child->times.child.pid));
  EXPECT_EQ(kill(child->process.pid(), 0), 0);
  EXPECT_EQ(Ask(*child, "host name"), "sandbox");
}

HOST_TEST(Sandbox, FilesAreOpenedByTheBrokerOrNotAtAll) {
  absl::StatusOr<LaunchedChild> child = server.Launch(Answering());
  ASSERT_TRUE(child.ok()) << child.status();
  EXPECT_EQ(Ask(*child, "open /usr/share/zoneinfo"), "TZif");
  EXPECT_EQ(Ask(*child, "open /etc/hostname"), "EACCES");
  const std::vector<RefusedCall> refused = server.refused_calls();
  ASSERT_EQ(refused.size(), 1u);
  EXPECT_EQ(refused[0].pid, child->process.pid());
  EXPECT_EQ(refused[0].type, ProcessType::kIpcUnitTest);
}

HOST_TEST(Sandbox, WhatOnlyATemplateMayDoIsTakenFromTheChild) {
  absl::StatusOr<LaunchedChild> child = server.Launch(Answering());
  ASSERT_TRUE(child.ok()) << child.status();
  EXPECT_EQ(Ask(*child, "clone3"), "ENOSYS");
  EXPECT_EQ(Ask(*child, "seccomp"), "EPERM");
  EXPECT_EQ(Ask(*child, "kill init"), "EPERM");
  EXPECT_EQ(Ask(*child, "fork"), "EPERM");
}

HOST_TEST(Sandbox, ADangerousCallIsTheEnd) {
  absl::StatusOr<LaunchedChild> child = server.Launch(Answering());
  ASSERT_TRUE(child.ok()) << child.status();
  EXPECT_EQ(Ask(*child, "mount"), "(no answer)");
  EXPECT_EQ(child->process.Wait()->ToString(), "killed by SIGKILL");
}

HOST_TEST(Sandbox, ABlankIsLockedWhileItWaits) {
  ASSERT_TRUE(server.WaitUntilServing("sandboxed").ok());
  absl::StatusOr<LaunchedChild> first = server.Launch(Answering(ProcessType::kDummy));
  ASSERT_TRUE(first.ok()) << first.status();
  ASSERT_TRUE(DispatchUntil(
      server, [&server] { return !StatusOf(server, "sandboxed").idle_blanks.empty(); }));
  absl::StatusOr<LaunchedChild> child = server.Launch(Answering(ProcessType::kDummy));
  ASSERT_TRUE(child.ok()) << child.status();
  EXPECT_EQ(child->by, LaunchedBy::kPool);
  EXPECT_EQ(Ask(*child, "seccomp"), "EPERM");
  EXPECT_EQ(Ask(*child, "open /etc/hostname"), "EACCES");
  EXPECT_EQ(server.refused_calls().back().type, ProcessType::kDummy);
}

HOST_TEST(Sandbox, AChildsStatusArrivesAsAnyOther) {
  absl::StatusOr<LaunchedChild> child =
      server.Launch({.type = ProcessType::kIpcUnitTest, .argv = {"exit", "3"}});
  ASSERT_TRUE(child.ok()) << child.status();
  EXPECT_EQ(child->process.Wait()->code, 3);
  child = server.Launch({.type = ProcessType::kIpcUnitTest, .argv = {"threads"}});
  ASSERT_TRUE(child.ok()) << child.status();
  EXPECT_EQ(child->process.Wait()->ToString(), "exited with status 0");
}

}  // namespace

HostSetup testing::SetUpHost(const std::string&) {
  HostSetup setup = {.options = TestOptions()};
  setup.options.programs = {{ProcessType::kIpcUnitTest, MakeChildProgram<SandboxedProgram>},
                            {ProcessType::kDummy, MakeChildProgram<SandboxedProgram>}};
  setup.options.templates = {{.name = "sandboxed",
                              .types = {ProcessType::kIpcUnitTest, ProcessType::kDummy},
                              .sandbox = {.policy = SandboxPolicyId::kContent}}};
  return setup;
}

}  // namespace forkserver
