#include "bench/navigate.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <tuple>
#include <utility>

#include "bench/pool_view.h"
#include "bench/stopwatch.h"
#include "child/process/content_child.h"
#include "child/process/content_messages.h"
#include "forkserver/model/content_host.h"
#include "forkserver/model/content_processes.h"
#include "forkserver/model/parent_process.h"
#include "forkserver/model/process_templates.h"
#include "transceiver/clock.h"

namespace bench {
namespace {

using namespace forkserver;

constexpr std::string_view kContent = "content";
constexpr PoolBounds kPool = {.min = 2, .max = 2};

struct Shown {
  uint32_t parts = 0;
  auto Fields() { return std::tie(parts); }
};

struct Show {
  static constexpr std::string_view kName = "Show";
  static constexpr SentBy kSentBy = SentBy::kParent;
  using Reply = Shown;
  BrowserClaimField browser = {};
  auto Fields() { return std::tie(browser); }
};

struct PageProtocol {
  static constexpr std::string_view kName = "Page";
  using Messages = ContentMessages<Show>;
};

class PageChild : public ContentChild<PageChild, PageProtocol> {
 public:
  using ContentChild::Receive;
  absl::Status Receive(Show&, Resolver<Shown> resolver) { return resolver.Resolve({.parts = 1}); }
};

class PageHost : public ContentHost<PageHost, PageProtocol> {
 public:
  using ContentHost::ContentHost;
};

}  // namespace

StartOptions NavigationHost() {
  StartOptions options = {.programs = {{ProcessType::kContent, MakeChildProgram<PageChild>}}};
  options.templates = ProcessTemplates(options.programs);
  return options;
}

struct Navigator::Model {
  ForkServer& server;
  std::unique_ptr<EventLoop> loop;
  std::unique_ptr<ParentProcess> parent;
  PublicSuffixList suffixes;
  std::unique_ptr<ContentProcesses> content = {};
  PoolBounds pool = {};
  absl::Status ended = {};  // of the process that ended last

  // A pool that is set looks at once whether it lacks something: not while anything is measured.
  absl::Status SetPool(PoolBounds bounds) {
    if (bounds.max == pool.max) return absl::OkStatus();
    pool = bounds;
    return server.SetPool(kContent, bounds);
  }

  // False: not within ten seconds.
  bool Until(const std::function<bool()>& done) {
    const int64_t deadline = NowNanos() + 10 * kNanosPerSecond;
    while (!done()) {
      if (NowNanos() >= deadline) return false;
      loop->Run(deadline);
    }
    return true;
  }
};

Navigator::Navigator(std::unique_ptr<Model> model) : model_(std::move(model)) {}
Navigator::~Navigator() = default;

absl::StatusOr<std::unique_ptr<Navigator>> Navigator::Create(ForkServer& server) {
  if (auto hello = server.WaitUntilServing(kContent); !hello.ok()) return hello.status();
  absl::StatusOr<std::unique_ptr<EventLoop>> loop = EventLoop::Create(EventLoop::Backend::kPoll);
  if (!loop.ok()) return loop.status();
  absl::StatusOr<std::unique_ptr<ParentProcess>> parent =
      ParentProcess::Create({.server = server, .loop = **loop});
  if (!parent.ok()) return parent.status();
  absl::StatusOr<PublicSuffixList> suffixes = PublicSuffixList::Load();
  if (!suffixes.ok()) return suffixes.status();
  auto model = std::make_unique<Model>(Model{.server = server,
                                             .loop = *std::move(loop),
                                             .parent = *std::move(parent),
                                             .suffixes = *std::move(suffixes)});
  model->content = std::make_unique<ContentProcesses>(
      *model->parent, model->suffixes,
      [](ParentProcess& of, ContentProcesses& siblings) {
        return std::make_unique<PageHost>(of, siblings);
      },
      ContentEvents{.on_process_end = [model = model.get()](const ContentProcess&,
                                                            const ProcessEnd& end,
                                                            const std::vector<BrowserId>&) {
        model->ended = end.exit.ok() && end.exit->success()
                           ? absl::OkStatus()
                           : absl::InternalError("content process " + end.ToString());
      }});
  return std::unique_ptr<Navigator>(new Navigator(std::move(model)));
}

absl::StatusOr<double> Navigator::Navigate() {
  Model& model = *model_;
  std::optional<absl::Status> shown;
  BrowserId browser = 0;
  const Stopwatch watch;
  absl::StatusOr<Url> url = Url::Parse("https://www.example.com/index.html");
  if (!url.ok()) return url.status();
  model.content->Open({.load = {.url = *std::move(url), .initiated_by = InitiatedBy::kUser}},
                      [&](absl::StatusOr<OpenedBrowser> opened) {
                        if (!opened.ok()) {
                          shown = opened.status();
                          return;
                        }
                        browser = opened->browser;
                        const absl::Status asked = static_cast<PageHost*>(opened->process)
                                                       ->Call(Show{.browser = {.browser = browser}},
                                                              [&](absl::StatusOr<Shown> parts) {
                                                                shown = parts.status();
                                                              });
                        if (!asked.ok()) shown = asked;
                      });
  const bool in_time = model.Until([&] { return shown.has_value(); });
  const double micros = watch.Micros();
  model.content->Close(browser);
  if (!model.Until([&] { return model.content->processes().empty(); }) || !in_time) {
    return absl::DeadlineExceededError("a navigation took ten seconds");
  }
  if (!shown->ok()) return *shown;
  if (!model.ended.ok()) return model.ended;
  return micros;
}

absl::StatusOr<double> Navigator::FromPool() {
  Model& model = *model_;
  if (absl::Status set = model.SetPool(kPool); !set.ok()) return set;
  const IdleBlanks idle = IdleBlanksOf(model.server, kContent);
  const int64_t deadline = NowNanos() + 10 * kNanosPerSecond;
  const auto is_filled = [&] {
    const std::vector<pid_t> blanks = idle();
    return blanks.size() == kPool.max && std::all_of(blanks.begin(), blanks.end(), IsAsleep);
  };
  bool filled = false;
  while (!(filled = is_filled()) && NowNanos() < deadline) {
    model.loop->Run(NowNanos() + kNanosPerMilli);
  }
  if (!filled) return absl::DeadlineExceededError("the pool was not filled in ten seconds");
  return Navigate();
}

absl::StatusOr<double> Navigator::Forked() {
  Model& model = *model_;
  if (absl::Status set = model.SetPool(kNoPool); !set.ok()) return set;
  return Navigate();
}

}  // namespace bench
