// A template and its children on the wire: every message, good and bad, as a mad host would send
// them. The template is exec'ed, so that the test talks to it as its host.
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_format.h"
#include "child/launch_step.h"
#include "child/plan.h"
#include "child/ready.h"
#include "child/run_child.h"
#include "forkserver/host/self_exec.h"
#include "forkserver/server/hello.h"
#include "tests/testing/host_test.h"
#include "tests/testing/test_program.h"
#include "transceiver/messages.h"
#include "transceiver/mini_transceiver.h"
#include "transceiver/sealed_memfd.h"

namespace forkserver {

testing::HostSetup testing::SetUpHost(const std::string&) { return {.options = TestOptions()}; }

namespace {

// The realistic minimum of a Plan: what kind of child, and its stdio.
struct RawPlan {
  std::vector<std::string> argv = {"exit", "0"};
  std::vector<PlannedDescriptor> descriptors = {{0, PlannedDescriptor::kTemplatesOwn},
                                                {1, PlannedDescriptor::kTemplatesOwn},
                                                {2, PlannedDescriptor::kTemplatesOwn}};
  Plan plan = {.type = ProcessType::kIpcUnitTest};

  std::vector<uint8_t> Encode() {
    plan.argv = argv;
    plan.descriptors = descriptors;
    return EncodePlan(plan);
  }
};

// One end of a conversation.
class Peer {
 public:
  explicit Peer(UniqueFd socket) : channel_(std::move(socket), buffer_) {}

  MiniTransceiver& channel() { return channel_; }

  // The next message, which must be of `type`.
  Packet& Expect(uint16_t type) {
    const ReceiveOutcome outcome = channel_.Receive(NowNanos() + 20 * kNanosPerSecond);
    EXPECT_EQ(outcome, ReceiveOutcome::kMessage);
    EXPECT_EQ(MessageName(channel_.packet().frame().type), MessageName(type));
    return channel_.packet();
  }

  void ExpectFailed(LaunchStep step, int error, uint64_t request_id) {
    const Packet& packet = Expect(kFailed);
    FailedMessage failed;
    ASSERT_TRUE(Decode(packet.payload(), failed));
    EXPECT_EQ(static_cast<LaunchStep>(failed.step), step);
    EXPECT_EQ(failed.error, error) << failed.detail;
    EXPECT_EQ(packet.frame().request_id, request_id);
  }

  void ExpectClosed() {
    EXPECT_EQ(channel_.Receive(NowNanos() + 20 * kNanosPerSecond), ReceiveOutcome::kClosed);
  }

  // Bytes as they are, with descriptors or without.
  void SendRaw(const std::vector<uint8_t>& bytes, const std::vector<int>& fds = {}) {
    iovec part = {const_cast<uint8_t*>(bytes.data()), bytes.size()};
    std::vector<char> control(CMSG_SPACE(fds.size() * sizeof(int)));
    msghdr header = {};
    header.msg_iov = &part;
    header.msg_iovlen = 1;
    if (!fds.empty()) {
      header.msg_control = control.data();
      header.msg_controllen = control.size();
      cmsghdr* rights = CMSG_FIRSTHDR(&header);
      rights->cmsg_level = SOL_SOCKET;
      rights->cmsg_type = SCM_RIGHTS;
      rights->cmsg_len = CMSG_LEN(fds.size() * sizeof(int));
      memcpy(CMSG_DATA(rights), fds.data(), fds.size() * sizeof(int));
    }
    ASSERT_EQ(sendmsg(channel_.fd(), &header, MSG_NOSIGNAL), static_cast<ssize_t>(bytes.size()));
  }

 private:
  std::vector<uint8_t> buffer_ = std::vector<uint8_t>(kMaxPayloadBytes);
  MiniTransceiver channel_;
};

std::vector<uint8_t> FrameBytes(const Frame& frame) {
  std::vector<uint8_t> bytes(kFrameBytes);
  EncodeFrame(frame, std::span<uint8_t, kFrameBytes>(bytes.data(), kFrameBytes));
  return bytes;
}

class TemplateWire : public ::testing::Test {
 protected:
  void SetUp() override {
    children_before_ = testing::CountChildren();
    descriptors_before_ = testing::CountOpenDescriptors();
    absl::StatusOr<SelfImage> self = SelfImage::Pin("template-under-test");
    ASSERT_TRUE(self.ok()) << self.status();
    self_ = std::make_unique<SelfImage>(*std::move(self));
    // The template becomes one by a Plan, as every child becomes what it is.
    host_ = Spawn(process_);
    RawPlan plan;
    plan.plan.type = ProcessType::kForkServer;
    plan.argv = {"template", "root"};
    ASSERT_EQ(host_->channel().Send({.type = kPlan, .request_id = 1}, plan.Encode()), 0);
    EXPECT_EQ(host_->Expect(kReady).frame().request_id, 1u);
    const absl::StatusOr<HelloMessage> hello = DecodeHello(host_->Expect(kHello).payload());
    ASSERT_TRUE(hello.ok()) << hello.status();
  }

