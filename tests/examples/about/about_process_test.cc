// about:processes and about:config in a privileged content process, with data from the parent; and
// who is not given any.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "child/process/content_child.h"
#include "child/process/content_messages.h"
#include "examples/browser_host/about/about_client.h"
#include "examples/browser_host/about/about_host.h"
#include "examples/browser_host/about/about_messages.h"
#include "forkserver/host/fork_server.h"
#include "forkserver/model/content_host.h"
#include "forkserver/model/content_processes.h"
#include "forkserver/model/parent_process.h"
#include "forkserver/model/process_templates.h"
#include "forkserver/model/registrable_domain.h"
#include "forkserver/model/url.h"
#include "preload/prefs/prefs_store.h"
#include "tests/testing/host_test.h"
#include "transceiver/actor/shared_memory.h"
#include "transceiver/clock.h"
#include "transceiver/event_loop.h"

namespace browser_host {
namespace {

using forkserver::ContentProcess;
using forkserver::NowNanos;
using forkserver::Resolver;
using forkserver::Text;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

// Has a content process show a page, and say what it made.
struct Shown {
  forkserver::SealedMemory html = {};
  auto Fields() { return std::tie(html); }
};
struct Show {
  static constexpr std::string_view kName = "Show";
  static constexpr forkserver::SentBy kSentBy = forkserver::SentBy::kParent;
  using Reply = Shown;
  Text<16 * 1024> url = {};
  auto Fields() { return std::tie(url); }
};
// A pref as it sees it at the moment.
struct SeenPref {
  int32_t number = 0;
  auto Fields() { return std::tie(number); }
};
struct SeePref {
  static constexpr std::string_view kName = "SeePref";
  static constexpr forkserver::SentBy kSentBy = forkserver::SentBy::kParent;
  using Reply = SeenPref;
  Text<64> name = {};
  auto Fields() { return std::tie(name); }
};
struct ShowingProtocol {
  static constexpr std::string_view kName = "Content";
  using Messages = forkserver::ContentMessages<Show, SeePref, OpenAboutData>;
};

class ShowingChild : public forkserver::ContentChild<ShowingChild, ShowingProtocol> {
 public:
  using ContentChild::Receive;
  absl::Status Receive(Show& message, Resolver<Shown> resolver) {
    if (!about_) {
      about_.emplace(loop(), AboutClient::Options{.need_data = [this] {
                       const absl::Status asked =
                           Call(OpenAboutData{}, [this](absl::StatusOr<AboutDataOpened> opened) {
                             if (!opened.ok()) return about_->Fail(opened.status());
                             about_->Connect(std::move(opened->end));
                           });
                       if (!asked.ok()) about_->Fail(asked);
                     }});
    }
    auto answer = std::make_shared<Resolver<Shown>>(std::move(resolver));
    about_->Get(message.url.view(), [answer](absl::StatusOr<std::string> html) {
      if (!html.ok()) return answer->Reject(html.status());
      answer
          ->Resolve({.html = *forkserver::SealedMemory::Create(
                         "html", {reinterpret_cast<const uint8_t*>(html->data()), html->size()})})
          .IgnoreError();
    });
    return absl::OkStatus();
  }
  absl::Status Receive(SeePref& message, Resolver<SeenPref> resolver) {
    return resolver.Resolve({.number = prefs().GetInt(message.name.view(), -1)});
  }

 private:
  void CleanUp() override { about_.reset(); }

  std::optional<AboutClient> about_;
};

class ShowingHost : public forkserver::ContentHost<ShowingHost, ShowingProtocol> {
 public:
  ShowingHost(forkserver::ParentProcess& parent, forkserver::ContentProcesses& siblings,
              AboutHost& about)
      : ContentHost(parent, siblings), about_(about) {}
  using ContentHost::Receive;
  absl::Status Receive(OpenAboutData&, Resolver<AboutDataOpened> resolver) {
    absl::StatusOr<AboutChildsEnd> end = about_.Open(*this);
    if (AboutHost::IsFault(end.status())) return end.status();
    if (!end.ok()) {
      resolver.Reject(end.status());
      return absl::OkStatus();
    }
    return resolver.Resolve({.end = *std::move(end)});
  }

 private:
  AboutHost& about_;
};

}  // namespace
}  // namespace browser_host

namespace forkserver {
testing::HostSetup testing::SetUpHost(const std::string&) {
  HostSetup setup;
  setup.options.programs = {{ProcessType::kContent, MakeChildProgram<browser_host::ShowingChild>}};
  setup.options.templates = ProcessTemplates(setup.options.programs);
  return setup;
}
}  // namespace forkserver

