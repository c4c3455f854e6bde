#include "examples/browser_host/browser.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <memory>
#include <utility>

#include "absl/strings/str_format.h"
#include "examples/browser_host/page_protocol.h"
#include "transceiver/channel.h"
#include "transceiver/clock.h"
#include "transceiver/errno_status.h"

namespace browser_host {
namespace {

using forkserver::Channel;
using forkserver::EventLoop;
using forkserver::ExitStatus;
using forkserver::ForkServer;
using forkserver::kNanosPerSecond;
using forkserver::LaunchedChild;
using forkserver::NowNanos;
using forkserver::Packet;
using forkserver::ProcessType;
using forkserver::UniqueFd;

// dom.ipc.processCount's default: so many content processes live at once.
constexpr size_t kMaxLiveProcesses = 8;
constexpr int64_t kPagePatience = 10 * kNanosPerSecond;

// One site, and the content process that it has at the moment.
class SiteRun {
 public:
  // `on_end` is called once, when every page is done and the last process is reaped.
  SiteRun(EventLoop& loop, ForkServer& server, PagesAre pages_are, const Site& site,
          BrowserResult& result, std::vector<OpenedPage>& pages,
          std::function<void(absl::Status)> on_end)
      : loop_(loop),
        server_(server),
        pages_are_(pages_are),
        site_(site),
        result_(result),
        pages_(pages),
        on_end_(std::move(on_end)) {
    pages_.reserve(site.pages.size());
  }

  void Launch() {
    server_.LaunchAsync({.type = ProcessType::kContent,
                         .argv = {"content", "--site=" + site_.name},
                         .stdio = {forkserver::Stdio::Null(), {}, {}},
                         .title = "content " + site_.name},
                        [this, alive = std::weak_ptr(alive_)](absl::StatusOr<LaunchedChild> child) {
                          if (alive.expired()) return;
                          if (!child.ok()) return on_end_(child.status());
                          Begin(*std::move(child));
                        });
  }

 private:
  void Begin(LaunchedChild child) {
    record_ = result_.processes.size();
    result_.processes.push_back(
        {.pid = child.process.pid(), .site = site_.name, .times = child.times});
    result_.sandbox = child.sandbox;
    channel_ = std::make_unique<Channel>(
        loop_, std::move(child.socket),
        Channel::Handlers{.on_packet = [this](Packet& packet) { OnPacket(packet); },
                          .on_closed = [this](absl::Status) { OnHangUp(); }});
    process_.emplace(std::move(child.process));
    absl::StatusOr<EventLoop::WatchId> watch =
        loop_.Watch(process_->pidfd(), EPOLLIN, [this](uint32_t) { OnExit(); });
    if (!watch.ok()) return on_end_(watch.status());
    exit_watch_ = *watch;
    if (absl::Status started = channel_->Start(); !started.ok()) return on_end_(started);
    NextPage();
  }

  ContentProcess& record() { return result_.processes[record_]; }

