#include "forkserver/host/fork_server.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <mutex>
#include <optional>
#include <utility>

#include "absl/memory/memory.h"
#include "absl/strings/str_format.h"
#include "forkserver/host/bootstrap.h"
#include "forkserver/host/loop_driver.h"
#include "forkserver/host/plan_message.h"
#include "forkserver/host/reaper.h"
#include "forkserver/host/self_exec.h"
#include "forkserver/host/template_link.h"
#include "preload/single_thread.h"
#include "transceiver/clock.h"
#include "transceiver/errno_status.h"
#include "transceiver/event_loop.h"

namespace forkserver {
namespace {

constexpr absl::Duration kShutdownPatience = absl::Seconds(1);

int64_t DeadlineIn(absl::Duration timeout) {
  return timeout == absl::InfiniteDuration() ? kNever
                                             : NowNanos() + absl::ToInt64Nanoseconds(timeout);
}

}  // namespace

// Everything behind the lock of the driver.
class ForkServer::Core {
 public:
  Core(std::unique_ptr<TemplateMakings> makings, SelfImage self, HostFacts facts,
       std::unique_ptr<EventLoop> loop, StartReport report)
      : makings(std::move(makings)),
        self(std::move(self)),
        facts(std::move(facts)),
        report(std::move(report)),
        loop(std::move(loop)),
        reaper(*this->loop),
        launcher(*this->loop, reaper, this->facts, this->self, this->makings->image.build_id),
        driver(*this->loop, [this] { return launcher.TakeCompletions(); }) {}

  ~Core() {
    std::unique_lock lock(driver.mutex());
    is_closing = true;
    const absl::Status why = absl::CancelledError("the fork server was destroyed");
    launcher.AbandonAll(why);
    // A root that is still warming up would fork what was asked for when it is done.
    if (root != nullptr && root->state() == TemplateLink::State::kStarting) root->Kill(why);
    // What the templates still owe are children that nobody else can reap.
    for (TemplateLink* link : {root.get(), seed.get()}) {
      if (link != nullptr) link->WatchForAnswers();
    }
    driver.RunUntil(
        lock, [this] { return launcher.in_flight() == 0 && reaper.pending() == 0 && Owed() == 0; },
        DeadlineIn(kShutdownPatience));
    const LoopDriver::Callbacks last = launcher.TakeCompletions();
    lock.unlock();
    for (const auto& callback : last) callback();
    EndTemplate(root);
    EndTemplate(seed);
  }

  // Answers that templates owe: each may be a child to reap.
  size_t Owed() const {
    return (root != nullptr ? root->unanswered() : 0) + (seed != nullptr ? seed->unanswered() : 0);
  }

  absl::Status StartSeed(Seed forked) {
    seed = NewLink("seed", std::move(forked.socket), [this] { AdoptOrphanedRoot(); });
    seed->SetProcess(std::move(forked.process));
    return seed->Start();
  }

  // A child of the seed, or of an exec, whose program is the fork loop.
  absl::Status StartRoot() {
    SocketPair sockets;
    if (const int error = CreateSocketPair(sockets); error != 0) {
      return ErrnoStatus(error, "socketpair for the root template");
    }
    root = NewLink("root template", std::move(sockets.first), [this] {
      if (root->state() == TemplateLink::State::kDead) {
        launcher.OnTemplateDead(*root);
      }
      AdoptOrphanedRoot();
    });
    root_request = launcher.NextId();
    const LaunchWay way = seed != nullptr ? LaunchWay::kTemplate : LaunchWay::kExec;
    const HostFacts root_facts = {.pid = facts.pid,
                                  .start_thread = facts.start_thread,
                                  .signal_mask = facts.signal_mask | TerminalSignals(),
                                  .null_device = UniqueFd()};
    absl::StatusOr<PlanMessage> plan =
        BuildPlanMessage({.type = ProcessType::kForkServer, .argv = {self.name}, .name = "fs-root"},
                         way, root_facts, {});
    if (!plan.ok()) return plan.status();
    if (seed != nullptr) {
      if (absl::Status asked = seed->Fork(root_request, std::move(sockets.second)); !asked.ok()) {
        return asked;
      }
    } else {
      absl::StatusOr<Process> spawned = SpawnSelf(self, sockets.second.get());
      if (!spawned.ok()) return spawned.status();
      root->SetProcess(*std::move(spawned));
    }
    if (absl::Status sent =
            root->SendPlan(root_request, plan->flags, plan->payload, plan->descriptors);
        !sent.ok()) {
      return sent;
    }
    return root->Start();
  }

