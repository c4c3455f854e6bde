// A host that has gone mad, and a real template behind the socket: it answers each packet once or
// ends, keeps none of the descriptors, does not grow, and forks nothing that was not asked for.
//
// Message by message that is in //tests/forkserver:template_wire_test, and with packets that a
// fuzzer makes in //tests/fuzz:template_loop_fuzz; here are those that need a whole process.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_format.h"
#include "child/plan.h"
#include "forkserver/host/self_exec.h"
#include "tests/hostile/hostile_packets.h"
#include "tests/testing/host_test.h"
#include "tests/testing/test_program.h"
#include "transceiver/clock.h"
#include "transceiver/mini_transceiver.h"
#include "transceiver/packet.h"
#include "transceiver/poll_until.h"

namespace forkserver {

testing::HostSetup testing::SetUpHost(const std::string&) { return {.options = TestOptions()}; }

namespace {

using testing::HostilePacket;
using testing::Message;

// What a template that has not grown may be larger by: a page here and there.
constexpr size_t kGrowthKiB = 1024;

class MadHost : public ::testing::Test {
 protected:
  void SetUp() override {
    absl::StatusOr<SelfImage> self = SelfImage::Pin("template-under-test");
    ASSERT_TRUE(self.ok()) << self.status();
    SocketPair pair;
    ASSERT_EQ(CreateSocketPair(pair), 0);
    absl::StatusOr<Process> spawned =
        SpawnSelf(*self, pair.second.get(), /*flight_record=*/-1, "spawn");
    ASSERT_TRUE(spawned.ok()) << spawned.status();
    template_ = std::make_unique<Process>(*std::move(spawned));
    socket_ = std::move(pair.first);
    pair.second.reset();
    const std::vector<std::string> argv = {"template", "root"};
    const std::vector<PlannedDescriptor> stdio = {{0, PlannedDescriptor::kTemplatesOwn},
                                                  {1, PlannedDescriptor::kTemplatesOwn},
                                                  {2, PlannedDescriptor::kTemplatesOwn}};
    Plan plan = {.type = ProcessType::kForkServer};
    plan.argv = argv;
    plan.descriptors = stdio;
    ASSERT_EQ(SendPacket(socket_.get(), Blocking::kWait, {.type = kPlan, .request_id = 1},
                         EncodePlan(plan), {}),
              0);
    ASSERT_EQ(Receive(), kReady);
    ASSERT_EQ(Receive(), kHello);
    ASSERT_TRUE(Answers());
    descriptors_ = CountDescriptors();
    memory_ = ResidentKiB();
  }

  // The type of the next message; 0: none came, or the template is gone.
  uint16_t Receive() {
    if (PollUntil(socket_.get(), POLLIN, NowNanos() + 10 * kNanosPerSecond) <= 0) return 0;
    if (ReceivePacket(socket_.get(), Blocking::kNever, packet_) != PacketOutcome::kMessage) {
      return 0;
    }
    // What it has forked for nobody.
    if (packet_.frame().type == kForked && packet_.descriptors().size() == 1) {
      ForkedMessage forked;
      EXPECT_TRUE(Decode(packet_.payload(), forked));
      Process(forked.pid, packet_.descriptors().Take(0));  // ends it
    }
    return packet_.frame().type;
  }

  // Whatever it says to what came before, it answers a Ping.
  bool Answers() {
    const uint64_t id = ++pings_;
    if (SendPacket(socket_.get(), Blocking::kWait, {.type = kPing, .request_id = id}, {}, {}) !=
        0) {
      return false;
    }
    while (const uint16_t type = Receive()) {
      if (type == kPong && packet_.frame().request_id == id) return true;
    }
    return false;
  }

  void Send(std::vector<HostilePacket> packets) {
    for (HostilePacket& packet : packets) {
      SCOPED_TRACE(packet.name);
      // A host that holds its template up has nobody but itself to blame.
      if (packet.name.find("lingers") != packet.name.npos) continue;
      // It would end by one, as it should.
      if (packet.bytes == Message("", {.type = kShutdown, .request_id = 1}).bytes) continue;
      ASSERT_TRUE(packet.SendOn(socket_.get()));
      packet.descriptors.clear();
      ++tried_;
      const int64_t start = NowNanos();
      ASSERT_TRUE(Answers()) << "it is dead, or silent";
      EXPECT_LT(NowNanos() - start, 2 * kNanosPerSecond) << "it was held up";
    }
  }

