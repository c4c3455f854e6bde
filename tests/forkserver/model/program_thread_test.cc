// A child program on a thread: what it gets, how it ends, what it leaves. Nothing is forked here,
// so thread sanitizer sees it too.
#include "forkserver/model/program_thread.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <vector>

#include "transceiver/clock.h"
#include "transceiver/messages.h"
#include "transceiver/mini_transceiver.h"
#include "transceiver/packet.h"
#include "transceiver/poll_until.h"

namespace forkserver {
namespace {

// Says its first argument, and returns 7 when its peer is gone.
class Speaker : public ChildProgram {
 public:
  int Run(ChildContext& context) override {
    const char* const word = context.argv[1];
    EXPECT_EQ(context.argv.size(), 2u);
    EXPECT_EQ(context.argv.data()[2], nullptr);
    EXPECT_EQ(context.sandbox.level, 0);
    char name[16];
    EXPECT_EQ(pthread_getname_np(pthread_self(), name, sizeof(name)), 0);
    EXPECT_STREQ(name, "gpu");
    sigset_t blocked;
    pthread_sigmask(SIG_SETMASK, nullptr, &blocked);
    EXPECT_TRUE(sigismember(&blocked, SIGTERM) == 1) << "signals are for the embedder's threads";
    EXPECT_EQ(context.channel.Send({.type = kFirstApplicationType},
                                   {reinterpret_cast<const uint8_t*>(word), strlen(word)}),
              0);
    while (context.channel.Receive() == ReceiveOutcome::kMessage) {
    }
    return 7;
  }
};

absl::StatusOr<std::unique_ptr<ProgramThread>> StartSpeaker() {
  return ProgramThread::Start(
      {.type = ProcessType::kGpu, .program = MakeChildProgram<Speaker>, .argv = {"gpu", "hello"}});
}

struct Received {
  PacketOutcome outcome = PacketOutcome::kError;
  std::string text = {};
  int32_t sender = 0;
};

Received Next(const UniqueFd& socket) {
  uint8_t buffer[64];
  Packet packet(buffer);
  Received received = {.outcome = ReceivePacket(socket.get(), Blocking::kWait, packet)};
  if (received.outcome != PacketOutcome::kMessage) return received;
  received.text.assign(packet.payload().begin(), packet.payload().end());
  received.sender = packet.sender_pid();
  return received;
}

TEST(ProgramThread, HasItsArgumentsAndASocketWhoseSenderIsThisProcess) {
  auto thread = StartSpeaker();
  ASSERT_TRUE(thread.ok()) << thread.status();
  const UniqueFd socket = (*thread)->TakeSocket();
  const Received next = Next(socket);
  ASSERT_EQ(next.outcome, PacketOutcome::kMessage);
  EXPECT_EQ(next.text, "hello");
  EXPECT_EQ(next.sender, getpid());
}

TEST(ProgramThread, IsJoinedWhenItsEndIsReadable) {
  auto thread = StartSpeaker();
  ASSERT_TRUE(thread.ok()) << thread.status();
  const UniqueFd socket = (*thread)->TakeSocket();
  ASSERT_EQ(Next(socket).outcome, PacketOutcome::kMessage);
  EXPECT_EQ(PollUntil((*thread)->end_fd(), POLLIN, NowNanos()), 0);
  (*thread)->HangUp();
  EXPECT_EQ(PollUntil((*thread)->end_fd(), POLLIN, NowNanos() + 10 * kNanosPerSecond), 1);
  EXPECT_EQ((*thread)->Join(), 7);
}

TEST(ProgramThread, EndsWithItsObjectAlsoWhereTheSocketIsStillHeld) {
  auto thread = StartSpeaker();
  ASSERT_TRUE(thread.ok()) << thread.status();
  const UniqueFd socket = (*thread)->TakeSocket();
  ASSERT_EQ(Next(socket).outcome, PacketOutcome::kMessage);
  thread->reset();
  EXPECT_EQ(Next(socket).outcome, PacketOutcome::kClosed);
}

}  // namespace
}  // namespace forkserver