  LaunchId Begin(const LaunchOptions& options, Delivery delivery, LaunchCallback callback) {
    TemplateLink* link = options.way == LaunchWay::kTemplate ? root.get() : nullptr;
    const uint64_t ended = launcher.ended();
    const LaunchId id = launcher.Begin(options, link, prefs, delivery, std::move(callback));
    // A template that was found dead here has ended launches of other threads too.
    if (launcher.ended() != ended) driver.WakeOthers();
    return id;
  }

  // A launch that has ended outside of a dispatch must make pollable_fd readable all the same.
  void WakeForCompletions() {
    if (launcher.has_completions()) loop->AddTimer(NowNanos(), [] {});
  }

  const std::unique_ptr<TemplateMakings> makings;
  const SelfImage self;
  const HostFacts facts;
  const StartReport report;
  const std::unique_ptr<EventLoop> loop;
  Reaper reaper;
  Launcher launcher;
  LoopDriver driver;
  std::unique_ptr<TemplateLink> seed;  // null where the root was exec'ed
  std::unique_ptr<TemplateLink> root;
  LaunchId root_request = 0;
  LaunchId last_pong = 0;
  PrefsGeneration prefs;
  bool is_closing = false;

 private:
  std::unique_ptr<TemplateLink> NewLink(std::string name, UniqueFd socket,
                                        std::function<void()> on_state) {
    return std::make_unique<TemplateLink>(
        std::move(name), *loop, reaper, std::move(socket), makings->image.build_id,
        facts.null_device.get(),
        TemplateLink::Events{.on_forked =
                                 [this](LaunchId id, Process process, const ForkedMessage& forked) {
                                   if (id == root_request) {
                                     root->SetProcess(std::move(process));
                                   } else {
                                     launcher.OnForked(id, std::move(process), forked);
                                   }
                                 },
                             .on_fork_failed =
                                 [this](LaunchId id, const FailedMessage& failed) {
                                   if (id == root_request) {
                                     root->Kill(
                                         LaunchFailureStatus("start of root template", failed));
                                   } else {
                                     launcher.OnForkFailed(id, failed);
                                   }
                                 },
                             .on_pong = [this](LaunchId id) { last_pong = id; },
                             .on_state = std::move(on_state)});
  }

  // A seed that died between forking the root and saying so: the root's own word of its pid has to
  // do, which its Hello carries.
  void AdoptOrphanedRoot() {
    if (seed == nullptr || seed->state() != TemplateLink::State::kDead || root == nullptr ||
        root->state() != TemplateLink::State::kServing || root->pid().has_value()) {
      return;
    }
    absl::StatusOr<Process> process = Process::Adopt(root->hello().pid);
    if (process.ok()) {
      root->SetProcess(*std::move(process));
    } else {
      root->Kill(process.status());
    }
  }

