#include "transceiver/channel.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "tests/transceiver/each_backend.h"
#include "tests/transceiver/flight_limit.h"
#include "tests/transceiver/open_descriptors.h"

namespace forkserver {
namespace {

// For a Run that only looks whether something is ready.
constexpr int64_t kNow = 0;

// Far enough that only a failing test gets there.
int64_t Late() { return NowNanos() + 5 * kNanosPerSecond; }

// Runs the loop until `done`; false if that does not come about.
template <typename Done>
bool RunUntil(EventLoop& loop, Done done) {
  const int64_t deadline = Late();
  while (!done()) {
    if (NowNanos() >= deadline) return false;
    loop.Run(deadline);
  }
  return true;
}

class Channels : public EachBackend {};

INSTANTIATE_TEST_SUITE_P(Over, Channels, kEachBackend, BackendName);

// A loop, a pair of sockets and what a channel reported of `near`. The peer reads and writes
// `far` with the blocking calls.
struct Host {
  explicit Host(EventLoop::Backend backend) {
    loop = *EventLoop::Create(backend);
    SocketPair pair;
    EXPECT_EQ(CreateSocketPair(pair), 0);
    near = std::move(pair.first);
    far = std::move(pair.second);
  }

  Channel::Handlers Recording() {
    return {.on_packet =
                [this](Packet& packet) {
                  if (packet.frame_error() != FrameError::kNone) {
                    rejected.push_back(packet.frame_error());
                  } else {
                    received.push_back(packet.frame().request_id);
                  }
                },
            .on_closed = [this](absl::Status why) { closed.push_back(std::move(why)); }};
  }

  std::unique_ptr<Channel> Started(Channel::Handlers handlers) {
    auto channel = std::make_unique<Channel>(*loop, std::move(near), std::move(handlers));
    EXPECT_TRUE(channel->Start().ok());
    return channel;
  }

  int SendFromFar(uint64_t request_id, std::span<const uint8_t> payload = {},
                  std::span<const int> descriptors = {}) {
    return SendPacket(far.get(), Blocking::kNever, {.request_id = request_id}, payload,
                      descriptors);
  }

  PacketOutcome ReceiveAtFar() { return ReceivePacket(far.get(), Blocking::kNever, packet); }

  // Reads what the socket holds; returns the request ids.
  std::vector<uint64_t> DrainFar() {
    std::vector<uint64_t> ids;
    while (ReceiveAtFar() == PacketOutcome::kMessage) ids.push_back(packet.frame().request_id);
    return ids;
  }

