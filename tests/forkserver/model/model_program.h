// What the tests of the process model launch: a content process and a plain one that do what they
// are asked to, and the parent's sides of them.
//
//     ModelTest model(server);
//     PlainHost& host = model.Plain({.arguments = {"x"}});
//     model.Ask(host, "argument", "0")          // "x", or the error's text
//
// Both answer Ask{what, about}:
//     argument N     the program's own argument N        remote type, child id, policy
//     pref NAME      the pref of the moment              component NAME   "made", or why not
//     deaf           (plain ones) answers, reads nothing any more, and stays
//     exit N         ends at once, without a Goodbye     fail             rejects
// A plain one besides, also over the lines that it was given:
//     pid            as getpid() has it                  read FD          a byte of that descriptor
// Content processes besides:
//     save ID SITE   sends the privileged Save in that browser's name, and answers what came of it
//     save all ID SITE ID SITE   the same in both names, one way
//     give board     sends memory of its own to the parent
//     get board      asks the parent for memory; answers "got it", or why not
//     browsers       "1 https://a.test;2 ..." as BrowserOpened and BrowserClosed have told
//     addresses      "1 https://a.test/;2 ...", what BrowserOpened has told to load in those
//     nest ID SITE URL   CreateNested; answers "bridge N browser M"
//     more ID SITE BRIDGE URL   OpenNestedBrowser
//     close ID SITE  CloseNestedBrowser, of a browser that it owns
//     bridge N TEXT      calls over the bridge; answers what the other end said
//     bridges        "1 2": those whose ends it has
//     closed         browsers that BrowserClosed told of and BrowserOpened had not
//     bridges closed those of which BridgeClosed told
#ifndef TESTS_FORKSERVER_MODEL_MODEL_PROGRAM_H_
#define TESTS_FORKSERVER_MODEL_MODEL_PROGRAM_H_

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "child/child_program.h"
#include "child/process/child_process.h"
#include "child/process/content_messages.h"
#include "forkserver/host/fork_server.h"
#include "forkserver/model/content_host.h"
#include "forkserver/model/content_processes.h"
#include "forkserver/model/parent_process.h"
#include "forkserver/model/process_host.h"
#include "preload/prefs/prefs_store.h"
#include "tests/testing/host_test.h"
#include "transceiver/actor/endpoint.h"
#include "transceiver/actor/list.h"
#include "transceiver/actor/protocol.h"
#include "transceiver/actor/shared_memory.h"
#include "transceiver/event_loop.h"

namespace forkserver::testing {

struct Said {
  Text<4096> text = {};
  auto Fields() { return std::tie(text); }
};

struct Ask {
  static constexpr std::string_view kName = "Ask";
  static constexpr SentBy kSentBy = SentBy::kParent;
  using Reply = Said;
  Text<64> what = {};
  Text<4096> about = {};
  auto Fields() { return std::tie(what, about); }
};

// What not every browser may ask for.
struct Save {
  static constexpr std::string_view kName = "Save";
  static constexpr SentBy kSentBy = SentBy::kChild;
  using Reply = Said;
  BrowserClaimField from = {};
  auto Fields() { return std::tie(from); }
};

struct SaveAll {
  static constexpr std::string_view kName = "SaveAll";
  static constexpr SentBy kSentBy = SentBy::kChild;
  List<BrowserClaimField, 4> from = {};
  auto Fields() { return std::tie(from); }
};

// Memory that both write to, and whoever has it.
struct Board {
  WritableMemory memory = {};
  auto Fields() { return std::tie(memory); }
};
struct ShowBoard {
  static constexpr std::string_view kName = "ShowBoard";
  static constexpr SentBy kSentBy = SentBy::kParent;
  using Reply = Said;
  std::optional<Board> board = {};
  auto Fields() { return std::tie(board); }
};
struct LendBoard {
  static constexpr std::string_view kName = "LendBoard";
  static constexpr SentBy kSentBy = SentBy::kParent;
  using Reply = Board;
  auto Fields() { return std::tie(); }
};
struct GiveBoard {
  static constexpr std::string_view kName = "GiveBoard";
  static constexpr SentBy kSentBy = SentBy::kChild;
  Board board = {};
  auto Fields() { return std::tie(board); }
};
struct GetBoard {
  static constexpr std::string_view kName = "GetBoard";
  static constexpr SentBy kSentBy = SentBy::kChild;
  using Reply = Board;
  auto Fields() { return std::tie(); }
};

// A line on which a plain process answers whoever has the other end.
struct AskLine {
  static constexpr std::string_view kName = "AskLine";
  using Messages = MessageList<Ask>;
};
struct TakeAskLine {
  static constexpr std::string_view kName = "TakeAskLine";
  static constexpr SentBy kSentBy = SentBy::kParent;
  Endpoint<AskLine, Side::kChild> end = {};
  auto Fields() { return std::tie(end); }
};

struct PlainProtocol {
  static constexpr std::string_view kName = "Plain";
  using Messages = TopLevelMessages<Ask, TakeAskLine>;
};
struct TestContentProtocol {
  static constexpr std::string_view kName = "TestContent";
  using Messages = ContentMessages<Ask, Save, SaveAll, ShowBoard, LendBoard, GiveBoard, GetBoard>;
};

// Of types utility and dummy; and of others where a test gives them this program.
ChildProgramFactory PlainProgram();

class PlainHost : public ProcessHost<PlainHost, PlainProtocol> {
 public:
  using ProcessHost::ProcessHost;
  void OnEnd(const ProcessEnd& end) override { this->end.emplace(end); }