  // Asks a template to end and waits a moment; one that does not is killed.
  static void EndTemplate(std::unique_ptr<TemplateLink>& link) {
    if (link == nullptr) return;
    const bool asked = link->SendShutdown().ok();
    std::optional<Process> process = link->TakeProcess();
    link.reset();
    if (asked && process) process->Wait(kShutdownPatience).status().IgnoreError();
  }
};

absl::StatusOr<std::unique_ptr<ForkServer>> ForkServer::Start(int argc, char** argv,
                                                              StartOptions options) {
  if (absl::Status opened = OpenClosedStdio(); !opened.ok()) return opened;
  absl::StatusOr<std::unique_ptr<TemplateMakings>> makings =
      MakeTemplateMakings(argc, argv, std::move(options.programs), std::move(options.warm_ups));
  if (!makings.ok()) return makings.status();
  if (const int socket = FindLaunchSocketArgument(argc, argv); socket >= 0) {
    return RunExecedProcess(**makings, socket);
  }

  HostFacts facts = {.pid = getpid(),
                     .start_thread = gettid(),
                     .signal_mask = CurrentSignalMask(),
                     .null_device = UniqueFd()};
  StartReport report;
  std::optional<Seed> seed;
  // Before the host has opened anything that the seed would inherit.
  if (const absl::Status single = CheckSingleThreaded(); single.ok()) {
    absl::StatusOr<Seed> forked = ForkSeed(**makings);
    if (!forked.ok()) return forked.status();
    seed.emplace(*std::move(forked));
  } else {
    report = {.way = LaunchWay::kExec, .reason = std::string(single.message())};
  }

  absl::StatusOr<SelfImage> self = SelfImage::Pin(argc > 0 ? argv[0] : nullptr);
  if (!self.ok()) return self.status();
  facts.null_device.reset(open("/dev/null", O_RDWR | O_CLOEXEC));
  if (!facts.null_device.is_open()) return ErrnoStatus(errno, "open /dev/null");
  absl::StatusOr<std::unique_ptr<EventLoop>> loop = EventLoop::Create();
  if (!loop.ok()) return loop.status();

  auto core = std::make_unique<Core>(*std::move(makings), *std::move(self), std::move(facts),
                                     *std::move(loop), std::move(report));
  if (seed) {
    if (absl::Status started = core->StartSeed(*std::move(seed)); !started.ok()) return started;
  }
  if (absl::Status started = core->StartRoot(); !started.ok()) return started;
  return absl::WrapUnique(new ForkServer(std::move(core)));
}

ForkServer::ForkServer(std::unique_ptr<Core> core) : core_(std::move(core)) {}
ForkServer::~ForkServer() = default;

const StartReport& ForkServer::start_report() const { return core_->report; }

absl::StatusOr<HelloMessage> ForkServer::WaitUntilServing(absl::Duration timeout) {
  std::unique_lock lock(core_->driver.mutex());
  const TemplateLink& root = *core_->root;
  // Its Hello may overtake the seed's word of its pid.
  core_->driver.RunUntil(
      lock,
      [&root] {
        return root.state() == TemplateLink::State::kDead ||
               (root.state() == TemplateLink::State::kServing && root.pid().has_value());
      },
      DeadlineIn(timeout));
  switch (root.state()) {
    case TemplateLink::State::kServing:
      return root.hello();
    case TemplateLink::State::kDead:
      return root.why_dead();
    case TemplateLink::State::kStarting:
      break;
  }
  return absl::DeadlineExceededError(
      absl::StrFormat("root template: no Hello within %s", absl::FormatDuration(timeout)));
}

LaunchId ForkServer::LaunchAsync(const LaunchOptions& options, LaunchCallback callback) {
  std::unique_lock lock(core_->driver.mutex());
  if (core_->is_closing) {  // a last callback that asks for more
    lock.unlock();
    callback(absl::CancelledError("the fork server is being destroyed"));
    return 0;
  }
  const LaunchId id = core_->Begin(options, Delivery::kDeferred, std::move(callback));
  core_->WakeForCompletions();
  return id;
}

absl::StatusOr<LaunchedChild> ForkServer::Launch(const LaunchOptions& options) {
  std::optional<absl::StatusOr<LaunchedChild>> result;
  std::unique_lock lock(core_->driver.mutex());
  if (core_->is_closing) return absl::CancelledError("the fork server is being destroyed");
  core_->Begin(options, Delivery::kAtOnce, [&result](absl::StatusOr<LaunchedChild> child) {
    result.emplace(std::move(child));
  });
  // The launch has its own deadline.
  core_->driver.RunUntil(
      lock, [&result] { return result.has_value(); }, kNever);
  return *std::move(result);
}

void ForkServer::Cancel(LaunchId id) {
  std::unique_lock lock(core_->driver.mutex());
  core_->launcher.Abandon(id, absl::CancelledError("launch: cancelled"));
  core_->WakeForCompletions();
}

int ForkServer::pollable_fd() const { return core_->loop->fd(); }

void ForkServer::Dispatch(absl::Duration max_wait) {
  std::unique_lock lock(core_->driver.mutex());
  core_->driver.RunOnce(lock, DeadlineIn(max_wait));
}

void ForkServer::SetPrefs(PrefsGeneration prefs) {
  std::unique_lock lock(core_->driver.mutex());
  core_->prefs = std::move(prefs);
}

absl::Status ForkServer::Ping(absl::Duration timeout) {
  std::unique_lock lock(core_->driver.mutex());
  const LaunchId id = core_->launcher.NextId();
  if (absl::Status sent = core_->root->Ping(id); !sent.ok()) {
    core_->driver.WakeOthers();
    return sent;
  }
  // Answers come in the order of the requests.
  const auto over = [&] {
    return core_->last_pong >= id || core_->root->state() == TemplateLink::State::kDead;
  };
  core_->driver.RunUntil(lock, over, DeadlineIn(timeout));
  if (core_->last_pong >= id) return absl::OkStatus();
  if (!core_->root->why_dead().ok()) return core_->root->why_dead();
  return absl::DeadlineExceededError(
      absl::StrFormat("root template: no Pong within %s", absl::FormatDuration(timeout)));
}

std::optional<pid_t> ForkServer::seed_pid() const {
  std::unique_lock lock(core_->driver.mutex());
  return core_->seed != nullptr ? core_->seed->pid() : std::nullopt;
}

std::optional<pid_t> ForkServer::root_pid() const {
  std::unique_lock lock(core_->driver.mutex());
  return core_->root->pid();
}

size_t ForkServer::in_flight() const {
  std::unique_lock lock(core_->driver.mutex());
  return core_->launcher.in_flight() + core_->reaper.pending() + core_->Owed();
}

}  // namespace forkserver
