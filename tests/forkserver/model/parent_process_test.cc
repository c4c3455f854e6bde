// Who is connected to whom: endpoints are the parent's to make, by the table and the remote types.
#include "forkserver/model/parent_process.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <memory>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include "preload/prefs/prefs_store.h"
#include "tests/forkserver/model/model_program.h"
#include "transceiver/clock.h"

namespace forkserver {

testing::HostSetup testing::SetUpHost(const std::string&) { return ModelHost(); }

namespace {

using testing::ModelTest;

struct Word {
  static constexpr std::string_view kName = "Word";
  static constexpr SentBy kSentBy = SentBy::kEither;
  Text<16> word = {};
  auto Fields() { return std::tie(word); }
};

struct Talk {
  static constexpr std::string_view kName = "Talk";
  using Messages = MessageList<Word>;
};

struct Logins {
  static constexpr std::string_view kName = "Logins";
  static constexpr std::string_view kRemoteTypes[] = {"privilegedabout", "extension"};
  using Messages = MessageList<Word>;
};

template <typename Pair>
std::string Refusal(const absl::StatusOr<Pair>& pair) {
  EXPECT_TRUE(absl::IsPermissionDenied(pair.status())) << pair.status();
  return std::string(pair.status().message());
}

HOST_TEST(Endpoints, EachEndNamesTheOther) {
  ModelTest model(server);
  const auto content = model.Open("https://a.test/");
  const auto dummy = model.Launch(ProcessType::kDummy);
  const auto pair = model.parent().CreateEndpoints<Talk>(*content->process, *dummy);
  ASSERT_TRUE(pair.ok()) << pair.status();
  EXPECT_EQ(pair->child.peer().pid, content->process->process()->pid);
  EXPECT_EQ(pair->child.peer().remote_type, "webIsolated=https://a.test");
  EXPECT_EQ(pair->parent.peer().pid, dummy->process()->pid);
  EXPECT_EQ(pair->parent.peer().process_type, static_cast<uint16_t>(ProcessType::kDummy));
  EXPECT_EQ(pair->parent.peer().remote_type, "");
}

HOST_TEST(Endpoints, AreOnlyBetweenTypesThatTheTableConnects) {
  ModelTest model(server);
  const auto dummy = model.Launch(ProcessType::kDummy);
  const auto utility = model.Launch(ProcessType::kUtility);
  EXPECT_EQ(Refusal(model.parent().CreateEndpoints<Talk>(*utility, *dummy)),
            "the table of process types has no connection between utility and dummy");
}

HOST_TEST(Endpoints, ProcessThatDoesNotRunHasNone) {
  ModelTest model(server);
  const auto content = model.Open("https://a.test/");
  testing::PlainHost launching(model.parent(), ProcessType::kDummy);
  EXPECT_TRUE(absl::IsFailedPrecondition(
      model.parent().CreateEndpoints<Talk>(*content->process, launching).status()));
  EXPECT_TRUE(
      absl::IsFailedPrecondition(model.parent().CreateEndpointsWith<Talk>(launching).status()));
}

HOST_TEST(Endpoints, ActorThatNamesItsRemoteTypesIsForNoOthers) {
  ModelTest model(server);
  const auto web = model.Open("https://a.test/");
  const auto logins = model.Open("about:logins");
  const auto extension = model.Open("moz-extension://0123/page.html");
  const auto dummy = model.Launch(ProcessType::kDummy);
  ParentProcess& parent = model.parent();
  EXPECT_TRUE(parent.CreateEndpointsWith<Logins>(*logins->process).ok());
  EXPECT_TRUE(parent.CreateEndpointsWith<Logins>(*extension->process).ok());
  EXPECT_EQ(
      Refusal(parent.CreateEndpointsWith<Logins>(*web->process)),
      "Logins is for privilegedabout, extension, not for content 1 (webIsolated=https://a.test)");
  EXPECT_EQ(Refusal(parent.CreateEndpointsWith<Logins>(*dummy)),
            "Logins is for privilegedabout, extension, not for dummy 4");
  // Nor for a pair of which one end is not.
  EXPECT_EQ(
      Refusal(parent.CreateEndpoints<Logins>(*logins->process, *web->process)),
      "Logins is for privilegedabout, extension, not for content 1 (webIsolated=https://a.test)");
}

class Talker : public Actor<Talker, Talk, Side::kParent> {
 public:
  absl::Status Receive(Word&) { return absl::OkStatus(); }
};

HOST_TEST(Endpoints, OfTwoOnlyContentIsAskedForItsRemoteType) {
  ModelTest model(server);
  const auto logins = model.Open("about:logins");
  const auto web = model.Open("https://a.test/");
  const auto utility = model.Launch(ProcessType::kUtility);
  EXPECT_TRUE(model.parent().CreateEndpoints<Logins>(*logins->process, *utility).ok());
  EXPECT_EQ(Refusal(model.parent().CreateEndpoints<Logins>(*web->process, *utility)),
            "Logins is for privilegedabout, extension, not for content 2 "
            "(webIsolated=https://a.test)");
  const auto dummy = model.Launch(ProcessType::kDummy);
  EXPECT_EQ(Refusal(model.parent().CreateEndpoints<Logins>(*utility, *dummy)),
            "Logins is for privilegedabout, extension, not for utility 3");
}

// The first is killed in the middle of a change of prefs: it reads none.
HOST_TEST(ParentProcess, MayBeDestroyedByTheReaderOfItsLogWithAllThatItHas) {
  const auto loop = *EventLoop::Create();
  std::unique_ptr<testing::PlainHost> first;
  std::unique_ptr<testing::PlainHost> second;
  std::unique_ptr<ParentProcess> parent;
  std::string heard;
  parent =
      *ParentProcess::Create({.server = server, .loop = *loop, .log = [&](std::string_view line) {
                                heard = line;
                                first.reset();
                                second.reset();
                                parent.reset();
                              }});
  PrefsStore store;
  store.LoadText(testing::kUnsandboxed, "test");
  ASSERT_TRUE(parent->SetPrefs(*store.Publish()).ok());
  int launched = 0;
  for (auto* host : {&first, &second}) {
    *host = std::make_unique<testing::PlainHost>(*parent, ProcessType::kUtility);
    (*host)->Launch({});
    (*host)->WhenLaunched([&](const auto& process) { launched += process.ok(); });
  }
  const int64_t deadline = NowNanos() + 10 * kNanosPerSecond;
  while (launched < 2 && NowNanos() < deadline) loop->Run(deadline);
  const std::string name = first->Name();
  ASSERT_TRUE(testing::SignalProcess(first->process()->pid, SIGSTOP).ok());
  for (int i = 0; i < 2000 && parent != nullptr; ++i) {
    store.LoadText(absl::StrCat("user_pref(\"number\", ", i, ");"), "test");
    ASSERT_TRUE(parent->SetPrefs(*store.Publish()).ok());
    loop->Run(NowNanos());
  }
  EXPECT_EQ(parent, nullptr);
  EXPECT_THAT(heard, ::testing::StartsWith(name + ": killed, for "));
  server.SetPrefs({});
}

HOST_TEST(ParentProcess, PrefsThatAreNoneChangeNothing) {
  ModelTest model(server);
  EXPECT_EQ(model.parent().SetPrefs({}), absl::InvalidArgumentError("no prefs map"));
  EXPECT_NE(model.Launch(ProcessType::kUtility), nullptr);
}

HOST_TEST(Endpoints, WhoBreaksTheProtocolOfOneIsKilledAndReported) {
  ModelTest model(server);
  const auto dummy = model.Launch(ProcessType::kDummy);
  const auto other = model.Launch(ProcessType::kDummy);
  auto pair = model.parent().CreateEndpointsWith<Talk>(*dummy);
  ASSERT_TRUE(pair.ok()) << pair.status();
  Talker talker;
  int own = 0;
  ASSERT_TRUE(talker
                  .Bind(model.parent().loop(), std::move(pair->parent),
                        {.on_violation = [&](const absl::Status&) { ++own; }})
                  .ok());
  // It is this process that sends, and not the dummy process.
  const EndpointParts end = pair->child.Take();
  ASSERT_EQ(SendPacket(end.socket.get(), Blocking::kNever, {}, {}, {}), 0);
  model.Until([&] { return dummy->end.has_value(); });
  EXPECT_EQ(own, 1);
  EXPECT_EQ(dummy->end->exit->ToString(), "killed by SIGKILL");
  EXPECT_EQ(dummy->end->killed_for.message().substr(0, 5), "Talk:") << dummy->end->killed_for;
  model.Until([&] { return !model.log().empty(); });
  EXPECT_EQ(model.log().size(), 1u);
  EXPECT_TRUE(other->is_running());
}

HOST_TEST(Endpoints, MemoryIsSharedOnlyWithWhomMayHaveIt) {
  ModelTest model(server);
  const auto web = model.Open("https://a.test/");
  EXPECT_EQ(web->process->CreateSharedMemory("x", 4096).status().message(),
            "content 1 (webIsolated=https://a.test) may share no memory");
  Load isolated = {.url = *Url::Parse("https://a.test/"),
                   .opener_policy = "same-origin",
                   .embedder_policy = "credentialless"};
  const auto with_headers = model.Open({.load = isolated});
  ASSERT_EQ(with_headers->process->remote_type().ToString(), "webCOOP+COEP=https://a.test");
  EXPECT_TRUE(with_headers->process->CreateSharedMemory("x", 4096).ok());
}

}  // namespace
}  // namespace forkserver
