// The components that come with the library, in children of their types.
#include <fcntl.h>

#include <fstream>
#include <string>
#include <utility>

#include "child/components/broker_client.h"
#include "child/components/component_registry.h"
#include "child/components/prefs_component.h"
#include "child/components/text_decoder.h"
#include "child/process_types.h"
#include "preload/prefs/prefs_store.h"
#include "tests/testing/host_test.h"
#include "tests/testing/test_program.h"
#include "transceiver/packet.h"

namespace forkserver {
namespace {

using testing::HostSetup;

std::string TextOf(const absl::Status& status) {
  return status.ok() ? "made" : std::string(status.message());
}

// Does what its argument says and sends what came of it.
class ComponentProgram : public ChildProgram {
 public:
  int Run(ChildContext& context) override {
    const absl::StatusOr<ComponentTable> table =
        ComponentTable::Create({PrefsComponent::Row(), BrokerClient::Row(), TextDecoder::Row()});
    if (!table.ok()) return 1;
    LivePrefs prefs(&context.prefs);
    ComponentRegistry components(
        *table, {.type = context.type, .prefs = &prefs, .sandbox = &context.sandbox});
    const std::string said = Do(components, context.argv[0], context.argv[1]);
    context.channel.Send({.type = testing::kEcho},
                         {reinterpret_cast<const uint8_t*>(said.data()), said.size()});
    components.CleanUp();
    return 0;
  }

