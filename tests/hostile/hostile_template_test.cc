// A template that answers its host with anything but what it should: it is killed, with an error
// that names it and what it did, or the host goes on. The host neither blocks, nor grows, nor
// signals anybody else; each launch ends, and the next one works.
//
// The test is the template: it holds the real one where it waits for a Fork, and takes its socket
// for its own.
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstddef>
#include <fstream>
#include <functional>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_format.h"
#include "child/birth_record.h"
#include "forkserver/server/hello.h"
#include "tests/deaths/held_process.h"
#include "tests/deaths/launches_in_flight.h"
#include "tests/hostile/hostile_packets.h"
#include "tests/hostile/hostile_test.h"
#include "tests/testing/host_test.h"
#include "tests/testing/test_program.h"
#include "transceiver/clock.h"
#include "transceiver/packet.h"
#include "transceiver/poll_until.h"

namespace forkserver {

testing::HostSetup testing::SetUpHost(const std::string& test) {
  HostSetup setup = {.options = TestOptions()};
  setup.options.templates = {
      {.name = "page", .start = TemplateStart::kAhead},
      {.name = "boxed", .sandbox = {.policy = SandboxPolicyId::kContent}},
  };
  setup.options.restart = {.first_delay = absl::ZeroDuration(), .most_deaths = 0};
  if (test.find("Silence") != test.npos) {
    setup.options.restart.longest_silence = absl::Milliseconds(1200);
  }
  return setup;
}

namespace {

using testing::Bystander;
using testing::HeldProcess;
using testing::HostilePacket;
using testing::LaunchesInFlight;
using testing::Message;
using testing::Told;

UniqueFd PidfdOf(pid_t pid) { return testing::OpenPidfd(pid); }

// The root's place.
class TakenTemplate {
 public:
  explicit TakenTemplate(ForkServer& server) : server_(server), launches_(server) {
    EXPECT_TRUE(server.WaitUntilServing().ok());
    HeldProcess root = HeldProcess::Seize(*server.root_pid());
    root.RunTraced();
    if (!root.HoldBefore(SYS_recvmsg)) return;
    socket_ = root.TakeDescriptorOfCall();
    held_.emplace(std::move(root));
  }

  bool is_held() const { return held_.has_value() && socket_.is_open(); }
  int socket() const { return socket_.get(); }

  void Launch(absl::Duration timeout = testing::kHostileDeadline) {
    told_ = &launches_.Begin({.type = ProcessType::kIpcUnitTest,
                              .argv = {"exit", "7"},
                              .when_template_dies = WhenTemplateDies::kFail,
                              .timeout = timeout});
  }

  // The id of the Fork that the launch has sent, and the child's end of its launch socket.
  uint64_t TakeFork(UniqueFd& launch_socket) {
    uint8_t buffer[64];
    Packet packet(buffer);
    if (ReceivePacket(socket_.get(), Blocking::kWait, packet) != PacketOutcome::kMessage ||
        packet.frame().type != kFork) {
      return 0;
    }
    launch_socket = packet.descriptors().Take(0);
    return packet.frame().request_id;
  }

  const Told& End() {
    launches_.ExpectEndWithin(testing::kHostilePatience);
    return *told_;
  }

  // The launch, and the template with it.
  void ExpectItIsKilled() {
    const Told& told = End();
    EXPECT_FALSE(told.launch.ok());
    EXPECT_NE(std::string(told.launch.message()).find("root template"), std::string::npos)
        << told.launch;
    ExpectTemplateIsKilled();
  }

  void ExpectTemplateIsKilled() {
    const UniqueFd pidfd = PidfdOf(held_->pid());
    EXPECT_TRUE(!pidfd.is_open() || testing::WaitForEnd(pidfd));
  }

