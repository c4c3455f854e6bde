#include "transceiver/actor/endpoint.h"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "tests/transceiver/actor/hotline.h"
#include "tests/transceiver/open_descriptors.h"

namespace forkserver {
namespace {

struct TakeHotline {
  static constexpr std::string_view kName = "TakeHotline";
  static constexpr SentBy kSentBy = SentBy::kParent;
  Endpoint<Hotline, Side::kChild> endpoint = {};
  auto Fields() { return std::tie(endpoint); }
};
struct WantHotline {
  static constexpr std::string_view kName = "WantHotline";
  static constexpr SentBy kSentBy = SentBy::kChild;
  using Reply = TakeHotline;
};
struct Top {
  static constexpr std::string_view kName = "Top";
  using Messages = MessageList<TakeHotline, WantHotline>;
};

// What must not compile.
struct ChildHandsOut : TakeHotline {
  static constexpr SentBy kSentBy = SentBy::kChild;
};
struct EitherHandsOut : TakeHotline {
  static constexpr SentBy kSentBy = SentBy::kEither;
};
struct ChildAnswersWithOne {
  static constexpr SentBy kSentBy = SentBy::kParent;
  using Reply = TakeHotline;
};
static_assert(KeepsEndpointsWithTheParent<TakeHotline>());
static_assert(KeepsEndpointsWithTheParent<WantHotline>());
static_assert(!KeepsEndpointsWithTheParent<ChildHandsOut>());
static_assert(!KeepsEndpointsWithTheParent<EitherHandsOut>());
static_assert(!KeepsEndpointsWithTheParent<ChildAnswersWithOne>());

class TopChild : public Actor<TopChild, Top, Side::kChild> {
 public:
  explicit TopChild(EventLoop& loop) : loop_(loop) {}
  absl::Status Receive(TakeHotline& message) {
    return hotline.Bind(loop_, std::move(message.endpoint), hotline.Recording());
  }
  void ActorDestroy(const ActorEnd& end) override { ends.push_back(end); }
  HotlineChild hotline;
  std::vector<ActorEnd> ends;

