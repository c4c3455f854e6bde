// What a stranger has sent is closed without waiting for it.
#include "transceiver/close_strangers.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <utility>
#include <vector>

#include "tests/testing/file_of_silent_server.h"
#include "tests/testing/socket_that_lingers.h"
#include "tests/transceiver/open_descriptors.h"
#include "transceiver/clock.h"
#include "transceiver/packet.h"

namespace forkserver {
namespace {

// Far less than the sockets linger, and far more than a thread takes.
constexpr int64_t kAtOnce = kNanosPerSecond;

class CloseStrangersTest : public ::testing::Test {
 protected:
  CloseStrangersTest() {
    SetClosePlace(ClosePlace::kThread);
    EXPECT_EQ(CreateSocketPair(outer_), 0);
    EXPECT_EQ(CreateSocketPair(witness_), 0);
  }

  // Its last close waits a minute.
  UniqueFd Lingerer() { return testing::SocketThatLingers(peers_.emplace_back()); }

  void Send(UniqueFd fd) {
    const int number = fd.get();
    ASSERT_EQ(SendPacket(outer_.second.get(), Blocking::kNever, {}, {}, {&number, 1}), 0);
  }

  template <typename Close>
  void ExpectItTakesNoTime(const Close& close) {
    const int64_t start = NowNanos();
    close();
    EXPECT_LT(NowNanos() - start, kAtOnce);
  }

  // Whether the end that was sent is closed in the end.
  void ExpectWitnessIsClosed() {
    pollfd state = {.fd = witness_.first.get(), .events = 0, .revents = 0};
    EXPECT_EQ(poll(&state, 1, 10'000), 1);
    EXPECT_NE(state.revents & POLLHUP, 0);
  }

  // Whether the end that was kept is closed, and no copy of it is left.
  void ExpectWitnessIsClosedAtOnce() {
    witness_.second.reset();
    pollfd state = {.fd = witness_.first.get(), .events = 0, .revents = 0};
    EXPECT_EQ(poll(&state, 1, 0), 1);
    EXPECT_NE(state.revents & POLLHUP, 0);
  }

  SocketPair outer_;
  SocketPair witness_;
  std::vector<UniqueFd> peers_;
};

TEST_F(CloseStrangersTest, WhatLiesUnreadInASocketDoesNotLinger) {
  Send(Lingerer());
  Send(std::move(witness_.second));
  ExpectItTakesNoTime([&] { CloseStrangersSocket(std::move(outer_.first)); });
  ExpectWitnessIsClosed();
}

// An empty message reads as the end of a socket that has been shut down.
TEST_F(CloseStrangersTest, NorBehindAnEmptyMessage) {
  ASSERT_EQ(send(outer_.second.get(), "", 0, MSG_NOSIGNAL), 0);
  Send(Lingerer());
  Send(std::move(witness_.second));
  ExpectItTakesNoTime([&] { CloseStrangersSocket(std::move(outer_.first)); });
  ExpectWitnessIsClosed();
}

TEST_F(CloseStrangersTest, NorInTheQueueOfASocketThatWasReceived) {
  Send(Lingerer());
  Send(std::move(witness_.second));
  UniqueFd received[] = {std::move(outer_.first), Lingerer()};
  ExpectItTakesNoTime([&] { CloseStrangers(received); });
  EXPECT_FALSE(received[0].is_open());
  EXPECT_FALSE(received[1].is_open());
  ExpectWitnessIsClosed();
}

TEST_F(CloseStrangersTest, SocketWithNothingUnreadIsClosed) {
  CloseStrangersSocket(std::move(witness_.second));
  ExpectWitnessIsClosed();
}

// Each close of it waits, the last and those before.
TEST_F(CloseStrangersTest, FileWhoseServerDoesNotAnswerIsNotWaitedFor) {
  testing::FileOfSilentServer server;
  UniqueFd received[] = {server.Open()};
  const int number = received[0].get();
  ExpectItTakesNoTime([&] { CloseStrangers(received); });
  EXPECT_FALSE(received[0].is_open());
  EXPECT_FALSE(IsOpen(number));
  ExpectWitnessIsClosedAtOnce();
}

// What the caller closes next is closed then: epoll(7) forgets it, and its peer sees that.
TEST_F(CloseStrangersTest, HoldsNothingElseOpen) {
  for (int i = 0; i < 200; ++i) {
    ASSERT_EQ(CreateSocketPair(witness_), 0);
    UniqueFd received[] = {Lingerer()};
    CloseStrangers(received);
    ExpectWitnessIsClosedAtOnce();
    if (HasFailure()) return;
  }
}

// A close gives up its process's locks of that file (fcntl_locking(2)).
TEST_F(CloseStrangersTest, LeavesTheLocksOfThisProcess) {
  const UniqueFd file(memfd_create("locked", MFD_CLOEXEC));
  ASSERT_TRUE(file.is_open());
  struct flock whole = {
      .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 0, .l_pid = 0};
  ASSERT_EQ(fcntl(file.get(), F_SETLK, &whole), 0);
  UniqueFd received[] = {Lingerer()};
  CloseStrangers(received);
  // An open file description is somebody else.
  ASSERT_EQ(fcntl(file.get(), F_OFD_GETLK, &whole), 0);
  EXPECT_EQ(whole.l_type, F_WRLCK);
}

// Whatever number of them, and none is left behind.
TEST_F(CloseStrangersTest, LeavesNoDescriptor) {
  const size_t before = OpenDescriptors();
  for (int i = 0; i < 100; ++i) {
    SocketPair one;
    ASSERT_EQ(CreateSocketPair(one), 0);
    ASSERT_EQ(send(one.second.get(), "x", 1, MSG_NOSIGNAL), 1);
    CloseStrangersSocket(std::move(one.first));
  }
  EXPECT_EQ(OpenDescriptors(), before);
}

}  // namespace
}  // namespace forkserver
