#include "transceiver/packet.h"

#include <errno.h>
#include <fcntl.h>
#include <semaphore.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <numeric>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "tests/transceiver/descriptor_table.h"
#include "tests/transceiver/flight_limit.h"
#include "tests/transceiver/open_descriptors.h"
#include "tests/transceiver/watched_thread.h"

namespace forkserver {
namespace {

constexpr size_t kVersionOffset = 4;
constexpr size_t kPayloadSizeOffset = 16;
constexpr size_t kDescriptorCountOffset = 20;
constexpr size_t kFlagsOffset = 24;
constexpr size_t kReservedOffset = 28;

// A socket pair of which `near` belongs to the code under test and `far` to its peer.
struct Wire {
  Wire() {
    SocketPair pair;
    EXPECT_EQ(CreateSocketPair(pair), 0);
    near = std::move(pair.first);
    far = std::move(pair.second);
  }

  PacketOutcome Receive() { return ReceivePacket(near.get(), Blocking::kNever, packet); }

  int SendFromFar(const Frame& frame, std::span<const uint8_t> payload = {},
                  std::span<const int> descriptors = {}) {
    return SendPacket(far.get(), Blocking::kNever, frame, payload, descriptors);
  }

  UniqueFd near;
  UniqueFd far;
  std::vector<uint8_t> buffer = std::vector<uint8_t>(kMaxPayloadBytes);
  Packet packet{buffer};
};

// What a peer can send that does not use SendPacket: any bytes at all.
void SendRaw(const UniqueFd& socket, std::span<const uint8_t> bytes,
             std::span<const int> descriptors = {}) {
  iovec part = {const_cast<uint8_t*>(bytes.data()), bytes.size()};
  std::vector<char> control(CMSG_SPACE(descriptors.size_bytes()));
  msghdr header = {};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  if (!descriptors.empty()) {
    header.msg_control = control.data();
    header.msg_controllen = control.size();
    cmsghdr* rights = CMSG_FIRSTHDR(&header);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(descriptors.size_bytes());
    memcpy(CMSG_DATA(rights), descriptors.data(), descriptors.size_bytes());
  }
  ASSERT_EQ(sendmsg(socket.get(), &header, MSG_NOSIGNAL), static_cast<ssize_t>(bytes.size()));
}

std::vector<uint8_t> Bytes(const Frame& frame, size_t payload_bytes = 0) {
  std::vector<uint8_t> bytes(kFrameBytes + payload_bytes);
  EncodeFrame(frame, std::span<uint8_t, kFrameBytes>(bytes.data(), kFrameBytes));
  return bytes;
}

std::vector<uint8_t> WithU32(std::vector<uint8_t> bytes, size_t offset, uint32_t value) {
  memcpy(bytes.data() + offset, &value, sizeof(value));
  return bytes;
}

std::vector<uint8_t> Pattern(size_t size) {
  std::vector<uint8_t> bytes(size);
  for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<uint8_t>(i * 31 + (i >> 8));
  return bytes;
}

bool Equal(std::span<const uint8_t> left, std::span<const uint8_t> right) {
  return std::equal(left.begin(), left.end(), right.begin(), right.end());
}

UniqueFd Event(uint64_t value) {
  return UniqueFd(eventfd(static_cast<unsigned>(value), EFD_CLOEXEC | EFD_NONBLOCK));
}

uint64_t EventValue(int fd) {
  uint64_t value = 0;
  return read(fd, &value, sizeof(value)) == sizeof(value) ? value : 0;
}

TEST(CreateSocketPair, GivesAPairThatIsCloseOnExec) {
  SocketPair pair;
  ASSERT_EQ(CreateSocketPair(pair), 0);
  EXPECT_TRUE(IsCloseOnExec(pair.first.get()));
  EXPECT_TRUE(IsCloseOnExec(pair.second.get()));
}

TEST(CreateSocketPair, GivesSocketsThatKeepPacketsApart) {
  Wire wire;
  ASSERT_EQ(wire.SendFromFar({.request_id = 1}), 0);
  ASSERT_EQ(wire.SendFromFar({.request_id = 2}), 0);
  ASSERT_EQ(wire.Receive(), PacketOutcome::kMessage);
  EXPECT_EQ(wire.packet.frame().request_id, 1u);
  ASSERT_EQ(wire.Receive(), PacketOutcome::kMessage);
  EXPECT_EQ(wire.packet.frame().request_id, 2u);
}

TEST(Packet, DeliversTheFrameWithTheSizesFilledIn) {
  Wire wire;
  const UniqueFd event = Event(1);
  const int fds[] = {event.get(), event.get()};
  ASSERT_EQ(
      wire.SendFromFar({.type = 4, .request_id = 99, .flags = kPayloadInMemfd}, Pattern(7), fds),
      0);
  ASSERT_EQ(wire.Receive(), PacketOutcome::kMessage);
  EXPECT_EQ(wire.packet.frame(), (Frame{.type = 4,
                                        .request_id = 99,
                                        .payload_size = 7,
                                        .descriptor_count = 2,
                                        .flags = kPayloadInMemfd}));
}

TEST(Packet, DeliversThePayload) {
  Wire wire;
  const std::vector<uint8_t> sent = Pattern(1000);
  ASSERT_EQ(wire.SendFromFar({}, sent), 0);
  ASSERT_EQ(wire.Receive(), PacketOutcome::kMessage);
  EXPECT_TRUE(Equal(wire.packet.payload(), sent));
}

TEST(Packet, DeliversTheLargestPayload) {
  Wire wire;
  const std::vector<uint8_t> sent = Pattern(kMaxPayloadBytes);
  ASSERT_EQ(wire.SendFromFar({}, sent), 0);
  ASSERT_EQ(wire.Receive(), PacketOutcome::kMessage);
  EXPECT_TRUE(Equal(wire.packet.payload(), sent));
}

TEST(Packet, DeliversDescriptorsInTheirOrder) {
  Wire wire;
  const UniqueFd first = Event(11);
  const UniqueFd second = Event(22);
  const int fds[] = {first.get(), second.get()};
  ASSERT_EQ(wire.SendFromFar({}, {}, fds), 0);
  ASSERT_EQ(wire.Receive(), PacketOutcome::kMessage);
  ASSERT_EQ(wire.packet.descriptors().size(), 2u);
  EXPECT_EQ(EventValue(wire.packet.descriptors().get(0)), 11u);
  EXPECT_EQ(EventValue(wire.packet.descriptors().get(1)), 22u);
}

TEST(Packet, DeliversAsManyDescriptorsAsTheKernelCarries) {
  Wire wire;
  const size_t before = OpenDescriptors();
  const std::vector<int> fds(kMaxDescriptors, wire.far.get());
  ASSERT_EQ(wire.SendFromFar({}, {}, fds), 0);
  ASSERT_EQ(wire.Receive(), PacketOutcome::kMessage);
  EXPECT_EQ(wire.packet.descriptors().size(), kMaxDescriptors);
  EXPECT_EQ(OpenDescriptors(), before + kMaxDescriptors);
}

TEST(Packet, DeliversTheLargestPayloadTogetherWithAllDescriptors) {
  Wire wire;
  const std::vector<int> fds(kMaxDescriptors, wire.far.get());
  ASSERT_EQ(wire.SendFromFar({}, Pattern(kMaxPayloadBytes), fds), 0);
  ASSERT_EQ(wire.Receive(), PacketOutcome::kMessage);
  EXPECT_EQ(wire.packet.payload().size(), kMaxPayloadBytes);
  EXPECT_EQ(wire.packet.descriptors().size(), kMaxDescriptors);
}

TEST(Packet, ReceivesDescriptorsCloseOnExec) {
  Wire wire;
  // One that the sender keeps across exec: the flag is the receiver's own.
  const UniqueFd inherited(eventfd(0, 0));
  ASSERT_FALSE(IsCloseOnExec(inherited.get()));
  const int fds[] = {inherited.get(), inherited.get()};
  ASSERT_EQ(wire.SendFromFar({}, {}, fds), 0);
  ASSERT_EQ(wire.Receive(), PacketOutcome::kMessage);
  EXPECT_TRUE(IsCloseOnExec(wire.packet.descriptors().get(0)));
  EXPECT_TRUE(IsCloseOnExec(wire.packet.descriptors().get(1)));
}

TEST(Packet, ClosesDescriptorsThatNobodyTook) {
  Wire wire;
  const int fds[] = {wire.far.get(), wire.far.get()};
  ASSERT_EQ(wire.SendFromFar({}, {}, fds), 0);
  const size_t before = OpenDescriptors();
  {
    std::vector<uint8_t> buffer(16);
    Packet packet(buffer);
    ASSERT_EQ(ReceivePacket(wire.near.get(), Blocking::kNever, packet), PacketOutcome::kMessage);
    ASSERT_EQ(OpenDescriptors(), before + 2);
  }
  EXPECT_EQ(OpenDescriptors(), before);
}

TEST(Packet, ClosesTheDescriptorsOfTheMessageBeforeWhenItReceives) {
  Wire wire;
  const int fds[] = {wire.far.get()};
  ASSERT_EQ(wire.SendFromFar({}, {}, fds), 0);
  const size_t before = OpenDescriptors();
  ASSERT_EQ(wire.Receive(), PacketOutcome::kMessage);
  ASSERT_EQ(OpenDescriptors(), before + 1);
  EXPECT_EQ(wire.Receive(), PacketOutcome::kWouldBlock);
  EXPECT_EQ(OpenDescriptors(), before);
}

TEST(Packet, ForgetsThePayloadOfTheMessageBeforeWhenItReceives) {
  Wire wire;
  ASSERT_EQ(wire.SendFromFar({}, Pattern(7)), 0);
  ASSERT_EQ(wire.Receive(), PacketOutcome::kMessage);
  ASSERT_EQ(wire.packet.payload().size(), 7u);
  EXPECT_EQ(wire.Receive(), PacketOutcome::kWouldBlock);
  EXPECT_TRUE(wire.packet.payload().empty());
}

TEST(Packet, LeavesADescriptorThatWasTakenToItsTaker) {
  Wire wire;
  const UniqueFd event = Event(5);
  const int fds[] = {event.get()};
  ASSERT_EQ(wire.SendFromFar({}, {}, fds), 0);
  ASSERT_EQ(wire.Receive(), PacketOutcome::kMessage);
  const UniqueFd taken = wire.packet.descriptors().Take(0);
  EXPECT_EQ(wire.packet.descriptors().get(0), -1);
  wire.packet.descriptors().CloseAll();
  EXPECT_EQ(EventValue(taken.get()), 5u);
}

TEST(Packet, GivesADescriptorToTheFirstTakerOnly) {
  Wire wire;
  const int fds[] = {wire.far.get()};
  ASSERT_EQ(wire.SendFromFar({}, {}, fds), 0);
  ASSERT_EQ(wire.Receive(), PacketOutcome::kMessage);
  const UniqueFd first = wire.packet.descriptors().Take(0);
  const UniqueFd second = wire.packet.descriptors().Take(0);
  EXPECT_TRUE(first.is_open());
  EXPECT_FALSE(second.is_open());
}

TEST(Packet, WouldBlockWhenNothingIsThere) {
  Wire wire;
  EXPECT_EQ(wire.Receive(), PacketOutcome::kWouldBlock);
}

TEST(Packet, WaitsForAMessageWhenItMayBlock) {
  Wire wire;
  PacketOutcome outcome = PacketOutcome::kError;
  WatchedThread receiver(
      [&] { outcome = ReceivePacket(wire.near.get(), Blocking::kWait, wire.packet); });
  ASSERT_TRUE(receiver.BlocksIn(SYS_recvmsg));
  ASSERT_EQ(wire.SendFromFar({.request_id = 3}), 0);
  receiver.Join();
  EXPECT_EQ(outcome, PacketOutcome::kMessage);
  EXPECT_EQ(wire.packet.frame().request_id, 3u);
}

sem_t signal_was_handled;

TEST(Packet, WaitsOnAfterASignal) {
#if defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "thread sanitizer holds a signal back until a call that it intercepts";
#endif
  ASSERT_EQ(sem_init(&signal_was_handled, 0, 0), 0);
  // Without SA_RESTART, so that recvmsg does return EINTR.
  struct sigaction action = {};
  action.sa_handler = [](int) { sem_post(&signal_was_handled); };
  struct sigaction old_action;
  ASSERT_EQ(sigaction(SIGUSR1, &action, &old_action), 0);

  Wire wire;
  PacketOutcome outcome = PacketOutcome::kError;
  WatchedThread receiver(
      [&] { outcome = ReceivePacket(wire.near.get(), Blocking::kWait, wire.packet); });
  EXPECT_TRUE(receiver.BlocksIn(SYS_recvmsg));
  receiver.Signal(SIGUSR1);
  while (sem_wait(&signal_was_handled) != 0) {
  }
  EXPECT_EQ(wire.SendFromFar({}), 0);
  receiver.Join();
  EXPECT_EQ(outcome, PacketOutcome::kMessage);

  sigaction(SIGUSR1, &old_action, nullptr);
  sem_destroy(&signal_was_handled);
}

TEST(Packet, ReportsTheErrorOfADescriptorThatIsNoSocket) {
  const UniqueFd event = Event(0);
  std::vector<uint8_t> buffer(16);
  Packet packet(buffer);
  EXPECT_EQ(ReceivePacket(event.get(), Blocking::kNever, packet), PacketOutcome::kError);
  EXPECT_EQ(packet.error(), ENOTSOCK);
}

// Packets that no SendPacket sends. Each comes with one descriptor, also where it announces none.
struct Malformed {
  std::string name;
  std::vector<uint8_t> bytes;
  FrameError error;
};

std::ostream& operator<<(std::ostream& out, const Malformed& packet) { return out << packet.name; }

const Frame kOneDescriptor = {.type = 2, .request_id = 77, .descriptor_count = 1};

std::vector<Malformed> MalformedPackets() {
  const std::vector<uint8_t> good = Bytes(kOneDescriptor);
  std::vector<uint8_t> short_by_one = good;
  short_by_one.pop_back();
  std::vector<uint8_t> over_the_limit =
      Bytes({.request_id = 77, .payload_size = kMaxPayloadBytes, .descriptor_count = 1},
            kMaxPayloadBytes + 1);
  return {
      {"Empty", {}, FrameError::kEmpty},
      {"OneByte", {'F'}, FrameError::kShort},
      {"OneByteShort", short_by_one, FrameError::kShort},
      {"Garbage", Pattern(100), FrameError::kMagic},
      {"WrongMagic", WithU32(good, 0, kFrameMagic + 1), FrameError::kMagic},
      {"WrongVersion", WithU32(good, kVersionOffset, kProtocolVersion + 1), FrameError::kVersion},
      {"Reserved", WithU32(good, kReservedOffset, 1), FrameError::kReserved},
      {"UnknownFlag", WithU32(good, kFlagsOffset, 1u << 31), FrameError::kFlags},
      {"AnnouncesTooMuchPayload", WithU32(good, kPayloadSizeOffset, kMaxPayloadBytes + 1),
       FrameError::kPayloadTooLarge},
      {"AnnouncesTooManyDescriptors", WithU32(good, kDescriptorCountOffset, kMaxDescriptors + 1),
       FrameError::kTooManyDescriptors},
      {"OneByteOverTheLimit", over_the_limit, FrameError::kTruncated},
      {"AnnouncesOneByteMore", WithU32(good, kPayloadSizeOffset, 1), FrameError::kPayloadSize},
      {"AnnouncesOneByteLess", Bytes(kOneDescriptor, 1), FrameError::kPayloadSize},
      {"AnnouncesADescriptorMore", WithU32(good, kDescriptorCountOffset, 2),
       FrameError::kDescriptorCount},
      {"AnnouncesADescriptorLess", WithU32(good, kDescriptorCountOffset, 0),
       FrameError::kDescriptorCount},
  };
}

class MalformedPacket : public testing::TestWithParam<Malformed> {};
INSTANTIATE_TEST_SUITE_P(, MalformedPacket, testing::ValuesIn(MalformedPackets()),
                         [](const auto& info) { return info.param.name; });

TEST_P(MalformedPacket, IsRejectedForWhatIsWrongWithIt) {
  Wire wire;
  const int fds[] = {wire.far.get()};
  SendRaw(wire.far, GetParam().bytes, fds);
  ASSERT_EQ(wire.Receive(), PacketOutcome::kRejected);
  EXPECT_EQ(wire.packet.frame_error(), GetParam().error)
      << FrameErrorText(wire.packet.frame_error());
}

TEST_P(MalformedPacket, HasItsDescriptorClosed) {
  Wire wire;
  const size_t before = OpenDescriptors();
  const int fds[] = {wire.far.get()};
  SendRaw(wire.far, GetParam().bytes, fds);
  ASSERT_EQ(wire.Receive(), PacketOutcome::kRejected);
  EXPECT_EQ(OpenDescriptors(), before);
  EXPECT_EQ(wire.packet.descriptors().size(), 0u);
}

TEST_P(MalformedPacket, DoesNotDisturbTheNextOne) {
  Wire wire;
  const int fds[] = {wire.far.get()};
  SendRaw(wire.far, GetParam().bytes, fds);
  ASSERT_EQ(wire.SendFromFar({.request_id = 8}, Pattern(3)), 0);
  ASSERT_EQ(wire.Receive(), PacketOutcome::kRejected);
  ASSERT_EQ(wire.Receive(), PacketOutcome::kMessage);
  EXPECT_EQ(wire.packet.frame_error(), FrameError::kNone);
  EXPECT_EQ(wire.packet.frame().request_id, 8u);
  EXPECT_TRUE(Equal(wire.packet.payload(), Pattern(3)));
}

TEST_P(MalformedPacket, SaysWhichRequestItWasWhereTheFrameIsKnown) {
  Wire wire;
  const int fds[] = {wire.far.get()};
  SendRaw(wire.far, GetParam().bytes, fds);
  ASSERT_EQ(wire.Receive(), PacketOutcome::kRejected);
  EXPECT_EQ(wire.packet.frame().request_id,
            FrameIsKnown(wire.packet.frame_error()) ? kOneDescriptor.request_id : 0);
}

TEST(Packet, RejectsAPacketFarOverTheLimitAsTruncated) {
  Wire wire;
  SendRaw(wire.far, Bytes({.payload_size = kMaxPayloadBytes}, 2 * kMaxMessageBytes));
  ASSERT_EQ(wire.Receive(), PacketOutcome::kRejected);
  EXPECT_EQ(wire.packet.frame_error(), FrameError::kTruncated);
}

TEST(Packet, RejectsAPayloadThatItsBufferHasNoRoomForAsTruncated) {
  Wire wire;
  ASSERT_EQ(wire.SendFromFar({.request_id = 6}, Pattern(17)), 0);
  std::vector<uint8_t> buffer(16);
  Packet packet(buffer);
  ASSERT_EQ(ReceivePacket(wire.near.get(), Blocking::kNever, packet), PacketOutcome::kRejected);
  EXPECT_EQ(packet.frame_error(), FrameError::kTruncated);
  EXPECT_EQ(packet.frame().request_id, 6u);
}

TEST(Packet, DeliversAPayloadThatFillsItsBuffer) {
  Wire wire;
  ASSERT_EQ(wire.SendFromFar({}, Pattern(16)), 0);
  std::vector<uint8_t> buffer(16);
  Packet packet(buffer);
  ASSERT_EQ(ReceivePacket(wire.near.get(), Blocking::kNever, packet), PacketOutcome::kMessage);
  EXPECT_TRUE(Equal(packet.payload(), Pattern(16)));
}

TEST(Packet, DeliversAMessageWithoutPayloadIntoNoBuffer) {
  Wire wire;
  ASSERT_EQ(wire.SendFromFar({.request_id = 6}), 0);
  Packet packet({});
  ASSERT_EQ(ReceivePacket(wire.near.get(), Blocking::kNever, packet), PacketOutcome::kMessage);
  EXPECT_EQ(packet.frame().request_id, 6u);
}

TEST(Packet, ClosesAllDescriptorsWhenMoreCameThanWereAnnounced) {
  Wire wire;
  const size_t before = OpenDescriptors();
  const std::vector<int> fds(kMaxDescriptors, wire.far.get());
  SendRaw(wire.far, Bytes(kOneDescriptor), fds);
  ASSERT_EQ(wire.Receive(), PacketOutcome::kRejected);
  EXPECT_EQ(wire.packet.frame_error(), FrameError::kDescriptorCount);
  EXPECT_EQ(OpenDescriptors(), before);
}

TEST(Packet, IsClosedWhenThePeerIsGone) {
  Wire wire;
  wire.far.reset();
  EXPECT_EQ(wire.Receive(), PacketOutcome::kClosed);
}

TEST(Packet, StaysClosed) {
  Wire wire;
  wire.far.reset();
  ASSERT_EQ(wire.Receive(), PacketOutcome::kClosed);
  EXPECT_EQ(wire.Receive(), PacketOutcome::kClosed);
}

TEST(Packet, IsClosedWhenThePeerWillSendNoMore) {
  Wire wire;
  ASSERT_EQ(shutdown(wire.far.get(), SHUT_WR), 0);
  EXPECT_EQ(wire.Receive(), PacketOutcome::kClosed);
}

TEST(Packet, IsReadBeforeTheCloseBehindIt) {
  Wire wire;
  ASSERT_EQ(wire.SendFromFar({.request_id = 1}), 0);
  ASSERT_EQ(wire.SendFromFar({.request_id = 2}), 0);
  wire.far.reset();
  ASSERT_EQ(wire.Receive(), PacketOutcome::kMessage);
  EXPECT_EQ(wire.packet.frame().request_id, 1u);
  ASSERT_EQ(wire.Receive(), PacketOutcome::kMessage);
  EXPECT_EQ(wire.packet.frame().request_id, 2u);
  EXPECT_EQ(wire.Receive(), PacketOutcome::kClosed);
}

TEST(EmptyPacket, IsNoEndOfFileWhileThePeerLives) {
  Wire wire;
  SendRaw(wire.far, {});
  ASSERT_EQ(wire.Receive(), PacketOutcome::kRejected);
  EXPECT_EQ(wire.packet.frame_error(), FrameError::kEmpty);
  EXPECT_EQ(wire.Receive(), PacketOutcome::kWouldBlock);
}

TEST(EmptyPacket, HidesNoMessageBehindItWhenThePeerIsGone) {
  Wire wire;
  SendRaw(wire.far, {});
  ASSERT_EQ(wire.SendFromFar({.request_id = 5}), 0);
  wire.far.reset();
  ASSERT_EQ(wire.Receive(), PacketOutcome::kRejected);
  EXPECT_EQ(wire.packet.frame_error(), FrameError::kEmpty);
  ASSERT_EQ(wire.Receive(), PacketOutcome::kMessage);
  EXPECT_EQ(wire.packet.frame().request_id, 5u);
  EXPECT_EQ(wire.Receive(), PacketOutcome::kClosed);
}

TEST(EmptyPacket, HidesNoMessageBehindSeveralOfItsKindWhenThePeerIsGone) {
  Wire wire;
  for (int i = 0; i < 3; ++i) SendRaw(wire.far, {});
  ASSERT_EQ(wire.SendFromFar({.request_id = 5}), 0);
  wire.far.reset();
  for (int i = 0; i < 3; ++i) ASSERT_EQ(wire.Receive(), PacketOutcome::kRejected);
  EXPECT_EQ(wire.Receive(), PacketOutcome::kMessage);
}

TEST(EmptyPacket, IsNoEndOfFileWhenItCarriesADescriptorAndThePeerIsGone) {
  Wire wire;
  const size_t before = OpenDescriptors();
  const int fds[] = {STDERR_FILENO};
  SendRaw(wire.far, {}, fds);
  wire.far.reset();
  ASSERT_EQ(wire.Receive(), PacketOutcome::kRejected);
  EXPECT_EQ(wire.packet.frame_error(), FrameError::kEmpty);
  EXPECT_EQ(wire.Receive(), PacketOutcome::kClosed);
  EXPECT_EQ(OpenDescriptors(), before - 1);
}

TEST(EmptyPacket, ReadsAsTheEndWhenItIsTheLastThatThePeerSent) {
  // recvmsg does not tell the two apart, and nothing is lost.
  Wire wire;
  SendRaw(wire.far, {});
  wire.far.reset();
  EXPECT_EQ(wire.Receive(), PacketOutcome::kClosed);
}

TEST(PeerThatDiedWithUnreadMessages, IsClosed) {
  Wire wire;
  ASSERT_EQ(SendPacket(wire.near.get(), Blocking::kNever, {}, {}, {}), 0);
  wire.far.reset();
  EXPECT_EQ(wire.Receive(), PacketOutcome::kClosed);
}

TEST(PeerThatDiedWithUnreadMessages, IsHeardToTheEnd) {
  // The kernel says ECONNRESET before it gives out what is in the queue.
  Wire wire;
  ASSERT_EQ(SendPacket(wire.near.get(), Blocking::kNever, {}, {}, {}), 0);
  ASSERT_EQ(wire.SendFromFar({.request_id = 1}), 0);
  ASSERT_EQ(wire.SendFromFar({.request_id = 2}), 0);
  wire.far.reset();
  ASSERT_EQ(wire.Receive(), PacketOutcome::kMessage);
  EXPECT_EQ(wire.packet.frame().request_id, 1u);
  ASSERT_EQ(wire.Receive(), PacketOutcome::kMessage);
  EXPECT_EQ(wire.packet.frame().request_id, 2u);
  EXPECT_EQ(wire.Receive(), PacketOutcome::kClosed);
}

TEST(FullDescriptorTable, RejectsAMessageWithDescriptors) {
  Wire wire;
  const int fds[] = {wire.far.get(), wire.far.get(), wire.far.get()};
  ASSERT_EQ(wire.SendFromFar({.request_id = 4}, {}, fds), 0);
  const size_t before = OpenDescriptors();
  {
    DescriptorTableWith full(0);
    ASSERT_EQ(wire.Receive(), PacketOutcome::kRejected);
  }
  EXPECT_EQ(wire.packet.frame_error(), FrameError::kDescriptorsTruncated);
  EXPECT_EQ(wire.packet.frame().request_id, 4u);
  EXPECT_EQ(OpenDescriptors(), before);
}

TEST(FullDescriptorTable, ClosesTheDescriptorsThatStillCameThrough) {
  Wire wire;
  const int fds[] = {wire.far.get(), wire.far.get(), wire.far.get()};
  ASSERT_EQ(wire.SendFromFar({}, {}, fds), 0);
  const size_t before = OpenDescriptors();
  {
    DescriptorTableWith room(2);
    ASSERT_EQ(wire.Receive(), PacketOutcome::kRejected);
  }
  EXPECT_EQ(wire.packet.frame_error(), FrameError::kDescriptorsTruncated);
  EXPECT_EQ(OpenDescriptors(), before);
}

TEST(FullDescriptorTable, RejectsAnEmptyPacketWhoseDescriptorWasLost) {
  Wire wire;
  const int fds[] = {STDERR_FILENO};
  SendRaw(wire.far, {}, fds);
  wire.far.reset();
  {
    DescriptorTableWith full(0);
    EXPECT_EQ(wire.Receive(), PacketOutcome::kRejected);
  }
  EXPECT_EQ(wire.packet.frame_error(), FrameError::kEmpty);
}

TEST(FullDescriptorTable, StillDeliversAMessageWithoutDescriptors) {
  Wire wire;
  ASSERT_EQ(wire.SendFromFar({}, Pattern(3)), 0);
  DescriptorTableWith full(0);
  EXPECT_EQ(wire.Receive(), PacketOutcome::kMessage);
}

TEST(FullDescriptorTable, HarmsNoMessageThatComesLater) {
  Wire wire;
  const int fds[] = {wire.far.get()};
  ASSERT_EQ(wire.SendFromFar({}, {}, fds), 0);
  ASSERT_EQ(wire.SendFromFar({}, {}, fds), 0);
  {
    DescriptorTableWith full(0);
    ASSERT_EQ(wire.Receive(), PacketOutcome::kRejected);
  }
  ASSERT_EQ(wire.Receive(), PacketOutcome::kMessage);
  EXPECT_EQ(wire.packet.descriptors().size(), 1u);
}

TEST(SendPacket, SendsNoPayloadOverTheLimit) {
  Wire wire;
  EXPECT_EQ(wire.SendFromFar({}, Pattern(kMaxPayloadBytes + 1)), EMSGSIZE);
  EXPECT_EQ(wire.Receive(), PacketOutcome::kWouldBlock);
}

TEST(SendPacket, SendsNoDescriptorsOverTheLimit) {
  Wire wire;
  const std::vector<int> fds(kMaxDescriptors + 1, wire.far.get());
  EXPECT_EQ(wire.SendFromFar({}, {}, fds), EMSGSIZE);
  EXPECT_EQ(wire.Receive(), PacketOutcome::kWouldBlock);
}

TEST(SendPacket, LeavesTheDescriptorsToTheSender) {
  Wire wire;
  const UniqueFd event = Event(1);
  const size_t before = OpenDescriptors();
  const int fds[] = {event.get()};
  ASSERT_EQ(wire.SendFromFar({}, {}, fds), 0);
  EXPECT_EQ(OpenDescriptors(), before);
  EXPECT_TRUE(IsOpen(event.get()));
}

TEST(SendPacket, NamesADescriptorThatIsNotOpen) {
  Wire wire;
  const int fds[] = {-1};
  EXPECT_EQ(wire.SendFromFar({}, {}, fds), EBADF);
}

volatile sig_atomic_t pipe_signals = 0;

TEST(SendPacket, SaysThatThePeerIsGoneWithoutASignal) {
  struct sigaction action = {};
  action.sa_handler = [](int) { pipe_signals = pipe_signals + 1; };
  struct sigaction old_action;
  ASSERT_EQ(sigaction(SIGPIPE, &action, &old_action), 0);

  Wire wire;
  wire.near.reset();
  EXPECT_EQ(wire.SendFromFar({}), EPIPE);
  EXPECT_EQ(pipe_signals, 0);

  sigaction(SIGPIPE, &old_action, nullptr);
}

TEST(SendPacket, SaysThatThePeerIsGoneWhenItDiedWithMessagesUnread) {
  Wire wire;
  ASSERT_EQ(wire.SendFromFar({}), 0);
  wire.near.reset();
  const int error = wire.SendFromFar({});
  EXPECT_TRUE(error == EPIPE || error == ECONNRESET) << strerror(error);
}

TEST(SendPacket, SaysWhenThereIsNoRoom) {
  Wire wire;
  const std::vector<uint8_t> payload(kMaxPayloadBytes);
  int error = 0;
  for (int i = 0; i < 1000 && error == 0; ++i) error = wire.SendFromFar({}, payload);
  EXPECT_EQ(error, EAGAIN);
}

TEST(SendPacket, SendsWholePacketsOrNone) {
  Wire wire;
  const std::vector<uint8_t> payload = Pattern(kMaxPayloadBytes);
  int sent = 0;
  while (sent < 1000 && wire.SendFromFar({}, payload) == 0) ++sent;
  for (int i = 0; i < sent; ++i) {
    ASSERT_EQ(wire.Receive(), PacketOutcome::kMessage);
    ASSERT_TRUE(Equal(wire.packet.payload(), payload));
  }
  EXPECT_EQ(wire.Receive(), PacketOutcome::kWouldBlock);
}

TEST(SendPacket, WaitsForRoomWhenItMayBlock) {
  Wire wire;
  const std::vector<uint8_t> payload(kMaxPayloadBytes);
  int sent = 0;
  while (sent < 1000 && wire.SendFromFar({}, payload) == 0) ++sent;
  int error = -1;
  WatchedThread sender(
      [&] { error = SendPacket(wire.far.get(), Blocking::kWait, {.request_id = 9}, payload, {}); });
  EXPECT_TRUE(sender.BlocksIn(SYS_sendmsg));
  for (int i = 0; i < sent; ++i) EXPECT_EQ(wire.Receive(), PacketOutcome::kMessage);
  sender.Join();
  EXPECT_EQ(error, 0);
  ASSERT_EQ(wire.Receive(), PacketOutcome::kMessage);
  EXPECT_EQ(wire.packet.frame().request_id, 9u);
}

TEST(SendPacket, SaysWhenTooManyDescriptorsAreInFlight) {
  Wire wire;
  const int fds[] = {wire.far.get()};
  FlightLimit limit;
  ASSERT_TRUE(limit.reached());
  EXPECT_EQ(wire.SendFromFar({}, {}, fds), ETOOMANYREFS);
}

TEST(SendPacket, PutsAPayloadOfPartsTogether) {
  Wire wire;
  const std::vector<uint8_t> payload = Pattern(3000);
  uint8_t* const bytes = const_cast<uint8_t*>(payload.data());
  const iovec parts[] = {{bytes, 1}, {bytes + 1, 0}, {bytes + 1, 2999}};
  EXPECT_EQ(PayloadBytes(parts), 3000u);
  ASSERT_EQ(SendPacketOfParts(wire.far.get(), Blocking::kNever, {}, parts, {}), 0);
  ASSERT_EQ(wire.Receive(), PacketOutcome::kMessage);
  EXPECT_TRUE(Equal(wire.packet.payload(), payload));
  const std::vector<iovec> too_many(kMaxPayloadParts + 1, iovec{bytes, 1});
  EXPECT_EQ(SendPacketOfParts(wire.far.get(), Blocking::kNever, {}, too_many, {}), EMSGSIZE);
}

TEST(TellSender, NamesTheSenderOfEachPacketFromThenOn) {
  Wire wire;
  const int fds[] = {wire.far.get()};
  ASSERT_EQ(wire.SendFromFar({.request_id = 1}), 0);
  ASSERT_EQ(TellSender(wire.near.get()), 0);
  ASSERT_EQ(wire.SendFromFar({.request_id = 2}, {}, fds), 0);
  ASSERT_EQ(wire.Receive(), PacketOutcome::kMessage);
  EXPECT_EQ(wire.packet.sender_pid(), 0) << "it was sent before";
  ASSERT_EQ(wire.Receive(), PacketOutcome::kMessage);
  EXPECT_EQ(wire.packet.sender_pid(), getpid());
  EXPECT_EQ(wire.packet.descriptors().size(), 1u) << "both kinds of control messages fit";
}

TEST(TellSender, LeavesRoomForAllDescriptors) {
  Wire wire;
  ASSERT_EQ(TellSender(wire.near.get()), 0);
  const std::vector<int> fds(kMaxDescriptors, wire.far.get());
  ASSERT_EQ(wire.SendFromFar({}, {}, fds), 0);
  ASSERT_EQ(wire.Receive(), PacketOutcome::kMessage);
  EXPECT_EQ(wire.packet.descriptors().size(), kMaxDescriptors);
  EXPECT_EQ(wire.packet.sender_pid(), getpid());
}

TEST(TellSender, IsNothingThatASocketDoesUnasked) {
  Wire wire;
  ASSERT_EQ(wire.SendFromFar({}), 0);
  ASSERT_EQ(wire.Receive(), PacketOutcome::kMessage);
  EXPECT_EQ(wire.packet.sender_pid(), 0);
  EXPECT_EQ(TellSender(-1), EBADF);
}

}  // namespace
}  // namespace forkserver