  void TearDown() override {
    if (process_ != nullptr) {
      // Whatever the test sent, the template still answers.
      const uint8_t token[] = {4, 5, 6};
      ASSERT_EQ(host_->channel().Send({.type = kPing, .request_id = 99}, token), 0);
      const Packet& pong = host_->Expect(kPong);
      EXPECT_EQ(pong.frame().request_id, 99u);
      EXPECT_EQ(pong.payload().size(), sizeof(token));
      ASSERT_EQ(host_->channel().Send({.type = kShutdown}), 0);
      EXPECT_TRUE(process_->Wait(absl::Seconds(20))->success());
      process_.reset();
    }
    host_.reset();
    self_.reset();
    EXPECT_EQ(testing::CountChildren(), children_before_);
    EXPECT_EQ(testing::CountOpenDescriptors(), descriptors_before_);
  }

  // A process of this program that waits for its Plan.
  std::unique_ptr<Peer> Spawn(std::unique_ptr<Process>& process) {
    SocketPair pair;
    EXPECT_EQ(CreateSocketPair(pair), 0);
    absl::StatusOr<Process> spawned =
        SpawnSelf(*self_, pair.second.get(), /*flight_record=*/-1, "spawn");
    EXPECT_TRUE(spawned.ok()) << spawned.status();
    process = std::make_unique<Process>(*std::move(spawned));
    return std::make_unique<Peer>(std::move(pair.first));
  }

  struct Forked {
    std::unique_ptr<Process> process;
    std::unique_ptr<Peer> peer;
  };

  // A blank child of the template.
  Forked Fork(uint64_t request_id) {
    SocketPair pair;
    EXPECT_EQ(CreateSocketPair(pair), 0);
    const int fd = pair.second.get();
    EXPECT_EQ(host_->channel().Send({.type = kFork, .request_id = request_id}, {}, {&fd, 1}), 0);
    pair.second.reset();
    Packet& packet = host_->Expect(kForked);
    EXPECT_EQ(packet.frame().request_id, request_id);
    ForkedMessage forked;
    EXPECT_TRUE(Decode(packet.payload(), forked));
    EXPECT_GE(forked.cloned_at, forked.received_at);
    return {std::make_unique<Process>(forked.pid, packet.descriptors().Take(0)),
            std::make_unique<Peer>(std::move(pair.first))};
  }

  // A Plan for a fresh blank fails as said, and the blank ends.
  void ExpectPlanFails(const std::vector<uint8_t>& payload, LaunchStep step, int error,
                       const std::vector<int>& fds = {}, uint32_t flags = kNoFlags) {
    Forked child = Fork(20);
    ASSERT_EQ(
        child.peer->channel().Send({.type = kPlan, .request_id = 21, .flags = flags}, payload, fds),
        0);
    child.peer->ExpectFailed(step, error, 21);
    child.peer->ExpectClosed();
    EXPECT_EQ(child.process->Wait(absl::Seconds(20))->code, kExitFailed);
  }

  // It ends by itself, and says by its status that it failed.
  void ExpectTemplateFails() {
    const absl::StatusOr<ExitStatus> end = process_->Wait(absl::Seconds(20));
    ASSERT_TRUE(end.ok()) << end.status();
    EXPECT_EQ(end->ToString(), "exited with status 2");
    process_.reset();
  }

