#include "tests/forkserver/model/model_program.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "child/components/broker_client.h"
#include "child/components/prefs_component.h"
#include "child/components/text_decoder.h"
#include "forkserver/model/process_templates.h"
#include "transceiver/clock.h"

namespace forkserver::testing {
namespace {

std::string Text(const absl::Status& status) { return std::string(status.message()); }

uint64_t Number(const std::string& text) {
  uint64_t number = 0;
  EXPECT_TRUE(absl::SimpleAtoi(text, &number)) << text;
  return number;
}

const ComponentTable& Components() {
  static const ComponentTable table =
      *ComponentTable::Create({PrefsComponent::Row(), BrokerClient::Row(), TextDecoder::Row()});
  return table;
}

Board NewBoard() { return {.memory = *WritableMemory::Create("board", 4096)}; }

// What both can answer. Nothing: it is not one of these.
class Answers {
 public:
  static std::optional<std::string> Of(const std::string& what, const std::string& about,
                                       const ChildArguments& arguments, LivePrefs& prefs,
                                       const ChildContext& context, ComponentRegistry& components) {
    if (what == "argument") return arguments.extra[Number(about)];
    if (what == "remote type") return arguments.remote_type;
    if (what == "child id") return absl::StrCat(arguments.child_id);
    if (what == "parent") return absl::StrCat(arguments.parent_pid);
    if (what == "policy") return std::string(SandboxPolicyName(context.sandbox.policy));
    if (what == "pref") return prefs.GetString(about, "none");
    if (what == "component") {
      const auto component = components.Get<Component>(about);
      return component.ok() ? "made" : Text(component.status());
    }
    if (what == "exit") _exit(static_cast<int>(Number(about)));
    return std::nullopt;
  }
};

class PlainChild : public ChildProcess<PlainChild, PlainProtocol> {
 public:
  PlainChild() : ChildProcess(&Components()) {}
  using ChildProcess::Receive;

  absl::Status Receive(Ask& ask, Resolver<Said> resolver) {
    auto said =
        Answers::Of(ask.what.str(), ask.about.str(), arguments(), prefs(), context(), components());
    if (!said) said = AnswersOfItsOwn(ask);
    if (said) return resolver.Resolve({.text = *said});
    if (ask.what == "hang") {
      for (;;) pause();
    }
    if (ask.what == "deaf") {
      // Whichever is its port.
      for (int fd = 3; fd < 64; ++fd) shutdown(fd, SHUT_RD);
      if (absl::Status sent = resolver.Resolve({.text = "what?"}); !sent.ok()) return sent;
      for (;;) pause();
    }
    resolver.Reject(absl::NotFoundError("nothing to say to " + ask.what.str()));
    return absl::OkStatus();
  }
  absl::Status Receive(TakeAskLine& message) { return line_.Bind(loop(), std::move(message.end)); }

 private:
  class AskLineEnd : public Actor<AskLineEnd, AskLine, Side::kChild> {
   public:
    explicit AskLineEnd(PlainChild& child) : child_(child) {}
    absl::Status Receive(Ask& ask, Resolver<Said> resolver) {
      return child_.Receive(ask, std::move(resolver));
    }

   private:
    PlainChild& child_;
  };

  static std::optional<std::string> AnswersOfItsOwn(const Ask& ask) {
    if (ask.what == "pid") return absl::StrCat(getpid());
    if (ask.what != "read") return std::nullopt;
    char byte = 0;
    EXPECT_EQ(read(static_cast<int>(Number(ask.about.str())), &byte, 1), 1);
    return std::string(1, byte);
  }

  absl::Status Init() override {
    const std::vector<std::string>& own = arguments().extra;
    if (!own.empty() && own[0] == "fail to start") {
      return absl::InternalError(own.size() > 1 ? own[1] : "as it was told");
    }
    return absl::OkStatus();
  }

