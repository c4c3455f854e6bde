#include "transceiver/mini_transceiver.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "tests/transceiver/flight_limit.h"
#include "tests/transceiver/open_descriptors.h"
#include "tests/transceiver/watched_thread.h"

namespace forkserver {
namespace {

constexpr int64_t kNow = 0;

// Far enough that only a failing test gets there.
int64_t Late() { return NowNanos() + 5 * kNanosPerSecond; }

// Two ends that talk to each other.
struct Talk {
  explicit Talk(SocketPair pair)
      : near(std::move(pair.first), near_buffer), far(std::move(pair.second), far_buffer) {}

  std::vector<uint8_t> near_buffer = std::vector<uint8_t>(kMaxPayloadBytes);
  std::vector<uint8_t> far_buffer = std::vector<uint8_t>(kMaxPayloadBytes);
  MiniTransceiver near;
  MiniTransceiver far;
};

SocketPair Pair() {
  SocketPair pair;
  EXPECT_EQ(CreateSocketPair(pair), 0);
  return pair;
}

void SendGarbage(int socket) { ASSERT_EQ(send(socket, "garbage", 7, MSG_NOSIGNAL), 7); }

// Returns how many messages fit.
int FillSocket(int socket) {
  const std::vector<uint8_t> payload(kMaxPayloadBytes);
  int sent = 0;
  while (sent < 1000 && SendPacket(socket, Blocking::kNever, {}, payload, {}) == 0) ++sent;
  return sent;
}

TEST(MiniTransceiver, DeliversWhatTheOtherEndSends) {
  Talk talk(Pair());
  const uint8_t payload[] = {1, 2, 3};
  const int fds[] = {talk.far.fd()};
  ASSERT_EQ(talk.far.Send({.type = 4, .request_id = 12}, payload, fds), 0);
  ASSERT_EQ(talk.near.Receive(Late()), ReceiveOutcome::kMessage);
  EXPECT_EQ(talk.near.packet().frame(),
            (Frame{.type = 4, .request_id = 12, .payload_size = 3, .descriptor_count = 1}));
  EXPECT_EQ(std::vector<uint8_t>(talk.near.packet().payload().begin(),
                                 talk.near.packet().payload().end()),
            (std::vector<uint8_t>{1, 2, 3}));
  EXPECT_TRUE(IsOpen(talk.near.packet().descriptors().get(0)));
}

TEST(MiniTransceiver, TimesOutAtItsDeadlineAndNotBefore) {
  Talk talk(Pair());
  const int64_t deadline = NowNanos() + 20 * kNanosPerMilli;
  EXPECT_EQ(talk.near.Receive(deadline), ReceiveOutcome::kTimedOut);
  EXPECT_GE(NowNanos(), deadline);
}

TEST(MiniTransceiver, TimesOutAtOnceWhenTheDeadlineHasPassed) {
  Talk talk(Pair());
  EXPECT_EQ(talk.near.Receive(kNow), ReceiveOutcome::kTimedOut);
}

TEST(MiniTransceiver, ReceivesWhatIsThereAfterTheDeadlineToo) {
  Talk talk(Pair());
  ASSERT_EQ(talk.far.Send({.request_id = 5}), 0);
  EXPECT_EQ(talk.near.Receive(kNow), ReceiveOutcome::kMessage);
}

TEST(MiniTransceiver, ReceivesAMessageThatComesAfterATimeOut) {
  Talk talk(Pair());
  ASSERT_EQ(talk.near.Receive(kNow), ReceiveOutcome::kTimedOut);
  ASSERT_EQ(talk.far.Send({.request_id = 5}), 0);
  EXPECT_EQ(talk.near.Receive(Late()), ReceiveOutcome::kMessage);
}

TEST(MiniTransceiver, WakesForAMessageWhileItWaitsForADeadline) {
  Talk talk(Pair());
  ReceiveOutcome outcome = ReceiveOutcome::kError;
  WatchedThread receiver([&] { outcome = talk.near.Receive(Late()); });
  EXPECT_TRUE(receiver.BlocksIn(SYS_ppoll));
  EXPECT_EQ(talk.far.Send({}), 0);
  receiver.Join();
  EXPECT_EQ(outcome, ReceiveOutcome::kMessage);
}

TEST(MiniTransceiver, WakesForAMessageWhileItWaitsForGood) {
  Talk talk(Pair());
  ReceiveOutcome outcome = ReceiveOutcome::kError;
  WatchedThread receiver([&] { outcome = talk.near.Receive(); });
  EXPECT_TRUE(receiver.BlocksIn(SYS_recvmsg));
  EXPECT_EQ(talk.far.Send({}), 0);
  receiver.Join();
  EXPECT_EQ(outcome, ReceiveOutcome::kMessage);
}

TEST(MiniTransceiver, IsClosedWhenThePeerIsGone) {
  Talk talk(Pair());
  talk.far.TakeSocket().reset();
  EXPECT_EQ(talk.near.Receive(Late()), ReceiveOutcome::kClosed);
}

TEST(MiniTransceiver, WakesForTheDeathOfThePeerWhileItWaitsForADeadline) {
  Talk talk(Pair());
  ReceiveOutcome outcome = ReceiveOutcome::kError;
  WatchedThread receiver([&] { outcome = talk.near.Receive(Late()); });
  EXPECT_TRUE(receiver.BlocksIn(SYS_ppoll));
  talk.far.TakeSocket().reset();
  receiver.Join();
  EXPECT_EQ(outcome, ReceiveOutcome::kClosed);
}

TEST(MiniTransceiver, ReceivesTheLastMessageOfAPeerThatIsGone) {
  Talk talk(Pair());
  ASSERT_EQ(talk.far.Send({.request_id = 5}), 0);
  talk.far.TakeSocket().reset();
  EXPECT_EQ(talk.near.Receive(Late()), ReceiveOutcome::kMessage);
  EXPECT_EQ(talk.near.Receive(Late()), ReceiveOutcome::kClosed);
}

TEST(MiniTransceiver, SaysWhyAPacketWasRejected) {
  Talk talk(Pair());
  SendGarbage(talk.far.fd());
  ASSERT_EQ(talk.near.Receive(Late()), ReceiveOutcome::kRejected);
  EXPECT_EQ(talk.near.packet().frame_error(), FrameError::kShort);
}

TEST(MiniTransceiver, ReceivesAGoodMessageAfterARejectedPacket) {
  Talk talk(Pair());
  SendGarbage(talk.far.fd());
  ASSERT_EQ(talk.far.Send({.request_id = 5}), 0);
  ASSERT_EQ(talk.near.Receive(Late()), ReceiveOutcome::kRejected);
  ASSERT_EQ(talk.near.Receive(Late()), ReceiveOutcome::kMessage);
  EXPECT_EQ(talk.near.packet().frame().request_id, 5u);
}

TEST(MiniTransceiver, ReportsTheErrorOfADescriptorThatIsNoSocket) {
  std::vector<uint8_t> buffer(16);
  MiniTransceiver channel(UniqueFd(eventfd(0, EFD_CLOEXEC)), buffer);
  ASSERT_EQ(channel.Receive(Late()), ReceiveOutcome::kError);
  EXPECT_EQ(channel.packet().error(), ENOTSOCK);
}

TEST(MiniTransceiver, ClosesItsSocket) {
  SocketPair pair = Pair();
  const size_t before = OpenDescriptors();
  {
    std::vector<uint8_t> buffer(16);
    MiniTransceiver channel(std::move(pair.first), buffer);
  }
  EXPECT_EQ(OpenDescriptors(), before - 1);
}

TEST(MiniTransceiver, GivesItsSocketAwayOpen) {
  Talk talk(Pair());
  const int number = talk.near.fd();
  const UniqueFd socket = talk.near.TakeSocket();
  EXPECT_EQ(socket.get(), number);
  EXPECT_EQ(talk.near.fd(), -1);
  EXPECT_TRUE(IsOpen(number));
}

TEST(MiniTransceiver, WaitsForRoomToSend) {
  Talk talk(Pair());
  const int before_it = FillSocket(talk.near.fd());
  int error = -1;
  const std::vector<uint8_t> payload(kMaxPayloadBytes);
  WatchedThread sender([&] { error = talk.near.Send({.request_id = 5}, payload); });
  EXPECT_TRUE(sender.BlocksIn(SYS_sendmsg));
  for (int i = 0; i < before_it; ++i) {
    EXPECT_EQ(talk.far.Receive(Late()), ReceiveOutcome::kMessage);
  }
  sender.Join();
  EXPECT_EQ(error, 0);
  ASSERT_EQ(talk.far.Receive(Late()), ReceiveOutcome::kMessage);
  EXPECT_EQ(talk.far.packet().frame().request_id, 5u);
}

TEST(MiniTransceiver, StopsWaitingForRoomWhenThePeerIsGone) {
  Talk talk(Pair());
  FillSocket(talk.near.fd());
  int error = -1;
  const std::vector<uint8_t> payload(kMaxPayloadBytes);
  WatchedThread sender([&] { error = talk.near.Send({}, payload); });
  EXPECT_TRUE(sender.BlocksIn(SYS_sendmsg));
  talk.far.TakeSocket().reset();
  sender.Join();
  EXPECT_TRUE(error == EPIPE || error == ECONNRESET) << error;
}

TEST(MiniTransceiver, SaysThatThePeerIsGoneWhenItSends) {
  Talk talk(Pair());
  talk.far.TakeSocket().reset();
  EXPECT_EQ(talk.near.Send({}), EPIPE);
}

TEST(MiniTransceiver, SendsNothingOverTheLimits) {
  Talk talk(Pair());
  const std::vector<uint8_t> payload(kMaxPayloadBytes + 1);
  EXPECT_EQ(talk.near.Send({}, payload), EMSGSIZE);
  EXPECT_EQ(talk.far.Receive(kNow), ReceiveOutcome::kTimedOut);
}

TEST(MiniTransceiver, WaitsUntilFewerDescriptorsAreInFlight) {
  Talk talk(Pair());
  std::promise<FlightLimit*> promised_limit;
  std::promise<void> may_end;
  int error = -1;
  // The limit is in the sending thread, whose capabilities count.
  WatchedThread sender([&] {
    FlightLimit limit;
    promised_limit.set_value(&limit);
    const int fds[] = {talk.near.fd()};
    error = talk.near.Send({.request_id = 5}, {}, fds);
    may_end.get_future().wait();
  });
  FlightLimit* limit = promised_limit.get_future().get();
  EXPECT_TRUE(limit->reached());
  EXPECT_TRUE(sender.BlocksIn(SYS_ppoll));
  limit->EndFlight();
  EXPECT_EQ(talk.far.Receive(Late()), ReceiveOutcome::kMessage);
  may_end.set_value();
  sender.Join();
  EXPECT_EQ(error, 0);
  EXPECT_EQ(talk.far.packet().descriptors().size(), 1u);
}

TEST(MiniTransceiver, StopsWaitingForDescriptorsInFlightWhenThePeerIsGone) {
  Talk talk(Pair());
  int error = -1;
  bool reached = false;
  WatchedThread sender([&] {
    FlightLimit limit;
    reached = limit.reached();
    const int fds[] = {STDERR_FILENO};
    error = talk.near.Send({}, {}, fds);
  });
  EXPECT_TRUE(sender.BlocksIn(SYS_ppoll));
  talk.far.TakeSocket().reset();
  sender.Join();
  EXPECT_TRUE(reached);
  EXPECT_EQ(error, EPIPE);
}

}  // namespace
}  // namespace forkserver
