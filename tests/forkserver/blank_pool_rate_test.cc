// A pool whose template is played by the test, as is the time: how many blanks it asks for, and
// when.
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "forkserver/host/blank_pool.h"
#include "forkserver/host/immediate_launches.h"
#include "forkserver/host/memory_pressure.h"
#include "forkserver/server/hello.h"
#include "tests/testing/quiet_child.h"
#include "transceiver/clock.h"
#include "transceiver/messages.h"
#include "transceiver/packet.h"

namespace forkserver {
namespace {

// What NowNanos gives in this program: it moves when a test moves it. It is far behind the kernel's
// clock, so that a timer of the kernel's has always expired, and the loop, which then looks which
// of its own are due, goes by this one.
int64_t simulated_now = kNanosPerSecond;

}  // namespace
}  // namespace forkserver

// In place of libc's.
extern "C" int clock_gettime(clockid_t clock, timespec* time) noexcept {
  if (clock != CLOCK_MONOTONIC) return static_cast<int>(syscall(SYS_clock_gettime, clock, time));
  *time = {.tv_sec = forkserver::simulated_now / forkserver::kNanosPerSecond,
           .tv_nsec = forkserver::simulated_now % forkserver::kNanosPerSecond};
  return 0;
}

namespace forkserver {
namespace {

// A template of the test's own: it says Hello, and answers Forks with children that only wait.
class PlayedTemplate {
 public:
  explicit PlayedTemplate(PoolBounds bounds) {
    SocketPair sockets;
    EXPECT_EQ(CreateSocketPair(sockets), 0);
    socket_ = std::move(sockets.second);
    link_ = std::make_unique<TemplateLink>(
        "played template", *loop_, reaper_, std::move(sockets.first), Mapping(), kBuildId,
        STDIN_FILENO,
        TemplateLink::Events{
            .on_pong = [](uint64_t) {},
            .on_hello = [](const HelloMessage&,
                           DescriptorList&) { return std::unique_ptr<TemplateSandbox>(); },
            .on_state = [] {}});
    EXPECT_TRUE(link_->Start().ok());
    HelloMessage hello;
    hello.protocol_version = kProtocolVersion;
    hello.build_id = kBuildId;
    hello.pid = getpid();
    std::vector<uint8_t> buffer(kMaxPayloadBytes);
    EXPECT_EQ(
        SendPacket(socket_.get(), Blocking::kNever, {.type = kHello}, Encode(hello, buffer), {}),
        0);
    loop_->Run(NowNanos() + kNanosPerSecond);
    EXPECT_EQ(link_->state(), TemplateLink::State::kServing);
    pool_ =
        std::make_unique<BlankPool>(*loop_, reaper_, ids_, immediate_, *recorder_, *link_, bounds);
  }
  ~PlayedTemplate() {
    pool_.reset();
    // The kernel takes its own time to end them.
    while (reaper_.pending() > 0) loop_->Run(kNever);
  }

  BlankPool& pool() { return *pool_; }
  ImmediateLaunches& immediate() { return immediate_; }
  EventLoop& loop() { return *loop_; }
  size_t forks() const { return forks_; }
  const TemplateLink& link() const { return *link_; }
  pid_t last_child() const { return last_child_; }

  void Arrive(int times) {
    for (int i = 0; i < times; ++i) pool_->NoteArrival();
  }

  // Drives loop and template, and moves the time. False: it did not come to that within ten
  // seconds.
  bool RunUntil(const std::function<bool()>& done) {
    const int64_t deadline = NowNanos() + 10 * kNanosPerSecond;
    while (!done()) {
      if (NowNanos() >= deadline) return false;
      Step(deadline);
    }
    return true;
  }
  void RunFor(int64_t nanos) {
    const int64_t end = NowNanos() + nanos;
    while (NowNanos() < end) Step(end);
  }

 private:
  static constexpr uint64_t kBuildId = 7;

  void Step(int64_t at_most_to) {
    simulated_now = std::min(simulated_now + kNanosPerMilli / 4, at_most_to);
    loop_->Run(NowNanos());
    Answer();
  }

  void Answer() {
    uint8_t buffer[64];
    Packet packet(buffer);
    while (ReceivePacket(socket_.get(), Blocking::kNever, packet) == PacketOutcome::kMessage) {
      ASSERT_EQ(packet.frame().type, kFork);
      ++forks_;
      far_ends_.push_back(packet.descriptors().Take(0));
      const testing::QuietChild child = testing::SpawnQuietChild();
      const int pidfd = child.pidfd.get();
      last_child_ = child.pid;
      uint8_t answer[64];
      ASSERT_EQ(SendPacket(socket_.get(), Blocking::kNever,
                           {.type = kForked, .request_id = packet.frame().request_id},
                           Encode(ForkedMessage{.pid = child.pid, .received_at = 1, .cloned_at = 1},
                                  answer),
                           {&pidfd, 1}),
                0);
    }
  }

