// Content processes: which load shares one, where they come from, and when they end.
#include "forkserver/model/content_processes.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "absl/strings/str_cat.h"
#include "forkserver/model/preallocation.h"
#include "tests/forkserver/model/model_program.h"
#include "transceiver/actor/shared_memory.h"

namespace forkserver {

testing::HostSetup testing::SetUpHost(const std::string&) { return ModelHost(); }

namespace {

using testing::ModelTest;

constexpr uint64_t kMuchMemory = uint64_t{64} << 30;

std::string TypeOf(const absl::StatusOr<OpenedBrowser>& opened) {
  if (!opened.ok()) return std::string(opened.status().message());
  return opened->process == nullptr ? "the parent" : opened->process->remote_type().ToString();
}

HOST_TEST(ContentProcesses, EachSiteHasAProcessOfItsOwn) {
  ModelTest model(server);
  const auto a = model.Open("https://www.a.test/");
  const auto b = model.Open("https://b.test/");
  const auto a2 = model.Open("https://mail.a.test/inbox");
  ASSERT_EQ(TypeOf(a), "webIsolated=https://a.test");
  ASSERT_EQ(TypeOf(b), "webIsolated=https://b.test");
  EXPECT_EQ(a2->process, a->process);
  EXPECT_NE(b->process, a->process);
  EXPECT_NE(a2->browser, a->browser);
  EXPECT_EQ(model.AskOf(a->process, "remote type"), "webIsolated=https://a.test");
  EXPECT_EQ(model.AskOf(a->process, "browsers"), "1 https://a.test;3 https://a.test");
}

HOST_TEST(ContentProcesses, ProcessIsToldTheWholeAddressButForItsUser) {
  ModelTest model(server);
  const auto a = model.Open("https://me:secret@www.A.test:443/app?x#/route");
  model.Open("https://a.test/#other").status().IgnoreError();
  EXPECT_EQ(model.AskOf(a->process, "addresses"),
            "1 https://www.a.test/app?x#/route;2 https://a.test/#other");
}

HOST_TEST(ContentProcesses, LoadThatCannotBeToldLeavesNoProcessBehind) {
  ModelTest model(server);
  EXPECT_FALSE(model.Open("https://a.test/" + std::string(kMaxUrlBytes, 'x')).ok());
  EXPECT_FALSE(model.Open("https://a.test/#" + std::string(kMaxUrlBytes, 'x')).ok());
  EXPECT_TRUE(model.content().processes().empty());
  EXPECT_EQ(model.content().browsers().size(), 0u);
  const auto a = model.Open("https://a.test/");
  EXPECT_EQ(model.AskOf(a->process, "remote type"), "webIsolated=https://a.test");
}

HOST_TEST(ContentProcesses, MayBeDestroyedWhenOneIsOpened) {
  ModelTest model(server);
  const PublicSuffixList suffixes = *PublicSuffixList::Load();
  auto content = std::make_unique<ContentProcesses>(
      model.parent(), suffixes, [](ParentProcess& parent, ContentProcesses& siblings) {
        return std::make_unique<testing::TestContent>(parent, siblings);
      });
  content->Open({.load = {.url = *Url::Parse("https://a.test/")}},
                [&](absl::StatusOr<OpenedBrowser>) { content.reset(); });
  EXPECT_EQ(content, nullptr);
  EXPECT_EQ(server.in_flight(), 0u);
}

HOST_TEST(ContentProcesses, MayBeDestroyedWhenOneEndsAndWhenOneAnswers) {
  ModelTest model(server);
  const PublicSuffixList suffixes = *PublicSuffixList::Load();
  for (const bool at_end : {true, false}) {
    std::unique_ptr<ContentProcesses> content;
    const auto destroy = [&] { content.reset(); };
    ContentEvents events;
    if (at_end) {
      events.on_process_end = [destroy](const ContentProcess&, const ProcessEnd&,
                                        const std::vector<BrowserId>&) { destroy(); };
    }
    content = std::make_unique<ContentProcesses>(
        model.parent(), suffixes,
        [](ParentProcess& parent, ContentProcesses& siblings) {
          return std::make_unique<testing::TestContent>(parent, siblings);
        },
        events);
    for (const char* url : {"https://a.test/", "https://b.test/"}) {
      content->Open({.load = {.url = *Url::Parse(url)}}, [&](absl::StatusOr<OpenedBrowser> opened) {
        ASSERT_TRUE(opened.ok()) << opened.status();
        if (at_end) return opened->process->Kill(absl::InternalError("it is not wanted"));
        EXPECT_TRUE(static_cast<testing::TestContent*>(opened->process)
                        ->Call(testing::Ask{.what = "child id"},
                               [&](absl::StatusOr<testing::Said>) { destroy(); })
                        .ok());
      });
    }
    model.Until([&] { return content == nullptr; });
  }
  model.Until([&] { return server.in_flight() == 0; });
}

HOST_TEST(ContentProcesses, ContainersAndPrivateWindowsShareWithNobody) {
  ModelTest model(server);
  const auto plain = model.Open("https://a.test/");
  const auto container = model.Open("https://a.test/", {.user_context_id = 1});
  const auto other = model.Open("https://a.test/", {.user_context_id = 2});
  const auto secret = model.Open("https://a.test/", {.private_browsing_id = 1});
  ASSERT_EQ(TypeOf(secret), "webIsolated=https://a.test^privateBrowsingId=1");
  EXPECT_EQ(model.content().processes().size(), 4u);
  EXPECT_EQ(model.AskOf(container->process, "remote type"),
            "webIsolated=https://a.test^userContextId=1");
  EXPECT_NE(other->process, container->process);
  EXPECT_NE(plain->process, secret->process);
}

HOST_TEST(ContentProcesses, WhatIsSentBeforeTheLaunchIsOverIsAnswered) {
  ModelTest model(server);
  std::vector<std::string> answers;
  for (int i = 0; i < 5; ++i) {
    model.content().Open(
        {.load = {.url = *Url::Parse("https://a.test/")}},
        [&](absl::StatusOr<OpenedBrowser> opened) {
          ASSERT_TRUE(opened.ok()) << opened.status();
          auto& host = static_cast<testing::TestContent&>(*opened->process);
          EXPECT_FALSE(host.is_running());
          ASSERT_TRUE(host.Call(testing::Ask{.what = "browsers"},
                                [&](absl::StatusOr<testing::Said> said) {
                                  answers.push_back(said.ok() ? said->text.str() : "refused");
                                })
                          .ok());
        });
  }
  EXPECT_EQ(model.content().processes().size(), 1u);
  model.Until([&] { return answers.size() == 5; });
  // In their order: each after the browser that was opened before it.
  EXPECT_EQ(answers[0], "1 https://a.test");
  EXPECT_EQ(answers[1], "1 https://a.test;2 https://a.test");
  EXPECT_EQ(answers[4].size(), 5 * answers[0].size() + 4);
}

HOST_TEST(ContentProcesses, MoreThanASocketHoldsMayBeSentBeforeTheLaunch) {
  ModelTest model(server);
  constexpr int kMessages = 900;
  std::vector<int> order;
  model.content().Open(
      {.load = {.url = *Url::Parse("https://a.test/")}}, [&](absl::StatusOr<OpenedBrowser> opened) {
        auto& host = static_cast<testing::TestContent&>(*opened->process);
        for (int i = 0; i < kMessages; ++i) {
          ASSERT_TRUE(host.Call(testing::Ask{.what = "child id", .about = std::string(2000, 'x')},
                                [&order, i](absl::StatusOr<testing::Said> said) {
                                  EXPECT_TRUE(said.ok()) << said.status();
                                  order.push_back(i);
                                })
                          .ok());
        }
      });
  model.Until([&] { return order.size() == kMessages; });
  EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
}

HOST_TEST(ContentProcesses, LaunchThatFailsIsTheEndOfTheProcessAndOfItsCalls) {
  ModelTest model(server);
  absl::Status refused;
  BrowserId browser = 0;
  model.content().Open(
      {.load = {.url = *Url::Parse("https://a.test/")}, .stdio = {Stdio::Descriptor(9999), {}, {}}},
      [&](absl::StatusOr<OpenedBrowser> opened) {
        browser = opened->browser;
        auto& host = static_cast<testing::TestContent&>(*opened->process);
        ASSERT_TRUE(host.Call(testing::Ask{.what = "child id"},
                              [&](absl::StatusOr<testing::Said> said) { refused = said.status(); })
                        .ok());
      });
  model.Until([&] { return model.content().processes().empty(); });
  EXPECT_FALSE(refused.ok());
  EXPECT_EQ(model.content().browsers().Find(browser), nullptr);
  EXPECT_NE(model.ends().begin()->second.ToString().find("EBADF"), std::string::npos);
}

HOST_TEST(ContentProcesses, BrowserThatIsClosedAtOnceEndsItsProcess) {
  ModelTest model(server);
  model.content().Open(
      {.load = {.url = *Url::Parse("https://a.test/")}},
      [&](absl::StatusOr<OpenedBrowser> opened) { model.content().Close(opened->browser); });
  model.Until([&] { return model.content().processes().empty(); });
  EXPECT_EQ(model.ends().begin()->second.ToString(), "exited with status 0");
}

HOST_TEST(ContentProcesses, WithoutIsolationProcessesAreSharedUpToTheirNumber) {
  ModelTest model(server);
  model.SetPrefs(
      "user_pref(\"fission.autostart\", false);"
      "user_pref(\"dom.ipc.processCount\", 3);");
  for (int i = 0; i < 9; ++i) {
    ASSERT_EQ(TypeOf(model.Open("https://" + std::to_string(i) + ".test/")), "web");
  }
  const std::vector<ContentProcess*> processes = model.content().processes();
  ASSERT_EQ(processes.size(), 3u);
  for (const ContentProcess* process : processes) {
    EXPECT_EQ(model.content().browsers().OfProcess(process->id()).size(), 3u);
  }
}

HOST_TEST(ContentProcesses, DocumentsOfOneGroupAndTypeAreInOneProcess) {
  ModelTest model(server);
  model.SetPrefs("user_pref(\"dom.ipc.processCount.webIsolated\", 4);");
  const auto first = model.Open("https://a.test/", {}, 7);
  const auto elsewhere = model.Open("https://a.test/", {}, 8);
  const auto again = model.Open("https://a.test/", {}, 7);
  EXPECT_NE(elsewhere->process, first->process);
  EXPECT_EQ(again->process, first->process);
}

BrowserRequest OutOfTheParent(std::string_view url, GroupId group) {
  return {.load = {.url = *Url::Parse(url),
                   .initiated_by = InitiatedBy::kUser,
                   .current = ParentRemoteType()},
          .group = group};
}

HOST_TEST(ContentProcesses, FullyIsolatedLoadLeavesItsGroup) {
  ModelTest model(server);
  model.SetPrefs("user_pref(\"dom.ipc.processCount.webIsolated\", 4);");
  const auto stays = model.Open("https://a.test/", {}, 5);
  EXPECT_EQ(stays->group, 5u);
  const auto leaves = model.Open(OutOfTheParent("https://a.test/", 5));
  ASSERT_EQ(leaves->selection.isolation, Isolation::kFull);
  EXPECT_NE(leaves->process, stays->process);
  EXPECT_GE(leaves->group, kFirstOwnGroup);
  EXPECT_EQ(model.content().browsers().Find(leaves->browser)->group, leaves->group);
  EXPECT_EQ(model.content().browsers().OfGroup(5), std::vector<BrowserId>{stays->browser});
  // What it opens is with it, and nobody else is.
  const auto with_it = model.Open("https://a.test/", {}, leaves->group);
  EXPECT_EQ(with_it->process, leaves->process);
  EXPECT_EQ(with_it->group, leaves->group);
  EXPECT_NE(model.Open(OutOfTheParent("https://a.test/", 5))->group, leaves->group);
  EXPECT_GE(model.Open(OutOfTheParent("https://a.test/", 0))->group, kFirstOwnGroup);
  EXPECT_EQ(model.Open("https://a.test/")->group, 0u);
}

HOST_TEST(ContentProcesses, PagesOfTheParentAreLoadedByNoProcess) {
  ModelTest model(server);
  EXPECT_EQ(TypeOf(model.Open("about:config")), "the parent");
  EXPECT_TRUE(model.content().processes().empty());
}

HOST_TEST(ContentProcesses, PagesOfAParentThatLaysOutNothingAreLoadedByAPrivilegedProcess) {
  ModelTest model(server);
  BrowserRequest request = {.load = {.url = *Url::Parse("about:config"),
                                     .initiated_by = InitiatedBy::kUser,
                                     .parent_pages = ParentPages::kInPrivilegedProcess}};
  const auto opened = model.Open(request);
  ASSERT_TRUE(opened.ok()) << opened.status();
  ASSERT_NE(opened->process, nullptr);
  EXPECT_EQ(model.AskOf(opened->process, "remote type"), "privilegedabout");
  EXPECT_EQ(model.AskOf(opened->process, "addresses"), "1 about:config");
  // It is that of all such pages.
  EXPECT_EQ(model.Open("about:logins")->process, opened->process);
  request.load.initiated_by = InitiatedBy::kPage;
  request.load.initiator = RemoteType{.kind = RemoteTypeKind::kWeb};
  EXPECT_TRUE(absl::IsPermissionDenied(model.Open(request).status()));
}

HOST_TEST(ContentProcesses, LoadThatIsNoneLaunchesNothing) {
  ModelTest model(server);
  EXPECT_FALSE(model.Open("javascript:alert(1)").ok());
  EXPECT_TRUE(model.content().processes().empty());
}

HOST_TEST(ContentProcesses, LastBrowserEndsItsProcess) {
  ModelTest model(server);
  const auto a = model.Open("https://a.test/");
  const auto a2 = model.Open("https://a.test/");
  const ChildId id = a->process->id();
  model.content().Close(a->browser);
  EXPECT_EQ(model.AskOf(a2->process, "browsers"), "2 https://a.test");
  // It has confirmed what it answered behind.
  EXPECT_EQ(model.content().browsers().size(), 1u);
  model.content().Close(a2->browser);
  model.content().Close(a2->browser);
  model.WaitForEnd(id);
  EXPECT_EQ(model.ends().at(id).ToString(), "exited with status 0");
  EXPECT_EQ(model.content().browsers().size(), 0u);
  // The next load has a new one.
  EXPECT_NE(model.Open("https://a.test/")->process->id(), id);
}

HOST_TEST(ContentProcesses, LoadNeverGoesToAProcessThatIsEnding) {
  ModelTest model(server);
  const auto a = model.Open("https://a.test/");
  const ChildId id = a->process->id();
  model.content().Close(a->browser);
  const auto again = model.Open("https://a.test/");
  EXPECT_NE(again->process->id(), id);
}

// The loop has not run since, and knows nothing of it.
HOST_TEST(ContentProcesses, LoadBesideAProcessThatHasJustDiedGetsANewOne) {
  ModelTest model(server);
  const auto first = model.Open("https://a.test/");
  const ChildId id = first->process->id();
  const pid_t pid = first->process->process()->pid;
  ASSERT_TRUE(testing::SignalProcess(pid, SIGKILL).ok());
  siginfo_t info = {};
  ASSERT_EQ(waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOWAIT | __WALL), 0);
  const auto second = model.Open("https://a.test/");
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_NE(second->process->id(), id);
  EXPECT_EQ(model.AskOf(second->process, "browsers"),
            absl::StrCat(second->browser, " https://a.test"));
  model.WaitForEnd(id);
  EXPECT_EQ(model.ends().at(id).ToString(), "killed by SIGKILL");
}

HOST_TEST(ContentProcesses, ProcessThatDiesTakesItsBrowsersAndNothingElse) {
  ModelTest model(server);
  const auto a = model.Open("https://a.test/");
  const auto b = model.Open("https://b.test/");
  const ChildId id = a->process->id();
  ASSERT_TRUE(testing::SignalProcess(a->process->process()->pid, SIGKILL).ok());
  model.WaitForEnd(id);
  EXPECT_EQ(model.ends().at(id).ToString(), "killed by SIGKILL");
  EXPECT_EQ(model.content().browsers().Find(a->browser), nullptr);
  EXPECT_EQ(model.AskOf(b->process, "browsers"), "2 https://b.test");
}

HOST_TEST(ContentProcesses, FilesAndExtensionsComeFromTheirOwnTemplates) {
  ModelTest model(server, "pref(\"a\", 1);");
  const auto web = model.Open("https://a.test/");
  const auto file = model.Open("file:///tmp/x.html");
  const auto extension = model.Open("moz-extension://0123/page.html");
  EXPECT_EQ(model.AskOf(web->process, "policy"), "content");
  EXPECT_EQ(model.AskOf(file->process, "policy"), "file-content");
  EXPECT_EQ(model.AskOf(extension->process, "policy"), "extension");
}

HOST_TEST(Preallocation, BlankProcessIsSpecialised) {
  ModelTest model(server);
  Preallocation preallocation(model.parent(), kMuchMemory);
  ASSERT_TRUE(preallocation.Apply().ok());
  const auto blanks = [&] { return testing::StatusOf(server, "content").idle_blanks; };
  model.Until([&] { return blanks().size() == 3; });
  const std::vector<pid_t> waiting = blanks();
  const auto a = model.Open("https://a.test/");
  EXPECT_EQ(a->process->process()->by, LaunchedBy::kPool);
  EXPECT_EQ(std::count(waiting.begin(), waiting.end(), a->process->process()->pid), 1);
  EXPECT_EQ(model.AskOf(a->process, "remote type"), "webIsolated=https://a.test");
  // And another one in its place.
  model.Until([&] { return blanks().size() == 3; });
}

HOST_TEST(Preallocation, NumberFollowsThePrefsAndTheMachine) {
  ModelTest model(server);
  Preallocation preallocation(model.parent(), kMuchMemory);
  ASSERT_TRUE(preallocation.Apply().ok());
  const auto comes_to = [&](size_t number) {
    model.Until([&] { return testing::StatusOf(server, "content").idle_blanks.size() == number; });
  };
  comes_to(3);
  model.SetPrefs("user_pref(\"dom.ipc.processPrelaunch.fission.number\", 5);");
  comes_to(5);
  model.SetPrefs("user_pref(\"fission.autostart\", false);");
  comes_to(1);
  EXPECT_EQ(Preallocation(model.parent(), uint64_t{1} << 30).count(), 1);
}

HOST_TEST(Preallocation, FilesAndExtensionsHaveNoBlanks) {
  ModelTest model(server);
  Preallocation preallocation(model.parent(), kMuchMemory);
  ASSERT_TRUE(preallocation.Apply().ok());
  for (int i = 0; i < 4; ++i) {
    const auto file = model.Open("file:///tmp/x.html");
    EXPECT_EQ(file->process->process()->by, LaunchedBy::kFork);
    const ChildId id = file->process->id();
    model.content().Close(file->browser);
    model.WaitForEnd(id);
  }
  EXPECT_EQ(testing::StatusOf(server, "file").idle_blanks.size(), 0u);
}

absl::StatusOr<OpenedBrowser> OpenWithHeaders(ModelTest& model) {
  return model.Open({.load = {.url = *Url::Parse("https://a.test/"),
                              .opener_policy = "same-origin",
                              .embedder_policy = "credentialless"}});
}

testing::TestContent& HostOf(const OpenedBrowser& browser) {
  return static_cast<testing::TestContent&>(*browser.process);
}

testing::ShowBoard NewShowBoard() {
  testing::ShowBoard message;
  message.board.emplace().memory = *WritableMemory::Create("board", 4096);
  return message;
}

// What comes of the call: the reply's text, "board", or the error's text.
template <typename Message>
std::string Call(ModelTest& model, const OpenedBrowser& of, const Message& message) {
  std::optional<std::string> answer;
  const absl::Status called =
      HostOf(of).Call(message, [&](absl::StatusOr<typename Message::Reply> reply) {
        if constexpr (std::is_same_v<typename Message::Reply, testing::Said>) {
          if (reply.ok()) answer = reply->text.str();
        } else {
          if (reply.ok()) answer = "board";
        }
        if (!reply.ok()) answer = std::string(reply.status().message());
      });
  if (!called.ok()) return std::string(called.message());
  model.Until([&] { return answer.has_value(); });
  return answer.value_or("no answer");
}

HOST_TEST(SharedMemory, GoesToAndFromWhomMayHaveIt) {
  std::vector<std::string> handled;
  ModelTest model(server);
  const auto a = OpenWithHeaders(model);
  ASSERT_EQ(TypeOf(a), "webCOOP+COEP=https://a.test");
  HostOf(*a).on_handled = [&](std::string_view message) { handled.emplace_back(message); };
  EXPECT_EQ(Call(model, *a, NewShowBoard()), "has it");
  EXPECT_EQ(Call(model, *a, testing::LendBoard{}), "board");
  model.AskOf(a->process, "give board");
  EXPECT_EQ(model.AskOf(a->process, "get board"), "got it");
  EXPECT_EQ(handled, (std::vector<std::string>{"GiveBoard", "GetBoard"}));
}

HOST_TEST(SharedMemory, IsNotSentToWhomMayNot) {
  std::vector<std::string> handled;
  ModelTest model(server);
  const auto a = model.Open("https://a.test/");
  constexpr char kMayNot[] = "content 1 (webIsolated=https://a.test) may share no memory";
  HostOf(*a).on_handled = [&](std::string_view message) { handled.emplace_back(message); };
  const absl::Status called =
      HostOf(*a).Call(NewShowBoard(), [](absl::StatusOr<testing::Said>) { ADD_FAILURE(); });
  EXPECT_EQ(called, absl::PermissionDeniedError(kMayNot));
  // The same message without any.
  EXPECT_EQ(Call(model, *a, testing::ShowBoard{}), "has none");
  // A reply with it neither, and to ask is no fault.
  EXPECT_EQ(model.AskOf(a->process, "get board"), kMayNot);
  EXPECT_TRUE(handled.empty());
  EXPECT_TRUE(model.log().empty());
}

HOST_TEST(SharedMemory, OfOneThatMayHaveNoneKillsIt) {
  int handled = 0;
  ModelTest model(server);
  const auto a = model.Open("https://a.test/");
  const ChildId id = a->process->id();
  HostOf(*a).on_handled = [&](std::string_view) { ++handled; };
  model.AskOf(a->process, "give board");
  model.WaitForEnd(id);
  EXPECT_EQ(model.ends().at(id).killed_for.message(),
            "TestContent GiveBoard: content 1 (webIsolated=https://a.test) may share no memory");
  EXPECT_EQ(handled, 0);
}

HOST_TEST(SharedMemory, InAReplyOfOneThatMayHaveNoneKillsIt) {
  ModelTest model(server);
  const auto a = model.Open("https://a.test/");
  const ChildId id = a->process->id();
  EXPECT_NE(Call(model, *a, testing::LendBoard{}), "board");
  model.WaitForEnd(id);
  EXPECT_EQ(
      model.ends().at(id).killed_for.message(),
      "TestContent LendBoard reply: content 1 (webIsolated=https://a.test) may share no memory");
}

}  // namespace
}  // namespace forkserver
