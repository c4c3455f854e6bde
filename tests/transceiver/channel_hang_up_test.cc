// A channel whose owner wants to know of the peer's end before it has what that had sent.
#include <sys/socket.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "tests/transceiver/each_backend.h"
#include "transceiver/channel.h"
#include "transceiver/clock.h"
#include "transceiver/event_loop.h"
#include "transceiver/packet.h"

namespace forkserver {
namespace {

using Events = std::vector<std::string>;

class ChannelHangUps : public EachBackend {
 protected:
  void SetUp() override {
    EachBackend::SetUp();
    if (IsSkipped()) return;
    loop_ = *EventLoop::Create(GetParam());
    SocketPair pair;
    ASSERT_EQ(CreateSocketPair(pair), 0);
    far_ = std::move(pair.second);
    channel_ = std::make_unique<Channel>(
        *loop_, std::move(pair.first),
        Channel::Handlers{.on_packet = [this](Packet&) { events_.push_back("packet"); },
                          .on_hang_up =
                              [this] {
                                events_.push_back("hang-up");
                                if (on_hang_up_) on_hang_up_();
                              },
                          .on_closed = [this](absl::Status) { events_.push_back("closed"); }});
    channel_->SetAttention(Attention::kHangUp);
    ASSERT_TRUE(channel_->Start().ok());
    for (int i = 0; i < 2; ++i) {
      ASSERT_EQ(SendPacket(far_.get(), Blocking::kNever, {}, {}, {}), 0);
    }
  }
  template <typename Done>
  bool RunUntil(Done done) {
    const int64_t deadline = NowNanos() + 5 * kNanosPerSecond;
    while (!done() && NowNanos() < deadline) loop_->Run(deadline);
    return done();
  }
  bool IsClosed() const { return !events_.empty() && events_.back() == "closed"; }

  std::unique_ptr<EventLoop> loop_;
  UniqueFd far_;
  Events events_;
  std::function<void()> on_hang_up_;
  std::unique_ptr<Channel> channel_;
};

INSTANTIATE_TEST_SUITE_P(Over, ChannelHangUps, kEachBackend, BackendName);

TEST_P(ChannelHangUps, AreToldBeforeWhatThePeerHadSent) {
  on_hang_up_ = [this] { channel_->SetAttention(Attention::kMessages); };
  far_.reset();
  ASSERT_TRUE(RunUntil([&] { return IsClosed(); }));
  EXPECT_EQ(events_, (Events{"hang-up", "packet", "packet", "closed"}));
}

TEST_P(ChannelHangUps, OfASocketThatIsOnlyShutDownAreTheSame) {
  on_hang_up_ = [this] { channel_->SetAttention(Attention::kMessages); };
  ASSERT_EQ(shutdown(far_.get(), SHUT_WR), 0);
  ASSERT_TRUE(RunUntil([&] { return IsClosed(); }));
  EXPECT_EQ(events_, (Events{"hang-up", "packet", "packet", "closed"}));
}

TEST_P(ChannelHangUps, LeaveMessagesToAnOwnerThatDoesNotAttendToThem) {
  far_.reset();
  ASSERT_TRUE(RunUntil([&] { return events_.size() == 3; }));
  EXPECT_EQ(events_, (Events{"hang-up", "hang-up", "hang-up"}));
  channel_->SetAttention(Attention::kMessages);
  ASSERT_TRUE(RunUntil([&] { return IsClosed(); }));
  EXPECT_EQ(events_,
            (Events{"hang-up", "hang-up", "hang-up", "hang-up", "packet", "packet", "closed"}));
}

TEST_P(ChannelHangUps, MayHaveTheChannelDestroyed) {
  on_hang_up_ = [this] { channel_.reset(); };
  far_.reset();
  ASSERT_TRUE(RunUntil([&] { return channel_ == nullptr; }));
  EXPECT_EQ(events_, Events{"hang-up"});
}

}  // namespace
}  // namespace forkserver
