#include "tests/soak/load.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "tests/soak/lone_launch.h"
#include "tests/soak/soak_child.h"
#include "transceiver/clock.h"
#include "transceiver/errno_status.h"

namespace forkserver::soak {
namespace {

constexpr size_t kMostHung = 12;
constexpr int kLoneLaunches = 4;
constexpr int kTurnMillis = 1000;
// epoll's data of the server's loop; all others are numbers of launches.
constexpr uint64_t kServer = UINT64_MAX;

AsExpected When(bool holds) { return holds ? AsExpected::kYes : AsExpected::kNo; }

bool IsKilledBy(const ExitStatus& status, int signal) {
  return status.kind == ExitStatus::Kind::kKilled && status.code == signal;
}

}  // namespace

Load::Load(ForkServer& server, LoadOptions options)
    : server_(server),
      options_(std::move(options)),
      mix_(options_.seed),
      ledger_(options_.launches),
      epoll_(epoll_create1(EPOLL_CLOEXEC)) {}

Load::~Load() { *self_ = nullptr; }

absl::Status Load::Watch(int fd, uint64_t data) {
  epoll_event event = {.events = EPOLLIN, .data = {.u64 = data}};
  if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0) return absl::OkStatus();
  return ErrnoStatus(errno, absl::StrFormat("epoll_ctl add %d", fd));
}

absl::Status Load::Run() {
  if (!epoll_.is_open()) return ErrnoStatus(errno, "epoll_create1");
  if (absl::Status watched = Watch(server_.pollable_fd(), kServer); !watched.ok()) return watched;
  for (const char* const name : {"root", kSandboxedTemplate}) {
    if (absl::Status set = server_.SetPool(name, kPool); !set.ok()) return set;
  }
  const int64_t start = NowNanos();
  const int64_t end = DeadlineAfter(start, absl::ToInt64Nanoseconds(options_.at_most));
  const int64_t patience = absl::ToInt64Nanoseconds(options_.patience);
  last_move_ = start;
  while (ledger_.begun() < options_.launches || in_flight_ > 0) {
    BeginMore();
    if (absl::Status turned = Turn(); !turned.ok()) return turned;
    if (!failure_.ok()) return failure_;
    CancelTheLate();
    KillTheHung();
    if (options_.on_progress) options_.on_progress(ledger_.ended());
    const int64_t now = NowNanos();
    if (now >= end) {
      return absl::DeadlineExceededError(absl::StrFormat(
          "not done after %s; open: %s", absl::FormatDuration(options_.at_most), ListOpen()));
    }
    if (now >= DeadlineAfter(last_move_, patience)) {
      return absl::DeadlineExceededError(absl::StrFormat(
          "nothing moved for %s; open: %s", absl::FormatDuration(options_.patience), ListOpen()));
    }
  }
  return absl::OkStatus();
}

absl::Status Load::Turn() {
  std::array<epoll_event, kMostInFlight> events;
  const int count = epoll_wait(epoll_.get(), events.data(), events.size(), kTurnMillis);
  if (count < 0 && errno != EINTR) return ErrnoStatus(errno, "epoll_wait");
  for (int i = 0; i < count; ++i) {
    if (events[i].data.u64 == kServer) {
      server_.Dispatch();
    } else {
      OnHangUp(events[i].data.u64);
    }
  }
  return absl::OkStatus();
}

void Load::BeginMore() {
  if (until_wave_ == 0 && ledger_.begun() < options_.launches) {
    if (unready_ > 0 || !PoolsAreFull()) return;
    until_wave_ = kWave;
    failure_.Update(TimeLoneLaunches());
    last_move_ = NowNanos();
  }
  while (failure_.ok() && ledger_.begun() < options_.launches && in_flight_ < kMostInFlight &&
         until_wave_ > 0) {
    --until_wave_;
    Begin();
  }
}