 private:
  static std::string Do(ComponentRegistry& components, const std::string& what,
                        const std::string& object) {
    if (what == "get") return TextOf(components.Get<Component>(object).status());
    if (what == "pref") {
      const auto prefs = components.Get<PrefsComponent>(PrefsComponent::kName);
      return prefs.ok() ? (*prefs)->live().GetString(object, "none") : TextOf(prefs.status());
    }
    if (what == "open") {
      const auto client = components.Get<BrokerClient>(BrokerClient::kName);
      if (!client.ok()) return TextOf(client.status());
      const absl::StatusOr<UniqueFd> fd = (*client)->Open(object, O_RDONLY);
      if (!fd.ok()) return TextOf(fd.status());
      return fcntl(fd->get(), F_GETFD) == FD_CLOEXEC ? "opened" : "opened, and left to an exec";
    }
    return "?";
  }
};

std::string Said(ForkServer& server, ProcessType type, std::string what, std::string object) {
  absl::StatusOr<LaunchedChild> child = server.Launch(
      {.type = type, .argv = {std::move(what), std::move(object)}, .timeout = absl::Minutes(1)});
  if (!child.ok()) return std::string(child.status().message());
  uint8_t buffer[1024];
  Packet packet(buffer);
  const bool is_there =
      ReceivePacket(child->socket.get(), Blocking::kWait, packet) == PacketOutcome::kMessage;
  EXPECT_TRUE(child->process.Wait(absl::Minutes(1)).ok());
  if (!is_there) return "(no answer)";
  return {reinterpret_cast<const char*>(packet.payload().data()), packet.payload().size()};
}

// False where the machine, or nobody, puts children of the template under a sandbox.
bool HasSandbox(ForkServer& server, ProcessType type) {
  absl::StatusOr<LaunchedChild> child =
      server.Launch({.type = type, .argv = {"get", "prefs"}, .timeout = absl::Minutes(1)});
  if (!child.ok()) return false;
  EXPECT_TRUE(child->process.Wait(absl::Minutes(1)).ok());
  return child->sandbox != nullptr;
}

HOST_TEST(ComponentsInChild, PrefsAreThoseOfTheLaunch) {
  PrefsStore store;
  ASSERT_TRUE(store.LoadText("pref('greeting', 'hello');", "test.js").empty());
  absl::StatusOr<PrefsGeneration> generation = store.Publish();
  ASSERT_TRUE(generation.ok()) << generation.status();
  server.SetPrefs(*std::move(generation));
  EXPECT_EQ(Said(server, ProcessType::kIpcUnitTest, "pref", "greeting"), "hello");
  server.SetPrefs({});
  EXPECT_EQ(Said(server, ProcessType::kIpcUnitTest, "pref", "greeting"), "none");
}

HOST_TEST(ComponentsInChild, ATypeWithoutASandboxHasNoBroker) {
  EXPECT_EQ(Said(server, ProcessType::kIpcUnitTest, "get", "broker-client"),
            "component 'broker-client' is not for ipc-unit-test processes");
  EXPECT_EQ(Said(server, ProcessType::kIpcUnitTest, "get", "decoder.text"),
            "component 'decoder.text' is not for ipc-unit-test processes");
}

HOST_TEST(ComponentsInChild, ContentHasAllThree) {
  for (const char* const name : {"prefs", "broker-client", "decoder.text"}) {
    EXPECT_EQ(Said(server, ProcessType::kContent, "get", name), "made") << name;
  }
}

HOST_TEST(ComponentsInChild, TheBrokersClientOpensWhatThePolicyAllows) {
  if (!HasSandbox(server, ProcessType::kContent)) GTEST_SKIP() << "no sandbox on this machine";
  EXPECT_EQ(Said(server, ProcessType::kContent, "open", "/dev/null"), "opened");
}

HOST_TEST(ComponentsInChild, TheBrokersClientSaysWhatRefused) {
  if (!HasSandbox(server, ProcessType::kContent)) GTEST_SKIP() << "no sandbox on this machine";
  EXPECT_EQ(Said(server, ProcessType::kContent, "open", "/etc/passwd"),
            "openat /etc/passwd: EACCES, under the sandbox of policy content, level 2");
}

TEST(BrokerClient, IsForEachTypeThatHasAPolicyAndForNoOther) {
  const ProcessTypeSet users = BrokerClient::Row().users;
  for (const ProcessTypeRow& row : ProcessTypes()) {
    EXPECT_EQ(users.contains(row.type), row.sandbox != SandboxPolicyId::kNone) << row.name;
  }
}

TEST(BrokerClient, WithoutASandboxTheKernelsErrorIsAllThereIs) {
  const BrokerClient client{SandboxReport()};
  EXPECT_TRUE(client.Open("/dev/null", O_RDWR).ok());
  EXPECT_EQ(client.Open("/no/such/file", O_RDONLY).status(),
            absl::NotFoundError("openat /no/such/file: ENOENT"));
}

TEST(BrokerClient, APathThatIsNotAbsoluteOrHasANulInsideIsAnErrorOfItsOwn) {
  const BrokerClient client{SandboxReport()};
  EXPECT_EQ(client.Open("", O_RDONLY).status(),
            absl::InvalidArgumentError("openat : not an absolute path"));
  EXPECT_EQ(client.Open("etc/passwd", O_RDONLY).status(),
            absl::InvalidArgumentError("openat etc/passwd: not an absolute path"));
  // The kernel would open what is before the NUL.
  EXPECT_EQ(client.Open(std::string("/dev/null\0.png", 14), O_RDONLY).status(),
            absl::InvalidArgumentError("openat /dev/null: a NUL byte comes after that"));
}

TEST(PrefsComponent, IsForTheParentAndForAllThatItLaunches) {
  const ProcessTypeSet users = PrefsComponent::Row().users;
  EXPECT_EQ(users, kLaunchableProcessTypes | ProcessTypeSet({ProcessType::kParent}));
}

}  // namespace

HostSetup testing::SetUpHost(const std::string&) {
  HostSetup setup = {.options = TestOptions()};
  setup.options.programs = {{ProcessType::kIpcUnitTest, MakeChildProgram<ComponentProgram>},
                            {ProcessType::kContent, MakeChildProgram<ComponentProgram>}};
  setup.options.templates = {{.name = "content",
                              .types = {ProcessType::kContent},
                              .sandbox = {.policy = SandboxPolicyId::kContent},
                              .pool = kNoPool}};
  return setup;
}

}  // namespace forkserver
