// A child's start, run in this process as far as it needs no fork.
#include "child/process/child_process.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <new>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "child/components/component_registry.h"
#include "child/components/component_table.h"
#include "child/process/top_level_messages.h"
#include "transceiver/mini_transceiver.h"
#include "transceiver/packet.h"
#include "transceiver/unique_fd.h"

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

  void Log(std::string_view line) override { lines.emplace_back(line); }
  void Rehearse() override { did.emplace_back("rehearse"); }
  absl::Status Init() override {
    did.emplace_back("init");
    return absl::OkStatus();
  }

  std::vector<std::string> lines;
  std::vector<std::string> did;
};

// To its end, which it has by what lies in the socket, or is not at the other end of it.
int RunOn(UniqueFd socket, Child& child, PageRecord* record = nullptr) {
  std::vector<std::string> words = {"dummy", "-buildID=1", "-parentPid=1", "-childID=1"};
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  std::vector<uint8_t> buffer(kMaxPayloadBytes);
  MiniTransceiver channel(std::move(socket), buffer);
  const ReadyMessage ready = {.build_id = 1, .pid = getpid()};
  const SandboxReport no_sandbox;
  const PrefsMap prefs;
  PageRecorder recorder(record);
  recorder.Ready(RecordedUntil::kStarted);
  ChildContext context = {.type = ProcessType::kDummy,
                          .argv = argv,
                          .channel = channel,
                          .prefs = prefs,
                          .ready = ready,
                          .recorder = recorder,
                          .sandbox = no_sandbox};
  return child.Run(context);
}

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
  Child child(&table);
  EXPECT_EQ(RunOn(std::move(pair.second), child), kExitStartFailed);
  // Its process ends without destructors.
  EXPECT_EQ(cleaned_up, 1);
}

TEST(ChildProcess, RehearsesBeforeInitWhereItsTemplateSaysSo) {
  using Steps = std::vector<std::string>;
  for (const bool rehearses : {false, true}) {
    void* const memory = mmap(nullptr, sizeof(PageRecord), PROT_READ | PROT_WRITE,
                              MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ASSERT_NE(memory, MAP_FAILED);
    auto* const record = new (memory) PageRecord;
    record->rehearses = rehearses;
    SocketPair pair;
    ASSERT_EQ(CreateSocketPair(pair), 0);
    pair.first.reset();
    Child child;
    // Unmaps the record.
    EXPECT_EQ(RunOn(std::move(pair.second), child, record), kExitNoGoodbye);
    EXPECT_EQ(child.did, rehearses ? Steps({"rehearse", "init"}) : Steps({"init"}));
  }
}

TEST(ChildProcess, SaysOnceForWhichMessageItEnds) {
  SocketPair pair;
  ASSERT_EQ(CreateSocketPair(pair), 0);
  const Frame bad = {.type = kFirstApplicationType, .flags = 1};
  ASSERT_EQ(SendPacket(pair.first.get(), Blocking::kNever, bad, {}, {}), 0);
  Child child;
  EXPECT_EQ(RunOn(std::move(pair.second), child), kExitNoGoodbye);
  EXPECT_EQ(child.lines, std::vector<std::string>{"ends, for Empty: a frame with flags"});
}

TEST(ChildProcess, SaysForWhichCallOfItsPortItEnds) {
  // A pipe is readable and no socket.
  UniqueFd ends[2];
  int fds[2];
  ASSERT_EQ(pipe2(fds, O_CLOEXEC), 0);
  ends[0].reset(fds[0]);
  ends[1].reset(fds[1]);
  ASSERT_EQ(write(fds[1], "x", 1), 1);
  Child child;
  EXPECT_EQ(RunOn(std::move(ends[0]), child), kExitNoGoodbye);
  EXPECT_EQ(child.lines, std::vector<std::string>{"ends, for Empty: recvmsg: ENOTSOCK"});
}

TEST(ChildProcess, SaysNothingWhereItsParentIsGone) {
  SocketPair pair;
  ASSERT_EQ(CreateSocketPair(pair), 0);
  pair.first.reset();
  Child child;
  EXPECT_EQ(RunOn(std::move(pair.second), child), kExitNoGoodbye);
  EXPECT_TRUE(child.lines.empty());
}

}  // namespace
}  // namespace forkserver