namespace browser_host {
namespace {

class AboutTest {
 public:
  explicit AboutTest(forkserver::ForkServer& server, std::string_view prefs = "")
      : loop_(*forkserver::EventLoop::Create()),
        parent_(*forkserver::ParentProcess::Create(
            {.server = server,
             .loop = *loop_,
             .log = [this](std::string_view line) { log.emplace_back(line); }})),
        suffixes_(*forkserver::PublicSuffixList::Load()) {
    EXPECT_TRUE(store.LoadText(prefs, "test").empty());
    EXPECT_TRUE(parent_->SetPrefs(*store.Publish()).ok());
    about_ = std::make_unique<AboutHost>(
        *parent_, AboutHost::Options{.processes = [this] { return processes; },
                                     .prefs = store,
                                     .publish =
                                         [this](const forkserver::PrefsGeneration& next) {
                                           ++published;
                                           return parent_->SetPrefs(next);
                                         }});
    content_ = std::make_unique<forkserver::ContentProcesses>(
        *parent_, suffixes_,
        [this](forkserver::ParentProcess& parent, forkserver::ContentProcesses& siblings) {
          return std::make_unique<ShowingHost>(parent, siblings, *about_);
        },
        forkserver::ContentEvents{.on_process_end = [this](const ContentProcess& process,
                                                           const forkserver::ProcessEnd& end,
                                                           const auto&) {
          ends.push_back(absl::StrCat(process.Name(), ": ", end.ToString()));
        }});
  }
  ~AboutTest() {
    content_->CloseAll();
    Until([this] { return content_->processes().empty(); });
    about_.reset();
    // Else the server keeps the last generation's descriptor.
    parent_->server().SetPrefs({});
  }

  AboutHost& about() { return *about_; }
  forkserver::ContentProcesses& content() { return *content_; }

  void Until(const std::function<bool()>& done) {
    const int64_t deadline = NowNanos() + 30 * forkserver::kNanosPerSecond;
    while (!done() && NowNanos() < deadline) loop_->Run(deadline);
    EXPECT_TRUE(done());
  }
  // Running.
  ShowingHost& Open(std::string_view url) {
    absl::StatusOr<forkserver::OpenedBrowser> opened = absl::UnknownError("not yet");
    content_->Open({.load = {.url = *forkserver::Url::Parse(url),
                             .initiated_by = forkserver::InitiatedBy::kUser,
                             .parent_pages = forkserver::ParentPages::kInPrivilegedProcess}},
                   [&](auto browser) { opened = std::move(browser); });
    EXPECT_TRUE(opened.ok()) << opened.status();
    Until([&] { return opened->process->is_running(); });
    return static_cast<ShowingHost&>(*opened->process);
  }
  ShowingHost& Privileged() { return Open("about:config"); }
  // The page's HTML, or the error.
  std::string ShowIn(ShowingHost& host, std::string_view url) {
    std::optional<std::string> said;
    const absl::Status asked = host.Call(Show{.url = url}, [&](const absl::StatusOr<Shown>& shown) {
      if (!shown.ok()) {
        said = shown.status().ToString();
        return;
      }
      forkserver::Mapping html;
      EXPECT_EQ(shown->html.Map(html), 0);
      said.emplace(reinterpret_cast<const char*>(html.bytes().data()), html.bytes().size());
    });
    EXPECT_TRUE(asked.ok()) << asked;
    Until([&] { return said.has_value(); });
    return said.value_or("");
  }
  std::string ShowPage(std::string_view url) { return ShowIn(Privileged(), url); }
  int32_t PrefSeenBy(ShowingHost& host, std::string_view name) {
    std::optional<int32_t> number;
    EXPECT_TRUE(host.Call(SeePref{.name = name},
                          [&](const absl::StatusOr<SeenPref>& seen) {
                            number = seen.ok() ? seen->number : -2;
                          })
                    .ok());
    Until([&] { return number.has_value(); });
    return number.value_or(-3);
  }

  forkserver::PrefsStore store;
  std::vector<AboutProcess> processes;
  int published = 0;
  std::vector<std::string> log;
  std::vector<std::string> ends;