  size_t children_before_ = 0;
  size_t descriptors_before_ = 0;
  std::unique_ptr<SelfImage> self_;
  std::unique_ptr<Process> process_;
  std::unique_ptr<Peer> host_;
};

TEST_F(TemplateWire, ForkPlanReadyRunAndExit) {
  Forked child = Fork(7);
  RawPlan plan;
  plan.argv = {"exit", "42"};
  ASSERT_EQ(child.peer->channel().Send({.type = kPlan, .request_id = 8}, plan.Encode()), 0);
  const Packet& packet = child.peer->Expect(kReady);
  EXPECT_EQ(packet.frame().request_id, 8u);
  ReadyMessage ready;
  ASSERT_TRUE(Decode(packet.payload(), ready));
  EXPECT_EQ(ready.pid, child.process->pid());
  EXPECT_EQ(child.process->Wait(absl::Seconds(20))->code, 42);
}

TEST_F(TemplateWire, RequestsArePipelinedAndAnsweredByTheirIds) {
  constexpr uint64_t kRequests = 100;
  std::vector<UniqueFd> near_ends;
  for (uint64_t id = 1; id <= kRequests; ++id) {
    SocketPair pair;
    ASSERT_EQ(CreateSocketPair(pair), 0);
    const int fd = pair.second.get();
    ASSERT_EQ(host_->channel().Send({.type = kFork, .request_id = id}, {}, {&fd, 1}), 0);
    near_ends.push_back(std::move(pair.first));
  }
  std::vector<Process> children;
  for (uint64_t id = 1; id <= kRequests; ++id) {
    Packet& packet = host_->Expect(kForked);
    EXPECT_EQ(packet.frame().request_id, id);
    ForkedMessage forked;
    ASSERT_TRUE(Decode(packet.payload(), forked));
    children.emplace_back(forked.pid, packet.descriptors().Take(0));
  }
  near_ends.clear();
  for (Process& child : children) {
    EXPECT_EQ(child.Wait(absl::Seconds(20))->code, kExitOrphaned);
  }
}

TEST_F(TemplateWire, BlankAnswersPingAndWaitsOn) {
  Forked child = Fork(7);
  ASSERT_EQ(child.peer->channel().Send({.type = kPing, .request_id = 5}), 0);
  EXPECT_EQ(child.peer->Expect(kPong).frame().request_id, 5u);
  ASSERT_EQ(child.peer->channel().Send({.type = kPlan}, RawPlan().Encode()), 0);
  child.peer->Expect(kReady);
  EXPECT_EQ(child.process->Wait(absl::Seconds(20))->code, 0);
}

TEST_F(TemplateWire, BlankEndsByShutdownAndByHangUp) {
  Forked first = Fork(7);
  ASSERT_EQ(first.peer->channel().Send({.type = kShutdown}), 0);
  EXPECT_EQ(first.process->Wait(absl::Seconds(20))->code, 0);
  Forked second = Fork(8);
  second.peer.reset();
  EXPECT_EQ(second.process->Wait(absl::Seconds(20))->code, kExitOrphaned);
}

// A blank that kept its template's socket would hide the template's death from the host.
TEST_F(TemplateWire, BlankDoesNotKeepTheTemplatesSocketOpen) {
  Forked child = Fork(7);
  ASSERT_EQ(child.peer->channel().Send({.type = kPing}), 0);
  child.peer->Expect(kPong);
  ASSERT_TRUE(process_->Signal(SIGKILL).ok());
  host_->ExpectClosed();
  EXPECT_EQ(process_->Wait(absl::Seconds(20))->code, SIGKILL);
  process_.reset();
  // And it lives on without its template.
  ASSERT_EQ(child.peer->channel().Send({.type = kPlan}, RawPlan().Encode()), 0);
  child.peer->Expect(kReady);
  EXPECT_EQ(child.process->Wait(absl::Seconds(20))->code, 0);
}

TEST_F(TemplateWire, TemplateEndsWhenItsHostIsGone) {
  host_.reset();
  EXPECT_TRUE(process_->Wait(absl::Seconds(20))->success());
  process_.reset();
}

// Else its host would wait for the answer until it takes the template to be silent.
TEST_F(TemplateWire, TemplateThatCannotAnswerAPingEnds) {
  ASSERT_EQ(shutdown(host_->channel().fd(), SHUT_RD), 0);
  ASSERT_EQ(host_->channel().Send({.type = kPing, .request_id = 30}), 0);
  ExpectTemplateFails();
}

TEST_F(TemplateWire, TemplateThatCannotRefuseAMalformedPacketEnds) {
  ASSERT_EQ(shutdown(host_->channel().fd(), SHUT_RD), 0);
  host_->SendRaw({1, 2, 3});
  ExpectTemplateFails();
}

TEST_F(TemplateWire, TemplateThatCannotRefuseAMessageEnds) {
  ASSERT_EQ(shutdown(host_->channel().fd(), SHUT_RD), 0);
  ASSERT_EQ(host_->channel().Send({.type = kPlan, .request_id = 31}, RawPlan().Encode()), 0);
  ExpectTemplateFails();
}

TEST_F(TemplateWire, MalformedPacketIsAnsweredWithoutAnId) {
  host_->SendRaw({1, 2, 3});
  host_->ExpectFailed(LaunchStep::kRequest, EBADMSG, 0);
  std::vector<uint8_t> bytes = FrameBytes({.type = kPing, .request_id = 3});
  bytes[0] ^= 1;  // magic
  host_->SendRaw(bytes);
  host_->ExpectFailed(LaunchStep::kRequest, EBADMSG, 0);
}

TEST_F(TemplateWire, OtherVersionIsAnsweredAsSuch) {
  std::vector<uint8_t> bytes = FrameBytes({.type = kPing, .request_id = 3});
  bytes[4] = 77;
  host_->SendRaw(bytes);
  host_->ExpectFailed(LaunchStep::kRequest, EPROTONOSUPPORT, 0);
}

TEST_F(TemplateWire, EmptyPacketIsAnsweredAndIsNoEndOfFile) {
  host_->SendRaw({});
  host_->ExpectFailed(LaunchStep::kRequest, EBADMSG, 0);
}

TEST_F(TemplateWire, EmptyPacketWithADescriptorIsAnsweredAndTheDescriptorClosed) {
  SocketPair pair;
  ASSERT_EQ(CreateSocketPair(pair), 0);
  host_->SendRaw({}, {pair.second.get()});
  pair.second.reset();
  host_->ExpectFailed(LaunchStep::kRequest, EBADMSG, 0);
  Peer(std::move(pair.first)).ExpectClosed();
}

TEST_F(TemplateWire, FrameThatLiesAboutItsPacketIsAnsweredByItsId) {
  host_->SendRaw(FrameBytes({.type = kPing, .request_id = 31, .payload_size = 10}));
  host_->ExpectFailed(LaunchStep::kRequest, EBADMSG, 31);
  host_->SendRaw(FrameBytes({.type = kFork, .request_id = 32, .descriptor_count = 1}));
  host_->ExpectFailed(LaunchStep::kRequest, EBADMSG, 32);
}

TEST_F(TemplateWire, TooLargeAMessageIsAnsweredWithItsSize) {
  std::vector<uint8_t> bytes =
      FrameBytes({.type = kPing, .request_id = 33, .payload_size = kMaxPayloadBytes});
  bytes.resize(kMaxMessageBytes);
  host_->SendRaw(bytes);
  host_->ExpectFailed(LaunchStep::kRequest, EMSGSIZE, 33);
}

TEST_F(TemplateWire, UnknownTypeIsAnsweredAndNamed) {
  host_->SendRaw(FrameBytes({.type = 4711, .request_id = 34}));
  const Packet& packet = host_->Expect(kFailed);
  FailedMessage failed;
  ASSERT_TRUE(Decode(packet.payload(), failed));
  EXPECT_EQ(failed.about, 4711);
  EXPECT_EQ(failed.error, ENOMSG);
  EXPECT_EQ(packet.frame().request_id, 34u);
}

// Each row of the catalogue at its worst: as a template should not get it.
TEST_F(TemplateWire, EveryMessageThatIsNotForATemplateIsAnswered) {
  for (const MessageRow& row : MessageCatalogue()) {
    SCOPED_TRACE(row.name);
    if (row.direction == MessageDirection::kToHost) {
      host_->SendRaw(FrameBytes({.type = row.type, .request_id = row.type}));
      host_->ExpectFailed(LaunchStep::kRequest, EPROTO, row.type);
    }
  }
  ASSERT_EQ(host_->channel().Send({.type = kPlan, .request_id = 40}, RawPlan().Encode()), 0);
  // A Plan with content is larger than any request to a template, or for somebody else.
  host_->ExpectFailed(LaunchStep::kRequest, EOPNOTSUPP, 40);
}

TEST_F(TemplateWire, ForkWithoutASocketOrWithTwoTooManyIsAnsweredAndForksNothing) {
  host_->SendRaw(FrameBytes({.type = kFork, .request_id = 41}));
  host_->ExpectFailed(LaunchStep::kRequest, EBADMSG, 41);
  SocketPair pair;
  ASSERT_EQ(CreateSocketPair(pair), 0);
  host_->SendRaw(FrameBytes({.type = kFork, .request_id = 42, .descriptor_count = 3}),
                 {pair.second.get(), pair.second.get(), pair.second.get()});
  pair.second.reset();
  host_->ExpectFailed(LaunchStep::kRequest, EBADMSG, 42);
  Peer(std::move(pair.first)).ExpectClosed();
}

TEST_F(TemplateWire, ForkWithADescriptorThatIsNoSocketGivesAChildThatEnds) {
  const UniqueFd null(open("/dev/null", O_RDWR | O_CLOEXEC));
  const int fd = null.get();
  ASSERT_EQ(host_->channel().Send({.type = kFork, .request_id = 43}, {}, {&fd, 1}), 0);
  Packet& packet = host_->Expect(kForked);
  ForkedMessage forked;
  ASSERT_TRUE(Decode(packet.payload(), forked));
  Process child(forked.pid, packet.descriptors().Take(0));
  EXPECT_EQ(child.Wait(absl::Seconds(20))->code, kExitOrphaned);
}

TEST_F(TemplateWire, RandomPacketsNeitherKillNorSilenceIt) {
  uint64_t state = 88172645463325252u;
  const auto random = [&state] {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
  };
  for (int i = 0; i < 2000; ++i) {
    std::vector<uint8_t> bytes = FrameBytes({.type = static_cast<uint16_t>(random() % 12),
                                             .request_id = random(),
                                             .payload_size = static_cast<uint32_t>(random() % 64)});
    bytes.resize(kFrameBytes + random() % 64);
    for (size_t flips = random() % 4; flips > 0; --flips) {
      bytes[random() % bytes.size()] ^= static_cast<uint8_t>(1u << (random() % 8));
    }
    Frame frame;
    // One of them would end it, as it should.
    const bool readable = DecodeFrame(bytes, frame) == FrameError::kNone;
    if (readable && frame.type == kShutdown) continue;
    host_->SendRaw(bytes);
    ASSERT_EQ(host_->channel().Receive(NowNanos() + 20 * kNanosPerSecond),
              ReceiveOutcome::kMessage);
    const uint16_t answer = host_->channel().packet().frame().type;
    EXPECT_TRUE(answer == kFailed || answer == kPong) << MessageName(answer);
  }
}

TEST_F(TemplateWire, BlankThatGetsNoPlanSaysWhyAndEnds) {
  for (const uint16_t type : {uint16_t{kFork}, uint16_t{kReady}, uint16_t{4711}}) {
    Forked child = Fork(50);
    child.peer->SendRaw(FrameBytes({.type = type, .request_id = 51}));
    const Packet& packet = child.peer->Expect(kFailed);
    EXPECT_EQ(packet.frame().request_id, 51u);
    EXPECT_EQ(child.process->Wait(absl::Seconds(20))->code, kExitFailed);
  }
}

TEST_F(TemplateWire, EveryTruncationOfAPlanFails) {
  RawPlan raw;
  raw.plan.working_directory = "/";
  raw.plan.name = "name";
  const std::vector<std::string> environment = {"A=1"};
  raw.plan.set_environment = environment;
  const std::vector<uint8_t> whole = raw.Encode();
  for (size_t size = 0; size < whole.size(); ++size) {
    ExpectPlanFails({whole.begin(), whole.begin() + static_cast<ptrdiff_t>(size)},
                    LaunchStep::kPlan, EBADMSG);
    if (HasFatalFailure()) FAIL() << "at size " << size;
  }
  std::vector<uint8_t> longer = whole;
  longer.push_back(0);
  ExpectPlanFails(longer, LaunchStep::kPlan, EBADMSG);
}

TEST_F(TemplateWire, SourceThatDidNotTravelFails) {
  RawPlan raw;
  raw.descriptors.push_back({5, 0});
  ExpectPlanFails(raw.Encode(), LaunchStep::kDescriptors, EBADF);
  raw.descriptors.back() = {5, 1};
  ExpectPlanFails(raw.Encode(), LaunchStep::kDescriptors, EBADF, {0});
}

TEST_F(TemplateWire, TemplatesOwnDescriptorThatItDoesNotHaveFails) {
  // 3 to 10: numbers at which the launch socket and what travels will be.
  for (uint32_t number = 3; number < 10; ++number) {
    RawPlan raw;
    raw.descriptors.push_back({number, PlannedDescriptor::kTemplatesOwn});
    raw.descriptors.push_back({100, 0});
    ExpectPlanFails(raw.Encode(), LaunchStep::kDescriptors, EBADF, {0});
  }
}

TEST_F(TemplateWire, PlanThatLeavesStdioUnnamedFails) {
  RawPlan raw;
  raw.descriptors.pop_back();
  ExpectPlanFails(raw.Encode(), LaunchStep::kStdio, EBADF);
}

TEST_F(TemplateWire, TooManyPlannedDescriptorsFail) {
  RawPlan raw;
  for (uint32_t i = 0; i < kMaxPlannedDescriptors; ++i) raw.descriptors.push_back({3 + i, 0});
  ExpectPlanFails(raw.Encode(), LaunchStep::kDescriptors, E2BIG, {0});
}

TEST_F(TemplateWire, PrefsDescriptorThatDidNotTravelFails) {
  RawPlan raw;
  raw.plan.prefs_descriptor = 0;
  ExpectPlanFails(raw.Encode(), LaunchStep::kPrefs, EBADF);
}

// The host that a Plan names is not the one that is there: the child was too late for the signal.
TEST_F(TemplateWire, ChildOfADeadHostDoesNotStart) {
  RawPlan raw;
  raw.plan.parent_death_signal = SIGKILL;
  raw.plan.host_pid = getppid();
  ExpectPlanFails(raw.Encode(), LaunchStep::kParentDeath, ESRCH);
}

TEST_F(TemplateWire, PlanInAMemfdThatCouldChangeFails) {
  const std::vector<uint8_t> payload = RawPlan().Encode();
  const UniqueFd open_memfd(memfd_create("plan", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  ASSERT_EQ(write(open_memfd.get(), payload.data(), payload.size()),
            static_cast<ssize_t>(payload.size()));
  ExpectPlanFails({}, LaunchStep::kPlan, EPERM, {open_memfd.get()}, kPayloadInMemfd);
  const UniqueFd null(open("/dev/null", O_RDONLY | O_CLOEXEC));
  ExpectPlanFails({}, LaunchStep::kPlan, EINVAL, {null.get()}, kPayloadInMemfd);
}

TEST_F(TemplateWire, PlanInASealedMemfdIsAPlan) {
  absl::StatusOr<UniqueFd> memfd = CreateSealedMemfd("plan", RawPlan().Encode());
  ASSERT_TRUE(memfd.ok());
  const int fd = memfd->get();
  Forked child = Fork(60);
  ASSERT_EQ(child.peer->channel().Send({.type = kPlan, .flags = kPayloadInMemfd}, {}, {&fd, 1}), 0);
  child.peer->Expect(kReady);
  EXPECT_EQ(child.process->Wait(absl::Seconds(20))->code, 0);
}

TEST_F(TemplateWire, PlanOverTheLimitOfAllPlansFails) {
  absl::StatusOr<UniqueFd> memfd =
      CreateSealedMemfd("plan", std::vector<uint8_t>(kMaxPlanBytes + 1));
  ASSERT_TRUE(memfd.ok());
  ExpectPlanFails({}, LaunchStep::kEnvironment, E2BIG, {memfd->get()}, kPayloadInMemfd);
}

// A template is a child whose program is the fork loop: so a template's child can be one.
TEST_F(TemplateWire, TemplatesNest) {
  Forked inner = Fork(70);
  RawPlan plan;
  plan.plan.type = ProcessType::kForkServer;
  plan.argv = {"template"};  // without a name: made as the root is
  ASSERT_EQ(inner.peer->channel().Send({.type = kPlan, .request_id = 71}, plan.Encode()), 0);
  inner.peer->Expect(kReady);
  inner.peer->Expect(kHello);
  SocketPair pair;
  ASSERT_EQ(CreateSocketPair(pair), 0);
  const int fd = pair.second.get();
  ASSERT_EQ(inner.peer->channel().Send({.type = kFork, .request_id = 72}, {}, {&fd, 1}), 0);
  pair.second.reset();
  Packet& packet = inner.peer->Expect(kForked);
  ForkedMessage forked;
  ASSERT_TRUE(Decode(packet.payload(), forked));
  Process grandchild(forked.pid, packet.descriptors().Take(0));
  Peer peer(std::move(pair.first));
  RawPlan leaf;
  leaf.argv = {"exit", "17"};
  ASSERT_EQ(peer.channel().Send({.type = kPlan}, leaf.Encode()), 0);
  peer.Expect(kReady);
  EXPECT_EQ(grandchild.Wait(absl::Seconds(20))->code, 17);  // the host's own, at any depth
  ASSERT_EQ(inner.peer->channel().Send({.type = kShutdown}), 0);
  EXPECT_TRUE(inner.process->Wait(absl::Seconds(20))->success());
}

}  // namespace
}  // namespace forkserver
