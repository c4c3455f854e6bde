// What a content child does with what every content process is sent, in one process with its
// parent's side.
#include "child/process/content_child.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "absl/status/statusor.h"
#include "child/process/content_bridge.h"
#include "child/process/content_messages.h"
#include "transceiver/actor/actor.h"
#include "transceiver/actor/endpoint.h"
#include "transceiver/clock.h"
#include "transceiver/event_loop.h"
#include "transceiver/packet.h"

namespace forkserver {
namespace {

struct Empty {
  static constexpr std::string_view kName = "Empty";
  using Messages = ContentMessages<>;
};

class Child : public ContentChild<Child, Empty> {
 public:
  using ContentChild::ContentChild;
  using ContentChild::Receive;
};

// Two of the four are its own.
class OwnChild : public ContentChild<OwnChild, Empty> {
 public:
  using ContentChild::ContentChild;
  using ContentChild::Receive;
  absl::Status Receive(BrowserOpened& message) {
    opened = message.as.browser;
    return absl::OkStatus();
  }
  absl::Status Receive(BrowserClosed&, Resolver<Done> resolver) {
    resolver.Reject(absl::UnimplementedError("of its own"));
    return absl::OkStatus();
  }

  uint64_t opened = 0;
};

class Parent : public Actor<Parent, Empty, Side::kParent> {
 public:
  absl::Status Receive(StartFailed&) { return absl::OkStatus(); }
  absl::Status Receive(CreateNested&, Resolver<NestedCreated>) { return absl::OkStatus(); }
  absl::Status Receive(OpenNestedBrowser&, Resolver<NestedBrowser>) { return absl::OkStatus(); }
  absl::Status Receive(CloseNestedBrowser&) { return absl::OkStatus(); }
};

class OwnersEnd : public Actor<OwnersEnd, ContentBridge, Side::kParent> {
 public:
  absl::Status Receive(BridgeMessage&, Resolver<BridgeAnswer>) { return absl::OkStatus(); }
  void ActorDestroy(const ActorEnd&) override { has_ended = true; }
  bool has_ended = false;
};

template <typename SomeChild>
struct Pair {
  Pair() {
    SocketPair sockets;
    EXPECT_EQ(CreateSocketPair(sockets), 0);
    EXPECT_TRUE(parent.Bind(*loop, std::move(sockets.first)).ok());
    EXPECT_TRUE(child.Bind(*loop, std::move(sockets.second)).ok());
  }

  void Until(const std::function<bool()>& done) {
    const int64_t deadline = NowNanos() + 10 * kNanosPerSecond;
    while (!done() && NowNanos() < deadline) loop->Run(deadline);
    EXPECT_TRUE(done());
  }

  template <typename M>
  absl::Status AnswerTo(const M& message) {
    std::optional<absl::Status> answer;
    const absl::Status asked =
        parent.Call(message, [&](absl::StatusOr<Done> done) { answer = done.status(); });
    if (!asked.ok()) return asked;
    Until([&] { return answer.has_value(); });
    return answer.value_or(absl::DeadlineExceededError("no answer"));
  }

  const std::unique_ptr<EventLoop> loop = *EventLoop::Create();
  Parent parent;
  SomeChild child;
};

TEST(ContentChild, ConfirmsWhatIsClosedWhereItHasNoHandlersOfItsOwn) {
  Pair<Child> pair;
  ASSERT_TRUE(pair.parent.Send(BrowserOpened{.as = {.browser = 7}}).ok());
  EXPECT_EQ(pair.AnswerTo(BrowserClosed{.browser = 7}), absl::OkStatus());
  EXPECT_EQ(pair.AnswerTo(BridgeClosed{.bridge = 7}), absl::OkStatus());
}

TEST(ContentChild, DropsItsEndOfABridgeAndGoesOn) {
  Pair<Child> pair;
  auto ends = CreateEndpoints<ContentBridge>({.pid = getpid()}, {.pid = getpid()});
  ASSERT_TRUE(ends.ok()) << ends.status();
  OwnersEnd owner;
  ASSERT_TRUE(owner.Bind(*pair.loop, std::move(ends->parent)).ok());
  {
    AttachBridge message = {.bridge = 7};
    message.end = std::move(ends->child);
    ASSERT_TRUE(pair.parent.Send(message).ok());
  }
  pair.Until([&] { return owner.has_ended; });
  EXPECT_EQ(pair.AnswerTo(BridgeClosed{.bridge = 7}), absl::OkStatus());
}

TEST(ContentChild, HandlerOfItsOwnTakesThePlaceOfItsDefaultAndOfNoOther) {
  Pair<OwnChild> pair;
  ASSERT_TRUE(pair.parent.Send(BrowserOpened{.as = {.browser = 7}}).ok());
  EXPECT_EQ(pair.AnswerTo(BrowserClosed{.browser = 7}), absl::UnimplementedError("of its own"));
  EXPECT_EQ(pair.child.opened, 7u);
  EXPECT_EQ(pair.AnswerTo(BridgeClosed{.bridge = 7}), absl::OkStatus());
}

}  // namespace
}  // namespace forkserver