 private:
  std::unique_ptr<forkserver::EventLoop> loop_;
  std::unique_ptr<forkserver::ParentProcess> parent_;
  forkserver::PublicSuffixList suffixes_;
  std::unique_ptr<AboutHost> about_;
  std::unique_ptr<forkserver::ContentProcesses> content_;
};

// "a.b is set."; of what is no page, its beginning.
std::string OutcomeIn(const std::string& html) {
  constexpr std::string_view kBegin = "<p class=\"outcome\">";
  const size_t begin = html.find(kBegin);
  if (begin == std::string::npos) return html.substr(0, 200);
  const size_t text = begin + kBegin.size();
  return html.substr(text, html.find("</p>", text) - text);
}

HOST_TEST(AboutProcess, ShowsAllProcesses) {
  AboutTest test(server);
  for (int i = 0; i < 100; ++i) {
    test.processes.push_back({.pid = 1000 + i,
                              .type = "content",
                              .remote_type = absl::StrFormat("webIsolated=https://%d.test", i),
                              .state = "running"});
  }
  test.processes[50].state = std::string(600, 's');
  const std::string html = test.ShowPage("about:processes");
  for (int i = 0; i < 100; ++i) {
    EXPECT_THAT(html, HasSubstr(absl::StrFormat("<td class=\"number\">%d</td><td>content</td>"
                                                "<td>webIsolated=https://%d.test</td>",
                                                1000 + i, i)));
  }
  EXPECT_THAT(html, HasSubstr(std::string(512, 's') + "</td>")) << "what is longer is cut";
  EXPECT_THAT(html, Not(HasSubstr("not shown")));
  // The next one is of its own moment.
  test.processes = {{.pid = 7, .type = "parent"}};
  const std::string next = test.ShowPage("about:processes");
  EXPECT_THAT(next, HasSubstr(">7</td>"));
  EXPECT_THAT(next, Not(HasSubstr("webIsolated")));
  test.processes.assign(kMostProcessRows + 5, {.type = "content"});
  EXPECT_THAT(test.ShowPage("about:processes"), HasSubstr("<p>5 more are not shown.</p>"));
  EXPECT_EQ(test.about().lines(), 1u);
}

HOST_TEST(AboutProcess, ShowsAllPrefsInPieces) {
  std::string text = "pref(\"zz.last\", \"the end\"); pref(\"" + std::string(1025, 'n') +
                     "\", 1); pref(\"long\", \"" + std::string(1025, 'v') + "\");";
  for (int i = 0; i < 100; ++i) {
    text += absl::StrFormat("pref(\"name.%03d\", %d);", i, i * 3);
  }
  text +=
      "user_pref(\"name.010\", 7); user_pref(\"name.020\", 60); user_pref(\"mine\", true);"
      "pref(\"locked\", 1, locked);";
  AboutTest test(server, text);
  const std::string html = test.ShowPage("about:config");
  for (int i = 0; i < 100; ++i) {
    EXPECT_THAT(html, HasSubstr(absl::StrFormat("<td>name.%03d</td>", i)));
  }
  EXPECT_THAT(html, HasSubstr("<tr><td>name.033</td><td>default</td><td>int</td><td>99</td>"));
  EXPECT_THAT(html, HasSubstr("<tr class=\"set\"><td>name.010</td><td>set</td><td>int</td><td>7"));
  EXPECT_THAT(html, HasSubstr("<tr><td>name.020</td><td>set, as its default</td>"));
  EXPECT_THAT(html, HasSubstr("<tr class=\"set\"><td>mine</td><td>set</td><td>bool</td><td>true"));
  EXPECT_THAT(html, HasSubstr("<tr><td>locked</td><td>locked</td>"));
  EXPECT_THAT(html, HasSubstr("<td>" + std::string(1024, 'v') + "…</td>"));
  EXPECT_THAT(html, HasSubstr("<td>zz.last</td><td>default</td><td>string</td><td>the end</td>"));
  EXPECT_THAT(html, HasSubstr("<p>104 of 105 prefs.</p>"));
  EXPECT_THAT(html, HasSubstr("<p>1 more are not shown.</p>")) << "that with the long name";
  const std::string filtered = test.ShowPage("about:config?filter=NAME.03");
  EXPECT_THAT(filtered, HasSubstr("<p>10 of 105 prefs, with 'NAME.03' in their name.</p>"));
  EXPECT_THAT(filtered, Not(HasSubstr("name.040")));
}

HOST_TEST(AboutProcess, EditReachesProcessesThatLiveAndThoseToCome) {
  AboutTest test(server, "pref(\"depth\", 3);");
  ShowingHost& page = test.Open("https://a.test/");
  EXPECT_EQ(test.PrefSeenBy(page, "depth"), 3);
  const std::string html = test.ShowPage("about:config?set=depth=-12");
  EXPECT_EQ(OutcomeIn(html), "depth is set.");
  EXPECT_THAT(html, HasSubstr("<tr class=\"set\"><td>depth</td><td>set</td><td>int</td>"
                              "<td>-12</td>"));
  EXPECT_EQ(test.published, 1);
  EXPECT_EQ(test.PrefSeenBy(page, "depth"), -12) << "sent before the question";
  EXPECT_EQ(test.PrefSeenBy(test.Privileged(), "depth"), -12);
  EXPECT_EQ(test.PrefSeenBy(test.Open("https://b.test/"), "depth"), -12);
  // One that was not there, whose kind is said.
  EXPECT_EQ(OutcomeIn(test.ShowPage("about:config?set=width=5&kind=int")), "width is set.");
  EXPECT_EQ(test.PrefSeenBy(page, "width"), 5);
  EXPECT_EQ(test.PrefSeenBy(page, "depth"), -12);
}

HOST_TEST(AboutProcess, EditThatCannotBeIsRefusedWithWhyAndChangesNothing) {
  AboutTest test(server,
                 "pref(\"depth\", 3); pref(\"flag\", true); pref(\"fixed\", 1, locked);"
                 "pref(\"security.sandbox.content.level\", 2); user_pref(\"mine\", 1);");
  const auto outcome = [&](std::string_view query) {
    return test.ShowPage(absl::StrCat("about:config?set=", std::string(query)));
  };
  EXPECT_EQ(outcome("depth=deep"), "INVALID_ARGUMENT: not set: depth: 'deep' is no int of 32 bits");
  EXPECT_EQ(outcome("depth=99999999999"),
            "INVALID_ARGUMENT: not set: depth: '99999999999' is no int of 32 bits");
  EXPECT_EQ(outcome("flag=1"), "INVALID_ARGUMENT: not set: flag: '1' is neither true nor false");
  EXPECT_EQ(outcome("depth=x&kind=string"),
            "INVALID_ARGUMENT: not set: depth: is of kind int, not string");
  EXPECT_EQ(outcome("mine=x&kind=string"),
            "INVALID_ARGUMENT: not set: mine: is of kind int, not string");
  EXPECT_EQ(outcome("fixed=2"), "PERMISSION_DENIED: not set: fixed: is locked");
  EXPECT_EQ(outcome("nowhere=2"), "NOT_FOUND: not set: nowhere: no such pref, and of no kind");
  EXPECT_EQ(outcome("=2&kind=int"), "INVALID_ARGUMENT: not set: a pref without a name");
  EXPECT_EQ(outcome("a%0Ab=2&kind=int"),
            "INVALID_ARGUMENT: not set: 'a\\x0ab': a control character in a pref's name");
  // A process that was taken over could have the next ones launched without one.
  EXPECT_EQ(outcome("security.sandbox.content.level=0"),
            "PERMISSION_DENIED: not set: security.sandbox.content.level: not from a page");
  EXPECT_EQ(outcome("security.sandbox.other.level=0&kind=int"),
            "PERMISSION_DENIED: not set: security.sandbox.other.level: not from a page");
  EXPECT_EQ(test.published, 0);
  ShowingHost& page = test.Open("https://a.test/");
  EXPECT_EQ(test.PrefSeenBy(page, "depth"), 3);
  EXPECT_EQ(test.PrefSeenBy(page, "fixed"), 1);
  EXPECT_EQ(test.PrefSeenBy(page, "security.sandbox.content.level"), 2);
  EXPECT_EQ(test.PrefSeenBy(page, "nowhere"), -1);
  EXPECT_TRUE(test.ends.empty()) << "nobody is killed for a mistake";
}

// What would end a string or a statement of a prefs file is a value as any other.
HOST_TEST(AboutProcess, EditIsOneValueWhateverItsBytesAre) {
  AboutTest test(server, "pref(\"text\", \"\"); pref(\"other\", 1);");
  const std::string html =
      test.ShowPage("about:config?set=text=%22);user_pref(%22other%22,2);//%0A%5C<b>%FF&filter=t");
  EXPECT_EQ(OutcomeIn(html), "text is set.");
  EXPECT_THAT(html, HasSubstr("<td>&quot;);user_pref(&quot;other&quot;,2);//\\x0a\\&lt;b&gt;"
                              "\\xff</td>"));
  EXPECT_THAT(html, HasSubstr("<td>other</td><td>default</td><td>int</td><td>1</td>"));
}

HOST_TEST(AboutProcess, AddressThatSaysNothingIsAnError) {
  AboutTest test(server);
  EXPECT_EQ(test.ShowPage("about:config?sett=a=b"),
            "INVALID_ARGUMENT: about:config: nothing is known of 'sett'");
  EXPECT_EQ(test.ShowPage("about:memory"), "NOT_FOUND: about:memory: not shown here");
  // Longer than what a message has room for.
  const std::string html =
      test.ShowPage("about:config?kind=string&set=a=" + std::string(5000, 'x'));
  EXPECT_THAT(html, HasSubstr("SetPref"));
  EXPECT_THAT(html, Not(HasSubstr("<html>")));
  EXPECT_EQ(test.published, 0);
}

// The honest client does not ask there. One that was taken over does.
HOST_TEST(AboutProcess, OtherContentThatAsksForTheDataIsKilled) {
  AboutTest test(server);
  for (const char* const url : {"https://a.test/", "moz-extension://0123/page.html"}) {
    ShowingHost& page = test.Open(url);
    const std::string name = page.Name();
    const absl::StatusOr<AboutChildsEnd> end = test.about().Open(page);
    EXPECT_TRUE(AboutHost::IsFault(end.status()));
    EXPECT_EQ(end.status().message(), "AboutData is for privilegedabout, not for " + name);
    test.ends.clear();
    test.log.clear();
    EXPECT_THAT(test.ShowIn(page, "about:config"), HasSubstr("UNAVAILABLE"));
    test.Until([&] { return !test.ends.empty() && !test.log.empty(); });
    EXPECT_THAT(test.ends, ElementsAre(absl::StrCat(
                               name,
                               ": killed by SIGKILL, for Content OpenAboutData: AboutData is "
                               "for privilegedabout, not for ",
                               name)));
    EXPECT_THAT(test.log, ElementsAre(HasSubstr("OpenAboutData")));
  }
  EXPECT_EQ(test.about().lines(), 0u);
  EXPECT_THAT(test.ShowPage("about:config"), HasSubstr("<title>Prefs</title>"));
}

HOST_TEST(AboutProcess, WhoAsksTooOftenIsRefused) {
  AboutTest test(server, "pref(\"depth\", 0);");
  ShowingHost& page = test.Privileged();
  int refused = 0;
  int set = 0;
  const int64_t begin = NowNanos();
  for (int i = 0; i < 60; ++i) {
    // Two tokens each: the edit, and the list behind it.
    const std::string html = test.ShowIn(page, absl::StrFormat("about:config?set=depth=%d", i));
    set += OutcomeIn(html) == "depth is set.";
    refused += html.find("asked too often") != std::string::npos;
  }
  const int64_t seconds = (NowNanos() - begin) / forkserver::kNanosPerSecond + 1;
  EXPECT_GT(refused, 0);
  EXPECT_GE(set, static_cast<int>(AboutHost::kBurst / 2));
  EXPECT_LE(set, static_cast<int>(AboutHost::kBurst + AboutHost::kPerSecond * seconds));
  EXPECT_EQ(test.published, set);
  EXPECT_TRUE(test.ends.empty());
}

HOST_TEST(AboutProcess, ThatEndsLeavesNoLineAndTheNextOneHasItsOwn) {
  AboutTest test(server);
  EXPECT_THAT(test.ShowPage("about:config"), HasSubstr("<title>Prefs</title>"));
  EXPECT_EQ(test.about().lines(), 1u);
  const pid_t pid = test.Privileged().process()->pid;
  ASSERT_TRUE(forkserver::testing::SignalProcess(pid, SIGKILL).ok());
  test.Until([&] { return test.ends.size() == 1 && test.about().lines() == 0; });
  EXPECT_THAT(test.ShowPage("about:config"), HasSubstr("<title>Prefs</title>"));
  EXPECT_EQ(test.about().lines(), 1u);
}

// A second end for the same process is the only one.
HOST_TEST(AboutProcess, HasOneLine) {
  AboutTest test(server);
  ShowingHost& page = test.Privileged();
  EXPECT_THAT(test.ShowIn(page, "about:config"), HasSubstr("<title>Prefs</title>"));
  const absl::StatusOr<AboutChildsEnd> other = test.about().Open(page);
  EXPECT_TRUE(other.ok()) << other.status();
  EXPECT_EQ(test.about().lines(), 1u);
  // The one that the process has is ended, and it asks for the next.
  std::string html;
  for (int i = 0; i < 3 && html.find("<title>Prefs</title>") == std::string::npos; ++i) {
    html = test.ShowIn(page, "about:config");
  }
  EXPECT_THAT(html, HasSubstr("<title>Prefs</title>"));
  EXPECT_EQ(test.about().lines(), 1u);
}

}  // namespace
}  // namespace browser_host