absl::Status Load::TimeLoneLaunches() {
  Latencies& tenth = tenths_[ledger_.begun() * tenths_.size() / options_.launches];
  for (int i = 0; i < kLoneLaunches; ++i) {
    const absl::StatusOr<absl::Duration> took = LoneLaunch(server_);
    if (!took.ok()) return took.status();
    tenth.Add(*took);
  }
  return absl::OkStatus();
}

bool Load::PoolsAreFull() const {
  const std::vector<TemplateStatus> templates = server_.templates();
  return std::all_of(templates.begin(), templates.end(),
                     [](const TemplateStatus& one) { return one.idle_blanks.size() >= kPool.min; });
}

LaunchOptions Load::OptionsOf(const PlannedLaunch& planned, const UniqueFd& held) const {
  const bool is_sandboxed = planned.confinement == Confinement::kSandboxed;
  // What is cancelled too late exits.
  const bool is_cancelled =
      planned.conduct == Conduct::kCancel || planned.conduct == Conduct::kCancelLate;
  LaunchOptions options = {
      .type = ProcessType::kUtility,
      .argv = {"soak-child", NameOf(is_cancelled ? Conduct::kExit : planned.conduct),
               absl::StrCat(planned.exit_status)},
      .way = planned.origin == Origin::kPool ? LaunchWay::kTemplate : LaunchWay::kFork,
      .template_name = is_sandboxed ? kSandboxedTemplate : std::string(kRootTemplate)};
  // A crash writes no core.
  options.limits.push_back({RLIMIT_CORE, 0, 0});
  if (held.is_open()) options.Map(held.get(), kHoldDescriptor);
  return options;
}

void Load::Begin() {
  const auto slot =
      std::find_if(open_.begin(), open_.end(), [](const auto& one) { return !one.has_value(); });
  const size_t launch = ledger_.begun();
  Open& open = slot->emplace();
  open.launch = launch;
  open.planned = mix_.Next();
  UniqueFd held;
  if (open.planned.conduct == Conduct::kHangUp) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) {
      failure_ = ErrnoStatus(errno, "pipe2");
      slot->reset();
      return;
    }
    held.reset(ends[0]);
    open.hold.reset(ends[1]);
  }
  ledger_.Began();
  ++in_flight_;
  ++unready_;
  last_move_ = NowNanos();
  open.id = server_.LaunchAsync(OptionsOf(open.planned, held),
                                [self = self_, launch](absl::StatusOr<LaunchedChild> child) {
                                  if (*self != nullptr) (*self)->OnReady(launch, std::move(child));
                                });
  if (open.planned.conduct == Conduct::kCancel) server_.Cancel(open.id);
  if (open.planned.conduct == Conduct::kCancelLate) to_cancel_.push_back(launch);
}

void Load::OnReady(size_t launch, absl::StatusOr<LaunchedChild> child) {
  Open* const open = Find(launch);
  if (open == nullptr || open->waits != Waits::kReady) {
    return ledger_.Ended(launch, {}, AsExpected::kNo, "its callback was called again");
  }
  --unready_;
  last_move_ = NowNanos();
  const Conduct conduct = open->planned.conduct;
  if (!child.ok()) {
    const bool is_cancelled = absl::IsCancelled(child.status());
    cancelled_ += is_cancelled ? 1 : 0;
    return End(
        launch,
        When(is_cancelled && (conduct == Conduct::kCancel || conduct == Conduct::kCancelLate)),
        std::string(child.status().message()));
  }
  const bool is_sandboxed = open->planned.confinement == Confinement::kSandboxed;
  from_pool_ += child->by == LaunchedBy::kPool ? 1 : 0;
  sandboxed_ += is_sandboxed ? 1 : 0;
  open->process = std::move(child->process);
  switch (conduct) {
    case Conduct::kHang:
      open->waits = Waits::kKill;
      hung_.push_back(launch);
      return;
    case Conduct::kHangUp:
      open->waits = Waits::kHangUp;
      open->socket = std::move(child->socket);
      failure_.Update(Watch(open->socket.get(), launch));
      return;
    default:
      return Reap(*open);
  }
}

