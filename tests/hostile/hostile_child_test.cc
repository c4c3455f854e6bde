// A child that says anything but what it should on its launch socket, before Ready and after: the
// host ends the launch with an error that names it, or goes on; it neither blocks, nor grows, nor
// signals anybody else, and the next launch works.
//
// The test is the child: it holds one at the place where it waits for its Plan, or is about to say
// Ready, and takes its end of the launch socket for its own.
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_format.h"
#include "child/ready.h"
#include "tests/deaths/held_process.h"
#include "tests/deaths/launches_in_flight.h"
#include "tests/hostile/hostile_packets.h"
#include "tests/hostile/hostile_test.h"
#include "tests/testing/file_of_silent_server.h"
#include "tests/testing/host_test.h"
#include "tests/testing/pool_host.h"
#include "tests/testing/socket_that_lingers.h"
#include "tests/testing/test_program.h"
#include "transceiver/clock.h"
#include "transceiver/close_strangers.h"
#include "transceiver/packet.h"

namespace forkserver {

testing::HostSetup testing::SetUpHost(const std::string&) {
  HostSetup setup = PoolHost();
  setup.options.restart = {.first_delay = absl::ZeroDuration(), .most_deaths = 0};
  return setup;
}

namespace {

using testing::Bystander;
using testing::HeldProcess;
using testing::HostilePacket;
using testing::LaunchesInFlight;
using testing::Message;
using testing::Told;

enum class Point : uint8_t {
  kBeforeItsPlan,  // as a blank that was taken over
  kBeforeReady,
};

// A launch whose child is held, and the test in its place.
class TakenChild {
 public:
  enum class Template : uint8_t { kLives, kIsKilled };

  TakenChild(ForkServer& server, Point point, Template template_is = Template::kLives,
             absl::Duration deadline = testing::kHostileDeadline)
      : launches_(server) {
    HeldProcess root = HeldProcess::Seize(*server.root_pid());
    told_ = &launches_.Begin({.type = ProcessType::kIpcUnitTest,
                              .argv = {"exit", "7"},
                              .when_template_dies = WhenTemplateDies::kFail,
                              .timeout = deadline});
    std::optional<HeldProcess> child = root.HoldNextChild();
    if (!child || !child->HoldBefore(point == Point::kBeforeReady ? SYS_sendmsg : SYS_recvmsg)) {
      return;
    }
    socket_ = child->TakeDescriptorOfCall();
    pidfd_ = testing::OpenPidfd(child->pid());
    held_.emplace(*std::move(child));
    if (template_is == Template::kLives) return;
    const UniqueFd root_pidfd = testing::OpenPidfd(root.pid());
    syscall(SYS_pidfd_send_signal, root_pidfd.get(), SIGKILL, nullptr, 0);
    testing::WaitForEnd(root_pidfd);
  }

  bool is_held() const { return held_.has_value() && socket_.is_open(); }
  int socket() const { return socket_.get(); }

  void Kill() {
    syscall(SYS_pidfd_send_signal, pidfd_.get(), SIGKILL, nullptr, 0);
    socket_.reset();
  }

  // The launch has ended, in good time.
  const Told& End() {
    launches_.ExpectEndWithin(testing::kHostilePatience);
    return *told_;
  }

  void ExpectItEnds() {
    const Told& told = End();
    EXPECT_FALSE(told.launch.ok());
    EXPECT_NE(std::string(told.launch.message()).find("launch of ipc-unit-test"), std::string::npos)
        << told.launch;
    EXPECT_FALSE(absl::IsDeadlineExceeded(told.launch)) << told.launch;
  }

  // It has a process, which is held and ends now.
  void ExpectItGoesOn() {
    ASSERT_TRUE(launches_.Dispatches([this] { return told_->times > 0; }));
    EXPECT_TRUE(told_->launch.ok()) << told_->launch;
    Kill();
    EXPECT_EQ(End().status->ToString(), "killed by SIGKILL");
  }

