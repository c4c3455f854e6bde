#include "forkserver/host/fork_server.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include <mutex>
#include <optional>
#include <utility>

#include "absl/memory/memory.h"
#include "absl/strings/str_format.h"
#include "forkserver/host/bootstrap.h"
#include "forkserver/host/child_debugging.h"
#include "forkserver/host/fork_server_core.h"
#include "forkserver/host/plan_message.h"
#include "forkserver/host/self_exec.h"
#include "forkserver/host/template_link.h"
#include "preload/single_thread.h"
#include "transceiver/clock.h"
#include "transceiver/close_strangers.h"
#include "transceiver/errno_status.h"
#include "transceiver/event_loop.h"
#include "transceiver/poll_until.h"

namespace forkserver {
namespace {

uint64_t DescriptorLimit() {
  rlimit limit = {};
  getrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_cur;
}

// Whether a process that is forked here inherits nothing but the program.
absl::Status CheckMayForkSeed() {
  if (LivingServer::IsThere()) {
    return absl::FailedPreconditionError(
        "another fork server is in this process, whose descriptors a seed would inherit");
  }
  return CheckSingleThreaded();
}

// How long a thread that waits for a launch waits on its socket alone, before it takes part in the
// loop: a launch takes a tenth of that.
constexpr int64_t kAttendance = kNanosPerMilli;

// How many launches of a batch are under way at once: more would only queue.
constexpr size_t kBatchInFlight = 128;

std::vector<TemplateMaking> Makings(const StartOptions& options) {
  std::vector<TemplateMaking> makings = {
      {.name = std::string(kRootTemplate), .warm_ups = options.warm_ups, .freeze = options.freeze}};
  for (const TemplateOptions& one : options.templates) {
    makings.push_back(
        {.name = one.name, .warm_ups = one.warm_ups, .freeze = one.freeze, .sandbox = one.sandbox});
  }
  return makings;
}

absl::Status HasEnded() { return absl::CancelledError("the fork server has ended"); }

ProcessTypeSet TypesOf(const std::vector<ChildProgramRow>& programs) {
  ProcessTypeSet types;
  for (const ChildProgramRow& row : programs) types = types | ProcessTypeSet({row.type});
  return types;
}

// Ok: it is not.
absl::Status WhySafeMode(SafeMode option, bool all_are_debugged) {
  const char* why = option == SafeMode::kOn ? "StartOptions ask for it" : nullptr;
  const char* const asked = getenv("FORKSERVER_SAFE_MODE");
  if (all_are_debugged) why = "all its children are debugged";
  if (asked != nullptr && std::string_view(asked) == "1")
    why = "FORKSERVER_SAFE_MODE=1 asks for it";
  if (why == nullptr) return absl::OkStatus();
  return absl::UnavailableError(absl::StrFormat("safe mode: %s, and no template is started", why));
}

}  // namespace

absl::StatusOr<std::unique_ptr<ForkServer>> ForkServer::Start(int argc, char** argv,
                                                              StartOptions options) {
  if (absl::Status opened = OpenClosedStdio(); !opened.ok()) return opened;
  if (absl::Status good = CheckTemplateOptions(options.templates); !good.ok()) return good;
  if (options.layouts < 1 || options.layouts > kMostLayouts) {
    return absl::InvalidArgumentError(absl::StrFormat("start: there can be 1 to %d layouts, not %d",
                                                      kMostLayouts, options.layouts));
  }
  if (absl::Status good = CheckRestartOptions(options.restart); !good.ok()) return good;
  const ProcessTypeSet types = TypesOf(options.programs);
  absl::StatusOr<std::unique_ptr<TemplateMakings>> makings =
      MakeTemplateMakings(argc, argv, std::move(options.programs), Makings(options),
                          std::move(options.refresh_hooks), std::move(options.metrics));
  if (!makings.ok()) return makings.status();
  if (const int socket = FindLaunchSocketArgument(argc, argv); socket >= 0) {
    return RunExecedProcess(**makings, socket, FindFlightRecordArgument(argc, argv));
  }

  const ChildDebugging debugging = ReadChildDebugging();
  const bool all_are_debugged = debugging.is_on() && (types - debugging.types).empty();
  auto recorder = std::make_shared<FlightRecorder>(std::move(options.flight_recorder));
  recorder->Start((*makings)->image.build_id);
  HostFacts facts = {.pid = getpid(),
                     .start_thread = gettid(),
                     .signal_mask = CurrentSignalMask(),
                     .descriptor_limit = DescriptorLimit(),
                     .null_device = UniqueFd(),
                     .debugging = debugging};
  StartReport report;
  std::optional<Seed> seed;
  const absl::Status safe_mode = WhySafeMode(options.safe_mode, all_are_debugged);
  // A debugger may hold templates too.
  if (debugging.is_on()) {
    options.restart.longest_silence = absl::InfiniteDuration();
    options.restart.longest_start = absl::InfiniteDuration();
  }
  SeedRole seed_role = SeedRole::kForksRoot;
  // Before the host has opened anything that the seed would inherit.
  if (!safe_mode.ok()) {
    report = {.way = LaunchWay::kExec, .reason = std::string(safe_mode.message())};
  } else if (const absl::Status may_fork = CheckMayForkSeed(); may_fork.ok()) {
    absl::StatusOr<Seed> forked = ForkSeed(**makings, *recorder);
    if (!forked.ok()) return forked.status();
    seed.emplace(*std::move(forked));
    if (IsNamespaceInit(seed->process.pidfd())) {
      seed_role = SeedRole::kHoldsNamespace;
      report.way = LaunchWay::kExec;
      report.reason = "the seed is the init of a pid namespace (clone(2), CLONE_PARENT)";
    }
  } else {
    report.way = LaunchWay::kExec;
    report.reason = std::string(may_fork.message());
  }

  // From here on this process forks no other.
  SetClosePlace(ClosePlace::kThread);
  absl::StatusOr<SelfImage> self = SelfImage::Pin(argc > 0 ? argv[0] : nullptr);
  if (!self.ok()) return self.status();
  facts.null_device.reset(open("/dev/null", O_RDWR | O_CLOEXEC));
  if (!facts.null_device.is_open()) return ErrnoStatus(errno, "open /dev/null");
  absl::StatusOr<std::unique_ptr<EventLoop>> loop = EventLoop::Create(options.event_loop);
  if (!loop.ok()) return loop.status();
  report.machine = InspectMachine();
  report.event_loop = (*loop)->backend();
  report.why_no_io_uring = std::string((*loop)->why_no_io_uring().message());

  auto core = std::make_unique<Core>(
      *std::move(makings), *std::move(self), std::move(facts), *std::move(loop), std::move(report),
      std::move(options.templates), options.layouts, options.restart, safe_mode,
      std::move(options.broker), std::move(recorder), std::move(options.observer));
  if (seed) {
    if (absl::Status started = core->templates.StartSeed(*std::move(seed), seed_role);
        !started.ok()) {
      return started;
    }
  }
  if (safe_mode.ok()) {
    if (absl::Status started = core->templates.StartRoots(); !started.ok()) return started;
    if (absl::Status started = core->templates.StartAhead(); !started.ok()) return started;
  }
  if (options.under_memory_pressure == UnderPressure::kShrinkPools) core->WatchMemoryPressure();
  if (options.driving == Driving::kOwnThread) {
    if (absl::Status started = core->StartOwnThread(); !started.ok()) return started;
  }
  return absl::WrapUnique(new ForkServer(std::move(core)));
}

ForkServer::ForkServer(std::unique_ptr<Core> core) : core_(std::move(core)) {}
ForkServer::~ForkServer() = default;

ServerEnd ForkServer::End(ServerEndOptions options) { return core_->End(options); }

const StartReport& ForkServer::start_report() const { return core_->report; }
uint64_t ForkServer::build_id() const { return core_->makings->image.build_id; }

absl::StatusOr<HelloMessage> ForkServer::WaitUntilServing(absl::Duration timeout) {
  return WaitUntilServing(kRootTemplate, timeout);
}

absl::StatusOr<HelloMessage> ForkServer::WaitUntilServing(std::string_view template_name,
                                                          absl::Duration timeout) {
  using State = TemplateStatus::State;
  std::unique_lock lock(core_->driver.mutex());
  if (core_->is_closing) return HasEnded();
  const uint64_t before = core_->happened();
  const absl::Status started = core_->templates.Start(template_name);
  core_->TellOthers(before);
  if (!started.ok()) return started;
  std::optional<TemplateStatus> status;
  core_->templates.Hold(template_name);
  core_->driver.RunUntil(
      lock,
      [&] {
        if (core_->is_closing) return true;
        status = core_->templates.StatusOf(template_name);
        // Its Hello may overtake its parent's word of its pid.
        return (status->state == State::kDead && status->starts_again_at == 0) ||
               status->state == State::kGivenUp ||
               (status->state == State::kServing && status->pid.has_value());
      },
      DeadlineIn(timeout));
  core_->templates.Release(template_name);
  if (core_->is_closing) return HasEnded();
  status = core_->templates.StatusOf(template_name);
  if (status->state == State::kServing && status->pid.has_value()) return status->hello;
  if (absl::Status why = core_->templates.WhyNotYet(template_name); !why.ok()) return why;
  if (status->state == State::kDead) return status->why_dead;
  return absl::DeadlineExceededError(absl::StrFormat("template '%s': no Hello within %s",
                                                     status->name, absl::FormatDuration(timeout)));
}

LaunchId ForkServer::LaunchAsync(const LaunchOptions& options, LaunchCallback callback) {
  std::unique_lock lock(core_->driver.mutex());
  if (core_->is_closing) {  // a last callback that asks for more
    lock.unlock();
    callback(HasEnded());
    return 0;
  }
  const uint64_t before = core_->happened();
  const LaunchId id =
      core_->Begin(options, Attendance::kLoop, Delivery::kDeferred, std::move(callback));
  core_->TellOthers(before);
  return id;
}

absl::StatusOr<LaunchedChild> ForkServer::Launch(const LaunchOptions& options) {
  std::optional<absl::StatusOr<LaunchedChild>> result;
  std::unique_lock lock(core_->driver.mutex());
  if (core_->is_closing) return HasEnded();
  uint64_t before = core_->happened();
  const LaunchId id = core_->Begin(
      options, Attendance::kCaller, Delivery::kAtOnce,
      [&result](absl::StatusOr<LaunchedChild> child) { result.emplace(std::move(child)); });
  core_->TellOthers(before + (result ? 1 : 0));
  if (const int socket = core_->launcher.AttendedSocket(id); socket >= 0) {
    lock.unlock();
    PollUntil(socket, POLLIN, NowNanos() + kAttendance);
    lock.lock();
    before = core_->happened();
    core_->launcher.Attend(id);
    // Nobody but this thread waits for this launch.
    core_->TellOthers(before + (result ? 1 : 0));
  }
  // The launch has its own deadline.
  if (!result) {
    core_->driver.RunUntil(
        lock, [&result] { return result.has_value(); }, kNever);
  }
  core_->driver.TakeTurnIfOverdue(lock);
  core_->driver.HandOver();
  return *std::move(result);
}

std::vector<absl::StatusOr<LaunchedChild>> ForkServer::LaunchAll(
    std::span<const LaunchOptions> options) {
  std::vector<absl::StatusOr<LaunchedChild>> results;
  results.reserve(options.size());
  while (results.size() < options.size()) {
    results.emplace_back(HasEnded());
  }
  size_t begun = 0;
  size_t ended = 0;
  std::unique_lock lock(core_->driver.mutex());
  if (core_->is_closing) return results;
  const auto begin_more = [&] {
    // What has begun is told so by the destructor.
    if (core_->is_closing) ended += options.size() - std::exchange(begun, options.size());
    const uint64_t before = core_->happened();
    for (; begun < options.size() && begun - ended < kBatchInFlight; ++begun) {
      core_->Begin(options[begun], Attendance::kLoop, Delivery::kAtOnce,
                   [&results, &ended, i = begun](absl::StatusOr<LaunchedChild> child) {
                     results[i] = std::move(child);
                     ++ended;
                   });
    }
    core_->TellOthers(before);
    return ended == options.size();
  };
  core_->driver.RunUntil(lock, begin_more, kNever);
  core_->driver.HandOver();
  return results;
}

void ForkServer::ReapAsync(Process process, ExitCallback callback) {
  std::unique_lock lock(core_->driver.mutex());
  if (core_->is_closing) {  // a last callback that has a child left
    lock.unlock();
    process.Signal(SIGKILL).IgnoreError();
    return callback(process.Wait(Process::kPatience));
  }
  core_->reaper.Reap(std::move(process), [core = core_.get(), callback = std::move(callback)](
                                             const absl::StatusOr<ExitStatus>& status) {
    core->exits.push_back([callback, status] { callback(status); });
  });
  core_->TellOthers(core_->happened());
}

void ForkServer::Cancel(LaunchId id) {
  std::unique_lock lock(core_->driver.mutex());
  const uint64_t before = core_->happened();
  core_->launcher.Abandon(id, absl::CancelledError("launch: cancelled"));
  core_->TellOthers(before);
}

int ForkServer::pollable_fd() const {
  std::unique_lock lock(core_->driver.mutex());
  return core_->driver.PollableFd();
}

void ForkServer::Dispatch(absl::Duration max_wait) {
  std::unique_lock lock(core_->driver.mutex());
  core_->driver.RunOnce(lock, DeadlineIn(max_wait));
}

void ForkServer::SetPrefs(PrefsGeneration prefs) {
  std::unique_lock lock(core_->driver.mutex());
  core_->prefs = std::move(prefs);
}

absl::Status ForkServer::SetPool(std::string_view template_name, PoolBounds bounds) {
  if (bounds.min > bounds.max) {
    return absl::InvalidArgumentError(
        absl::StrFormat("pool of template '%s': at least %d and at most %d cannot be",
                        template_name, bounds.min, bounds.max));
  }
  std::unique_lock lock(core_->driver.mutex());
  if (core_->is_closing) return HasEnded();
  const absl::Status set = core_->templates.SetPool(template_name, bounds);
  core_->driver.HandOver();
  return set;
}

absl::Status ForkServer::Ping(absl::Duration timeout) {
  std::unique_lock lock(core_->driver.mutex());
  if (core_->is_closing) return HasEnded();
  const LaunchId id = core_->ids.Next();
  TemplateSet& templates = core_->templates;
  if (templates.root() == nullptr) return templates.WhyNotYet(kRootTemplate);
  const uint64_t starts = templates.root_starts();
  const uint64_t before = core_->happened();
  const absl::Status sent = templates.root()->Ping(id);
  core_->TellOthers(before);
  if (!sent.ok()) return sent;
  // Answers come in the order of the requests.
  const auto over = [&] {
    return core_->is_closing || core_->last_pong >= id || templates.root_starts() != starts ||
           templates.root()->state() == TemplateLink::State::kDead;
  };
  core_->driver.RunUntil(lock, over, DeadlineIn(timeout));
  if (core_->last_pong >= id) return absl::OkStatus();
  if (core_->is_closing) return HasEnded();
  if (!templates.root()->why_dead().ok()) return templates.root()->why_dead();
  if (templates.root_starts() != starts) {
    return absl::UnavailableError("root template died, and was started again");
  }
  return absl::DeadlineExceededError(
      absl::StrFormat("root template: no Pong within %s", absl::FormatDuration(timeout)));
}

std::vector<RefusedCall> ForkServer::refused_calls() const {
  std::unique_lock lock(core_->driver.mutex());
  SandboxReporter* const reporter = core_->templates.reporter();
  return reporter != nullptr ? reporter->Snapshot() : std::vector<RefusedCall>();
}

std::optional<pid_t> ForkServer::seed_pid() const {
  std::unique_lock lock(core_->driver.mutex());
  return core_->templates.seed_pid();
}

std::optional<pid_t> ForkServer::root_pid() const {
  std::unique_lock lock(core_->driver.mutex());
  const TemplateLink* const root = core_->templates.root();
  return root != nullptr ? root->pid() : std::nullopt;
}

absl::Status ForkServer::safe_mode() const {
  std::unique_lock lock(core_->driver.mutex());
  return core_->templates.safe_mode();
}

bool ForkServer::IsDebugged(ProcessType type) const { return core_->facts.debugging.Covers(type); }

std::vector<TemplateStatus> ForkServer::templates() const {
  std::unique_lock lock(core_->driver.mutex());
  return core_->templates.All();
}

size_t ForkServer::in_flight() const {
  std::unique_lock lock(core_->driver.mutex());
  return core_->in_flight();
}

}  // namespace forkserver
