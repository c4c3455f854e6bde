// A child's start, run in this process as far as it needs no fork.
#include "child/process/child_process.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "child/components/component_registry.h"
#include "child/components/component_table.h"
#include "child/process/top_level_messages.h"
#include "transceiver/mini_transceiver.h"
#include "transceiver/packet.h"

namespace forkserver {
namespace {

struct Empty {
  static constexpr std::string_view kName = "Empty";
  using Messages = TopLevelMessages<>;
};

class Child : public ChildProcess<Child, Empty> {
 public:
  using ChildProcess::ChildProcess;
  using ChildProcess::Receive;
};

int cleaned_up = 0;

class Good : public Component {
 public:
  void CleanUp() override { ++cleaned_up; }
};

TEST(ChildProcess, CleansUpTheComponentsThatWereMadeWhereTheNextOneFails) {
  const ComponentTable table = *ComponentTable::Create(
      {{.name = "good", .users = {ProcessType::kDummy}, .make = MakeComponent<Good>()},
       {.name = "bad",
        .users = {ProcessType::kDummy},
        .make = [](ComponentRegistry&) -> absl::StatusOr<std::unique_ptr<Component>> {
          return absl::InternalError("it cannot be made");
        }}});
  SocketPair pair;
  ASSERT_EQ(CreateSocketPair(pair), 0);
  pair.first.reset();  // nobody listens: it does not wait until it is heard
  std::vector<std::string> words = {"dummy", "-buildID=1", "-parentPid=1", "-childID=1"};
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  std::vector<uint8_t> buffer(kMaxPayloadBytes);
  MiniTransceiver channel(std::move(pair.second), buffer);
  const ReadyMessage ready = {.build_id = 1, .pid = getpid()};
  const SandboxReport no_sandbox;
  const PrefsMap prefs;
  PageRecorder recorder(nullptr);
  ChildContext context = {.type = ProcessType::kDummy,
                          .argv = argv,
                          .channel = channel,
                          .prefs = prefs,
                          .ready = ready,
                          .recorder = recorder,
                          .sandbox = no_sandbox};
  Child child(&table);
  EXPECT_EQ(child.Run(context), kExitStartFailed);
  // Its process ends without destructors.
  EXPECT_EQ(cleaned_up, 1);
}

}  // namespace
}  // namespace forkserver