 private:
  LaunchesInFlight launches_;
  const Told* told_ = nullptr;
  UniqueFd socket_;
  UniqueFd pidfd_;
  std::optional<HeldProcess> held_;
};

enum class Outcome : uint8_t { kEnds, kGoesOn };

// Each of them alone, from a child of its own.
void SendEach(ForkServer& server, Point point, std::vector<HostilePacket> packets,
              Outcome outcome = Outcome::kEnds) {
  for (HostilePacket& packet : packets) {
    SCOPED_TRACE(packet.name);
    TakenChild child(server, point);
    ASSERT_TRUE(child.is_held());

    const bool is_sent = packet.SendOn(child.socket());
    packet.descriptors.clear();
    testing::CountHostileMessages(1);
    if (!is_sent) child.Kill();
    if (outcome == Outcome::kGoesOn) {
      child.ExpectItGoesOn();
    } else {
      child.ExpectItEnds();
    }
  }
}

std::vector<uint8_t> Payload(const ReadyMessage& ready) {
  uint8_t buffer[ReadyMessage::kMostBytes];
  const std::span<const uint8_t> bytes = Encode(ready, buffer);
  return {bytes.begin(), bytes.end()};
}

std::vector<uint8_t> Payload(const FailedMessage& failed) {
  uint8_t buffer[FailedMessage::kMaxBytes];
  const std::span<const uint8_t> bytes = Encode(failed, buffer);
  return {bytes.begin(), bytes.end()};
}

ReadyMessage GoodReady(const ForkServer& server) {
  return {.build_id = server.build_id(), .pid = 4711};
}

void AnyBytes(ForkServer& server) {
  for (const Point point : {Point::kBeforeItsPlan, Point::kBeforeReady}) {
    SendEach(server, point, testing::MalformedPackets());
  }
}

void AnyOtherMessage(ForkServer& server) {
  SendEach(server, Point::kBeforeReady, testing::MisplacedMessages());
}

void AnyDescriptors(ForkServer& server) {
  const Bystander bystander;
  for (const uint16_t type : {kReady, kForked, kHello, kFailed}) {
    SendEach(server, Point::kBeforeReady, testing::WithDescriptors(type, bystander.pid()));
  }
}

// In a queue of its own: nobody but the kernel can count who holds it.
void ItsOwnSocket(ForkServer& server) {
  TakenChild child(server, Point::kBeforeReady);
  ASSERT_TRUE(child.is_held());
  HostilePacket packet = Message("its own socket", {.type = kReady}, Payload(GoodReady(server)));
  packet.descriptors.emplace_back(fcntl(child.socket(), F_DUPFD_CLOEXEC, 3));
  ASSERT_TRUE(packet.SendOn(child.socket()));
  testing::CountHostileMessages(1);
  packet.descriptors.clear();
  child.ExpectItEnds();
}

void ForgedReady(ForkServer& server) {
  std::vector<HostilePacket> packets;
  ReadyMessage ready = GoodReady(server);
  ready.build_id ^= 1;
  packets.push_back(Message("of another build", {.type = kReady}, Payload(ready)));
  ready = GoodReady(server);
  ready.sandbox.emplace();
  packets.push_back(Message("of a sandbox that it has not", {.type = kReady}, Payload(ready)));
  for (size_t size = 0; size < ReadyMessage::kBytes; size += 7) {
    std::vector<uint8_t> part = Payload(GoodReady(server));
    part.resize(size);
    packets.push_back(Message("of a part", {.type = kReady}, std::move(part)));
  }
  SendEach(server, Point::kBeforeReady, std::move(packets));
}

// What it says of itself is for reports, and no reason to refuse it.
void ReadyWithAbsurdNumbers(ForkServer& server) {
  const Bystander bystander;
  std::vector<HostilePacket> packets;
  for (const int64_t time : {INT64_MIN, int64_t{-1}, INT64_MAX}) {
    ReadyMessage ready = GoodReady(server);
    ready.started_at = ready.plan_received_at = time;
    ready.done_at.fill(time);
    packets.push_back(Message("times", {.type = kReady}, Payload(ready)));
  }
  for (const pid_t pid : {0, -1, 1, getpid(), getppid(), bystander.pid()}) {
    ReadyMessage ready = GoodReady(server);
    ready.pid = pid;
    packets.push_back(Message("pid", {.type = kReady}, Payload(ready)));
  }
  SendEach(server, Point::kBeforeReady, std::move(packets), Outcome::kGoesOn);
}

void ForgedFailed(ForkServer& server) {
  std::vector<HostilePacket> packets;
  for (const uint16_t step : {uint16_t{0}, uint16_t{20}, uint16_t{999}, uint16_t{0xffff}}) {
    packets.push_back(Message("step", {.type = kFailed},
                              Payload(FailedMessage{.step = step, .error = EPERM, .detail = {}})));
  }
  for (const int error : {0, -1, INT32_MIN, INT32_MAX}) {
    packets.push_back(Message(
        "errno", {.type = kFailed},
        Payload(FailedMessage{
            .step = 10, .error = error, .index = UINT32_MAX, .detail = "\x1b[2J\n\n%s%n\xff"})));
  }
  SendEach(server, Point::kBeforeReady, std::move(packets));
}

// Its template is dead and has not told its pid: its own word of it is believed no more than at any
// other time.
void PidOfSomebodyElseWhenTheTemplateIsDead(ForkServer& server) {
  const Bystander bystander;
  absl::StatusOr<LaunchedChild> sibling =
      server.Launch({.type = ProcessType::kIpcUnitTest, .argv = {"wait"}});
  ASSERT_TRUE(sibling.ok()) << sibling.status();
  for (const pid_t pid : {0, -1, 1, getpid(), getppid(), bystander.pid(), sibling->process.pid()}) {
    SCOPED_TRACE(absl::StrFormat("pid %d", pid));
    ASSERT_TRUE(server.WaitUntilServing().ok());
    ReadyMessage ready = GoodReady(server);
    ready.pid = pid;
    TakenChild child(server, Point::kBeforeReady, TakenChild::Template::kIsKilled);
    ASSERT_TRUE(child.is_held());
    ASSERT_TRUE(Message("Ready", {.type = kReady}, Payload(ready)).SendOn(child.socket()));
    testing::CountHostileMessages(1);
    child.ExpectItGoesOn();
  }
  EXPECT_EQ(sibling->process.Wait(absl::ZeroDuration()).status().code(),
            absl::StatusCode::kDeadlineExceeded)
      << "a sibling was killed";
}

// Whatever comes behind its Ready is for whom the socket is given to, who reads it or does not.
void FloodAfterReady(ForkServer& server) {
  for (const size_t size : {size_t{0}, kMaxPayloadBytes}) {
    TakenChild child(server, Point::kBeforeReady);
    ASSERT_TRUE(child.is_held());
    const HostilePacket ready = Message("Ready", {.type = kReady}, Payload(GoodReady(server)));
    const HostilePacket more =
        Message("more", {.type = kReady, .request_id = 7}, std::vector<uint8_t>(size, 0xa5));
    ASSERT_TRUE(ready.SendOn(child.socket()));
    ASSERT_TRUE(ready.SendOn(child.socket()));
    int sent = 2;
    while (more.SendOn(child.socket())) ++sent;
    EXPECT_GE(sent, 4);
    testing::CountHostileMessages(sent);
    child.ExpectItGoesOn();
  }
}

void FloodBeforeReady(ForkServer& server) {
  const HostilePacket more = Message("more", {.type = kFirstApplicationType});
  TakenChild child(server, Point::kBeforeReady);
  ASSERT_TRUE(child.is_held());
  int sent = 0;
  while (more.SendOn(child.socket())) ++sent;
  testing::CountHostileMessages(sent);
  child.ExpectItEnds();
}

void HangUps(ForkServer& server) {
  for (const Point point : {Point::kBeforeItsPlan, Point::kBeforeReady}) {
    for (const int how : {SHUT_RD, SHUT_WR, SHUT_RDWR}) {
      SCOPED_TRACE(how);
      TakenChild child(server, point);
      ASSERT_TRUE(child.is_held());
      ASSERT_EQ(shutdown(child.socket(), how), 0);
      testing::CountHostileMessages(1);
      // Who cannot be heard by it any more can still be told something.
      if (how == SHUT_RD) child.Kill();
      child.ExpectItEnds();
    }
  }
}

void Silence(ForkServer& server) {
  TakenChild child(server, Point::kBeforeReady, TakenChild::Template::kLives,
                   absl::Milliseconds(1500));
  ASSERT_TRUE(child.is_held());
  testing::CountHostileMessages(1);
  const Told& told = child.End();
  EXPECT_TRUE(absl::IsDeadlineExceeded(told.launch)) << told.launch;
}

// --- what a close would wait for

HostilePacket WithALingerer(UniqueFd& peer, uint16_t type) {
  HostilePacket packet = Message("one that lingers", {.type = type});
  packet.descriptors.push_back(testing::SocketThatLingers(peer));
  return packet;
}

// What is not read any more, since the launch has failed already.
void LingererBehindNonsense(ForkServer& server) {
  TakenChild child(server, Point::kBeforeReady);
  ASSERT_TRUE(child.is_held());
  UniqueFd peer;
  ASSERT_TRUE(Message("nonsense", {.type = kPong}).SendOn(child.socket()));
  ASSERT_TRUE(WithALingerer(peer, kReady).SendOn(child.socket()));
  testing::CountHostileMessages(2);
  child.ExpectItEnds();
}

void LingererInTheQueueOfASocket(ForkServer& server) {
  TakenChild child(server, Point::kBeforeReady);
  ASSERT_TRUE(child.is_held());
  UniqueFd peer;
  SocketPair outer;
  ASSERT_EQ(CreateSocketPair(outer), 0);
  ASSERT_TRUE(WithALingerer(peer, kReady).SendOn(outer.second.get()));
  HostilePacket packet = Message("a socket with one", {.type = kReady}, Payload(GoodReady(server)));
  packet.descriptors.push_back(std::move(outer.first));
  ASSERT_TRUE(packet.SendOn(child.socket()));
  packet.descriptors.clear();
  testing::CountHostileMessages(1);
  child.ExpectItEnds();
}

void FileOfASilentServer(ForkServer& server) {
  TakenChild child(server, Point::kBeforeReady);
  ASSERT_TRUE(child.is_held());
  testing::FileOfSilentServer silent;
  HostilePacket packet = Message("a file of a silent server", {.type = kPong});
  packet.descriptors.push_back(silent.Open());
  ASSERT_TRUE(packet.SendOn(child.socket()));
  // As the host does, whose process this is.
  CloseStrangers(packet.descriptors);
  testing::CountHostileMessages(1);
  child.ExpectItEnds();
}

HOSTILE_TEST(HostileChild, LingererBehindNonsense)
HOSTILE_TEST(HostileChild, LingererInTheQueueOfASocket)
HOSTILE_TEST(HostileChild, FileOfASilentServer)
HOSTILE_TEST(HostileChild, AnyBytes)
HOSTILE_TEST(HostileChild, AnyOtherMessage)
HOSTILE_TEST(HostileChild, AnyDescriptors)
HOSTILE_TEST(HostileChild, ItsOwnSocket)
HOSTILE_TEST(HostileChild, ForgedReady)
HOSTILE_TEST(HostileChild, ReadyWithAbsurdNumbers)
HOSTILE_TEST(HostileChild, ForgedFailed)
HOSTILE_TEST(HostileChild, PidOfSomebodyElseWhenTheTemplateIsDead)
HOSTILE_TEST(HostileChild, FloodAfterReady)
HOSTILE_TEST(HostileChild, FloodBeforeReady)
HOSTILE_TEST(HostileChild, HangUps)
HOSTILE_TEST(HostileChild, Silence)

}  // namespace
}  // namespace forkserver
