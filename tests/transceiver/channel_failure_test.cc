// A queued message that the kernel does not take for a reason of the message's own: an io_uring's
// descriptor, which unix(7) passes to nobody.
#include <memory>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "tests/transceiver/open_descriptors.h"
#include "transceiver/channel.h"
#include "transceiver/clock.h"
#include "transceiver/event_loop.h"
#include "transceiver/packet.h"

namespace forkserver {
namespace {

class ChannelFailures : public ::testing::Test {
 protected:
  void SetUp() override {
    auto ring = EventLoop::Create(EventLoop::Backend::kIoUring);
    if (!ring.ok()) GTEST_SKIP() << "io_uring is not allowed here: " << ring.status();
    ring_ = *std::move(ring);
    loop_ = *EventLoop::Create(EventLoop::Backend::kEpoll);
    SocketPair pair;
    ASSERT_EQ(CreateSocketPair(pair), 0);
    near_ = std::move(pair.first);
    far_ = std::move(pair.second);
  }

  void Start(Channel::Handlers handlers) {
    channel_ = std::make_unique<Channel>(*loop_, std::move(near_), std::move(handlers));
    ASSERT_TRUE(channel_->Start().ok());
  }
  // Fills the socket, and queues behind it what cannot go between two that can.
  void QueueWhatCannotGo() {
    while (channel_->queued_messages() == 0) {
      ASSERT_TRUE(channel_->Send({.request_id = ++last_id_}).ok());
    }
    const int ring = ring_->fd();
    ASSERT_TRUE(channel_->Send({.request_id = ++last_id_}, {}, {&ring, 1}).ok());
    ASSERT_TRUE(channel_->Send({.request_id = ++last_id_}).ok());
  }
  // Runs the loop until `done`, and reads what comes out at the far end meanwhile.
  template <typename Done>
  bool RunUntil(Done done) {
    const int64_t deadline = NowNanos() + 5 * kNanosPerSecond;
    Packet packet({});
    while (!done() && NowNanos() < deadline) {
      while (ReceivePacket(far_.get(), Blocking::kNever, packet) == PacketOutcome::kMessage) {
        heard_.push_back(packet.frame().request_id);
      }
      loop_->Run(NowNanos() + kNanosPerMilli);
    }
    return done();
  }

  std::unique_ptr<EventLoop> ring_;
  std::unique_ptr<EventLoop> loop_;
  UniqueFd near_;
  UniqueFd far_;
  std::unique_ptr<Channel> channel_;
  uint64_t last_id_ = 0;
  std::vector<uint64_t> heard_;
};

TEST_F(ChannelFailures, AreToldToTheOwnerAndNothingFollowsThem) {
  const size_t before = OpenDescriptors();
  std::vector<absl::Status> failed;
  Start({.on_send_failed = [&](absl::Status why) { failed.push_back(std::move(why)); }});
  QueueWhatCannotGo();
  ASSERT_TRUE(RunUntil([&] { return !failed.empty(); }));
  const absl::Status why = absl::InvalidArgumentError("sendmsg: EINVAL");
  EXPECT_EQ(channel_->Send({}), why);
  EXPECT_EQ(channel_->queued_messages(), 0u);
  EXPECT_EQ(channel_->queued_bytes(), 0u);
  channel_->SendQueuedNow();
  // Nor does the loop go on for it.
  for (int i = 0; i < 10; ++i) loop_->Run(NowNanos());
  EXPECT_EQ(failed, std::vector<absl::Status>{why});
  RunUntil([&] { return heard_.size() == last_id_ - 2; });
  EXPECT_EQ(heard_.back(), last_id_ - 2);
  EXPECT_EQ(OpenDescriptors(), before);
}

TEST_F(ChannelFailures, DropTheMessageAloneWhereNobodyIsToldOfThem) {
  Start({});
  QueueWhatCannotGo();
  ASSERT_TRUE(RunUntil([&] { return !heard_.empty() && heard_.back() == last_id_; }));
  EXPECT_EQ(heard_.size(), last_id_ - 1);
}

TEST_F(ChannelFailures, AreNotThatThePeerIsGone) {
  int failed = 0;
  std::vector<absl::Status> closed;
  Start({.on_closed = [&](absl::Status why) { closed.push_back(std::move(why)); },
         .on_send_failed = [&](absl::Status) { ++failed; }});
  while (channel_->queued_messages() == 0) ASSERT_TRUE(channel_->Send({}).ok());
  far_.reset();
  ASSERT_TRUE(RunUntil([&] { return !closed.empty(); }));
  EXPECT_TRUE(absl::IsUnavailable(closed[0])) << closed[0];
  EXPECT_EQ(failed, 0);
}

TEST_F(ChannelFailures, MayHaveTheChannelDestroyed) {
  Start({.on_send_failed = [&](absl::Status) { channel_.reset(); }});
  QueueWhatCannotGo();
  EXPECT_TRUE(RunUntil([&] { return channel_ == nullptr; }));
}

}  // namespace
}  // namespace forkserver