  void NextPage() {
    while (pages_.size() < site_.pages.size()) {
      const Page& page = site_.pages[pages_.size()];
      current_ = {.site = site_.name, .name = page.name, .summary = {}, .error = {}};
      if (pages_are_ == PagesAre::kOpenedByIt) {
        // Whole: in a sandbox it has no working directory.
        const std::string path = std::filesystem::absolute(page.path).string();
        const auto* const bytes = reinterpret_cast<const uint8_t*>(path.data());
        if (!channel_->Send({.type = kOpenPage}, {bytes, path.size()}).ok()) return;
      } else {
        // O_NONBLOCK: what looks like a page may be a pipe that nobody writes.
        const UniqueFd file(open(page.path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
        if (!file.is_open()) {
          FinishPage("open " + page.path + ": " + forkserver::ErrnoName(errno));
          continue;
        }
        const int fd = file.get();
        if (!channel_->Send({.type = kOpenPage}, {}, {&fd, 1}).ok()) return;  // OnHangUp follows
      }
      page_is_open_ = true;
      timer_ = loop_.AddTimer(NowNanos() + kPagePatience, [this] {
        timer_ = 0;
        FinishPage("no answer within 10 s");
        process_->Signal(SIGKILL).IgnoreError();
      });
      return;
    }
    record().private_kib = PrivateKib(process_->pid());
    channel_.reset();  // the process sees the end of its channel and exits
  }

  void FinishPage(std::string error) {
    page_is_open_ = false;
    if (timer_ != 0) loop_.CancelTimer(std::exchange(timer_, 0));
    current_.error = std::move(error);
    pages_.push_back(std::move(current_));
    ++record().pages;
  }

  void OnPacket(Packet& packet) {
    std::string error;
    bool good = packet.frame_error() == forkserver::FrameError::kNone && page_is_open_;
    bool done = false;
    if (good && packet.frame().type == kPageItems) {
      good = AddItems(packet.payload(), current_.summary);
    } else if (good && packet.frame().type == kPageDone) {
      good = done = ReadDone(packet.payload(), current_.summary, error);
    } else {
      good = false;
    }
    if (!good) {
      if (page_is_open_) FinishPage("its process sent nonsense");
      process_->Signal(SIGKILL).IgnoreError();
      channel_.reset();
    } else if (done) {
      FinishPage(std::move(error));
      NextPage();
    }
  }

  // The exit follows, with the reason.
  void OnHangUp() { channel_.reset(); }

  void OnExit() {
    absl::StatusOr<ExitStatus> status = process_->Wait(absl::ZeroDuration());
    if (absl::IsDeadlineExceeded(status.status())) return;
    loop_.Unwatch(exit_watch_);
    if (status.ok()) record().exit = *status;
    if (page_is_open_) {
      FinishPage("its process ended: " +
                 (status.ok() ? status->ToString() : std::string(status.status().message())));
    }
    channel_.reset();
    process_.reset();
    if (pages_.size() < site_.pages.size()) return Launch();
    on_end_(absl::OkStatus());
  }

  EventLoop& loop_;
  ForkServer& server_;
  const PagesAre pages_are_;
  const Site& site_;
  BrowserResult& result_;
  std::vector<OpenedPage>& pages_;
  std::function<void(absl::Status)> on_end_;

  size_t record_ = 0;
  std::unique_ptr<Channel> channel_;
  std::optional<forkserver::Process> process_;
  EventLoop::WatchId exit_watch_ = 0;
  EventLoop::TimerId timer_ = 0;
  OpenedPage current_;
  bool page_is_open_ = false;
  // A launch may end after the sites were given up.
  const std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace

absl::StatusOr<BrowserResult> OpenSites(ForkServer& server, const std::vector<Site>& sites,
                                        PagesAre pages_are) {
  absl::StatusOr<std::unique_ptr<EventLoop>> loop = EventLoop::Create();
  if (!loop.ok()) return loop.status();
  absl::StatusOr<EventLoop::WatchId> guest =
      (*loop)->Watch(server.pollable_fd(), EPOLLIN, [&server](uint32_t) { server.Dispatch(); });
  if (!guest.ok()) return guest.status();

  BrowserResult result;
  std::vector<std::vector<OpenedPage>> pages(sites.size());
  std::vector<std::unique_ptr<SiteRun>> runs;
  absl::Status failure;
  size_t live = 0;
  size_t ended = 0;
  while (ended < sites.size() && failure.ok()) {
    while (runs.size() < sites.size() && live < kMaxLiveProcesses) {
      const size_t next = runs.size();
      ++live;
      runs.push_back(std::make_unique<SiteRun>(**loop, server, pages_are, sites[next], result,
                                               pages[next], [&](absl::Status status) {
                                                 --live;
                                                 ++ended;
                                                 if (failure.ok()) failure = std::move(status);
                                               }));
      runs.back()->Launch();
    }
    (*loop)->Run(forkserver::kNever);
  }
  if (!failure.ok()) return failure;
  for (std::vector<OpenedPage>& of_site : pages) {
    std::move(of_site.begin(), of_site.end(), std::back_inserter(result.pages));
  }
  return result;
}

int64_t PrivateKib(pid_t pid) {
  const std::unique_ptr<FILE, int (*)(FILE*)> file(
      fopen(absl::StrFormat("/proc/%d/smaps_rollup", pid).c_str(), "re"), fclose);
  if (file == nullptr) return -1;
  int64_t kib = 0;
  char line[256];
  while (fgets(line, sizeof(line), file.get()) != nullptr) {
    if (strncmp(line, "Private_Clean:", 14) == 0 || strncmp(line, "Private_Dirty:", 14) == 0) {
      kib += atoll(line + 14);
    }
  }
  return kib;
}

}  // namespace browser_host
