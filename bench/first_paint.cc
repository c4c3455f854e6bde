#include "bench/first_paint.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/types.h>

#include <algorithm>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "bench/pool_view.h"
#include "bench/stopwatch.h"
#include "examples/browser_host/page_host.h"
#include "examples/browser_host/page_services.h"
#include "forkserver/host/launched_by.h"
#include "forkserver/model/content_processes.h"
#include "forkserver/model/parent_process.h"
#include "forkserver/model/registrable_domain.h"
#include "forkserver/report/process_sample.h"
#include "preload/prefs/prefs_store.h"
#include "transceiver/clock.h"
#include "transceiver/errno_status.h"
#include "transceiver/event_loop.h"
#include "transceiver/sealed_memfd.h"
#include "transceiver/unique_fd.h"

namespace bench {
namespace {

using namespace forkserver;
using browser_host::PageEnd;
using browser_host::PageHost;
using browser_host::PageResult;

constexpr std::string_view kContent = "content";
constexpr PoolBounds kPool = {.min = 2, .max = 2};
constexpr uint32_t kWidth = 800;
constexpr int64_t kPatience = 10 * kNanosPerSecond;
// When a page's process has let go of what it painted with, which it does a millisecond later.
constexpr int64_t kLetsGo = 5 * kNanosPerMilli;
// Where the kernel speaks of memory pressure pools pause for ten seconds.
constexpr int64_t kPoolPatience = 15 * kNanosPerSecond;

constexpr std::string_view kSmallPage =
#include "bench/small_page_text.inc"
    ;

// An open page.
struct Page {
  std::optional<absl::StatusOr<PageResult>> result = {};
};

}  // namespace

struct SmallPageBrowser::Model {
  ForkServer& server;
  const ProcessesFrom from;
  UniqueFd html = {};  // as a response has been received: sealed
  std::unique_ptr<EventLoop> loop = {};
  std::unique_ptr<ParentProcess> parent = {};
  std::optional<PublicSuffixList> suffixes = {};
  std::unique_ptr<browser_host::PageServices> services = {};  // none runs: the page needs nothing
  std::vector<Page> pages = {};  // those that are open: what has them ends before
  std::unique_ptr<ContentProcesses> content = {};
  // Of the first process that did not end well. Nothing more is opened then.
  absl::Status ended = {};

  // False: not in time.
  bool Until(const std::function<bool()>& done) {
    const int64_t deadline = NowNanos() + kPatience;
    while (!done()) {
      if (NowNanos() >= deadline) return false;
      loop->Run(deadline);
    }
    return true;
  }

  // The same for what the loop is not told of.
  bool UntilSeen(int64_t patience, const std::function<bool()>& done) {
    const int64_t deadline = NowNanos() + patience;
    while (!done()) {
      if (NowNanos() >= deadline) return false;
      loop->Run(NowNanos() + kNanosPerMilli);
    }
    return true;
  }

  // What a host prepares at leisure, which it has between pages.
  absl::Status AwaitPools() {
    const size_t blanks_wanted = from == ProcessesFrom::kPool ? kPool.max : 0;
    const IdleBlanks idle = IdleBlanksOf(server, kContent);
    const bool filled = UntilSeen(kPoolPatience, [&] {
      const std::vector<pid_t> blanks = idle();
      return blanks.size() == blanks_wanted &&
             std::all_of(blanks.begin(), blanks.end(), IsAsleep) &&
             services->canvases().is_at_rest();
    });
    return filled ? absl::OkStatus()
                  : absl::DeadlineExceededError(
                        "the pools of processes and canvases were not filled in 15 seconds");
  }