  std::optional<ProcessEnd> end;
};

class TestContent : public ContentHost<TestContent, TestContentProtocol> {
 public:
  using ContentHost::ContentHost;
  using ContentHost::Receive;

  // None of them checks anything: that is what is tested.
  absl::Status Receive(Save&, Resolver<Said> resolver) {
    Handled("Save");
    return resolver.Resolve({.text = "saved"});
  }
  absl::Status Receive(SaveAll&) {
    Handled("SaveAll");
    return absl::OkStatus();
  }
  absl::Status Receive(GiveBoard&) {
    Handled("GiveBoard");
    return absl::OkStatus();
  }
  absl::Status Receive(GetBoard&, Resolver<Board> resolver);

  // Told of each handler that is called.
  std::function<void(std::string_view message)> on_handled;

 private:
  void Handled(std::string_view message) {
    if (on_handled) on_handled(message);
  }
};

inline constexpr std::string_view kUnsandboxed =
    "pref(\"security.sandbox.content.level\", 0); pref(\"security.sandbox.utility.level\", 0);"
    "pref(\"security.sandbox.file-content.level\", 0);"
    "pref(\"security.sandbox.extension.level\", 0);";

// The model in a host, driven until what is waited for has happened.
class ModelTest {
 public:
  explicit ModelTest(ForkServer& server, std::string_view prefs = kUnsandboxed);
  ~ModelTest();

  ParentProcess& parent() { return *parent_; }
  ContentProcesses& content() { return *content_; }
  const std::vector<std::string>& log() const { return log_; }
  // By child id.
  const std::map<ChildId, ProcessEnd>& ends() const { return ends_; }
  const std::vector<ChildId>& order_of_ends() const { return order_of_ends_; }

  void SetPrefs(std::string_view text);
  // What the program is to say of nested urls of a host, or of one blob.
  void SetEmbedderPolicy(std::string host, std::string policy) {
    embedder_policies_[std::move(host)] = std::move(policy);
  }
  // Who made a nested blob, by its url; of others the program knows nothing.
  void SetBlobCreator(std::string url, RemoteType creator) {
    blob_creators_[std::move(url)] = std::move(creator);
  }

  // Drives the loop until `done`; fails the test after ten seconds.
  void Until(const std::function<bool()>& done);

  // Launched, and running.
  std::unique_ptr<PlainHost> Launch(ProcessType type, HostedLaunch launch = {});
  absl::StatusOr<OpenedBrowser> Open(std::string_view url, OriginAttributes attributes = {},
                                     GroupId group = 0);
  absl::StatusOr<OpenedBrowser> Open(const BrowserRequest& request);

  template <typename Host>
  std::string AskOf(Host& host, std::string_view what, std::string_view about = {}) {
    std::optional<std::string> answer;
    const absl::Status asked =
        host.Call(Ask{.what = what, .about = about}, [&](absl::StatusOr<Said> said) {
          answer = said.ok() ? said->text.str() : std::string(said.status().message());
        });
    if (!asked.ok()) return std::string(asked.message());
    Until([&] { return answer.has_value(); });
    return answer.value_or("no answer");
  }
  std::string AskOf(ContentProcess* process, std::string_view what, std::string_view about = {}) {
    return AskOf(static_cast<TestContent&>(*process), what, about);
  }

  void WaitForEnd(ChildId content);

 private:
  std::unique_ptr<EventLoop> loop_;
  std::unique_ptr<ParentProcess> parent_;
  std::unique_ptr<PublicSuffixList> suffixes_;
  std::unique_ptr<ContentProcesses> content_;
  PrefsStore store_;
  std::vector<std::string> log_;
  std::map<ChildId, ProcessEnd> ends_;
  std::vector<ChildId> order_of_ends_;
  std::map<std::string, std::string> embedder_policies_;
  std::map<std::string, RemoteType> blob_creators_;
};

// A host with those programs and the model's templates.
HostSetup ModelHost();

}  // namespace forkserver::testing

#endif  // TESTS_FORKSERVER_MODEL_MODEL_PROGRAM_H_