  void TearDown() override {
    if (template_ != nullptr) {
      EXPECT_TRUE(Answers());
      EXPECT_EQ(CountDescriptors(), descriptors_);
      EXPECT_LE(ResidentKiB(), memory_ + kGrowthKiB);
      EXPECT_EQ(testing::CountChildren(), 1u);
      socket_.reset();
      EXPECT_TRUE(template_->Wait(absl::Seconds(10))->success());
    }
    EXPECT_EQ(testing::CountChildren(), 0u);
    if (!HasFailure()) RecordProperty("hostile_messages", tried_);
  }

  size_t CountDescriptors() const {
    size_t count = 0;
    for ([[maybe_unused]] const auto& entry :
         std::filesystem::directory_iterator(absl::StrFormat("/proc/%d/fd", template_->pid()))) {
      ++count;
    }
    return count;
  }

  size_t ResidentKiB() const {
    std::ifstream statm(absl::StrFormat("/proc/%d/statm", template_->pid()));
    size_t size = 0;
    size_t resident = 0;
    statm >> size >> resident;
    return resident * 4;
  }

  std::unique_ptr<Process> template_;
  UniqueFd socket_;
  int tried_ = 0;

 private:
  std::vector<uint8_t> buffer_ = std::vector<uint8_t>(kMaxPayloadBytes);
  Packet packet_{buffer_};
  uint64_t pings_ = 1000;
  size_t descriptors_ = 0;
  size_t memory_ = 0;
};

TEST_F(MadHost, AnyBytesAreAnswered) { Send(testing::MalformedPackets()); }

TEST_F(MadHost, AnyOtherMessageIsAnswered) { Send(testing::MisplacedMessages()); }

TEST_F(MadHost, AnyDescriptorsAreClosed) {
  for (const uint16_t type : {kFork, kPlan, kPing, kShutdown, kForked}) {
    Send(testing::WithDescriptors(type, getpid()));
  }
}

// What is no launch socket gives a child that finds nobody there, and is ended by its pidfd.
TEST_F(MadHost, AForkOnWhateverItSendsIsAChildOfItsOwn) {
  std::vector<HostilePacket> packets = testing::WithDescriptors(kFork, getpid());
  std::erase_if(packets, [](const HostilePacket& one) { return one.descriptors.size() != 1; });
  for (HostilePacket& packet : packets) {
    HostilePacket fork =
        Message(packet.name, {.type = kFork, .request_id = 1}, {}, std::move(packet.descriptors));
    fork.kept = std::move(packet.kept);
    packet = std::move(fork);
  }
  Send(std::move(packets));
}

// Who does not read gets nothing more, and no more memory is taken for it; and it ends with its
// host all the same.
TEST_F(MadHost, AFloodThatNobodyReadsTheAnswersOfIsNotAnswered) {
  const HostilePacket ping =
      Message("Ping", {.type = kPing, .request_id = 1}, std::vector<uint8_t>(60, 0xa5));
  const int64_t deadline = NowNanos() + 10 * kNanosPerSecond;
  int sent = 0;
  // Until it has stopped reading: its own queue is full, and ours.
  for (;;) {
    while (ping.SendOn(socket_.get())) ++sent;
    if (PollUntil(socket_.get(), POLLOUT, NowNanos() + kNanosPerSecond) <= 0) break;
    ASSERT_LT(NowNanos(), deadline) << "it reads on, and keeps what it cannot say";
  }
  tried_ += sent;
  EXPECT_LE(sent, 4096);
  socket_.reset();
  EXPECT_TRUE(template_->Wait(absl::Seconds(10)).ok());
  template_.reset();
}

TEST_F(MadHost, HalfAHangUpEndsIt) {
  ASSERT_EQ(shutdown(socket_.get(), SHUT_WR), 0);
  ++tried_;
  EXPECT_TRUE(template_->Wait(absl::Seconds(10)).ok());
  template_.reset();
}

}  // namespace
}  // namespace forkserver
