// A browser host whose content processes do to it what the names of their pages say:
//
//     hostile_browser_host PREFS FOLDER...
//
//     good      answers                          crash     dies by a signal
//     leave     exits with status 0, wordless    hang      never answers
//     other     answers in the name of a browser that is not its own
//     site      answers in the name of another site
//     forge     answers in the name of a site that would be a line of its own
//     lie       answers with an error that would be
//     flood     never stops sending items        garbage   sends what is no message
//     resource  wants a document for a style sheet      late      wants one for a page that is done
//     prefs     wants what about:config has      owner     has a frame of b.test, and never answers
//     thief     has frames of b.test, and places another page's
//     boxes     has frames of no size, too large, too many, and answers with what was said of them
//     signal    has the host be sent SIGINT, and never answers (where no sandbox forbids it)
//
// It ends as the browser host does when it is sent a signal.
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "child/process/content_child.h"
#include "examples/browser_host/browser.h"
#include "examples/browser_host/compose/picture.h"
#include "examples/browser_host/page_messages.h"
#include "examples/browser_host/picture_bounds.h"
#include "examples/browser_host/report.h"
#include "examples/browser_host/sites.h"
#include "examples/browser_host/spoken_lines.h"
#include "examples/browser_host/stop_signals.h"
#include "forkserver/host/fork_server.h"
#include "forkserver/model/parent_process.h"
#include "forkserver/model/process_templates.h"
#include "preload/prefs/prefs_store.h"
#include "transceiver/event_loop.h"
#include "transceiver/sealed_memfd.h"