  AskLineEnd line_{*this};
};

template <Side kSide>
class BridgeEnd : public Actor<BridgeEnd<kSide>, ContentBridge, kSide> {
 public:
  absl::Status Receive(BridgeMessage& message, Resolver<BridgeAnswer> resolver) {
    BridgeAnswer answer = {.data = message.data};
    const std::string_view suffix = " back";
    answer.data.data.insert(answer.data.data.end(), suffix.begin(), suffix.end());
    return resolver.Resolve(answer);
  }
};

class ContentChild : public ChildProcess<ContentChild, TestContentProtocol> {
 public:
  ContentChild() : ChildProcess(&Components()) {}
  using ChildProcess::Receive;

  absl::Status Receive(Ask& ask, Resolver<Said> resolver) {
    const auto said =
        Answers::Of(ask.what.str(), ask.about.str(), arguments(), prefs(), context(), components());
    if (said) return resolver.Resolve({.text = *said});
    const std::vector<std::string> words = absl::StrSplit(ask.about.str(), ' ');
    auto answer = std::make_shared<Resolver<Said>>(std::move(resolver));
    if (ask.what == "save") return SaveAs(ClaimFrom(words), answer);
    if (ask.what == "save all") {
      SaveAll message;
      for (size_t i = 0; i + 1 < words.size(); i += 2) {
        message.from.items.push_back({.browser = Number(words[i]), .site = words[i + 1]});
      }
      if (absl::Status sent = Send(message); !sent.ok()) return sent;
      return answer->Resolve({.text = "no answer was wanted"});
    }
    if (ask.what == "give board") {
      if (absl::Status sent = Send(GiveBoard{.board = NewBoard()}); !sent.ok()) return sent;
      return answer->Resolve({.text = "no answer was wanted"});
    }
    if (ask.what == "get board") {
      return Call(GetBoard{}, [answer](absl::StatusOr<Board> board) {
        answer->Resolve({.text = board.ok() ? "got it" : Text(board.status())}).IgnoreError();
      });
    }
    if (ask.what == "nest") return Nest(ClaimFrom(words), words[2], answer);
    if (ask.what == "nest in container") {
      BrowserClaimField from = ClaimFrom(words);
      from.user_context_id = static_cast<uint32_t>(Number(words[3]));
      return Nest(std::move(from), words[2], answer);
    }
    if (ask.what == "more") return More(ClaimFrom(words), Number(words[2]), words[3], answer);
    if (ask.what == "close") {
      if (absl::Status sent = Send(CloseNestedBrowser{.which = OwnedFrom(words)}); !sent.ok()) {
        return sent;
      }
      return answer->Resolve({.text = "no answer was wanted"});
    }
    if (ask.what == "bridge") return CallBridge(Number(words[0]), words[1], answer);
    if (ask.what == "browsers") {
      return answer->Resolve({.text = absl::StrJoin(browsers_, ";", absl::PairFormatter(" "))});
    }
    if (ask.what == "addresses") {
      return answer->Resolve({.text = absl::StrJoin(addresses_, ";", absl::PairFormatter(" "))});
    }
    if (ask.what == "bridges") {
      std::vector<uint64_t> ids;
      for (const auto& [id, end] : owned_) ids.push_back(id);
      for (const auto& [id, end] : attached_) ids.push_back(id);
      return answer->Resolve({.text = absl::StrJoin(ids, " ")});
    }
    if (ask.what == "closed") return answer->Resolve({.text = absl::StrJoin(closed_, " ")});
    if (ask.what == "bridges closed") {
      return answer->Resolve({.text = absl::StrJoin(bridges_closed_, " ")});
    }
    answer->Reject(absl::NotFoundError("nothing to say to " + ask.what.str()));
    return absl::OkStatus();
  }

  absl::Status Receive(ShowBoard& message, Resolver<Said> resolver) {
    return resolver.Resolve({.text = message.board ? "has it" : "has none"});
  }
  absl::Status Receive(LendBoard&, Resolver<Board> resolver) {
    return resolver.Resolve(NewBoard());
  }