 private:
  ForkServer& server_;
  LaunchesInFlight launches_;
  const Told* told_ = nullptr;
  UniqueFd socket_;
  std::optional<HeldProcess> held_;
};

// Each of them where nobody has asked, and before the answer that a launch waits for.
void SendEach(ForkServer& server, std::vector<HostilePacket> packets) {
  for (HostilePacket& packet : packets) {
    SCOPED_TRACE(packet.name);
    TakenTemplate root(server);
    ASSERT_TRUE(root.is_held());
    ASSERT_TRUE(packet.SendOn(root.socket()));
    packet.descriptors.clear();
    testing::CountHostileMessages(1);
    root.Launch();
    UniqueFd launch_socket;
    ASSERT_NE(root.TakeFork(launch_socket), 0u);
    launch_socket.reset();
    root.ExpectItIsKilled();
  }
}

void AnyBytes(ForkServer& server) { SendEach(server, testing::MalformedPackets()); }

void AnyOtherMessage(ForkServer& server) { SendEach(server, testing::MisplacedMessages()); }

void AnyDescriptors(ForkServer& server) {
  const Bystander bystander;
  for (const uint16_t type : {kForked, kHello, kFailed, kPong}) {
    SendEach(server, testing::WithDescriptors(type, bystander.pid()));
  }
}

std::vector<uint8_t> Payload(const ForkedMessage& forked) {
  uint8_t buffer[ForkedMessage::kBytes];
  const std::span<const uint8_t> bytes = Encode(forked, buffer);
  return {bytes.begin(), bytes.end()};
}

std::vector<UniqueFd> One(UniqueFd fd) {
  std::vector<UniqueFd> list;
  if (fd.is_open()) list.push_back(std::move(fd));
  return list;
}

// Reaped, by whoever made it.
UniqueFd PidfdOfTheDead() {
  char name[] = "true";
  char* argv[] = {name, nullptr};
  pid_t pid = -1;
  EXPECT_EQ(posix_spawn(&pid, "/bin/true", nullptr, nullptr, argv, environ), 0);
  UniqueFd pidfd = PidfdOf(pid);
  EXPECT_EQ(waitpid(pid, nullptr, 0), pid);
  return pidfd;
}

// Its own word and the pidfd of somebody who is not its child.
void ForkedOfSomebodyElse(ForkServer& server) {
  const Bystander bystander;
  absl::StatusOr<LaunchedChild> sibling =
      server.Launch({.type = ProcessType::kIpcUnitTest, .argv = {"wait"}});
  ASSERT_TRUE(sibling.ok()) << sibling.status();
  ASSERT_TRUE(server.WaitUntilServing("page").ok());
  const pid_t page = *testing::StatusOf(server, "page").pid;
  const UniqueFd page_pidfd = PidfdOf(page);
  enum class With { kItsPidfd, kNoPidfd, kAnothersPid, kADeadOne };
  for (const pid_t pid : {getpid(), getppid(), pid_t{1}, bystander.pid(), sibling->process.pid(),
                          *server.seed_pid(), page}) {
    for (const With with : {With::kItsPidfd, With::kNoPidfd, With::kAnothersPid, With::kADeadOne}) {
      // It could be a child of the template's that has exec'ed; and what has no sandbox can signal
      // it by itself.
      if (pid == bystander.pid() && with == With::kItsPidfd) continue;
      // The kernel has no word of whose that was; only a living child's pid is wrong there.
      const bool is_owned = pid == sibling->process.pid() || pid == *server.seed_pid();
      if (with == With::kADeadOne && !is_owned && pid != page) continue;
      SCOPED_TRACE(absl::StrFormat("pid %d with %d", pid, with));
      TakenTemplate root(server);
      ASSERT_TRUE(root.is_held());
      root.Launch();
      UniqueFd launch_socket;
      const uint64_t id = root.TakeFork(launch_socket);
      ASSERT_NE(id, 0u);
      UniqueFd pidfd = with == With::kADeadOne ? PidfdOfTheDead() : PidfdOf(pid);
      if (with == With::kNoPidfd) pidfd.reset();
      HostilePacket packet =
          Message("Forked", {.type = kForked, .request_id = id},
                  Payload({.pid = with == With::kAnothersPid ? 4711 : pid}), One(std::move(pidfd)));
      // As a template that has lost it says, whose host then looks the pid up.
      if (with == With::kNoPidfd) packet.bytes[20] = 1;
      ASSERT_TRUE(packet.SendOn(root.socket()));
      packet.descriptors.clear();
      testing::CountHostileMessages(1);
      launch_socket.reset();
      root.ExpectItIsKilled();
    }
  }
  EXPECT_TRUE(absl::IsDeadlineExceeded(sibling->process.Wait(absl::ZeroDuration()).status()))
      << "a sibling was killed";
  EXPECT_FALSE(PollUntil(page_pidfd.get(), POLLIN, NowNanos()) > 0) << "a template was killed";
  EXPECT_TRUE(server.seed_pid().has_value()) << "the seed was killed";
}

void ForkedOfNobody(ForkServer& server) {
  std::vector<std::pair<pid_t, std::function<UniqueFd()>>> answers;
  const auto memfd = [] { return UniqueFd(memfd_create("hostile", MFD_CLOEXEC)); };
  const auto null = [] { return UniqueFd(open("/dev/null", O_RDWR | O_CLOEXEC)); };
  const auto none = [] { return UniqueFd(); };
  const auto its_own_pid_folder = [] { return UniqueFd(open("/proc/self", O_PATH | O_CLOEXEC)); };
  for (const pid_t pid : {0, -1, 1, INT32_MIN, INT32_MAX, 4711}) {
    for (const std::function<UniqueFd()>& fd :
         std::vector<std::function<UniqueFd()>>{memfd, null, none, its_own_pid_folder}) {
      answers.emplace_back(pid, fd);
    }
  }
  for (const auto& [pid, fd] : answers) {
    SCOPED_TRACE(pid);
    TakenTemplate root(server);
    ASSERT_TRUE(root.is_held());
    root.Launch();
    UniqueFd launch_socket;
    const uint64_t id = root.TakeFork(launch_socket);
    ASSERT_NE(id, 0u);
    ASSERT_TRUE(
        Message("Forked", {.type = kForked, .request_id = id}, Payload({.pid = pid}), One(fd()))
            .SendOn(root.socket()));
    testing::CountHostileMessages(1);
    launch_socket.reset();
    root.ExpectItIsKilled();
  }
}

// The first answer is good, of a child that the root has: and then again.
void ForkedTwice(ForkServer& server) {
  absl::StatusOr<HelloMessage> hello = server.WaitUntilServing();
  ASSERT_TRUE(hello.ok());
  const pid_t before = *server.root_pid();
  HeldProcess root = HeldProcess::Seize(before);
  LaunchesInFlight launches(server);
  const Told& first = launches.Begin({.type = ProcessType::kIpcUnitTest, .argv = {"exit", "7"}});
  ASSERT_TRUE(root.HoldNextChild().has_value());
  ASSERT_TRUE(root.HoldBefore(SYS_sendmsg));
  const UniqueFd socket = root.TakeDescriptorOfCall();
  // The id is the launch's; that of the next one is not told before it is asked.
  for (const uint64_t id : {uint64_t{0}, uint64_t{1}, UINT64_MAX}) {
    Message("Forked", {.type = kForked, .request_id = id}, Payload({.pid = getpid()}),
            One(PidfdOf(getpid())))
        .SendOn(socket.get());
    testing::CountHostileMessages(1);
  }
  root.LetGo();
  EXPECT_TRUE(launches.AllEnd());
  EXPECT_TRUE(first.IsReady()) << first.launch;
  EXPECT_TRUE(testing::DispatchUntil(server, [&] { return server.root_pid() != before; }));
}

void AnotherHello(ForkServer& server) {
  const absl::StatusOr<HelloMessage> good = server.WaitUntilServing();
  ASSERT_TRUE(good.ok());
  std::vector<HostilePacket> packets;
  for (const uint64_t flip : {uint64_t{0}, uint64_t{1}}) {
    HelloMessage hello = *good;
    hello.build_id ^= flip;
    std::vector<uint8_t> payload(kMaxPayloadBytes);
    const std::span<const uint8_t> bytes = Encode(hello, payload);
    packets.push_back(Message(flip == 0 ? "twice" : "of another build", {.type = kHello},
                              {bytes.begin(), bytes.end()}));
  }
  SendEach(server, std::move(packets));
}

// The host reads as much as there is, and no more than its socket holds.
void Flood(ForkServer& server) {
  for (const uint16_t type : {kPong, kForked, kFailed, kHello}) {
    for (const size_t size : {size_t{20}, kMaxPayloadBytes}) {
      TakenTemplate root(server);
      ASSERT_TRUE(root.is_held());
      const HostilePacket packet =
          Message("flood", {.type = type, .request_id = 1}, std::vector<uint8_t>(size, 0xa5));
      int sent = 0;
      while (packet.SendOn(root.socket())) ++sent;
      EXPECT_GT(sent, 1);
      testing::CountHostileMessages(sent);
      root.Launch();
      UniqueFd launch_socket;
      ASSERT_NE(root.TakeFork(launch_socket), 0u);
      launch_socket.reset();
      root.ExpectItIsKilled();
    }
  }
}

// It takes the Fork and says nothing.
void Silence(ForkServer& server) {
  TakenTemplate root(server);
  ASSERT_TRUE(root.is_held());
  root.Launch();
  UniqueFd launch_socket;
  ASSERT_NE(root.TakeFork(launch_socket), 0u);
  testing::CountHostileMessages(1);
  EXPECT_TRUE(testing::DispatchUntil(server, [&] {
    return testing::StatusOf(server, "root").state == TemplateStatus::State::kDead;
  }));
  launch_socket.reset();
  root.ExpectItIsKilled();
}

// It cannot be sent to, and yet it has not hung up. What it was never asked for comes without it.
void NoReader(ForkServer& server) {
  TakenTemplate root(server);
  ASSERT_TRUE(root.is_held());
  ASSERT_EQ(shutdown(root.socket(), SHUT_RD), 0);
  testing::CountHostileMessages(1);
  root.Launch();
  const Told& told = root.End();
  EXPECT_TRUE(told.launch.ok()) << told.launch;
  root.ExpectTemplateIsKilled();
}

// It has left its socket to others, which go on where it has been killed.
void FloodBehindItsEnd(ForkServer& server) {
  TakenTemplate root(server);
  ASSERT_TRUE(root.is_held());
  root.Launch();
  UniqueFd launch_socket;
  ASSERT_NE(root.TakeFork(launch_socket), 0u);
  // Each more work for who receives it than for who sends it.
  std::vector<UniqueFd> descriptors;
  while (descriptors.size() < kMaxDescriptors) {
    descriptors.emplace_back(open("/dev/null", O_RDWR | O_CLOEXEC));
  }
  const HostilePacket packet = Message("flood", {.type = kForked, .request_id = 1},
                                       Payload({.pid = 4711}), std::move(descriptors));
  std::atomic<bool> goes_on = true;
  std::vector<std::thread> others;
  for (int i = 0; i < 4; ++i) {
    others.emplace_back([&] {
      while (goes_on) packet.SendOn(root.socket());
    });
  }
  // For a host that reads as long as there is something to read.
  others.emplace_back([&] {
    const int64_t end = NowNanos() + 3 * kNanosPerSecond;
    while (goes_on && NowNanos() < end) std::this_thread::yield();
    goes_on = false;
  });
  testing::CountHostileMessages(1);
  launch_socket.reset();
  root.ExpectItIsKilled();
  goes_on = false;
  for (std::thread& other : others) other.join();
}

// The record that it shares with its host, written by another process.
bool WriteInit(pid_t template_pid, pid_t init) {
  std::ifstream maps(absl::StrFormat("/proc/%d/maps", template_pid));
  for (std::string line; std::getline(maps, line);) {
    if (line.find("memfd:births") == line.npos || line.find(" rw-s ") == line.npos) continue;
    const std::string range = line.substr(0, line.find(' '));
    const UniqueFd file(
        open(absl::StrFormat("/proc/%d/map_files/%s", template_pid, range).c_str(), O_RDWR));
    return pwrite(file.get(), &init, sizeof(init), offsetof(BirthRecord, init)) == sizeof(init);
  }
  return false;
}

// Dead before its Hello, it says that the init of its sandbox is somebody else.
void InitOfSomebodyElse(ForkServer& server) {
  const Bystander bystander;
  absl::StatusOr<LaunchedChild> sibling =
      server.Launch({.type = ProcessType::kIpcUnitTest, .argv = {"wait"}});
  ASSERT_TRUE(sibling.ok()) << sibling.status();
  for (const pid_t pid : {bystander.pid(), sibling->process.pid(), getpid(), pid_t{1}, pid_t{-1}}) {
    SCOPED_TRACE(pid);
    ASSERT_TRUE(server.WaitUntilServing().ok());
    HeldProcess root = HeldProcess::Seize(*server.root_pid());
    LaunchesInFlight launches(server);
    const Told& told = launches.Begin({.type = ProcessType::kIpcUnitTest,
                                       .argv = {"exit", "7"},
                                       .way = LaunchWay::kTemplate,
                                       .when_template_dies = WhenTemplateDies::kFail,
                                       .template_name = "boxed"});
    std::optional<HeldProcess> boxed = root.HoldNextChild();
    ASSERT_TRUE(boxed.has_value());
    root.LetGo();
    ASSERT_TRUE(boxed->HoldBefore(SYS_clone3));
    ASSERT_TRUE(WriteInit(boxed->pid(), pid));
    testing::CountHostileMessages(1);
    ASSERT_TRUE(testing::SignalProcess(boxed->pid(), SIGKILL).ok());
    launches.ExpectEndWithin(testing::kHostilePatience);
    EXPECT_FALSE(told.launch.ok());
    EXPECT_TRUE(testing::DispatchUntil(server, [&] { return server.in_flight() == 0; }));
  }
  EXPECT_TRUE(absl::IsDeadlineExceeded(sibling->process.Wait(absl::ZeroDuration()).status()))
      << "a sibling was killed";
}

HOSTILE_TEST(HostileTemplate, AnyBytes)
HOSTILE_TEST(HostileTemplate, AnyOtherMessage)
HOSTILE_TEST(HostileTemplate, AnyDescriptors)
HOSTILE_TEST(HostileTemplate, ForkedOfSomebodyElse)
HOSTILE_TEST(HostileTemplate, ForkedOfNobody)
HOSTILE_TEST(HostileTemplate, ForkedTwice)
HOSTILE_TEST(HostileTemplate, AnotherHello)
HOSTILE_TEST(HostileTemplate, Flood)
HOSTILE_TEST(HostileTemplate, NoReader)
HOSTILE_TEST(HostileTemplate, FloodBehindItsEnd)
HOSTILE_TEST(HostileTemplate, InitOfSomebodyElse)
HOSTILE_TEST(HostileTemplate, Silence)

}  // namespace
}  // namespace forkserver