 private:
  EventLoop& loop_;
};

class TopParent : public Actor<TopParent, Top, Side::kParent> {
 public:
  absl::Status Receive(WantHotline&, Resolver<TakeHotline> resolver) {
    return resolver.Resolve({.endpoint = std::move(next)});
  }
  Endpoint<Hotline, Side::kChild> next;
};

// A top-level pair in one process, bound to sockets.
struct TopPair {
  explicit TopPair(PeerRole role = PeerRole::kParentProcess) {
    if (role == PeerRole::kParentProcess) {
      SocketPair pair;
      EXPECT_EQ(CreateSocketPair(pair), 0);
      EXPECT_TRUE(parent.Bind(*loop, std::move(pair.first)).ok());
      EXPECT_TRUE(child.Bind(*loop, std::move(pair.second), Recording()).ok());
    } else {
      // Both ends are other processes', the maker says.
      auto pair = CreateEndpoints<Top>({.pid = 1}, {.pid = 1});
      EXPECT_TRUE(parent.Bind(*loop, std::move(pair->parent)).ok());
      EXPECT_TRUE(child.Bind(*loop, std::move(pair->child), Recording()).ok());
    }
  }
  ActorOptions Recording() {
    return {.on_violation = [this](const absl::Status& why) {
      violation = std::string(why.message());
    }};
  }
  std::unique_ptr<EventLoop> loop = *EventLoop::Create(EventLoop::Backend::kEpoll);
  TopParent parent;
  TopChild child{*loop};
  std::string violation;
};

TEST(Endpoint, ConnectsTwoActorsByName) {
  TopPair top;
  auto pair = CreateEndpoints<Hotline>(
      {.pid = 77, .process_type = 1, .remote_type = "webIsolated=https://a.test"},
      {.pid = 88, .process_type = 2, .remote_type = "dummy"});
  ASSERT_TRUE(pair.ok());
  ASSERT_TRUE(top.parent.Send(TakeHotline{.endpoint = std::move(pair->child)}).ok());
  HotlineParent hotline;
  ASSERT_TRUE(hotline.Bind(*top.loop, std::move(pair->parent)).ok());
  EXPECT_EQ(hotline.peer(), (PeerName{.pid = 88, .process_type = 2, .remote_type = "dummy"}));
  std::string words;
  ASSERT_TRUE(hotline
                  .Call(GetAssistance{.question = "?"},
                        [&](absl::StatusOr<Assistance> reply) { words = reply->words.str(); })
                  .ok());
  ASSERT_TRUE(RunUntil(*top.loop, [&] { return !words.empty(); }));
  EXPECT_EQ(top.child.hotline.peer(),
            (PeerName{.pid = 77, .process_type = 1, .remote_type = "webIsolated=https://a.test"}));
}

TEST(Endpoint, MayBeTheAnswerToAChild) {
  TopPair top;
  auto pair = CreateEndpoints<Hotline>({.pid = getpid()}, {.pid = 88});
  ASSERT_TRUE(pair.ok());
  top.parent.next = std::move(pair->child);
  Endpoint<Hotline, Side::kChild> got;
  ASSERT_TRUE(top.child
                  .Call(WantHotline{},
                        [&](absl::StatusOr<TakeHotline> reply) {
                          ASSERT_TRUE(reply.ok()) << reply.status();
                          got = std::move(reply->endpoint);
                        })
                  .ok());
  ASSERT_TRUE(RunUntil(*top.loop, [&] { return got.is_open(); }));
  EXPECT_EQ(got.peer().pid, getpid());
  EXPECT_EQ(got.peer_role(), PeerRole::kParentProcess);
}

TEST(Endpoint, IsNotTakenFromAPeerThatIsNotTheParentProcess) {
  TopPair top(PeerRole::kOther);
  const size_t before = OpenDescriptors();
  {
    auto pair = CreateEndpoints<Hotline>({.pid = 1}, {.pid = 2});
    ASSERT_TRUE(top.parent.Send(TakeHotline{.endpoint = std::move(pair->child)}).ok());
  }
  ASSERT_TRUE(RunUntil(*top.loop, [&] { return !top.child.ends.empty(); }));
  EXPECT_EQ(top.violation, "Top TakeHotline: an endpoint that is not the parent process's");
  EXPECT_FALSE(top.child.ends[0].is_normal());
  // Less the socket that the violation has closed.
  EXPECT_EQ(OpenDescriptors(), before - 1);
}

struct OtherHotline {
  static constexpr std::string_view kName = "Hotline";
  using Messages = MessageList<GetAssistance>;
};

template <typename Sent, typename Expected>
std::string WhenReadAs(Sent endpoint) {
  std::vector<uint8_t> buffer(Codec<Sent>::kMaxBytes);
  FieldWriter out(buffer);
  Codec<Sent>::Put(out, endpoint);
  std::vector<uint8_t> bytes(buffer.begin(), buffer.begin() + out.size());
  UniqueFd fds[] = {endpoint.Take().socket};
  FieldReader in(bytes, fds);
  Expected got;
  Codec<Expected>::Get(in, got);
  return std::string(in.End("read").message());
}

TEST(Endpoint, OfAnotherProtocolOrSideIsMalformed) {
  using Child = Endpoint<Hotline, Side::kChild>;
  const auto make = [] { return std::move(CreateEndpoints<Hotline>({}, {})->child); };
  EXPECT_EQ((WhenReadAs<Child, Child>(make())), "");
  EXPECT_EQ((WhenReadAs<Child, Endpoint<OtherHotline, Side::kChild>>(make())),
            "read field 0: an endpoint of another protocol");
  EXPECT_EQ((WhenReadAs<Child, Endpoint<Hotline, Side::kParent>>(make())),
            "read field 0: an endpoint of another protocol");
}

TEST(Endpoint, WithATooLongRemoteTypeIsNotMade) {
  const auto pair = CreateEndpoints<Hotline>({.remote_type = std::string(513, 'x')}, {});
  EXPECT_TRUE(absl::IsInvalidArgument(pair.status())) << pair.status();
}

TEST(Endpoint, ThatChecksItsSenderRefusesAStranger) {
  auto loop = *EventLoop::Create(EventLoop::Backend::kEpoll);
  for (const int pid : {getpid(), getpid() + 1}) {
    auto pair = CreateEndpoints<Hotline>({.pid = getpid()}, {.pid = pid});
    ASSERT_TRUE(pair.ok());
    ASSERT_TRUE(pair->parent.CheckSender().ok());
    HotlineParent parent;
    HotlineChild child;
    ASSERT_TRUE(parent.Bind(*loop, std::move(pair->parent), parent.Recording()).ok());
    ASSERT_TRUE(child.Bind(*loop, std::move(pair->child)).ok());
    ASSERT_TRUE(child.Send(Note{.number = 1}).ok());
    ASSERT_TRUE(RunUntil(*loop, [&] { return !parent.events.empty(); }));
    if (pid == getpid()) {
      EXPECT_EQ(parent.events, Events{"note 1"});
    } else {
      ASSERT_EQ(parent.violations.size(), 1u);
      EXPECT_EQ(parent.events, Events{"end abnormal"});
    }
  }
}

// Neither is a socket of a launch: what failed is named by the actor.
TEST(Endpoint, WithoutASocketIsNamedByItsActor) {
  auto loop = *EventLoop::Create(EventLoop::Backend::kEpoll);
  const auto over = [](UniqueFd fd) {
    return Endpoint<Hotline, Side::kParent>({.socket = std::move(fd)});
  };
  HotlineParent of_a_file;
  const absl::Status bound =
      of_a_file.Bind(*loop, over(UniqueFd(open("/proc/self/exe", O_RDONLY | O_CLOEXEC))));
  const std::string text(bound.message());
  EXPECT_EQ(text.find("Hotline Bind: epoll_ctl EPOLL_CTL_ADD descriptor "), 0u) << text;
  EXPECT_NE(text.find(": EPERM"), std::string::npos) << text;

  HotlineParent of_an_event;
  ASSERT_TRUE(of_an_event.Bind(*loop, over(UniqueFd(eventfd(1, EFD_CLOEXEC)))).ok());
  EXPECT_EQ(of_an_event.Send(Note{}).message(), "Hotline Note: sendmsg: ENOTSOCK");
  ASSERT_TRUE(RunUntil(*loop, [&] { return of_an_event.is_ended(); }));
  EXPECT_EQ(of_an_event.ends[0].why.message(), "Hotline: recvmsg: ENOTSOCK");
}

// What had been said to it, too, before there was a loop.
TEST(Endpoint, OfAnActorThatIsToEndBeforeItIsBoundIsItsEnd) {
  for (const bool is_early : {true, false}) {
    auto loop = *EventLoop::Create(EventLoop::Backend::kEpoll);
    auto pair = CreateEndpoints<Hotline>({}, {});
    ASSERT_TRUE(pair.ok());
    HotlineParent parent;
    absl::Status answer;
    if (is_early) {
      parent.BeginEarly();
      const auto keep = [&](absl::StatusOr<Assistance> reply) { answer = reply.status(); };
      ASSERT_TRUE(parent.Call(GetAssistance{}, keep).ok());
    }
    parent.EndSoon(absl::AbortedError("no more"));
    ASSERT_TRUE(parent.Bind(*loop, std::move(pair->parent), parent.Recording()).ok());
    EXPECT_FALSE(parent.is_ended());
    ASSERT_TRUE(RunUntil(*loop, [&] { return parent.is_ended(); }));
    EXPECT_EQ(parent.ends[0].why, absl::AbortedError("no more"));
    EXPECT_EQ(absl::IsUnavailable(answer), is_early) << answer;
  }
}

TEST(Endpoint, ThatIsDroppedEndsItsPeerAbnormally) {
  const size_t before = OpenDescriptors();
  {
    auto loop = *EventLoop::Create(EventLoop::Backend::kEpoll);
    HotlineParent parent;
    {
      auto pair = CreateEndpoints<Hotline>({}, {});
      ASSERT_TRUE(parent.Bind(*loop, std::move(pair->parent)).ok());
    }
    ASSERT_TRUE(RunUntil(*loop, [&] { return parent.is_ended(); }));
    EXPECT_EQ(parent.events, Events{"end abnormal"});
  }
  EXPECT_EQ(OpenDescriptors(), before);
}

}  // namespace
}  // namespace forkserver
