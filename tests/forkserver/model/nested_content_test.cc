// Content processes below content processes: who may, who owns what, and what a live child cannot
// pretend.
#include "forkserver/model/nested_content.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/forkserver/model/model_program.h"
#include "transceiver/clock.h"

namespace forkserver {

testing::HostSetup testing::SetUpHost(const std::string&) { return ModelHost(); }

namespace {

using testing::ModelTest;

std::string Claim(const OpenedBrowser& of) {
  return absl::StrCat(of.browser, " ", of.selection.type.site);
}

// Of the nested process that was made last.
ContentProcess* Nested(ModelTest& model) { return model.content().processes().back(); }

std::string WhyEnded(ModelTest& model, ChildId id) {
  model.WaitForEnd(id);
  return std::string(model.ends().at(id).killed_for.message());
}

std::pair<std::string, std::string> SplitAtSpace(std::string_view text) {
  const size_t space = text.find(' ');
  return {std::string(text.substr(0, space)), std::string(text.substr(space + 1))};
}

// Asks without waiting for the answer.
void BeginAsk(const OpenedBrowser& of, std::string_view what, std::string_view about,
              std::optional<std::string>& answer) {
  ASSERT_TRUE(static_cast<testing::TestContent&>(*of.process)
                  .Call(testing::Ask{.what = what, .about = about},
                        [&](absl::StatusOr<testing::Said> said) {
                          answer =
                              said.ok() ? said->text.str() : std::string(said.status().message());
                        })
                  .ok());
}

// And until the nested process is being launched.
void BeginNest(ModelTest& model, const OpenedBrowser& owner, std::string_view url,
               std::optional<std::string>& answer) {
  BeginAsk(owner, "nest", absl::StrCat(Claim(owner), " ", std::string(url)), answer);
  model.Until([&] { return model.content().nested().bridges() > 0; });
}

HOST_TEST(NestedContent, OwnerGetsABridgeToANewProcess) {
  ModelTest model(server);
  const auto owner = model.Open("https://a.test/");
  EXPECT_EQ(model.AskOf(owner->process, "nest", Claim(*owner) + " https://b.test/x"),
            "bridge 1 browser 2");
  ContentProcess* const nested = Nested(model);
  EXPECT_NE(nested, owner->process);
  EXPECT_EQ(nested->bridge(), 1u);
  EXPECT_EQ(model.AskOf(nested, "remote type"), "webIsolated=https://b.test");
  EXPECT_EQ(model.AskOf(nested, "browsers"), "2 https://b.test");
  EXPECT_EQ(model.AskOf(owner->process, "bridge", "1 hello"), "hello back");
  // Neither it nor its owner's other process is anybody else's.
  EXPECT_NE(model.Open("https://b.test/")->process, nested);
  EXPECT_EQ(model.AskOf(nested, "browsers"), "2 https://b.test");
}

HOST_TEST(NestedContent, BridgeIsClosedWithItsLastBrowser) {
  ModelTest model(server);
  const auto owner = model.Open("https://a.test/");
  model.AskOf(owner->process, "nest", Claim(*owner) + " https://b.test/");
  EXPECT_EQ(model.AskOf(owner->process, "more", Claim(*owner) + " 1 https://www.b.test/"), "3");
  ContentProcess* const nested = Nested(model);
  const ChildId id = nested->id();
  ASSERT_TRUE(model.content().browsers().Grant(3, "camera").ok());
  model.AskOf(owner->process, "close", "3 https://b.test");
  model.Until([&] { return model.content().browsers().Find(3) == nullptr; });
  EXPECT_FALSE(model.content().browsers().IsGranted(3, "camera"));
  EXPECT_EQ(model.AskOf(nested, "browsers"), "2 https://b.test");
  EXPECT_EQ(model.content().nested().bridges(), 1u);
  model.AskOf(owner->process, "close", "2 https://b.test");
  model.WaitForEnd(id);
  EXPECT_EQ(model.ends().at(id).ToString(), "exited with status 0");
  EXPECT_EQ(model.content().nested().bridges(), 0u);
  EXPECT_EQ(model.AskOf(owner->process, "bridges"), "");
  EXPECT_EQ(model.content().browsers().size(), 1u);
}

HOST_TEST(NestedContent, OwnersEndEndsThoseBelowItInOrder) {
  ModelTest model(server);
  const auto owner = model.Open("https://a.test/");
  const ChildId id = owner->process->id();
  for (const char* site : {"b", "c", "d"}) {
    model.AskOf(owner->process, "nest", absl::StrCat(Claim(*owner), " https://", site, ".test/"));
  }
  ASSERT_EQ(model.content().processes().size(), 4u);
  std::vector<ChildId> in_order;
  for (const ContentProcess* process : model.content().processes()) {
    in_order.push_back(process->id());
  }
  ASSERT_TRUE(testing::SignalProcess(owner->process->process()->pid, SIGKILL).ok());
  model.Until([&] { return model.ends().size() == 4; });
  EXPECT_EQ(model.order_of_ends(), in_order);
  for (const auto& [child, end] : model.ends()) {
    EXPECT_EQ(end.ToString(), child == id ? "killed by SIGKILL" : "exited with status 0");
  }
  EXPECT_EQ(model.content().browsers().size(), 0u);
  EXPECT_EQ(model.content().nested().bridges(), 0u);
}

// The second of three does not wait for the first, which does not end; the third waits for it.
HOST_TEST(NestedContent, ThoseBelowAnEndedOwnerWaitForTheOneBeforeThem) {
  ModelTest model(server);
  const auto owner = model.Open("https://a.test/");
  std::vector<ContentProcess*> below;
  for (const char* site : {"b", "c", "d"}) {
    model.AskOf(owner->process, "nest", absl::StrCat(Claim(*owner), " https://", site, ".test/"));
    below.push_back(Nested(model));
  }
  const ChildId second = below[1]->id();
  const pid_t first_pid = below[0]->process()->pid;
  ASSERT_TRUE(model.content().browsers().Grant(4, "camera").ok());
  ASSERT_TRUE(testing::SignalProcess(first_pid, SIGSTOP).ok());
  const ChildId id = owner->process->id();
  ASSERT_TRUE(testing::SignalProcess(owner->process->process()->pid, SIGKILL).ok());
  model.WaitForEnd(id);
  // What they had is taken back at once.
  EXPECT_EQ(model.content().nested().bridges(), 0u);
  EXPECT_FALSE(model.content().browsers().IsGranted(4, "camera"));
  // The second ends by itself meanwhile; the third has not been asked to.
  ASSERT_TRUE(testing::SignalProcess(below[1]->process()->pid, SIGKILL).ok());
  model.WaitForEnd(second);
  EXPECT_TRUE(below[2]->MayBeGivenWork());
  EXPECT_FALSE(below[0]->MayBeGivenWork());
  ASSERT_TRUE(testing::SignalProcess(first_pid, SIGKILL).ok());
  model.Until([&] { return model.ends().size() == 4; });
  EXPECT_EQ(model.order_of_ends(), (std::vector<ChildId>{id, second, second - 1, second + 1}));
  EXPECT_EQ(model.content().browsers().size(), 0u);
}

HOST_TEST(NestedContent, ClosingTheBrowserItIsInClosesTheBridge) {
  ModelTest model(server);
  const auto owner = model.Open("https://a.test/");
  const auto other = model.Open("https://a.test/");
  model.AskOf(owner->process, "nest", Claim(*owner) + " https://b.test/");
  const ChildId nested = Nested(model)->id();
  model.content().Close(owner->browser);
  model.WaitForEnd(nested);
  EXPECT_EQ(model.AskOf(other->process, "bridges"), "");
}

HOST_TEST(NestedContent, OwnerOutlivesADeadNestedProcess) {
  ModelTest model(server);
  const auto owner = model.Open("https://a.test/");
  model.AskOf(owner->process, "nest", Claim(*owner) + " https://b.test/");
  const ChildId id = Nested(model)->id();
  ASSERT_TRUE(testing::SignalProcess(Nested(model)->process()->pid, SIGKILL).ok());
  model.WaitForEnd(id);
  EXPECT_EQ(model.AskOf(owner->process, "bridges"), "");
  EXPECT_EQ(model.AskOf(owner->process, "nest", Claim(*owner) + " https://b.test/"),
            "bridge 2 browser 3");
}

// The stopped one has not heard of it, and asks for more when it goes on.
HOST_TEST(NestedContent, WhatWasOnItsWayWhenTheBridgeWasClosedIsNoFault) {
  ModelTest model(server);
  const auto owner = model.Open("https://a.test/");
  model.AskOf(owner->process, "nest", Claim(*owner) + " https://b.test/");
  const ChildId id = Nested(model)->id();
  const pid_t owner_pid = owner->process->process()->pid;
  ASSERT_TRUE(testing::SignalProcess(owner_pid, SIGSTOP).ok());
  // It reads these two, in this order, before it reads that the bridge is closed.
  std::optional<std::string> more;
  std::optional<std::string> closed;
  BeginAsk(*owner, "more", Claim(*owner) + " 1 https://b.test/", more);
  BeginAsk(*owner, "close", "2 https://b.test", closed);
  ASSERT_TRUE(testing::SignalProcess(Nested(model)->process()->pid, SIGKILL).ok());
  model.WaitForEnd(id);
  ASSERT_TRUE(testing::SignalProcess(owner_pid, SIGCONT).ok());
  model.Until([&] { return more && closed; });
  EXPECT_EQ(*more, "bridge 1 is being closed");
  EXPECT_EQ(*closed, "no answer was wanted");
  EXPECT_EQ(model.AskOf(owner->process, "bridges"), "");
  EXPECT_EQ(model.content().browsers().size(), 1u);
}

HOST_TEST(NestedContent, OwnerHearsOfABrowserThatTheParentCloses) {
  ModelTest model(server);
  const auto owner = model.Open("https://a.test/");
  model.AskOf(owner->process, "nest", Claim(*owner) + " https://b.test/");
  ASSERT_EQ(model.AskOf(owner->process, "more", Claim(*owner) + " 1 https://b.test/"), "3");
  model.content().Close(3);
  EXPECT_EQ(model.AskOf(owner->process, "closed"), "3");
  EXPECT_EQ(model.AskOf(owner->process, "bridges"), "1");
  model.Until([&] { return model.content().browsers().size() == 2; });
}

HOST_TEST(NestedContent, LaunchThatFailsClosesNoBridgeThatTheOwnerKnows) {
  ModelTest model(server);
  const auto owner = model.Open("https://a.test/");
  std::optional<std::string> answer;
  BeginNest(model, *owner, "https://b.test/", answer);
  Nested(model)->Kill(absl::AbortedError("the test says so"));
  model.Until([&] { return answer.has_value() && model.ends().size() == 1; });
  EXPECT_EQ(model.AskOf(owner->process, "bridges closed"), "");
  EXPECT_EQ(model.content().nested().bridges(), 0u);
}

// What a response says of itself is the program's to know, and not its owner's.
HOST_TEST(NestedContent, BelowSharedMemoryIsWhoAgreesToIt) {
  ModelTest model(server);
  const auto owner = model.Open({.load = {.url = *Url::Parse("https://a.test/"),
                                          .initiated_by = InitiatedBy::kUser,
                                          .opener_policy = "same-origin",
                                          .embedder_policy = "require-corp"}});
  ASSERT_EQ(model.AskOf(owner->process, "remote type"), "webCOOP+COEP=https://a.test");
  EXPECT_EQ(model.AskOf(owner->process, "nest", Claim(*owner) + " https://b.test/"),
            "https://b.test/: no embedder policy, in a document that has one");
  model.SetEmbedderPolicy("b.test", "credentialless");
  EXPECT_EQ(model.AskOf(owner->process, "nest", Claim(*owner) + " https://b.test/"),
            "bridge 1 browser 2");
  EXPECT_EQ(model.AskOf(Nested(model), "remote type"), "webCOOP+COEP=https://b.test");
}

HOST_TEST(NestedContent, ProcessesThatComeAndGoAreBoundedInTime) {
  ModelTest model(server);
  const auto owner = model.Open("https://a.test/");
  const int64_t start = NowNanos();
  size_t made = 0;
  std::string answer;
  while (made < 1000) {
    answer = model.AskOf(owner->process, "nest", Claim(*owner) + " https://b.test/");
    if (answer.substr(0, 6) != "bridge") break;
    ++made;
    const ChildId nested = Nested(model)->id();
    model.AskOf(owner->process, "close", absl::StrCat(made + 1, " https://b.test"));
    model.WaitForEnd(nested);
  }
  EXPECT_EQ(
      answer,
      "content 1 (webIsolated=https://a.test) has had too many processes made below it lately");
  // The machine may be slow.
  const double seconds = static_cast<double>(NowNanos() - start) / kNanosPerSecond;
  EXPECT_GE(made, NestedContent::kLaunchRate.burst);
  EXPECT_LE(made, NestedContent::kLaunchRate.burst +
                      static_cast<size_t>(NestedContent::kLaunchRate.per_second * seconds) + 1);
}

HOST_TEST(NestedContent, AttributesAreTheOwners) {
  ModelTest model(server);
  const auto owner = model.Open("https://a.test/", {.user_context_id = 3});
  // The claim names the context too.
  EXPECT_EQ(model.AskOf(owner->process, "nest in container", Claim(*owner) + " https://b.test/ 3"),
            "bridge 1 browser 2");
  EXPECT_EQ(model.AskOf(Nested(model), "remote type"),
            "webIsolated=https://b.test^userContextId=3");
}

HOST_TEST(NestedContent, NestedProcessMayNotNest) {
  ModelTest model(server);
  const auto owner = model.Open("https://a.test/");
  model.AskOf(owner->process, "nest", Claim(*owner) + " https://b.test/");
  EXPECT_EQ(model.AskOf(Nested(model), "nest", "2 https://b.test https://c.test/"),
            "content 2 (webIsolated=https://b.test) is nested itself");
}

HOST_TEST(NestedContent, KindThatThePrefDoesNotNameMayNotNest) {
  ModelTest model(server);
  model.SetPrefs("user_pref(\"dom.ipc.nested.remoteTypes\", \"web\");");
  const auto owner = model.Open("https://a.test/");
  EXPECT_EQ(
      model.AskOf(owner->process, "nest", Claim(*owner) + " https://b.test/"),
      "content 1 (webIsolated=https://a.test): processes of its kind may have none below them");
}

HOST_TEST(NestedContent, BridgesOfOneOwnerAreBounded) {
  ModelTest model(server);
  const auto owner = model.Open("https://a.test/");
  for (size_t i = 0; i < NestedContent::kMostBridges; ++i) {
    ASSERT_EQ(model.AskOf(owner->process, "nest", Claim(*owner) + " https://b.test/").substr(0, 6),
              "bridge");
  }
  EXPECT_EQ(model.AskOf(owner->process, "nest", Claim(*owner) + " https://b.test/"),
            "content 1 (webIsolated=https://a.test) has 8 bridges already");
}

HOST_TEST(NestedContent, ProcessesThatDoNotEndAreBoundedToo) {
  ModelTest model(server);
  const auto owner = model.Open("https://a.test/");
  std::vector<pid_t> stopped;
  for (size_t i = 0; i < NestedContent::kMostProcesses; ++i) {
    ASSERT_EQ(model.AskOf(owner->process, "nest", Claim(*owner) + " https://b.test/"),
              absl::StrCat("bridge ", i + 1, " browser ", i + 2));
    stopped.push_back(Nested(model)->process()->pid);
    ASSERT_TRUE(testing::SignalProcess(stopped.back(), SIGSTOP).ok());
    model.AskOf(owner->process, "close", absl::StrCat(i + 2, " https://b.test"));
  }
  model.Until([&] { return model.content().nested().bridges() == 0; });
  EXPECT_EQ(model.AskOf(owner->process, "nest", Claim(*owner) + " https://b.test/"),
            "content 1 (webIsolated=https://a.test) has 16 processes below it that have not ended");
  for (const pid_t pid : stopped) ASSERT_TRUE(testing::SignalProcess(pid, SIGKILL).ok());
  model.Until([&] { return model.ends().size() == NestedContent::kMostProcesses; });
  EXPECT_EQ(model.AskOf(owner->process, "nest", Claim(*owner) + " https://b.test/"),
            "bridge 17 browser 18");
}

HOST_TEST(NestedContent, ProcessThatCannotBeConnectedDoesNotStay) {
  ModelTest model(server);
  const auto owner = model.Open("https://a.test/");
  std::optional<std::string> answer;
  BeginNest(model, *owner, "https://b.test/", answer);
  // From here on b.test belongs in another kind of process than the one that is being launched.
  model.SetPrefs("user_pref(\"browser.tabs.remote.separatedMozillaDomains\", \"b.test\");");
  const ChildId nested = Nested(model)->id();
  model.Until([&] { return answer.has_value(); });
  EXPECT_EQ(*answer, "content 2 (webIsolated=https://b.test) is not for privilegedmozilla");
  model.WaitForEnd(nested);
  EXPECT_EQ(model.content().nested().bridges(), 0u);
}

HOST_TEST(NestedContent, OwnersEndWhileItIsLaunchedEndsIt) {
  ModelTest model(server);
  const auto owner = model.Open("https://a.test/");
  std::optional<std::string> answer;
  BeginNest(model, *owner, "https://b.test/", answer);
  ASSERT_TRUE(testing::SignalProcess(owner->process->process()->pid, SIGKILL).ok());
  model.Until([&] { return model.ends().size() == 2; });
  EXPECT_EQ(model.content().browsers().size(), 0u);
  EXPECT_EQ(model.content().nested().bridges(), 0u);
}

HOST_TEST(NestedContent, FilesAreNotNestedBelowTheWeb) {
  ModelTest model(server);
  const auto owner = model.Open("https://a.test/");
  EXPECT_NE(model.AskOf(owner->process, "nest", Claim(*owner) + " file:///etc/passwd").substr(0, 6),
            "bridge");
  EXPECT_EQ(model.content().processes().size(), 1u);
}

HOST_TEST(NestedContent, FrameThatIsRefusedIsNobodysFault) {
  ModelTest model(server);
  const auto owner = model.Open("https://a.test/");
  model.AskOf(owner->process, "nest", Claim(*owner) + " https://b.test/");
  EXPECT_EQ(model.AskOf(owner->process, "more", Claim(*owner) + " 1 about:config"),
            "about:config: not in a document of another process");
  EXPECT_EQ(model.AskOf(owner->process, "bridges"), "1");
}

HOST_TEST(NestedContent, PagesOfTheParentAreNotNested) {
  ModelTest model(server);
  const auto owner = model.Open("https://a.test/");
  EXPECT_NE(model.AskOf(owner->process, "nest", Claim(*owner) + " about:config").substr(0, 6),
            "bridge");
  EXPECT_EQ(model.content().processes().size(), 1u);
}

// The messages of its process that come to a handler.
void RecordHandled(const OpenedBrowser& of, std::vector<std::string>& handled) {
  static_cast<testing::TestContent&>(*of.process).on_handled = [&](std::string_view message) {
    handled.emplace_back(message);
  };
}

using Handled = std::vector<std::string>;

// No handler of theirs checks a claim.
HOST_TEST(BrowserClaims, TrueOneIsServed) {
  Handled handled;
  ModelTest model(server);
  const auto a = model.Open("https://a.test/");
  RecordHandled(*a, handled);
  EXPECT_EQ(model.AskOf(a->process, "save", Claim(*a)), "saved");
  model.AskOf(a->process, "save all", Claim(*a) + " " + Claim(*a));
  EXPECT_EQ(handled, (Handled{"Save", "SaveAll"}));
}

HOST_TEST(BrowserClaims, MessageWithAFalseOneComesToNoHandler) {
  for (const std::string_view about :
       {"99 https://a.test", "2 https://b.test", "1 https://bank.test"}) {
    for (const std::string_view what : {"save", "save all"}) {
      Handled handled;
      ModelTest model(server);
      const auto a = model.Open("https://a.test/");
      ASSERT_TRUE(model.Open("https://b.test/").ok());
      RecordHandled(*a, handled);
      const ChildId id = a->process->id();
      model.AskOf(a->process, what, about);
      EXPECT_NE(WhyEnded(model, id), "") << what << " " << about;
      EXPECT_EQ(handled, Handled{}) << what << " " << about;
    }
  }
}

HOST_TEST(BrowserClaims, EachOfAListIsChecked) {
  Handled handled;
  ModelTest model(server);
  const auto a = model.Open("https://a.test/");
  RecordHandled(*a, handled);
  const ChildId id = a->process->id();
  model.AskOf(a->process, "save all", Claim(*a) + " 99 https://a.test");
  EXPECT_EQ(WhyEnded(model, id), "TestContent SaveAll: browser 99 was never given out");
  EXPECT_EQ(handled, Handled{});
}

// The stopped one has not heard of the close, and speaks of the browser when it goes on.
HOST_TEST(BrowserClaims, WhatWasOnItsWayWhenTheBrowserWasClosedIsRefusedUnhandled) {
  Handled handled;
  ModelTest model(server);
  const auto closed = model.Open("https://a.test/");
  const auto stays = model.Open("https://a.test/");
  ASSERT_EQ(closed->process, stays->process);
  RecordHandled(*closed, handled);
  const pid_t pid = closed->process->process()->pid;
  ASSERT_TRUE(testing::SignalProcess(pid, SIGSTOP).ok());
  // It reads these, in this order, before it reads that the browser is closed.
  std::optional<std::string> one_way;
  std::optional<std::string> call;
  BeginAsk(*closed, "save all", Claim(*stays) + " " + Claim(*closed), one_way);
  BeginAsk(*closed, "save", Claim(*closed), call);
  model.content().Close(closed->browser);
  ASSERT_TRUE(testing::SignalProcess(pid, SIGCONT).ok());
  model.Until([&] { return one_way && call; });
  EXPECT_EQ(*call, "browser 1 is being closed");
  EXPECT_EQ(handled, Handled{});
  EXPECT_EQ(model.AskOf(stays->process, "save", Claim(*stays)), "saved");
  EXPECT_TRUE(model.log().empty());
}

// A false claim among others is no less false.
HOST_TEST(BrowserClaims, FalseOneBesideOneThatIsBeingClosedKillsTheChild) {
  ModelTest model(server);
  const auto closed = model.Open("https://a.test/");
  const auto stays = model.Open("https://a.test/");
  const ChildId id = closed->process->id();
  const pid_t pid = closed->process->process()->pid;
  ASSERT_TRUE(testing::SignalProcess(pid, SIGSTOP).ok());
  std::optional<std::string> answer;
  BeginAsk(*stays, "save all", Claim(*closed) + " 99 https://a.test", answer);
  model.content().Close(closed->browser);
  ASSERT_TRUE(testing::SignalProcess(pid, SIGCONT).ok());
  EXPECT_EQ(WhyEnded(model, id), "TestContent SaveAll: browser 99 was never given out");
}

HOST_TEST(BrowserClaims, ForgedIdKillsTheChildAndNobodyElse) {
  ModelTest model(server);
  const auto a = model.Open("https://a.test/");
  const auto b = model.Open("https://b.test/");
  const ChildId id = a->process->id();
  model.AskOf(a->process, "save", "99 https://a.test");
  EXPECT_EQ(WhyEnded(model, id), "TestContent Save: browser 99 was never given out");
  EXPECT_EQ(model.ends().at(id).exit->ToString(), "killed by SIGKILL");
  model.Until([&] { return !model.log().empty(); });
  ASSERT_EQ(model.log().size(), 1u);
  EXPECT_EQ(model.log()[0],
            "content 1 (webIsolated=https://a.test): killed, for TestContent Save: browser 99 was "
            "never given out");
  EXPECT_EQ(model.AskOf(b->process, "save", Claim(*b)), "saved");
}

// The site that a child claims is whatever it likes.
HOST_TEST(BrowserClaims, ForgedOneIsTheSameLineOfTheLog) {
  ModelTest model(server);
  const auto a = model.Open("https://a.test/");
  const ChildId id = a->process->id();
  model.AskOf(a->process, "save", absl::StrCat(a->browser, " x\ncontent\x1b[2J\xc2\x85\xff"));
  const std::string why =
      "for TestContent Save: browser 1 shows https://a.test, not "
      "x\\x0acontent\\x1b[2J\\xc2\\x85\\xff";
  model.Until([&] { return !model.log().empty(); });
  EXPECT_EQ(model.log(),
            std::vector<std::string>{"content 1 (webIsolated=https://a.test): killed, " + why});
  model.WaitForEnd(id);
  EXPECT_EQ(model.ends().at(id).ToString(), "killed by SIGKILL, " + why);
}

HOST_TEST(BrowserClaims, StolenIdKillsTheThief) {
  ModelTest model(server);
  const auto a = model.Open("https://a.test/");
  const auto b = model.Open("https://b.test/");
  const ChildId thief = a->process->id();
  model.AskOf(a->process, "save", Claim(*b));
  EXPECT_EQ(WhyEnded(model, thief), "TestContent Save: browser 2 is child 2's");
  EXPECT_EQ(model.AskOf(b->process, "save", Claim(*b)), "saved");
}

HOST_TEST(BrowserClaims, AnotherSiteThanItsOwnKillsTheChild) {
  ModelTest model(server);
  const auto a = model.Open("https://a.test/");
  const ChildId id = a->process->id();
  model.AskOf(a->process, "save", absl::StrCat(a->browser, " https://bank.test"));
  EXPECT_EQ(WhyEnded(model, id),
            "TestContent Save: browser 1 shows https://a.test, not https://bank.test");
}

HOST_TEST(BrowserClaims, ReplayOfAClosedIdKillsTheChild) {
  ModelTest model(server);
  const auto a = model.Open("https://a.test/");
  const auto keeps_it = model.Open("https://a.test/");
  const ChildId id = a->process->id();
  model.content().Close(a->browser);
  model.Until([&] { return model.content().browsers().size() == 1; });
  model.AskOf(keeps_it->process, "save", Claim(*a));
  EXPECT_EQ(WhyEnded(model, id), "TestContent Save: browser 1 was closed");
}

HOST_TEST(BrowserClaims, IdOfAnotherOwnersBridgeKillsTheThief) {
  ModelTest model(server);
  const auto a = model.Open("https://a.test/");
  const auto thief = model.Open("https://t.test/");
  model.AskOf(a->process, "nest", Claim(*a) + " https://b.test/");
  const ChildId id = thief->process->id();
  model.AskOf(thief->process, "more", Claim(*thief) + " 1 https://b.test/");
  EXPECT_EQ(WhyEnded(model, id),
            "TestContent OpenNestedBrowser: bridge 1 is none of content 2 "
            "(webIsolated=https://t.test)'s");
  EXPECT_EQ(model.AskOf(a->process, "bridge", "1 still"), "still back");
}

HOST_TEST(BrowserClaims, ClosingWhatIsAnothersKillsTheThief) {
  ModelTest model(server);
  const auto a = model.Open("https://a.test/");
  const auto thief = model.Open("https://t.test/");
  model.AskOf(a->process, "nest", Claim(*a) + " https://b.test/");
  const ChildId id = thief->process->id();
  model.AskOf(thief->process, "close", "3 https://b.test");
  EXPECT_EQ(WhyEnded(model, id), "TestContent CloseNestedBrowser: browser 3 belongs to child 1");
  EXPECT_NE(model.content().browsers().Find(3), nullptr);
}

HOST_TEST(BrowserClaims, NestingInAnothersBrowserKillsTheThief) {
  ModelTest model(server);
  const auto a = model.Open("https://a.test/");
  const auto thief = model.Open("https://t.test/");
  const ChildId id = thief->process->id();
  model.AskOf(thief->process, "nest", Claim(*a) + " https://b.test/");
  EXPECT_EQ(WhyEnded(model, id), "TestContent CreateNested: browser 1 is child 1's");
  EXPECT_EQ(model.content().nested().bridges(), 0u);
}

HOST_TEST(BrowserClaims, OwnersClaimIsHeldAgainstTheRecordToo) {
  for (const std::string_view forged : {"more 7 https://a.test 1", "more 1 https://bank.test 1",
                                        "close 2 https://bank.test", "close 1 https://a.test"}) {
    ModelTest model(server);
    const auto a = model.Open("https://a.test/");
    model.AskOf(a->process, "nest", Claim(*a) + " https://b.test/");
    const ChildId id = a->process->id();
    const auto [what, about] = SplitAtSpace(forged);
    model.AskOf(a->process, what, about + " https://b.test/");
    EXPECT_NE(WhyEnded(model, id), "") << forged;
  }
}

HOST_TEST(BrowserClaims, BridgeInAnotherBrowserOfItsOwnKillsTheChild) {
  ModelTest model(server);
  const auto a = model.Open("https://a.test/");
  const auto too = model.Open("https://a.test/");
  ASSERT_EQ(a->process, too->process);
  model.AskOf(a->process, "nest", Claim(*a) + " https://b.test/");
  const ChildId id = a->process->id();
  model.AskOf(a->process, "more", Claim(*too) + " 1 https://b.test/");
  EXPECT_EQ(WhyEnded(model, id), "TestContent OpenNestedBrowser: bridge 1 is in browser 1, not 2");
}

HOST_TEST(BrowserClaims, ReplayOfAClosedBridgeKillsTheChild) {
  ModelTest model(server);
  const auto a = model.Open("https://a.test/");
  model.AskOf(a->process, "nest", Claim(*a) + " https://b.test/");
  const ChildId nested = Nested(model)->id();
  const ChildId id = a->process->id();
  model.AskOf(a->process, "close", "2 https://b.test");
  model.WaitForEnd(nested);
  // It has heard of it, since it hears of things in order.
  ASSERT_EQ(model.AskOf(a->process, "bridges"), "");
  model.AskOf(a->process, "more", Claim(*a) + " 1 https://b.test/");
  EXPECT_EQ(WhyEnded(model, id), "TestContent OpenNestedBrowser: bridge 1 was closed");
}

HOST_TEST(BrowserClaims, ReplayedCloseKillsTheChild) {
  ModelTest model(server);
  const auto a = model.Open("https://a.test/");
  model.AskOf(a->process, "nest", Claim(*a) + " https://b.test/");
  model.AskOf(a->process, "more", Claim(*a) + " 1 https://b.test/");
  const ChildId id = a->process->id();
  model.AskOf(a->process, "close", "3 https://b.test");
  model.AskOf(a->process, "close", "3 https://b.test");
  EXPECT_EQ(WhyEnded(model, id), "TestContent CloseNestedBrowser: browser 3 was closed");
}

HOST_TEST(BrowserClaims, BridgeThatWasNeverGivenOutKillsTheChild) {
  ModelTest model(server);
  const auto a = model.Open("https://a.test/");
  const ChildId id = a->process->id();
  model.AskOf(a->process, "more", Claim(*a) + " 99 https://b.test/");
  EXPECT_EQ(WhyEnded(model, id), "TestContent OpenNestedBrowser: bridge 99 was never given out");
}

}  // namespace
}  // namespace forkserver