  // `page` has a result in the end.
  void Open(const std::string& address, Page& page) {
    const absl::StatusOr<Url> url = Url::Parse(address);
    if (!url.ok()) {
      page.result = url.status();
      return;
    }
    // Read from its beginning by each process.
    UniqueFd file(open(absl::StrCat("/proc/self/fd/", html.get()).c_str(), O_RDONLY | O_CLOEXEC));
    if (!file.is_open()) {
      page.result = ErrnoStatus(errno, "open the page");
      return;
    }
    content->Open({.load = {.url = *url, .initiated_by = InitiatedBy::kUser},
                   .stdio = {Stdio::Null(), {}, {}}},
                  [&](absl::StatusOr<OpenedBrowser> opened) {
                    if (!opened.ok()) {
                      page.result = opened.status();
                      return;
                    }
                    static_cast<PageHost*>(opened->process)
                        ->Load({.browser = opened->browser,
                                .file = std::move(file),
                                .paint_width = kWidth,
                                .on_end = [&page](PageEnd, PageResult result) {
                                  page.result = std::move(result);
                                }});
                  });
  }

  // Closes all, and waits for the ends of their processes.
  absl::Status CloseAll() {
    content->CloseAll();
    if (!Until([&] { return content->processes().empty(); })) {
      ended.Update(absl::DeadlineExceededError("a page's process did not end in ten seconds"));
    }
    return ended;
  }

  // Whether all processes came to be as they were to.
  absl::Status CheckLaunches() const {
    const LaunchedBy by = from == ProcessesFrom::kExec       ? LaunchedBy::kExec
                          : from == ProcessesFrom::kTemplate ? LaunchedBy::kFork
                                                             : LaunchedBy::kPool;
    for (const ContentProcess* process : content->processes()) {
      const ProcessHandle* const handle = process->process();
      if (handle == nullptr) return absl::InternalError(process->Name() + " does not run");
      if (handle->by == by) continue;
      return absl::InternalError(absl::StrFormat("%s was launched by %s, not by %s",
                                                 process->Name(), LaunchedByName(handle->by),
                                                 LaunchedByName(by)));
    }
    return absl::OkStatus();
  }

  // The proportional set size of all, in bytes.
  absl::StatusOr<uint64_t> WeighWhenPainted() {
    Until([&] {
      return std::all_of(pages.begin(), pages.end(),
                         [](const Page& page) { return page.result.has_value(); });
    });
    for (const Page& page : pages) {
      if (absl::Status painted = Check(page); !painted.ok()) return painted;
    }
    if (absl::Status good = CheckLaunches(); !good.ok()) return good;
    std::vector<pid_t> pids;
    for (const ContentProcess* process : content->processes()) {
      pids.push_back(process->process()->pid);
    }
    if (pids.size() != pages.size()) return absl::InternalError("two pages share a process");
    const int64_t painted_at = NowNanos();
    if (!UntilSeen(kPatience, [&] {
          return NowNanos() >= painted_at + kLetsGo &&
                 std::all_of(pids.begin(), pids.end(), IsAsleep);
        })) {
      return absl::DeadlineExceededError("the pages' processes did not come to rest");
    }
    if (from != ProcessesFrom::kExec) {
      if (const std::optional<pid_t> seed = server.seed_pid()) pids.push_back(*seed);
      for (const TemplateStatus& one : server.templates()) {
        if (one.pid) pids.push_back(*one.pid);
        if (one.init_pid) pids.push_back(*one.init_pid);
      }
    }
    uint64_t bytes = 0;
    for (const pid_t pid : pids) {
      const ProcessSample sample = TakeProcessSample(pid);
      if (!sample.memory.ok()) return sample.memory.status();
      bytes += sample.memory->proportional;
    }
    return bytes;
  }

