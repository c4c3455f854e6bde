// Opens one URL: launches the content process that it belongs in, asks it one question, prints the
// answer, closes the page, and waits until its process has ended.
//
//     open_page https://www.example.com/index.html
#include <stdio.h>

#include <memory>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_format.h"
#include "child/process/content_child.h"
#include "child/process/content_messages.h"
#include "forkserver/host/fork_server.h"
#include "forkserver/model/content_host.h"
#include "forkserver/model/content_processes.h"
#include "forkserver/model/parent_process.h"
#include "forkserver/model/process_templates.h"
#include "forkserver/model/registrable_domain.h"
#include "forkserver/model/url.h"
#include "transceiver/event_loop.h"
#include "transceiver/one_line.h"

namespace {
using namespace forkserver;

struct Page {
  Text<kMaxUrlBytes> url = {};
  auto Fields() { return std::tie(url); }
};
struct GetPage {
  static constexpr std::string_view kName = "GetPage";
  static constexpr SentBy kSentBy = SentBy::kParent;
  using Reply = Page;
  auto Fields() { return std::tie(); }
};
struct PageProtocol {
  static constexpr std::string_view kName = "Page";
  using Messages = ContentMessages<GetPage>;
};

class PageChild : public ContentChild<PageChild, PageProtocol> {
 public:
  using ContentChild::Receive;
  absl::Status Receive(BrowserOpened& message) {
    page_.url = message.url;
    return absl::OkStatus();
  }
  absl::Status Receive(GetPage&, Resolver<Page> resolver) { return resolver.Resolve(page_); }

 private:
  Page page_;
};

class PageHost : public ContentHost<PageHost, PageProtocol> {
 public:
  using ContentHost::ContentHost;
};

absl::Status OpenPage(ForkServer& server, std::string_view address) {
  absl::StatusOr<Url> url = Url::Parse(address);
  if (!url.ok()) return url.status();
  const auto loop = EventLoop::Create();
  if (!loop.ok()) return loop.status();
  const auto parent = ParentProcess::Create({.server = server, .loop = **loop});
  if (!parent.ok()) return parent.status();
  const auto suffixes = PublicSuffixList::Load();  // once; the ContentProcesses borrow it
  if (!suffixes.ok()) return suffixes.status();
  absl::Status result;
  const auto on_end = [&](const ContentProcess& page, const ProcessEnd& end, const auto&) {
    if (end.exit.ok() && end.exit->success() && end.port.ok()) return;
    result = absl::InternalError(absl::StrFormat("%s: %s", page.Name(), end.ToString()));
  };
  ContentProcesses content(
      **parent, *suffixes,
      [](auto& of, auto& siblings) { return std::make_unique<PageHost>(of, siblings); },
      {.on_process_end = on_end});
  content.Open({.load = {.url = *std::move(url), .initiated_by = InitiatedBy::kUser}},
               [&](absl::StatusOr<OpenedBrowser> opened) {
                 result = opened.status();
                 if (!opened.ok()) return;
                 if (opened->process == nullptr) {
                   absl::PrintF("no content process: the parent loads it itself\n");
                   return;
                 }
                 auto& page = static_cast<PageHost&>(*opened->process);  // what was made above
                 result =
                     page.Call(GetPage{}, [&result, &content, &page,
                                           browser = opened->browser](absl::StatusOr<Page> said) {
                       if (said.ok()) {
                         absl::PrintF("%s has %s\n", page.Name(), OneLine(said->url.str()));
                       }
                       result = said.status();
                       content.Close(browser);
                     });
                 if (!result.ok()) content.Close(opened->browser);
               });
  while (!content.processes().empty()) (*loop)->Run(kNever);
  const bool is_written = fflush(stdout) == 0 && ferror(stdout) == 0;
  if (result.ok() && !is_written) return absl::DataLossError("write to stdout failed");
  return result;
}

}  // namespace

int main(int argc, char** argv) {
  StartOptions options = {.programs = {{ProcessType::kContent, MakeChildProgram<PageChild>}}};
  options.templates = ProcessTemplates(options.programs);
  const auto server = ForkServer::Start(argc, argv, std::move(options));
  absl::Status opened = server.status();
  const bool is_asked = argc == 2 && argv[1][0] != '-';
  if (opened.ok() && !is_asked) opened = absl::InvalidArgumentError("usage: open_page URL");
  if (opened.ok()) opened = OpenPage(**server, argv[1]);
  if (opened.ok()) return 0;
  absl::FPrintF(stderr, "open_page: %s\n", OneLine(std::string(opened.message())));
  return 1;
}
