// Somebody needs assistance: first this process, then a content process. Each time a dummy process
// is launched, a hotline connects the two, the answer comes back, and the dummy process ends.
#include <stdio.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "examples/dummy_process/caller_child.h"
#include "examples/dummy_process/caller_host.h"
#include "examples/dummy_process/dummy_child.h"
#include "examples/dummy_process/help_desk.h"
#include "examples/dummy_process/hotline_caller.h"
#include "forkserver/host/fork_server.h"
#include "forkserver/model/content_processes.h"
#include "forkserver/model/parent_process.h"
#include "forkserver/model/process_templates.h"
#include "forkserver/model/registrable_domain.h"
#include "forkserver/model/url.h"
#include "transceiver/clock.h"
#include "transceiver/event_loop.h"
#include "transceiver/one_line.h"

namespace dummy_process {
namespace {

using namespace forkserver;

// A machine that is busy with something else takes its time; one that never answers is a fault.
constexpr int64_t kPatience = 30 * kNanosPerSecond;

// The example's host: what both callers need.
class Example {
 public:
  Example(EventLoop& loop, ParentProcess& parent, const PublicSuffixList& suffixes)
      : loop_(loop),
        is_debugged_(parent.server().IsDebugged(ProcessType::kDummy) ||
                     parent.server().IsDebugged(ProcessType::kContent)),
        desk_(parent, [this](const DummyHost& dummy, const ProcessEnd& end) { OnEnd(dummy, end); }),
        content_(
            parent, suffixes,
            [this](ParentProcess& parent, ContentProcesses& siblings) {
              return std::make_unique<CallerHost>(parent, siblings, desk_);
            },
            {.on_process_end = [this](const ContentProcess& content, const ProcessEnd& end,
                                      const std::vector<BrowserId>&) { OnEnd(content, end); }}) {}

  absl::Status AskFromParent() {
    HotlineCaller caller;
    std::optional<absl::StatusOr<Assistance>> answer;
    desk_.GetAssistanceForParent([&](absl::StatusOr<CallersEnd> end) {
      absl::Status asked = end.status();
      if (end.ok()) {
        asked = caller.Ask(loop_, *std::move(end), [&](auto said) { answer = std::move(said); });
      }
      if (!asked.ok()) answer = asked;
    });
    if (absl::Status waited = Until([&] { return answer.has_value(); }); !waited.ok()) {
      return waited;
    }
    if (absl::Status printed = Print("the parent", *answer); !printed.ok()) return printed;
    return UntilEnded([this] { return desk_.busy() == 0; });
  }

  absl::Status AskFromContent() {
    absl::StatusOr<Url> url = Url::Parse("https://caller.test/");
    if (!url.ok()) return url.status();
    std::optional<absl::StatusOr<OpenedBrowser>> opened;
    content_.Open({.load = {.url = *std::move(url), .initiated_by = InitiatedBy::kUser}},
                  [&](auto browser) { opened = std::move(browser); });
    if (absl::Status waited = Until([&] { return opened.has_value(); }); !waited.ok()) {
      return waited;
    }
    if (!opened->ok()) return opened->status();
    const OpenedBrowser& browser = **opened;
    // All content processes of this program are callers: the makers of hosts make no others.
    CallerHost& caller = static_cast<CallerHost&>(*browser.process);
    const std::string name = caller.Name();
    std::optional<absl::StatusOr<Assistance>> answer;
    const absl::Status asked =
        caller.Call(BeAssisted{}, [&](auto said) { answer = std::move(said); });
    if (!asked.ok()) return asked;
    if (absl::Status waited = Until([&] { return answer.has_value(); }); !waited.ok()) {
      return waited;
    }
    if (absl::Status printed = Print(name, *answer); !printed.ok()) return printed;
    if (absl::Status waited = UntilEnded([this] { return desk_.busy() == 0; }); !waited.ok()) {
      return waited;
    }
    content_.Close(browser.browser);
    return UntilEnded([this] { return content_.processes().empty(); });
  }

  bool all_ended_well() const { return all_ended_well_; }

 private:
  absl::Status Print(const std::string& caller, const absl::StatusOr<Assistance>& answer) {
    if (!answer.ok()) return answer.status();
    absl::PrintF("%s asked, and was told: %s\n", caller, OneLine(answer->words.str()));
    return absl::OkStatus();
  }

  void OnEnd(const ProcessHostCore& process, const ProcessEnd& end) {
    absl::StrAppend(&ends_, process.Name(), " ", end.ToString(), "\n");
    all_ended_well_ &= end.exit.ok() && end.exit->success() && end.port.ok();
  }

  absl::Status Until(const std::function<bool()>& done) {
    const int64_t deadline = is_debugged_ ? kNever : NowNanos() + kPatience;
    while (!done()) {
      if (NowNanos() >= deadline) return absl::DeadlineExceededError("nothing happens any more");
      loop_.Run(deadline);
    }
    return absl::OkStatus();
  }

  // Ends are printed behind the answer, which may come later: a content process hangs up before it
  // tells the parent what it was told.
  absl::Status UntilEnded(const std::function<bool()>& done) {
    absl::Status waited = Until(done);
    absl::PrintF("%s", std::exchange(ends_, {}));
    return waited;
  }

  EventLoop& loop_;
  const bool is_debugged_;
  HelpDesk desk_;
  ContentProcesses content_;
  std::string ends_;
  bool all_ended_well_ = true;
};

absl::Status RunExample(ForkServer& server) {
  absl::StatusOr<std::unique_ptr<EventLoop>> loop = EventLoop::Create();
  if (!loop.ok()) return loop.status();
  absl::StatusOr<std::unique_ptr<ParentProcess>> parent =
      ParentProcess::Create({.server = server, .loop = **loop, .log = [](std::string_view line) {
                               absl::FPrintF(stderr, "dummy_process: %s\n", line);
                             }});
  if (!parent.ok()) return parent.status();
  absl::StatusOr<PublicSuffixList> suffixes = PublicSuffixList::Load();
  if (!suffixes.ok()) return suffixes.status();

  Example example(**loop, **parent, *suffixes);
  if (absl::Status asked = example.AskFromParent(); !asked.ok()) return asked;
  if (absl::Status asked = example.AskFromContent(); !asked.ok()) return asked;
  if (!example.all_ended_well()) {
    return absl::InternalError("a process did not end as it should");
  }
  if (fflush(stdout) != 0 || ferror(stdout) != 0) {
    return absl::DataLossError("write to stdout failed");
  }
  return absl::OkStatus();
}

}  // namespace
}  // namespace dummy_process

int main(int argc, char** argv) {
  using namespace forkserver;
  StartOptions options = {
      .programs = {{ProcessType::kContent, MakeChildProgram<dummy_process::CallerChild>},
                   {ProcessType::kDummy, MakeChildProgram<dummy_process::DummyChild>}}};
  options.templates = ProcessTemplates(options.programs);
  const auto server = ForkServer::Start(argc, argv, std::move(options));
  absl::Status ran = server.status();
  if (ran.ok() && argc != 1) ran = absl::InvalidArgumentError("usage: dummy_process");
  if (ran.ok()) ran = dummy_process::RunExample(**server);
  if (ran.ok()) return 0;
  absl::FPrintF(stderr, "dummy_process: %s\n", OneLine(std::string(ran.message())));
  return 1;
}