  absl::Status Receive(BrowserOpened& message) {
    browsers_[message.as.browser] = message.as.site.str();
    addresses_[message.as.browser] = message.url.str();
    return absl::OkStatus();
  }
  absl::Status Receive(BrowserClosed& message, Resolver<Done> resolver) {
    addresses_.erase(message.browser);
    if (browsers_.erase(message.browser) == 0) closed_.push_back(message.browser);
    return resolver.Resolve({});
  }
  absl::Status Receive(AttachBridge& message) {
    auto& end = attached_[message.bridge];
    end = std::make_unique<BridgeEnd<Side::kChild>>();
    return end->Bind(loop(), std::move(message.end));
  }
  absl::Status Receive(BridgeClosed& message, Resolver<Done> resolver) {
    owned_.erase(message.bridge);
    attached_.erase(message.bridge);
    bridges_closed_.push_back(message.bridge);
    return resolver.Resolve({});
  }

 private:
  using Answer = std::shared_ptr<Resolver<Said>>;

  static BrowserClaimField ClaimFrom(const std::vector<std::string>& words) {
    return {.browser = Number(words[0]), .site = words[1]};
  }

  static OwnedBrowserField OwnedFrom(const std::vector<std::string>& words) {
    return {.browser = Number(words[0]), .site = words[1]};
  }

  absl::Status SaveAs(BrowserClaimField from, Answer answer) {
    return Call(Save{.from = std::move(from)}, [answer](absl::StatusOr<Said> said) {
      answer->Resolve({.text = said.ok() ? said->text.str() : Text(said.status())}).IgnoreError();
    });
  }

  absl::Status Nest(BrowserClaimField from, const std::string& url, Answer answer) {
    return Call(CreateNested{.from = std::move(from), .url = url},
                [this, answer](absl::StatusOr<NestedCreated> created) {
                  if (!created.ok()) return answer->Reject(created.status());
                  auto& end = owned_[created->bridge];
                  end = std::make_unique<BridgeEnd<Side::kParent>>();
                  const absl::Status bound = end->Bind(loop(), std::move(created->end));
                  if (!bound.ok()) return answer->Reject(bound);
                  answer
                      ->Resolve({.text = absl::StrFormat("bridge %d browser %d", created->bridge,
                                                         created->as.browser)})
                      .IgnoreError();
                });
  }

  absl::Status More(BrowserClaimField from, uint64_t bridge, const std::string& url,
                    Answer answer) {
    return Call(OpenNestedBrowser{.from = std::move(from), .bridge = bridge, .url = url},
                [answer](absl::StatusOr<NestedBrowser> opened) {
                  if (!opened.ok()) return answer->Reject(opened.status());
                  answer->Resolve({.text = absl::StrCat(opened->as.browser)}).IgnoreError();
                });
  }

  absl::Status CallBridge(uint64_t bridge, const std::string& text, Answer answer) {
    const auto found = owned_.find(bridge);
    if (found == owned_.end()) {
      answer->Reject(absl::NotFoundError("no such bridge"));
      return absl::OkStatus();
    }
    BridgeMessage message = {.name = "test"};
    message.data.data.assign(text.begin(), text.end());
    return found->second->Call(message, [answer](absl::StatusOr<BridgeAnswer> back) {
      if (!back.ok()) return answer->Reject(back.status());
      answer->Resolve({.text = std::string(back->data.data.begin(), back->data.data.end())})
          .IgnoreError();
    });
  }