  std::unique_ptr<EventLoop> loop_ = *EventLoop::Create(EventLoop::Backend::kEpoll);
  Reaper reaper_{*loop_};
  RequestIds ids_;
  ImmediateLaunches immediate_;
  const std::shared_ptr<FlightRecorder> recorder_ =
      std::make_shared<FlightRecorder>(FlightRecorderOptions());
  UniqueFd socket_;
  std::vector<UniqueFd> far_ends_;
  std::unique_ptr<TemplateLink> link_;
  std::unique_ptr<BlankPool> pool_;
  size_t forks_ = 0;
  pid_t last_child_ = -1;
};

// A pidfd for which there is no room, not even the one that was kept: others were faster. The
// template is given up, and whoever asked for that child hears of it as of the others.
TEST(BlankPoolRate, NoBlankIsForkedWhileAnImmediateLaunchIsUnderWay) {
  PlayedTemplate played({.min = 1, .max = 1});
  played.immediate().Began(NowNanos());
  played.Arrive(1);
  played.RunFor(ImmediateLaunches::kLongest / 2);
  EXPECT_EQ(played.forks(), 0u);
  played.immediate().Ended();
  EXPECT_TRUE(played.RunUntil([&] { return played.pool().idle_pids().size() == 1; }));
}

TEST(BlankPoolRate, LaunchThatTakesLongIsInNobodysWay) {
  PlayedTemplate played({.min = 1, .max = 1});
  played.immediate().Began(NowNanos());
  played.Arrive(1);
  EXPECT_TRUE(played.RunUntil([&] { return played.pool().idle_pids().size() == 1; }));
  played.immediate().Ended();
}

TEST(BlankPoolRate, ForkedThatNothingCanTakeEndsTheTemplateForWhoAskedToo) {
  PlayedTemplate played({.min = 1, .max = 1});
  played.Arrive(1);
  ASSERT_TRUE(played.RunUntil([&] { return played.forks() == 1; }));
  rlimit before;
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit none = {.rlim_cur = 0, .rlim_max = before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
  played.loop().Run(NowNanos());
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_EQ(played.link().state(), TemplateLink::State::kDead);
  // The pool was told, and waits for none.
  EXPECT_TRUE(played.pool().idle_pids().empty());
  EXPECT_TRUE(Process::Adopt(played.last_child()).ok());  // killed and reaped at once
}

TEST(BlankPoolRate, NothingIsForkedBeforeTheFirstArrival) {
  PlayedTemplate played({.min = 2, .max = 3});
  EXPECT_EQ(played.pool().target(), 0u);
  played.RunFor(20 * kNanosPerMilli);
  EXPECT_EQ(played.forks(), 0u);
}

TEST(BlankPoolRate, TargetIsTheMinimumAndWhatArrivesInATenthOfASecond) {
  PlayedTemplate played({.min = 1, .max = 3});
  played.Arrive(1);
  EXPECT_EQ(played.pool().target(), 1u);
  played.Arrive(14);  // 15 a second
  EXPECT_EQ(played.pool().target(), 2u);
  played.Arrive(10);  // 25 a second
  EXPECT_EQ(played.pool().target(), 3u);
  played.Arrive(1000);
  EXPECT_EQ(played.pool().target(), 3u);
  EXPECT_TRUE(played.RunUntil([&] { return played.pool().idle_pids().size() == 3; }));
  played.RunFor(20 * kNanosPerMilli);
  EXPECT_EQ(played.forks(), 3u);
}

TEST(BlankPoolRate, MinimumAboveTheMaximumIsTheMaximum) {
  PlayedTemplate played({.min = 5, .max = 2});
  played.Arrive(1);
  EXPECT_EQ(played.pool().target(), 2u);
}

TEST(BlankPoolRate, BlankThatIsPutBackIsTakenFirst) {
  PlayedTemplate played({.min = 2, .max = 2});
  played.Arrive(1);
  ASSERT_TRUE(played.RunUntil([&] { return played.pool().idle_pids().size() == 2; }));
  std::optional<BlankPool::Blank> blank = played.pool().Take();
  ASSERT_TRUE(blank.has_value());
  const uint64_t id = blank->id;
  EXPECT_EQ(played.pool().idle_pids().size(), 1u);
  played.pool().PutBack(*std::move(blank));
  EXPECT_EQ(played.pool().idle_pids().size(), 2u);
  blank = played.pool().Take();
  ASSERT_TRUE(blank.has_value());
  EXPECT_EQ(blank->id, id);
}

TEST(BlankPoolRate, RateIsForgottenAndTheYoungestGo) {
  PlayedTemplate played({.min = 1, .max = 3});
  played.Arrive(30);
  ASSERT_TRUE(played.RunUntil([&] { return played.pool().idle_pids().size() == 3; }));
  const std::vector<pid_t> oldest = {played.pool().idle_pids().front()};
  // 30 a second is below 10 after 1.1 s, which the pool notices within another one.
  played.RunFor(5 * kNanosPerSecond / 2);
  EXPECT_EQ(played.pool().idle_pids(), oldest);
  EXPECT_EQ(played.pool().target(), 1u);
  EXPECT_EQ(played.forks(), 3u);
}

// An out-of-band byte on a socket is EPOLLPRI, as a trigger of PSI is.
struct PressureSource {
  UniqueFd trigger;
  UniqueFd far_end;

  static std::optional<PressureSource> Create() {
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return std::nullopt;
    PressureSource source = {UniqueFd(ends[0]), UniqueFd(ends[1])};
    return source;
  }
  // False: sockets of this kernel have no such bytes (before 5.15).
  bool Raise() const { return send(far_end.get(), "!", 1, MSG_OOB) == 1; }
  static void Lower(int trigger) {
    char byte;
    recv(trigger, &byte, 1, MSG_OOB);
  }
};

// Over epoll: io_uring leaves EPOLLPRI out of what wakes a poll (IO_ASYNC_POLL_COMMON), where the
// wake-up names its events. A socket's does; PSI's does not, and is heard.
TEST(MemoryPressure, CallsForEachTimeThatTheTriggerFires) {
  std::unique_ptr<EventLoop> loop = *EventLoop::Create(EventLoop::Backend::kEpoll);
  std::optional<PressureSource> source = PressureSource::Create();
  ASSERT_TRUE(source.has_value());
  const int trigger = source->trigger.get();
  int calls = 0;
  MemoryPressure pressure(*loop, [&] {
    ++calls;
    PressureSource::Lower(trigger);
  });
  ASSERT_TRUE(pressure.Watch(std::move(source->trigger)).ok());
  loop->Run(NowNanos());
  EXPECT_EQ(calls, 0);
  for (int i = 1; i <= 3; ++i) {
    if (!source->Raise()) GTEST_SKIP() << "no MSG_OOB on AF_UNIX before Linux 5.15";
    loop->Run(NowNanos() + kNanosPerSecond);
    EXPECT_EQ(calls, i);
    loop->Run(NowNanos());
    EXPECT_EQ(calls, i);
  }
}

TEST(MemoryPressure, TriggerThatIsGoneIsNotHeardOfForEver) {
  std::unique_ptr<EventLoop> loop = *EventLoop::Create(EventLoop::Backend::kEpoll);
  std::optional<PressureSource> source = PressureSource::Create();
  ASSERT_TRUE(source.has_value());
  int calls = 0;
  MemoryPressure pressure(*loop, [&] { ++calls; });
  ASSERT_TRUE(pressure.Watch(std::move(source->trigger)).ok());
  // Both at once, as PSI reports a trigger that was destroyed.
  source->Raise();
  source->far_end.reset();
  loop->Run(NowNanos() + kNanosPerSecond);
  EventLoop::Events events;
  loop->WaitForEvents(NowNanos(), events);
  EXPECT_EQ(events.count, 0);
  EXPECT_LE(calls, 1);
}

TEST(MemoryPressure, FileThatIsNotThereIsAStatus) {
  std::unique_ptr<EventLoop> loop = *EventLoop::Create(EventLoop::Backend::kEpoll);
  MemoryPressure pressure(*loop, [] {});
  EXPECT_TRUE(absl::IsNotFound(pressure.Watch("/there/is/no/pressure")));
}

TEST(BlankPoolRate, PoolShrinksToNothingUnderPressureAndStaysThere) {
  PlayedTemplate played({.min = 1, .max = 3});
  std::optional<PressureSource> source = PressureSource::Create();
  ASSERT_TRUE(source.has_value());
  const int trigger = source->trigger.get();
  MemoryPressure pressure(played.loop(), [&] {
    PressureSource::Lower(trigger);
    played.pool().Shrink();
  });
  ASSERT_TRUE(pressure.Watch(std::move(source->trigger)).ok());
  played.Arrive(30);
  ASSERT_TRUE(played.RunUntil([&] { return played.pool().idle_pids().size() == 3; }));
  if (!source->Raise()) GTEST_SKIP() << "no MSG_OOB on AF_UNIX before Linux 5.15";
  EXPECT_TRUE(played.RunUntil([&] { return played.pool().idle_pids().size() == 0; }));
  EXPECT_EQ(played.pool().target(), 0u);
  EXPECT_FALSE(played.pool().Take().has_value());
  // Also while launches go on.
  const size_t forks = played.forks();
  played.Arrive(30);
  played.RunFor(50 * kNanosPerMilli);
  EXPECT_EQ(played.forks(), forks);
}

// Ten seconds after the pressure, without anybody's doing.
TEST(BlankPoolRate, PoolGrowsBackByItselfAfterPressure) {
  PlayedTemplate played({.min = 1, .max = 3});
  played.Arrive(1);
  ASSERT_TRUE(played.RunUntil([&] { return played.pool().idle_pids().size() == 1; }));
  const int64_t pressed_at = NowNanos();
  played.pool().Shrink();
  EXPECT_EQ(played.pool().idle_pids().size(), 0u);
  played.RunFor(10 * kNanosPerSecond - kNanosPerMilli);
  EXPECT_EQ(played.pool().idle_pids().size(), 0u);
  EXPECT_TRUE(played.RunUntil([&] { return played.pool().idle_pids().size() == 1; }));
  EXPECT_LE(NowNanos() - pressed_at, 10 * kNanosPerSecond + 10 * kNanosPerMilli);
}

}  // namespace
}  // namespace forkserver