  std::unique_ptr<EventLoop> loop;
  UniqueFd near;
  UniqueFd far;
  std::vector<uint64_t> received;
  std::vector<FrameError> rejected;
  std::vector<absl::Status> closed;
  std::vector<uint8_t> buffer = std::vector<uint8_t>(kMaxPayloadBytes);
  Packet packet{buffer};
};

const std::vector<uint8_t> kLargest(kMaxPayloadBytes);

// Sends until one message waits in the queue; its request id is returned, they count from 1.
uint64_t FillSocket(Channel& channel) {
  uint64_t id = 0;
  while (channel.queued_messages() == 0 && id < 1000) {
    ++id;
    EXPECT_TRUE(channel.Send({.request_id = id}, kLargest).ok());
  }
  EXPECT_EQ(channel.queued_messages(), 1u);
  return id;
}

std::vector<uint64_t> CountTo(uint64_t last) {
  std::vector<uint64_t> ids;
  for (uint64_t id = 1; id <= last; ++id) ids.push_back(id);
  return ids;
}

void SendGarbage(const UniqueFd& socket) {
  ASSERT_EQ(send(socket.get(), "garbage", 7, MSG_NOSIGNAL), 7);
}

TEST_P(Channels, DeliversPacketsInTheirOrder) {
  Host host(GetParam());
  const std::unique_ptr<Channel> channel = host.Started(host.Recording());
  for (uint64_t id = 1; id <= 3; ++id) ASSERT_EQ(host.SendFromFar(id), 0);
  ASSERT_TRUE(RunUntil(*host.loop, [&] { return host.received.size() >= 3; }));
  EXPECT_EQ(host.received, CountTo(3));
}

TEST_P(Channels, DeliversPayloadAndDescriptors) {
  Host host(GetParam());
  std::vector<uint8_t> payload;
  UniqueFd descriptor;
  const std::unique_ptr<Channel> channel = host.Started({.on_packet = [&](Packet& packet) {
    payload = {packet.payload().begin(), packet.payload().end()};
    descriptor = packet.descriptors().Take(0);
  }});
  const UniqueFd event(eventfd(42, EFD_CLOEXEC));
  const int fds[] = {event.get()};
  const uint8_t sent[] = {1, 2, 3};
  ASSERT_EQ(host.SendFromFar(1, sent, fds), 0);
  ASSERT_TRUE(RunUntil(*host.loop, [&] { return descriptor.is_open(); }));
  EXPECT_EQ(payload, (std::vector<uint8_t>{1, 2, 3}));
  eventfd_t value = 0;
  EXPECT_EQ(eventfd_read(descriptor.get(), &value), 0);
  EXPECT_EQ(value, 42u);
}

TEST_P(Channels, ClosesDescriptorsThatItsHandlerDidNotTake) {
  Host host(GetParam());
  const std::unique_ptr<Channel> channel = host.Started(host.Recording());
  const size_t before = OpenDescriptors();
  const int fds[] = {host.far.get(), host.far.get()};
  ASSERT_EQ(host.SendFromFar(1, {}, fds), 0);
  ASSERT_TRUE(RunUntil(*host.loop, [&] { return !host.received.empty(); }));
  EXPECT_EQ(OpenDescriptors(), before);
}

TEST_P(Channels, ReportsARejectedPacketAndGoesOn) {
  Host host(GetParam());
  const std::unique_ptr<Channel> channel = host.Started(host.Recording());
  SendGarbage(host.far);
  ASSERT_EQ(host.SendFromFar(1), 0);
  ASSERT_TRUE(RunUntil(*host.loop, [&] { return !host.received.empty(); }));
  EXPECT_EQ(host.rejected, std::vector<FrameError>{FrameError::kShort});
  EXPECT_TRUE(host.closed.empty());
}

TEST_P(Channels, RejectsAPayloadLargerThanItExpects) {
  Host host(GetParam());
  Channel channel(*host.loop, std::move(host.near), host.Recording(), 16);
  ASSERT_TRUE(channel.Start().ok());
  ASSERT_EQ(host.SendFromFar(1, std::vector<uint8_t>(17)), 0);
  ASSERT_EQ(host.SendFromFar(2, std::vector<uint8_t>(16)), 0);
  ASSERT_TRUE(RunUntil(*host.loop, [&] { return !host.received.empty(); }));
  EXPECT_EQ(host.rejected, std::vector<FrameError>{FrameError::kTruncated});
  EXPECT_EQ(host.received, std::vector<uint64_t>{2});
}

TEST_P(Channels, CallsBeforeReceiveAheadOfEveryPacket) {
  Host host(GetParam());
  std::string calls;
  const std::unique_ptr<Channel> channel = host.Started(
      {.before_receive = [&] { calls += "b"; }, .on_packet = [&](Packet&) { calls += "p"; }});
  ASSERT_EQ(host.SendFromFar(1), 0);
  ASSERT_EQ(host.SendFromFar(2), 0);
  host.loop->Run(Late());
  // The last one is of the receive that found nothing.
  EXPECT_EQ(calls, "bpbpb");
}

TEST_P(Channels, CallsOnDrainedWhenNothingIsLeftToReceive) {
  Host host(GetParam());
  std::string calls;
  const std::unique_ptr<Channel> channel = host.Started(
      {.on_drained = [&] { calls += "d"; }, .on_packet = [&](Packet&) { calls += "p"; }});
  ASSERT_EQ(host.SendFromFar(1), 0);
  ASSERT_EQ(host.SendFromFar(2), 0);
  host.loop->Run(Late());
  EXPECT_EQ(calls, "ppd");
}

TEST_P(Channels, DoesNotCallOnDrainedWhileAPeerFloods) {
  Host host(GetParam());
  std::vector<size_t> received_when_drained;
  Channel::Handlers handlers = host.Recording();
  handlers.on_drained = [&] { received_when_drained.push_back(host.received.size()); };
  const std::unique_ptr<Channel> channel = host.Started(std::move(handlers));
  uint64_t sent = 0;
  while (sent < 200 && host.SendFromFar(sent + 1) == 0) ++sent;
  ASSERT_EQ(sent, 200u);
  ASSERT_TRUE(RunUntil(*host.loop, [&] { return host.received.size() >= sent; }));
  EXPECT_EQ(received_when_drained, std::vector<size_t>{sent});
}

TEST_P(Channels, DoesNotWaitWhenNothingIsThereToReceive) {
  Host host(GetParam());
  const std::unique_ptr<Channel> channel = host.Started(host.Recording());
  host.loop->Run(kNow);
  EXPECT_TRUE(host.received.empty());
  EXPECT_TRUE(host.closed.empty());
}

TEST_P(Channels, LetsOthersRunWhileAPeerFloods) {
  Host host(GetParam());
  const std::unique_ptr<Channel> channel = host.Started(host.Recording());
  uint64_t sent = 0;
  while (sent < 200 && host.SendFromFar(sent + 1) == 0) ++sent;
  ASSERT_EQ(sent, 200u);
  host.loop->Run(Late());
  EXPECT_GT(host.received.size(), 0u);
  EXPECT_LT(host.received.size(), sent);
  ASSERT_TRUE(RunUntil(*host.loop, [&] { return host.received.size() >= sent; }));
  EXPECT_EQ(host.received, CountTo(sent));
}

TEST_P(Channels, LeavesTheLoopAsleepForMessagesWhenItAttendsToTheHangUpOnly) {
  Host host(GetParam());
  const std::unique_ptr<Channel> channel = host.Started(host.Recording());
  host.loop->Run(kNow);
  channel->SetAttention(Attention::kHangUp);
  host.loop->Run(kNow);
  ASSERT_EQ(host.SendFromFar(1), 0);
  EventLoop::Events events;
  host.loop->WaitForEvents(kNow, events);
  EXPECT_EQ(events.count, 0);
}

TEST_P(Channels, AttendsAsItWasToldBeforeItWasStarted) {
  Host host(GetParam());
  Channel channel(*host.loop, std::move(host.near), host.Recording());
  channel.SetAttention(Attention::kHangUp);
  ASSERT_TRUE(channel.Start().ok());
  ASSERT_EQ(host.SendFromFar(1), 0);
  EventLoop::Events events;
  host.loop->WaitForEvents(kNow, events);
  EXPECT_EQ(events.count, 0);
}

TEST_P(Channels, ReceivesWhatWaitsWhenItIsToldTo) {
  Host host(GetParam());
  const std::unique_ptr<Channel> channel = host.Started(host.Recording());
  channel->SetAttention(Attention::kHangUp);
  for (uint64_t id = 1; id <= 3; ++id) ASSERT_EQ(host.SendFromFar(id), 0);
  channel->ReceiveNow();
  EXPECT_EQ(host.received, CountTo(3));
}

TEST_P(Channels, ReceivesWhatWaitsWhenItAttendsToMessagesAgain) {
  Host host(GetParam());
  const std::unique_ptr<Channel> channel = host.Started(host.Recording());
  channel->SetAttention(Attention::kHangUp);
  ASSERT_EQ(host.SendFromFar(1), 0);
  channel->SetAttention(Attention::kMessages);
  host.loop->Run(kNow);
  EXPECT_EQ(host.received, CountTo(1));
}

TEST_P(Channels, HearsAPeerToTheEndWhenItAttendsToTheHangUpOnly) {
  Host host(GetParam());
  const std::unique_ptr<Channel> channel = host.Started(host.Recording());
  channel->SetAttention(Attention::kHangUp);
  // More than one turn of the loop takes.
  uint64_t sent = 0;
  while (sent < 200 && host.SendFromFar(sent + 1) == 0) ++sent;
  ASSERT_EQ(sent, 200u);
  host.far.reset();
  ASSERT_TRUE(RunUntil(*host.loop, [&] { return !host.closed.empty(); }));
  EXPECT_EQ(host.received, CountTo(sent));
  EXPECT_EQ(host.closed.size(), 1u);
}

TEST_P(Channels, SendsItsQueueWhenItAttendsToTheHangUpOnly) {
  Host host(GetParam());
  const std::unique_ptr<Channel> channel = host.Started(host.Recording());
  channel->SetAttention(Attention::kHangUp);
  const uint64_t last = FillSocket(*channel);
  std::vector<uint64_t> ids = host.DrainFar();
  host.loop->Run(kNow);
  for (const uint64_t id : host.DrainFar()) ids.push_back(id);
  EXPECT_EQ(ids, CountTo(last));
}

TEST_P(Channels, KeepsItsQueueWatchedWhenTheAttentionChanges) {
  Host host(GetParam());
  const std::unique_ptr<Channel> channel = host.Started(host.Recording());
  FillSocket(*channel);
  channel->SetAttention(Attention::kHangUp);
  host.DrainFar();
  host.loop->Run(kNow);
  EXPECT_EQ(channel->queued_messages(), 0u);
}

TEST_P(Channels, SaysOnceThatThePeerIsGoneAlsoToWhoeverAsks) {
  Host host(GetParam());
  const std::unique_ptr<Channel> channel = host.Started(host.Recording());
  host.far.reset();
  for (int i = 0; i < 3; ++i) channel->ReceiveNow();
  host.loop->Run(kNow);
  EXPECT_EQ(host.closed.size(), 1u);
}

TEST_P(Channels, SendsAtOnceWhenThereIsRoom) {
  Host host(GetParam());
  const std::unique_ptr<Channel> channel = host.Started(host.Recording());
  ASSERT_TRUE(channel->Send({.request_id = 1}).ok());
  EXPECT_EQ(channel->queued_messages(), 0u);
  EXPECT_EQ(host.DrainFar(), CountTo(1));
}

TEST_P(Channels, DeliversEverythingInOrderOnceTheFullSocketIsDrained) {
  Host host(GetParam());
  const std::unique_ptr<Channel> channel = host.Started(host.Recording());
  const uint64_t first_queued = FillSocket(*channel);
  const uint64_t last = first_queued + 100;
  for (uint64_t id = first_queued + 1; id <= last; ++id) {
    // Of every size, as a small one would fit where a large one did not.
    ASSERT_TRUE(channel->Send({.request_id = id}, {kLargest.data(), (id % 7) * 9000}).ok());
  }
  std::vector<uint64_t> ids;
  ASSERT_TRUE(RunUntil(*host.loop, [&] {
    for (const uint64_t id : host.DrainFar()) ids.push_back(id);
    return ids.size() >= last;
  }));
  EXPECT_EQ(ids, CountTo(last));
  EXPECT_EQ(channel->queued_messages(), 0u);
}

TEST_P(Channels, DeliversTheDescriptorsOfQueuedMessages) {
  Host host(GetParam());
  const std::unique_ptr<Channel> channel = host.Started(host.Recording());
  const uint64_t first_queued = FillSocket(*channel);
  const uint64_t last = first_queued + 20;
  for (uint64_t id = first_queued + 1; id <= last; ++id) {
    // Closed again at once: they are borrowed for the call.
    const UniqueFd event(eventfd(static_cast<unsigned>(id), EFD_CLOEXEC | EFD_NONBLOCK));
    const int fds[] = {event.get()};
    ASSERT_TRUE(channel->Send({.request_id = id}, {}, fds).ok());
  }
  uint64_t read = 0;
  ASSERT_TRUE(RunUntil(*host.loop, [&] {
    while (host.ReceiveAtFar() == PacketOutcome::kMessage) {
      ++read;
      const uint64_t id = host.packet.frame().request_id;
      if (id <= first_queued) continue;
      eventfd_t value = 0;
      EXPECT_EQ(host.packet.descriptors().size(), 1u);
      EXPECT_EQ(eventfd_read(host.packet.descriptors().get(0), &value), 0);
      EXPECT_EQ(value, id);
    }
    return read >= last;
  }));
}

TEST_P(Channels, ClosesItsDuplicatesWhenTheyAreSent) {
  Host host(GetParam());
  const std::unique_ptr<Channel> channel = host.Started(host.Recording());
  const size_t before = OpenDescriptors();
  FillSocket(*channel);
  const int fds[] = {host.far.get(), host.far.get()};
  ASSERT_TRUE(channel->Send({}, {}, fds).ok());
  ASSERT_EQ(OpenDescriptors(), before + 2);
  ASSERT_TRUE(RunUntil(*host.loop, [&] {
    host.DrainFar();
    return channel->queued_messages() == 0;
  }));
  host.DrainFar();
  EXPECT_EQ(OpenDescriptors(), before);
}

TEST_P(Channels, ClosesItsDuplicatesWhenItIsDestroyed) {
  Host host(GetParam());
  std::unique_ptr<Channel> channel = host.Started(host.Recording());
  const size_t before = OpenDescriptors();
  FillSocket(*channel);
  const int fds[] = {host.far.get(), host.far.get()};
  ASSERT_TRUE(channel->Send({}, {}, fds).ok());
  ASSERT_EQ(OpenDescriptors(), before + 2);
  channel.reset();
  // Its socket is closed too.
  EXPECT_EQ(OpenDescriptors(), before - 1);
}

TEST_P(Channels, QueuesNothingForADescriptorThatIsNotOpen) {
  Host host(GetParam());
  const std::unique_ptr<Channel> channel = host.Started(host.Recording());
  FillSocket(*channel);
  const size_t before = OpenDescriptors();
  const int fds[] = {host.far.get(), -1};
  EXPECT_FALSE(channel->Send({}, {}, fds).ok());
  EXPECT_EQ(channel->queued_messages(), 1u);
  EXPECT_EQ(OpenDescriptors(), before);
}

TEST_P(Channels, RefusesMoreMessagesThanItsQueueTakes) {
  Host host(GetParam());
  const std::unique_ptr<Channel> channel = host.Started(host.Recording());
  FillSocket(*channel);
  while (channel->queued_messages() < Channel::kMaxQueuedMessages) {
    ASSERT_TRUE(channel->Send({}).ok());
  }
  EXPECT_EQ(channel->Send({}).code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(channel->queued_messages(), Channel::kMaxQueuedMessages);
}

TEST_P(Channels, RefusesMoreBytesThanItsQueueTakes) {
  Host host(GetParam());
  const std::unique_ptr<Channel> channel = host.Started(host.Recording());
  FillSocket(*channel);
  constexpr size_t kFit = Channel::kMaxQueuedBytes / kMaxPayloadBytes;
  for (size_t queued = 1; queued < kFit; ++queued) ASSERT_TRUE(channel->Send({}, kLargest).ok());
  EXPECT_EQ(channel->Send({}, kLargest).code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(channel->queued_messages(), kFit);
}

TEST_P(Channels, QueuesAgainAfterAFullQueueWasDrained) {
  Host host(GetParam());
  const std::unique_ptr<Channel> channel = host.Started(host.Recording());
  FillSocket(*channel);
  while (channel->Send({}, kLargest).ok()) {
  }
  ASSERT_TRUE(RunUntil(*host.loop, [&] {
    host.DrainFar();
    return channel->queued_messages() == 0;
  }));
  host.DrainFar();
  FillSocket(*channel);
  constexpr size_t kFit = Channel::kMaxQueuedBytes / kMaxPayloadBytes;
  for (size_t queued = 1; queued < kFit; ++queued) ASSERT_TRUE(channel->Send({}, kLargest).ok());
  EXPECT_EQ(channel->Send({}, kLargest).code(), absl::StatusCode::kResourceExhausted);
}

TEST_P(Channels, SendsWhatWasQueuedBeforeItWasStarted) {
  Host host(GetParam());
  Channel channel(*host.loop, std::move(host.near), host.Recording());
  const uint64_t last = FillSocket(channel);
  ASSERT_TRUE(channel.Start().ok());
  std::vector<uint64_t> ids = host.DrainFar();
  host.loop->Run(kNow);
  for (const uint64_t id : host.DrainFar()) ids.push_back(id);
  EXPECT_EQ(ids, CountTo(last));
}

TEST_P(Channels, RefusesAPayloadOverTheLimitOfTheWire) {
  Host host(GetParam());
  const std::unique_ptr<Channel> channel = host.Started(host.Recording());
  EXPECT_EQ(channel->Send({}, std::vector<uint8_t>(kMaxPayloadBytes + 1)).code(),
            absl::StatusCode::kInvalidArgument);
}

TEST_P(Channels, RefusesDescriptorsOverTheLimitOfTheWire) {
  Host host(GetParam());
  const std::unique_ptr<Channel> channel = host.Started(host.Recording());
  const std::vector<int> fds(kMaxDescriptors + 1, host.far.get());
  EXPECT_EQ(channel->Send({}, {}, fds).code(), absl::StatusCode::kInvalidArgument);
}

TEST_P(Channels, QueuesNoPayloadOverTheLimitOfTheWire) {
  Host host(GetParam());
  const std::unique_ptr<Channel> channel = host.Started(host.Recording());
  FillSocket(*channel);
  EXPECT_EQ(channel->Send({}, std::vector<uint8_t>(kMaxPayloadBytes + 1)).code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(channel->queued_messages(), 1u);
}

TEST_P(Channels, QueuesNoDescriptorsOverTheLimitOfTheWire) {
  Host host(GetParam());
  const std::unique_ptr<Channel> channel = host.Started(host.Recording());
  FillSocket(*channel);
  const std::vector<int> fds(kMaxDescriptors + 1, host.far.get());
  EXPECT_EQ(channel->Send({}, {}, fds).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(channel->queued_messages(), 1u);
}

TEST_P(Channels, SaysThatThePeerIsGoneWhenItSends) {
  Host host(GetParam());
  const std::unique_ptr<Channel> channel = host.Started(host.Recording());
  host.far.reset();
  EXPECT_EQ(channel->Send({}).code(), absl::StatusCode::kUnavailable);
}

TEST_P(Channels, SaysThatThePeerIsGoneWhenItSendsAfterOnClosed) {
  Host host(GetParam());
  const std::unique_ptr<Channel> channel = host.Started(host.Recording());
  host.far.reset();
  ASSERT_TRUE(RunUntil(*host.loop, [&] { return !host.closed.empty(); }));
  EXPECT_EQ(channel->Send({}).code(), absl::StatusCode::kUnavailable);
}

TEST_P(Channels, SaysOnceThatThePeerIsGone) {
  Host host(GetParam());
  const std::unique_ptr<Channel> channel = host.Started(host.Recording());
  host.far.reset();
  for (int i = 0; i < 3; ++i) host.loop->Run(kNow);
  ASSERT_EQ(host.closed.size(), 1u);
  EXPECT_EQ(host.closed[0].code(), absl::StatusCode::kUnavailable);
}

TEST_P(Channels, IsClosedAfterAllThatThePeerSent) {
  Host host(GetParam());
  size_t received_at_close = 0;
  Channel::Handlers handlers = host.Recording();
  handlers.on_closed = [&](absl::Status why) {
    received_at_close = host.received.size();
    host.closed.push_back(std::move(why));
  };
  const std::unique_ptr<Channel> channel = host.Started(std::move(handlers));
  // More than one turn of the loop takes.
  uint64_t sent = 0;
  while (sent < 200 && host.SendFromFar(sent + 1) == 0) ++sent;
  ASSERT_EQ(sent, 200u);
  host.far.reset();
  ASSERT_TRUE(RunUntil(*host.loop, [&] { return !host.closed.empty(); }));
  EXPECT_EQ(received_at_close, sent);
  EXPECT_EQ(host.received, CountTo(sent));
}

TEST_P(Channels, HearsAPeerToTheEndThatDiedWithMessagesUnread) {
  Host host(GetParam());
  const std::unique_ptr<Channel> channel = host.Started(host.Recording());
  ASSERT_TRUE(channel->Send({}).ok());
  ASSERT_EQ(host.SendFromFar(1), 0);
  host.far.reset();
  ASSERT_TRUE(RunUntil(*host.loop, [&] { return !host.closed.empty(); }));
  EXPECT_EQ(host.received, CountTo(1));
  EXPECT_EQ(host.closed[0].code(), absl::StatusCode::kUnavailable);
}

TEST_P(Channels, HearsAPeerToTheEndThatDiedWhileMessagesWereQueued) {
  Host host(GetParam());
  const std::unique_ptr<Channel> channel = host.Started(host.Recording());
  FillSocket(*channel);
  ASSERT_EQ(host.SendFromFar(1), 0);
  host.far.reset();
  ASSERT_TRUE(RunUntil(*host.loop, [&] { return !host.closed.empty(); }));
  EXPECT_EQ(host.received, CountTo(1));
  EXPECT_EQ(channel->queued_messages(), 0u);
}

TEST_P(Channels, LeavesTheLoopQuietAfterThePeerIsGone) {
  Host host(GetParam());
  const std::unique_ptr<Channel> channel = host.Started(host.Recording());
  host.far.reset();
  ASSERT_TRUE(RunUntil(*host.loop, [&] { return !host.closed.empty(); }));
  EventLoop::Events events;
  host.loop->WaitForEvents(kNow, events);
  EXPECT_EQ(events.count, 0);
}

TEST_P(Channels, NamesTheCallWhenTheSocketFails) {
  Host host(GetParam());
  // An eventfd can be polled, and is no socket.
  host.near = UniqueFd(eventfd(1, EFD_CLOEXEC));
  const std::unique_ptr<Channel> channel = host.Started(host.Recording());
  ASSERT_TRUE(RunUntil(*host.loop, [&] { return !host.closed.empty(); }));
  EXPECT_NE(host.closed[0].message().find("recvmsg"), std::string::npos) << host.closed[0];
  EXPECT_NE(host.closed[0].message().find("ENOTSOCK"), std::string::npos) << host.closed[0];
}

TEST_P(Channels, FailsToStartOnADescriptorThatIsNotOpen) {
  Host host(GetParam());
  Channel channel(*host.loop, UniqueFd(), host.Recording());
  EXPECT_FALSE(channel.Start().ok());
}

TEST_P(Channels, LeavesTheLoopWhenItIsDestroyed) {
  Host host(GetParam());
  std::unique_ptr<Channel> channel = host.Started(host.Recording());
  ASSERT_EQ(host.SendFromFar(1), 0);
  channel.reset();
  // Over io_uring the cancellation is heard of, once.
  host.loop->Run(kNow);
  EventLoop::Events events;
  host.loop->WaitForEvents(kNow, events);
  EXPECT_EQ(events.count, 0);
}

TEST_P(Channels, GivesItsSocketAwayUnwatchedAndOpen) {
  Host host(GetParam());
  const std::unique_ptr<Channel> channel = host.Started(host.Recording());
  const int number = channel->fd();
  const UniqueFd socket = channel->TakeSocket();
  EXPECT_EQ(socket.get(), number);
  EXPECT_TRUE(IsOpen(number));
  ASSERT_EQ(host.SendFromFar(1), 0);
  host.loop->Run(kNow);
  EXPECT_TRUE(host.received.empty());
}

TEST_P(Channels, SendsNothingAfterItsSocketWasTaken) {
  Host host(GetParam());
  const std::unique_ptr<Channel> channel = host.Started(host.Recording());
  const UniqueFd socket = channel->TakeSocket();
  EXPECT_EQ(channel->Send({}).code(), absl::StatusCode::kUnavailable);
}

TEST_P(Channels, DropsItsQueueWhenItsSocketIsTaken) {
  Host host(GetParam());
  const std::unique_ptr<Channel> channel = host.Started(host.Recording());
  const size_t before = OpenDescriptors();
  FillSocket(*channel);
  const int fds[] = {host.far.get()};
  ASSERT_TRUE(channel->Send({}, {}, fds).ok());
  const UniqueFd socket = channel->TakeSocket();
  EXPECT_EQ(channel->queued_messages(), 0u);
  EXPECT_EQ(OpenDescriptors(), before);
}

TEST_P(Channels, LeavesWhatWasNotReadToWhoeverTakesItsSocket) {
  Host host(GetParam());
  std::unique_ptr<Channel> channel;
  UniqueFd socket;
  channel = host.Started({.on_packet = [&](Packet&) { socket = channel->TakeSocket(); }});
  ASSERT_EQ(host.SendFromFar(1), 0);
  ASSERT_EQ(host.SendFromFar(2), 0);
  host.loop->Run(Late());
  ASSERT_TRUE(socket.is_open());
  ASSERT_EQ(ReceivePacket(socket.get(), Blocking::kNever, host.packet), PacketOutcome::kMessage);
  EXPECT_EQ(host.packet.frame().request_id, 2u);
}

TEST_P(Channels, ReportsNothingOfASocketThatWasTakenBeforeAReceive) {
  Host host(GetParam());
  std::unique_ptr<Channel> channel;
  UniqueFd socket;
  Channel::Handlers handlers = host.Recording();
  handlers.before_receive = [&] { socket = channel->TakeSocket(); };
  channel = host.Started(std::move(handlers));
  ASSERT_EQ(host.SendFromFar(1), 0);
  host.loop->Run(Late());
  ASSERT_TRUE(socket.is_open());
  EXPECT_TRUE(host.received.empty());
  EXPECT_TRUE(host.closed.empty()) << host.closed[0];
}

TEST_P(Channels, AnswersFromWithinItsHandler) {
  Host host(GetParam());
  std::unique_ptr<Channel> channel;
  channel = host.Started({.on_packet = [&](Packet& packet) {
    EXPECT_TRUE(channel->Send(packet.frame(), packet.payload()).ok());
  }});
  const uint8_t payload[] = {7, 8};
  ASSERT_EQ(host.SendFromFar(1, payload), 0);
  host.loop->Run(Late());
  ASSERT_EQ(host.ReceiveAtFar(), PacketOutcome::kMessage);
  EXPECT_EQ(host.packet.frame().request_id, 1u);
  EXPECT_EQ(host.packet.payload().size(), 2u);
}

TEST_P(Channels, IsCalledNoMoreAfterItsPacketHandlerDestroyedIt) {
  Host host(GetParam());
  std::unique_ptr<Channel> channel;
  int packets = 0;
  int closes = 0;
  channel = host.Started({.on_packet =
                              [&](Packet&) {
                                ++packets;
                                channel.reset();
                              },
                          .on_closed = [&](absl::Status) { ++closes; }});
  ASSERT_EQ(host.SendFromFar(1), 0);
  ASSERT_EQ(host.SendFromFar(2), 0);
  for (int i = 0; i < 3; ++i) host.loop->Run(kNow);
  EXPECT_EQ(packets, 1);
  EXPECT_EQ(closes, 0);
}

TEST_P(Channels, MayBeDestroyedByItsCloseHandler) {
  Host host(GetParam());
  const size_t before = OpenDescriptors();
  std::unique_ptr<Channel> channel;
  int closes = 0;
  channel = host.Started({.on_packet = [](Packet&) {},
                          .on_closed =
                              [&](absl::Status) {
                                channel.reset();
                                ++closes;
                              }});
  host.far.reset();
  for (int i = 0; i < 3; ++i) host.loop->Run(kNow);
  EXPECT_EQ(closes, 1);
  EXPECT_EQ(OpenDescriptors(), before - 2);
}

TEST_P(Channels, MayBeDestroyedByItsDrainHandler) {
  Host host(GetParam());
  const size_t before = OpenDescriptors();
  std::unique_ptr<Channel> channel;
  channel = host.Started({.on_drained = [&] { channel.reset(); }, .on_packet = [](Packet&) {}});
  ASSERT_EQ(host.SendFromFar(1), 0);
  for (int i = 0; i < 3; ++i) host.loop->Run(kNow);
  EXPECT_EQ(channel, nullptr);
  EXPECT_EQ(OpenDescriptors(), before - 1);
}

TEST_P(Channels, ClosesTheDescriptorsOfThePacketWhoseHandlerDestroyedIt) {
  Host host(GetParam());
  std::unique_ptr<Channel> channel;
  channel = host.Started({.on_packet = [&](Packet&) { channel.reset(); }});
  const size_t before = OpenDescriptors();
  const int fds[] = {host.far.get(), host.far.get()};
  ASSERT_EQ(host.SendFromFar(1, {}, fds), 0);
  host.loop->Run(Late());
  EXPECT_EQ(channel, nullptr);
  EXPECT_EQ(OpenDescriptors(), before - 1);
}

// Whether what a handler captured is still there after the handler has destroyed its channel.
struct CaptureCheck {
  std::unique_ptr<Channel>& channel;
  std::weak_ptr<int> captured;
  bool kept = false;

  // Called through a reference of the caller's, since the handler's own may be gone afterwards.
  void DestroyChannel() {
    channel.reset();
    kept = !captured.expired();
  }
};

TEST_P(Channels, KeepsAPacketHandlerThatDestroysItUntilTheHandlerReturns) {
  Host host(GetParam());
  std::unique_ptr<Channel> channel;
  auto captured = std::make_shared<int>(0);
  CaptureCheck check = {.channel = channel, .captured = captured};
  channel = host.Started(
      {.on_packet = [captured = std::move(captured), &check](Packet&) { check.DestroyChannel(); }});
  ASSERT_EQ(host.SendFromFar(1), 0);
  host.loop->Run(Late());
  EXPECT_TRUE(check.kept);
}

TEST_P(Channels, KeepsADrainHandlerThatDestroysItUntilTheHandlerReturns) {
  Host host(GetParam());
  std::unique_ptr<Channel> channel;
  auto captured = std::make_shared<int>(0);
  CaptureCheck check = {.channel = channel, .captured = captured};
  channel = host.Started(
      {.on_drained = [captured = std::move(captured), &check] { check.DestroyChannel(); },
       .on_packet = [](Packet&) {}});
  ASSERT_EQ(host.SendFromFar(1), 0);
  host.loop->Run(Late());
  EXPECT_TRUE(check.kept);
}

TEST_P(Channels, KeepsACloseHandlerThatDestroysItUntilTheHandlerReturns) {
  Host host(GetParam());
  std::unique_ptr<Channel> channel;
  auto captured = std::make_shared<int>(0);
  CaptureCheck check = {.channel = channel, .captured = captured};
  channel = host.Started({.on_packet = [](Packet&) {},
                          .on_closed = [captured = std::move(captured),
                                        &check](absl::Status) { check.DestroyChannel(); }});
  host.far.reset();
  host.loop->Run(Late());
  EXPECT_TRUE(check.kept);
}

TEST_P(Channels, SendsWhenFewerDescriptorsAreInFlight) {
  Host host(GetParam());
  const std::unique_ptr<Channel> channel = host.Started(host.Recording());
  const int fds[] = {host.far.get()};
  FlightLimit limit;
  ASSERT_TRUE(limit.reached());
  ASSERT_TRUE(channel->Send({.request_id = 1}, {}, fds).ok());
  ASSERT_EQ(channel->queued_messages(), 1u);
  limit.EndFlight();
  ASSERT_TRUE(RunUntil(*host.loop, [&] { return channel->queued_messages() == 0; }));
  EXPECT_EQ(host.DrainFar(), CountTo(1));
}

TEST_P(Channels, KeepsTheOrderWhileTooManyDescriptorsAreInFlight) {
  Host host(GetParam());
  const std::unique_ptr<Channel> channel = host.Started(host.Recording());
  const int fds[] = {host.far.get()};
  FlightLimit limit;
  ASSERT_TRUE(limit.reached());
  ASSERT_TRUE(channel->Send({.request_id = 1}, {}, fds).ok());
  ASSERT_TRUE(channel->Send({.request_id = 2}).ok());
  ASSERT_TRUE(channel->Send({.request_id = 3}, {}, fds).ok());
  limit.EndFlight();
  ASSERT_TRUE(RunUntil(*host.loop, [&] { return channel->queued_messages() == 0; }));
  EXPECT_EQ(host.DrainFar(), CountTo(3));
}

TEST_P(Channels, DoesNotSpinWhileTooManyDescriptorsAreInFlight) {
  Host host(GetParam());
  const std::unique_ptr<Channel> channel = host.Started(host.Recording());
  FillSocket(*channel);
  const int fds[] = {host.far.get()};
  FlightLimit limit;
  ASSERT_TRUE(limit.reached());
  ASSERT_TRUE(channel->Send({}, {}, fds).ok());
  host.DrainFar();
  // Sends the message without descriptors and then waits for the limit, no longer for room.
  ASSERT_TRUE(RunUntil(*host.loop, [&] { return channel->queued_messages() == 1; }));
  host.DrainFar();
  EventLoop::Events events;
  host.loop->WaitForEvents(kNow, events);
  for (int i = 0; i < events.count; ++i) EXPECT_EQ(events.list[i].events & EPOLLOUT, 0u);
}

TEST_P(Channels, SaysThatThePeerIsGoneAlsoWhenMessagesWereQueued) {
  Host host(GetParam());
  const std::unique_ptr<Channel> channel = host.Started(host.Recording());
  const int fds[] = {STDERR_FILENO};
  FlightLimit limit;
  ASSERT_TRUE(limit.reached());
  ASSERT_TRUE(channel->Send({}, {}, fds).ok());
  ASSERT_EQ(channel->queued_messages(), 1u);
  host.far.reset();
  ASSERT_TRUE(RunUntil(*host.loop, [&] { return !host.closed.empty(); }));
  EXPECT_EQ(channel->Send({}).code(), absl::StatusCode::kUnavailable);
}

// The last, as what it is about can take the process down.
TEST_P(Channels, MayBeDestroyedBeforeAReceive) {
  Host host(GetParam());
  std::unique_ptr<Channel> channel;
  Channel::Handlers handlers = host.Recording();
  handlers.before_receive = [&] { channel.reset(); };
  channel = host.Started(std::move(handlers));
  ASSERT_EQ(host.SendFromFar(1), 0);
  host.loop->Run(Late());
  EXPECT_EQ(channel, nullptr);
  EXPECT_TRUE(host.received.empty());
  EXPECT_TRUE(host.closed.empty());
}

TEST_P(Channels, StopReceivingWhenAHandlerTurnsToTheHangUp) {
  Host host(GetParam());
  std::unique_ptr<Channel> channel;
  Channel::Handlers handlers = host.Recording();
  handlers.on_packet = [&](Packet& packet) {
    host.received.push_back(packet.frame().request_id);
    if (packet.frame().request_id == 2) channel->SetAttention(Attention::kHangUp);
  };
  channel = host.Started(std::move(handlers));
  for (uint64_t id = 1; id <= 4; ++id) ASSERT_EQ(host.SendFromFar(id), 0);
  ASSERT_TRUE(RunUntil(*host.loop, [&] { return host.received.size() >= 2; }));
  for (int i = 0; i < 5; ++i) host.loop->Run(kNow);
  EXPECT_EQ(host.received, CountTo(2));
  channel->SetAttention(Attention::kMessages);
  ASSERT_TRUE(RunUntil(*host.loop, [&] { return host.received.size() >= 4; }));
  EXPECT_EQ(host.received, CountTo(4));
}

TEST_P(Channels, TellWhenTheQueueHasGone) {
  Host host(GetParam());
  int sent = 0;
  Channel::Handlers handlers = host.Recording();
  handlers.on_queue_sent = [&] { ++sent; };
  const std::unique_ptr<Channel> channel = host.Started(std::move(handlers));
  FillSocket(*channel);
  channel->SendQueuedNow();
  EXPECT_EQ(sent, 0) << "there is no room";
  host.DrainFar();
  channel->SendQueuedNow();
  EXPECT_EQ(sent, 1);
  EXPECT_EQ(channel->queued_messages(), 0u);
  EXPECT_EQ(channel->queued_bytes(), 0u);
  const uint64_t last = FillSocket(*channel);
  ASSERT_TRUE(RunUntil(*host.loop, [&] {
    host.DrainFar();
    return sent == 2;
  })) << last;
}

}  // namespace
}  // namespace forkserver
