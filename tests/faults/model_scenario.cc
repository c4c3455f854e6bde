#include "tests/faults/model_scenario.h"

#include <sys/mman.h>
#include <sys/syscall.h>

#include <memory>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

#include "absl/strings/str_format.h"
#include "child/process/content_child.h"
#include "child/process/content_messages.h"
#include "forkserver/model/content_host.h"
#include "forkserver/model/content_processes.h"
#include "forkserver/model/parent_process.h"
#include "forkserver/model/registrable_domain.h"
#include "forkserver/model/url.h"
#include "tests/faults/seam.h"
#include "transceiver/clock.h"
#include "transceiver/event_loop.h"
#include "transceiver/unique_fd.h"

namespace forkserver::testing {
namespace {

constexpr std::string_view kAddress = "https://www.field-guide.test/birds";

struct Address {
  Text<kMaxUrlBytes> url = {};
  auto Fields() { return std::tie(url); }
};
struct GetAddress {
  static constexpr std::string_view kName = "GetAddress";
  static constexpr SentBy kSentBy = SentBy::kParent;
  using Reply = Address;
  auto Fields() { return std::tie(); }
};
struct PageProtocol {
  static constexpr std::string_view kName = "Page";
  using Messages = ContentMessages<GetAddress>;
};

class PageChild : public ContentChild<PageChild, PageProtocol> {
 public:
  using ContentChild::Receive;
  absl::Status Receive(BrowserOpened& message) {
    address_.url = message.url;
    return absl::OkStatus();
  }
  absl::Status Receive(GetAddress&, Resolver<Address> resolver) {
    return resolver.Resolve(address_);
  }

 private:
  Address address_;
};

class PageHost : public ContentHost<PageHost, PageProtocol> {
 public:
  using ContentHost::ContentHost;
};

// What a process writes to its stderr, in memory. Past the seam: it is the model that is to fail.
class Words {
 public:
  Words() : fd_(static_cast<int>(CallPastTheSeam(SYS_memfd_create, (long)"stderr", MFD_CLOEXEC))) {}

  Stdio AsStderr() const { return Stdio::Descriptor(fd_.get()); }
  std::string Text() const {
    char text[1024];
    const long size = CallPastTheSeam(SYS_pread64, fd_.get(), (long)text, sizeof(text), 0);
    return std::string(text, static_cast<size_t>(size > 0 ? size : 0));
  }

 private:
  UniqueFd fd_;
};

// A process that ends by itself says why on its stderr: its port may be what has failed.
absl::Status StatusOf(const ProcessEnd& end, const Words& words) {
  if (!end.exit.ok()) return end.exit.status();
  if (end.exit->success() && end.port.ok()) return absl::OkStatus();
  return absl::InternalError(absl::StrFormat("the page %s: %s: %s", end.ToString(),
                                             std::string(end.port.message()), words.Text()));
}

}  // namespace

ChildProgramFactory PageProgram() { return MakeChildProgram<PageChild>; }

void OpenAPage(ForkServer& server, Round& round, absl::Duration patience) {
  const auto loop = EventLoop::Create(EventLoop::Backend::kEpoll);
  if (!round.Note("the embedder's loop", loop.status())) return;
  const auto parent = ParentProcess::Create({.server = server, .loop = **loop});
  if (!round.Note("the parent process", parent.status())) return;
  const auto suffixes = PublicSuffixList::Load();
  if (!round.Note("the public suffixes", suffixes.status())) return;
  absl::StatusOr<Url> url = Url::Parse(kAddress);
  if (!round.Note("the address", url.status())) return;
  const Words words;
  absl::Status answer = absl::UnknownError("no answer");
  const auto on_end = [&](const ContentProcess&, const ProcessEnd& end, const auto&) {
    // Of a process that has failed there is none; its end says why.
    if (round.Note("the page's end", StatusOf(end, words))) round.Note("the page's answer", answer);
  };
  ContentProcesses content(
      **parent, *suffixes,
      [](auto& of, auto& siblings) { return std::make_unique<PageHost>(of, siblings); },
      {.on_process_end = on_end});
  const auto ask = [&](absl::StatusOr<OpenedBrowser> opened) {
    if (!round.Note("open the page", opened.status())) return;
    auto& page = static_cast<PageHost&>(*opened->process);  // what was made above
    const absl::Status asked = page.Call(
        GetAddress{}, [&answer, &content, browser = opened->browser](absl::StatusOr<Address> said) {
          answer = said.status();
          if (said.ok() && said->url.str() != kAddress) {
            answer = absl::DataLossError("it has another address");
          }
          content.Close(browser);
        });
    if (!round.Note("ask the page", asked)) content.Close(opened->browser);
  };
  content.Open({.load = {.url = *std::move(url), .initiated_by = InitiatedBy::kUser},
                .stdio = {Stdio{}, Stdio{}, words.AsStderr()},
                .timeout = patience},
               ask);
  const int64_t deadline = NowNanos() + absl::ToInt64Nanoseconds(patience);
  while (!content.processes().empty() && NowNanos() < deadline) (*loop)->Run(deadline);
  if (!content.processes().empty()) {
    round.Note("all ends", absl::DeadlineExceededError("a process was never told to have ended"));
  }
}

}  // namespace forkserver::testing