namespace browser_host {
namespace {

// Into whatever takes it: the launch socket is among them.
void SendGarbage() {
  char bytes[] = "no message";
  iovec part = {.iov_base = bytes, .iov_len = sizeof(bytes)};
  msghdr message = {};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  for (int fd = 3; fd < 64; ++fd) sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

class HostileChild : public forkserver::ContentChild<HostileChild, PageProtocol> {
 public:
  using ContentChild::Receive;

  absl::Status Receive(forkserver::BrowserOpened& message) {
    const uint64_t browser = message.as.browser;
    browsers_[browser] = {std::move(message.as), message.url.str()};
    return absl::OkStatus();
  }
  absl::Status Receive(LoadPage& message) {
    const auto& [claim, url] = browsers_[message.browser];
    PageDone done = {.from = claim};
    if (absl::StrContains(url, "crash")) raise(SIGKILL);
    if (absl::StrContains(url, "leave")) _exit(0);
    if (absl::StrContains(url, "hang")) raise(SIGSTOP);
    if (absl::StrContains(url, "signal")) {
      kill(arguments().parent_pid, SIGINT);
      return absl::OkStatus();
    }
    if (absl::StrContains(url, "garbage")) SendGarbage();
    if (absl::StrContains(url, "other")) ++done.from.browser;
    if (absl::StrContains(url, "site")) done.from.site = "https://victim.test";
    if (absl::StrContains(url, "forge")) done.from.site = "x\nbrowser_host: all is well";
    if (absl::StrContains(url, "lie")) done.error = "x\n  title     good\x1b[2J";
    if (absl::StrContains(url, "flood")) return Flood(claim);
    if (absl::StrContains(url, "picture")) return SendPicture(claim, url);
    if (absl::StrContains(url, "owner")) return WantFrame(claim, std::nullopt);
    if (absl::StrContains(url, "thief")) return WantFrame(claim, std::set<uint64_t>());
    if (absl::StrContains(url, "boxes")) return WantBoxes(claim);
    if (absl::StrContains(url, "prefs")) {
      return Call(OpenAboutData{}, [](const absl::StatusOr<AboutDataOpened>&) {});
    }
    if (absl::StrContains(url, "resource")) return Want(claim, FetchFor::kDocument, url);
    const absl::Status sent = Send(done);
    if (sent.ok() && absl::StrContains(url, "late")) return Want(claim, FetchFor::kImage, url);
    return sent;
  }

 private:
  // Memory of 2 by 2 pixels, good but for what the page's name says.
  absl::Status SendPicture(const forkserver::BrowserClaimField& from, const std::string& url) {
    PagePainted painted = {.from = from, .width = 2, .height = 2, .page_height = UINT32_MAX};
    if (absl::StrContains(url, "high")) painted.height = kMostPictureHeight;
    const std::vector<uint8_t> bytes(
        absl::StrContains(url, "short") ? 15 : BytesOfPixels(2, painted.height), 0xff);
    if (absl::StrContains(url, "wide")) painted.width = 1u << 31;
    if (absl::StrContains(url, "none")) painted.width = 0;
    if (absl::StrContains(url, "unsealed")) {
      painted.pixels.fd = forkserver::UniqueFd(memfd_create("picture", MFD_CLOEXEC));
    } else if (absl::StrContains(url, "socket")) {
      int pair[2];
      if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) _exit(1);
      painted.pixels.fd = forkserver::UniqueFd(pair[0]);
    } else {
      painted.pixels.fd = *forkserver::CreateSealedMemfd("picture", bytes);
    }
    if (absl::StrContains(url, "layer")) {
      painted.layers.items.push_back({.layer = 1, .width = 2, .height = 2});
    }
    absl::Status sent = Send(painted);
    if (sent.ok() && absl::StrContains(url, "twice")) sent = Send(painted);
    return sent.ok() ? Send(PageDone{.from = from}) : sent;
  }

  // Of no document, so that none is looked for.
  absl::Status WantBoxes(const forkserver::BrowserClaimField& from) {
    std::vector<std::pair<uint32_t, uint32_t>> boxes = {{0, 2},
                                                        {2, 0},
                                                        {kMostPictureWidth + 1, 2},
                                                        {2, kMostPictureHeight + 1},
                                                        {1, 1},
                                                        {kMostPictureWidth, kMostPictureHeight}};
    boxes.resize(kMaxFramesOfAPage + 1, {1, 1});
    unanswered_ = boxes.size();
    for (const auto& [width, height] : boxes) {
      const absl::Status sent =
          Call(LoadFrame{.from = from, .url = "no URL", .width = width, .height = height},
               [this, from](const absl::StatusOr<FrameLoaded>& loaded) {
                 said_.insert(std::string(loaded.status().message()));
                 if (--unanswered_ == 0) {
                   Send(PageDone{.from = from, .error = absl::StrJoin(said_, "; ")}).IgnoreError();
                 }
               });
      if (!sent.ok()) return sent;
    }
    return absl::OkStatus();
  }

  // A thief has a frame more until there is a layer before its last that is none of `own`.
  absl::Status WantFrame(const forkserver::BrowserClaimField& from,
                         std::optional<std::set<uint64_t>> own) {
    const LoadFrame wanted = {
        .from = from, .url = "https://b.test/picture-frame.html", .width = 2, .height = 2};
    return Call(wanted, [this, from, own](const absl::StatusOr<FrameLoaded>& loaded) mutable {
      if (!loaded.ok() || !own) return;
      own->insert(loaded->layer);
      for (uint64_t layer = 1; layer < loaded->layer; ++layer) {
        if (!own->contains(layer)) return Place(from, layer);
      }
      WantFrame(from, std::move(own)).IgnoreError();
    });
  }

  void Place(const forkserver::BrowserClaimField& from, uint64_t layer) {
    PagePainted painted = {.from = from, .width = 2, .height = 2};
    painted.pixels.fd = *forkserver::CreateSealedMemfd("picture", std::vector<uint8_t>(16, 0xff));
    painted.layers.items.push_back({.layer = layer, .width = 2, .height = 2});
    Send(painted).IgnoreError();
  }

  absl::Status Want(const forkserver::BrowserClaimField& from, FetchFor what,
                    const std::string& url) {
    return Call(LoadResource{.from = from, .what = what, .url = url},
                [](const absl::StatusOr<ResourceLoaded>&) {});
  }

  absl::Status Flood(const forkserver::BrowserClaimField& from) {
    PageItems items = {.from = from};
    items.list.items.resize(kMaxItemsOfAMessage, {.kind = PageItemKind::kLink, .text = "x"});
    while (Send(items).ok()) {
    }
    OnRoom([this, &from] { Flood(from).IgnoreError(); });
    return absl::OkStatus();
  }

  std::map<uint64_t, std::pair<forkserver::BrowserClaimField, std::string>> browsers_;
  size_t unanswered_ = 0;
  std::set<std::string> said_;
};

int Main(int argc, char** argv) {
  forkserver::StartOptions options = {.programs = {{forkserver::ProcessType::kContent,
                                                    forkserver::MakeChildProgram<HostileChild>}}};
  options.templates = forkserver::ProcessTemplates(options.programs);
  auto server = [&] {
    const BlockedStopSignals blocked;
    return forkserver::ForkServer::Start(argc, argv, std::move(options));
  }();
  auto loop = forkserver::EventLoop::Create();
  if (!server.ok() || !loop.ok() || argc < 3) return 2;
  SpokenLines lines;
  auto parent =
      forkserver::ParentProcess::Create({.server = **server, .loop = **loop, .log = lines.AsLog()});
  forkserver::PrefsStore prefs;
  if (!parent.ok() || !prefs.LoadText(argv[1], "argument").empty()) return 2;
  if (!(*parent)->SetPrefs(*prefs.Publish()).ok()) return 2;
  PassedOver passed_over;
  const auto sites = FindSites({argv + 2, argv + argc}, passed_over);
  if (!sites.ok()) return 2;
  const auto stop = StopSignals::Watch(**loop);
  if (!stop.ok()) return 2;
  const absl::StatusOr<BrowserResult> result =
      OpenSites(**parent, *sites,
                {.served = ServedSites(*sites),
                 .paint_width = 2,
                 .on_picture =
                     [](const std::string&, const std::shared_ptr<const Picture>& picture) {
                       return absl::StrFormat("%d pixels, last 0x%x", picture->argb().size(),
                                              picture->argb().back());
                     },
                 .should_stop = [&] { return (*stop)->signal().has_value(); }});
  if (!result.ok()) {
    fprintf(stderr, "%s\n", std::string(result.status().message()).c_str());
    return 1;
  }
  PrintPages(*result);
  PrintProcesses(*result, **server);
  if (fflush(stdout) != 0) return 2;
  return (*stop)->signal() ? 128 + *(*stop)->signal() : 0;
}

}  // namespace
}  // namespace browser_host

int main(int argc, char** argv) { return browser_host::Main(argc, argv); }