  static absl::Status Check(const Page& page) {
    if (!page.result) return absl::DeadlineExceededError("no picture in ten seconds");
    if (!page.result->ok()) return page.result->status();
    const PageResult& result = **page.result;
    if (!result.error.empty()) return absl::InternalError("page: " + result.error);
    if (result.picture == nullptr) return absl::InternalError("no picture: " + result.no_picture);
    return absl::OkStatus();
  }
};

SmallPageBrowser::SmallPageBrowser(std::unique_ptr<Model> model) : model_(std::move(model)) {}
SmallPageBrowser::~SmallPageBrowser() = default;

absl::StatusOr<std::unique_ptr<SmallPageBrowser>> SmallPageBrowser::Create(ForkServer& server,
                                                                           ProcessesFrom from) {
  auto model = std::make_unique<Model>(Model{.server = server, .from = from});
  absl::StatusOr<UniqueFd> html = CreateSealedMemfd(
      "page", {reinterpret_cast<const uint8_t*>(kSmallPage.data()), kSmallPage.size()});
  if (!html.ok()) return html.status();
  model->html = *std::move(html);
  absl::StatusOr<std::unique_ptr<EventLoop>> loop = EventLoop::Create();
  if (!loop.ok()) return loop.status();
  model->loop = *std::move(loop);
  absl::StatusOr<std::unique_ptr<ParentProcess>> parent =
      ParentProcess::Create({.server = server, .loop = *model->loop});
  if (!parent.ok()) return parent.status();
  model->parent = *std::move(parent);
  PrefsStore prefs;
  if (from == ProcessesFrom::kExec) {
    prefs.LoadText("user_pref(\"dom.ipc.forkserver.enable\", false);", "bench");
  }
  absl::StatusOr<PrefsGeneration> generation = prefs.Publish();
  if (!generation.ok()) return generation.status();
  if (absl::Status set = model->parent->SetPrefs(*std::move(generation)); !set.ok()) return set;
  absl::StatusOr<PublicSuffixList> suffixes = PublicSuffixList::Load();
  if (!suffixes.ok()) return suffixes.status();
  model->suffixes.emplace(*std::move(suffixes));
  model->services = std::make_unique<browser_host::PageServices>(
      *model->parent, *model->suffixes, browser_host::ServedSites({}), browser_host::FetchSetup{});
  model->services->canvases().Fill();
  model->content = std::make_unique<ContentProcesses>(
      *model->parent, *model->suffixes,
      [&services = *model->services](ParentProcess& of, ContentProcesses& siblings) {
        return std::make_unique<PageHost>(of, siblings, services);
      },
      ContentEvents{.on_process_end = [model = model.get()](const ContentProcess& process,
                                                            const ProcessEnd& end,
                                                            const std::vector<BrowserId>&) {
        model->services->layers().ForgetProcess(process.id());
        if (end.exit.ok() && end.exit->success()) return;
        model->ended.Update(absl::InternalError("content process " + end.ToString()));
      }});
  const PoolBounds pool = from == ProcessesFrom::kPool ? kPool : kNoPool;
  if (absl::Status set = server.SetPool(kContent, pool); !set.ok()) return set;
  if (from != ProcessesFrom::kExec) {
    if (auto hello = server.WaitUntilServing(kContent); !hello.ok()) return hello.status();
  }
  return std::unique_ptr<SmallPageBrowser>(new SmallPageBrowser(std::move(model)));
}

absl::StatusOr<double> SmallPageBrowser::FirstPaint() {
  Model& model = *model_;
  if (absl::Status filled = model.AwaitPools(); !filled.ok()) return filled;
  if (!model.ended.ok()) return model.ended;
  model.pages = std::vector<Page>(1);
  Page& page = model.pages[0];
  const Stopwatch watch;
  model.Open("https://www.example.com/bread.html", page);
  model.Until([&] { return page.result.has_value(); });
  const double micros = watch.Micros();
  absl::Status painted = Model::Check(page);
  painted.Update(model.CheckLaunches());
  if (absl::Status closed = model.CloseAll(); !closed.ok()) return closed;
  if (!painted.ok()) return painted;
  return micros;
}

absl::StatusOr<double> SmallPageBrowser::ProportionalKib(int pages) {
  Model& model = *model_;
  if (!model.ended.ok()) return model.ended;
  model.pages = std::vector<Page>(static_cast<size_t>(pages));
  for (size_t i = 0; i < model.pages.size(); ++i) {
    model.Open(absl::StrCat("https://site-", i, ".test/bread.html"), model.pages[i]);
  }
  const absl::StatusOr<uint64_t> bytes = model.WeighWhenPainted();
  if (absl::Status closed = model.CloseAll(); !closed.ok()) return closed;
  if (!bytes.ok()) return bytes.status();
  return static_cast<double>(*bytes) / 1024 / pages;
}

}  // namespace bench