void Load::OnHangUp(size_t launch) {
  Open* const open = Find(launch);
  if (open == nullptr || open->waits != Waits::kHangUp) {
    // epoll(7) forgets a socket when no descriptor of it is left.
    failure_.Update(absl::InternalError(absl::StrFormat(
        "launch %d: its socket was closed, and is polled still: something has a copy", launch)));
    return;
  }
  ++hung_up_;
  open->socket.reset();
  Reap(*open);
  open->hold.reset();
}

void Load::Reap(Open& open) {
  open.waits = Waits::kExit;
  last_move_ = NowNanos();
  server_.ReapAsync(*std::exchange(open.process, std::nullopt),
                    [self = self_, launch = open.launch](absl::StatusOr<ExitStatus> status) {
                      if (*self != nullptr) (*self)->OnExit(launch, status);
                    });
}

void Load::OnExit(size_t launch, const absl::StatusOr<ExitStatus>& status) {
  const Open* const open = Find(launch);
  if (open == nullptr || !status.ok()) {
    return End(launch, AsExpected::kNo,
               status.ok() ? status->ToString() : std::string(status.status().message()));
  }
  bool is_expected = false;
  switch (open->planned.conduct) {
    case Conduct::kCrash:
      is_expected = IsKilledBy(*status, SIGSEGV);
      crashed_ += is_expected ? 1 : 0;
      break;
    case Conduct::kHang:
      is_expected = IsKilledBy(*status, SIGKILL);
      killed_ += is_expected ? 1 : 0;
      break;
    case Conduct::kCancel:
      // It was to be told Cancelled.
      break;
    default:
      is_expected =
          status->kind == ExitStatus::Kind::kExited && status->code == open->planned.exit_status;
      break;
  }
  End(launch, When(is_expected), status->ToString());
}

void Load::End(size_t launch, AsExpected expected, const std::string& how) {
  last_move_ = NowNanos();
  for (std::optional<Open>& open : open_) {
    if (!open.has_value() || open->launch != launch) continue;
    ledger_.Ended(launch, open->planned, expected, how);
    open.reset();
    --in_flight_;
    return;
  }
  ledger_.Ended(launch, {}, AsExpected::kNo, how);
}

void Load::KillTheHung() {
  while (!hung_.empty() && (hung_.size() > kMostHung || hung_.size() == in_flight_)) {
    Open* const open = Find(hung_.front());
    hung_.pop_front();
    if (open == nullptr || !open->process.has_value()) continue;
    failure_.Update(open->process->Signal(SIGKILL));
    Reap(*open);
  }
}

void Load::CancelTheLate() {
  // Those of this turn; what is Ready by now has ended as a launch, and is ignored.
  for (const size_t launch : std::exchange(to_cancel_, {})) {
    if (const Open* const open = Find(launch); open != nullptr) server_.Cancel(open->id);
  }
}

Load::Open* Load::Find(size_t launch) {
  for (std::optional<Open>& open : open_) {
    if (open.has_value() && open->launch == launch) return &*open;
  }
  return nullptr;
}

std::string Load::ListOpen() const {
  static constexpr const char* kWaits[] = {"Ready", "being killed", "its hang-up", "its exit"};
  std::vector<const Open*> open;
  for (const std::optional<Open>& one : open_) {
    if (one.has_value()) open.push_back(&*one);
  }
  std::sort(open.begin(), open.end(),
            [](const Open* one, const Open* other) { return one->launch < other->launch; });
  std::string text;
  for (const Open* const one : open) {
    absl::StrAppendFormat(&text, "%slaunch %d (%s): waits for %s", text.empty() ? "" : "; ",
                          one->launch, one->planned.ToString(),
                          kWaits[static_cast<size_t>(one->waits)]);
  }
  if (until_wave_ == 0) absl::StrAppend(&text, text.empty() ? "" : "; ", "pools that are to fill");
  return text;
}

}  // namespace forkserver::soak