  std::map<uint64_t, std::string> browsers_;
  std::map<uint64_t, std::string> addresses_;
  std::vector<uint64_t> closed_;  // not its own
  std::vector<uint64_t> bridges_closed_;
  std::map<uint64_t, std::unique_ptr<BridgeEnd<Side::kParent>>> owned_;
  std::map<uint64_t, std::unique_ptr<BridgeEnd<Side::kChild>>> attached_;
};

}  // namespace

ChildProgramFactory PlainProgram() { return MakeChildProgram<PlainChild>; }

absl::Status TestContent::Receive(GetBoard&, Resolver<Board> resolver) {
  Handled("GetBoard");
  return resolver.Resolve(NewBoard());
}

ModelTest::ModelTest(ForkServer& server, std::string_view prefs)
    : loop_(*EventLoop::Create()),
      parent_(*ParentProcess::Create(
          {.server = server,
           .loop = *loop_,
           .log = [this](std::string_view line) { log_.emplace_back(line); }})),
      suffixes_(std::make_unique<PublicSuffixList>(*PublicSuffixList::Load())),
      content_(std::make_unique<ContentProcesses>(
          *parent_, *suffixes_,
          [](ParentProcess& parent, ContentProcesses& siblings) {
            return std::make_unique<TestContent>(parent, siblings);
          },
          ContentEvents{.on_process_end =
                            [this](const ContentProcess& process, const ProcessEnd& end,
                                   const std::vector<BrowserId>&) {
                              ends_.emplace(process.id(), end);
                              order_of_ends_.push_back(process.id());
                            },
                        .embedder_policy_of =
                            [this](const ContentProcess&, const Url& url) {
                              const auto found = embedder_policies_.find(
                                  url.HasScheme("blob") ? url.ToString() : url.host());
                              return found == embedder_policies_.end() ? std::string()
                                                                       : found->second;
                            },
                        .blob_creator_of = [this](const ContentProcess&,
                                                  const Url& url) -> std::optional<RemoteType> {
                          const auto found = blob_creators_.find(url.ToString());
                          if (found == blob_creators_.end()) return std::nullopt;
                          return found->second;
                        }})) {
  SetPrefs(prefs);
}

void ModelTest::SetPrefs(std::string_view text) {
  EXPECT_TRUE(store_.LoadText(text, "test").empty());
  absl::StatusOr<PrefsGeneration> generation = store_.Publish();
  ASSERT_TRUE(generation.ok()) << generation.status();
  EXPECT_TRUE(parent_->SetPrefs(*std::move(generation)).ok());
}

ModelTest::~ModelTest() {
  content_->CloseAll();
  Until([this] { return content_->processes().empty(); });
  // Else the server keeps the last generation's descriptor.
  parent_->server().SetPrefs({});
}

void ModelTest::Until(const std::function<bool()>& done) {
  const int64_t deadline = NowNanos() + 10 * kNanosPerSecond;
  while (!done() && NowNanos() < deadline) loop_->Run(deadline);
  EXPECT_TRUE(done());
}

std::unique_ptr<PlainHost> ModelTest::Launch(ProcessType type, HostedLaunch launch) {
  auto host = std::make_unique<PlainHost>(*parent_, type);
  bool is_over = false;
  host->Launch(std::move(launch));
  host->WhenLaunched([&](const absl::StatusOr<ProcessHandle>& process) {
    EXPECT_TRUE(process.ok()) << process.status();
    is_over = true;
  });
  Until([&] { return is_over; });
  return host;
}

absl::StatusOr<OpenedBrowser> ModelTest::Open(std::string_view url, OriginAttributes attributes,
                                              GroupId group) {
  absl::StatusOr<Url> parsed = Url::Parse(url);
  if (!parsed.ok()) return parsed.status();
  return Open({.load = {.url = *std::move(parsed),
                        .initiated_by = InitiatedBy::kUser,
                        .attributes = attributes},
               .group = group});
}

absl::StatusOr<OpenedBrowser> ModelTest::Open(const BrowserRequest& request) {
  absl::StatusOr<OpenedBrowser> result = absl::UnknownError("not called");
  content_->Open(request,
                 [&](absl::StatusOr<OpenedBrowser> opened) { result = std::move(opened); });
  if (!result.ok() || result->process == nullptr) return result;
  std::optional<absl::Status> launched;
  result->process->WhenLaunched(
      [&](const absl::StatusOr<ProcessHandle>& process) { launched = process.status(); });
  Until([&] { return launched.has_value(); });
  return launched->ok() ? result : *launched;
}

void ModelTest::WaitForEnd(ChildId content) {
  Until([&] { return ends_.count(content) > 0; });
}

HostSetup ModelHost() {
  HostSetup setup = {.options = TestOptions()};
  setup.options.programs = {{ProcessType::kContent, MakeChildProgram<ContentChild>},
                            {ProcessType::kUtility, MakeChildProgram<PlainChild>},
                            {ProcessType::kDummy, MakeChildProgram<PlainChild>}};
  setup.options.templates = ProcessTemplates(setup.options.programs);
  return setup;
}

}  // namespace forkserver::testing
