#include "forkserver/host/blank_pool.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "transceiver/clock.h"
#include "transceiver/errno_status.h"
#include "transceiver/packet.h"

namespace forkserver {
namespace {

// Over how long the rate of arrivals is averaged.
constexpr double kRateSeconds = 1.0;
// The pool holds what arrives in that time. Forking a blank takes some 0.2 ms; the rest is for an
// embedder that drives the loop only now and then.
constexpr double kHeldSeconds = 0.1;
// How long after an arrival the next blank is forked: when the launch is over; and where it is not
// urgent, when what was launched has done its first work, too.
constexpr int64_t kRefillDelay = kNanosPerMilli / 2;
constexpr int64_t kUnhurriedRefillDelay = 3 * kNanosPerMilli;
// How often a pool that is too large looks whether it still is.
constexpr int64_t kShrinkInterval = kNanosPerSecond;
constexpr int64_t kLongestBusyDelay = kNanosPerSecond / 10;
constexpr int64_t kPauseAfterFailure = kNanosPerSecond / 10;
constexpr int64_t kPauseAfterPressure = 10 * kNanosPerSecond;

}  // namespace

BlankPool::~BlankPool() {
  if (timer_ != 0) loop_.CancelTimer(timer_);
  link_->Disown(*this);
  for (Entry& entry : entries_) End(std::move(entry));
}

double BlankPool::Rate(int64_t now) const {
  const double seconds =
      static_cast<double>(now - last_arrival_) / static_cast<double>(kNanosPerSecond);
  return rate_ * std::exp(-seconds / kRateSeconds);
}

void BlankPool::NoteArrival() {
  const int64_t now = NowNanos();
  rate_ = Rate(now) + 1 / kRateSeconds;
  last_arrival_ = now;
  is_used_ = true;
  leisure_until_ = now + kUnhurriedRefillDelay;
  // Where a look before would only find that there is time.
  MaintainAt(HasTime(1) ? leisure_until_ : now + kRefillDelay);
}

bool BlankPool::HasTime(size_t to_be_taken) const {
  const auto idle = std::count_if(entries_.begin(), entries_.end(),
                                  [](const Entry& entry) { return entry.process.has_value(); });
  return entries_.size() + 1 >= target() + to_be_taken && static_cast<size_t>(idle) > to_be_taken;
}

void BlankPool::Fill() {
  is_used_ = true;
  MaintainAt(NowNanos());
}

void BlankPool::SetBounds(PoolBounds bounds) {
  bounds_ = bounds;
  MaintainAt(NowNanos());
}

void BlankPool::OnServing() { MaintainAt(NowNanos()); }

size_t BlankPool::target() const {
  const int64_t now = NowNanos();
  if (!is_used_ || now < shrunk_until_) return 0;
  const double held = std::floor(Rate(now) * kHeldSeconds);
  return std::min<size_t>(bounds_.min + static_cast<size_t>(held), bounds_.max);
}

std::deque<BlankPool::Entry>::iterator BlankPool::Find(uint64_t id) {
  return std::find_if(entries_.begin(), entries_.end(),
                      [id](const Entry& entry) { return entry.id == id; });
}

std::deque<BlankPool::Entry>::iterator BlankPool::FirstIdle() {
  return std::find_if(entries_.begin(), entries_.end(),
                      [](const Entry& entry) { return entry.process.has_value(); });
}

std::vector<pid_t> BlankPool::idle_pids() const {
  std::vector<pid_t> pids;
  for (const Entry& entry : entries_) {
    if (entry.process) pids.push_back(entry.process->pid());
  }
  return pids;
}

std::optional<BlankPool::Blank> BlankPool::Take() {
  if (entries_.empty()) return std::nullopt;
  auto found = FirstIdle();
  if (found == entries_.end()) {
    // Forked, perhaps, and nobody has read the answer yet.
    link_->ReadAnswers();
    found = FirstIdle();
    if (found == entries_.end()) return std::nullopt;
  }
  loop_.Unwatch(found->hang_up);
  Blank blank = {.id = found->id,
                 .socket = std::move(found->socket),
                 .process = *std::move(found->process),
                 .flight = std::move(found->flight)};
  entries_.erase(found);
  return blank;
}

void BlankPool::PutBack(Blank blank) {
  const uint64_t id = blank.id;
  absl::StatusOr<EventLoop::WatchId> watch =
      loop_.Watch(blank.socket.get(), EPOLLRDHUP, [this, id](uint32_t) { OnHangUp(id); });
  if (!watch.ok()) return reaper_.KillAndReap(std::move(blank.process));
  entries_.push_front({.id = id,
                       .socket = std::move(blank.socket),
                       .hang_up = *watch,
                       .process = std::move(blank.process),
                       .flight = std::move(blank.flight)});
}

void BlankPool::Shrink() {
  shrunk_until_ = NowNanos() + kPauseAfterPressure;
  Maintain();
}

void BlankPool::MaintainAt(int64_t when) {
  if (timer_ != 0) {
    if (timer_at_ <= when) return;
    loop_.CancelTimer(timer_);
  }
  timer_at_ = when;
  timer_ = loop_.AddTimer(when, [this] {
    timer_ = 0;
    Maintain();
  });
}

void BlankPool::Maintain() {
  const int64_t now = NowNanos();
  const size_t wanted = target();
  while (entries_.size() > wanted) {
    // The youngest: the others are warm.
    Entry entry = std::move(entries_.back());
    entries_.pop_back();
    End(std::move(entry));
  }
  if (now < shrunk_until_) return MaintainAt(shrunk_until_);
  if (entries_.size() < wanted && link_->state() != TemplateLink::State::kDead) {
    if (now < no_forks_before_) return MaintainAt(no_forks_before_);
    // OnServing goes on.
    if (link_->state() == TemplateLink::State::kStarting) return;
    // Also where the blank that was forked last is not there yet: one at a time. A template that
    // does not answer is asked less and less often.
    if (link_->unanswered() > 0 || immediate_.AreInTheWay(now)) {
      busy_delay_ = std::clamp(2 * busy_delay_, kRefillDelay, kLongestBusyDelay);
      return MaintainAt(now + busy_delay_);
    }
    busy_delay_ = 0;
    if (HasTime(0) && now < leisure_until_) return MaintainAt(leisure_until_);
    if (!ForkOne().ok()) no_forks_before_ = now + kPauseAfterFailure;
    return MaintainAt(now + kRefillDelay);
  }
  if (wanted > bounds_.min) MaintainAt(now + kShrinkInterval);
}

absl::Status BlankPool::ForkOne() {
  SocketPair sockets;
  if (const int error = CreateSocketPair(sockets); error != 0) {
    return ErrnoStatus(error, "socketpair for a blank");
  }
  const uint64_t id = ids_.Next();
  absl::StatusOr<EventLoop::WatchId> watch =
      loop_.Watch(sockets.first.get(), EPOLLRDHUP, [this, id](uint32_t) { OnHangUp(id); });
  if (!watch.ok()) return watch.status();
  std::shared_ptr<Flight> flight = recorder_.Begin();
  if (flight != nullptr) {
    flight->SetType(kTypeIsOpen, "blank of " + link_->name(), LaunchedBy::kPool, NowNanos());
  }
  if (absl::Status asked =
          link_->Fork(id, std::move(sockets.second), RecordOf(flight), *this, kTypeIsOpen, kBlank);
      !asked.ok()) {
    loop_.Unwatch(*watch);
    return asked;
  }
  // Nothing on its launch socket will say that it was forked.
  link_->WatchForAnswers();
  entries_.push_back({.id = id,
                      .socket = std::move(sockets.first),
                      .hang_up = *watch,
                      .process = std::nullopt,
                      .flight = std::move(flight)});
  return absl::OkStatus();
}

void BlankPool::End(Entry entry) {
  loop_.Unwatch(entry.hang_up);
  // Without a process it ends by the hang-up of its socket, and the answer finds nobody.
  if (entry.process) reaper_.KillAndReap(*std::move(entry.process));
}

void BlankPool::OnForked(uint64_t id, Process process, const ForkedMessage&) {
  const auto found = Find(id);
  if (found == entries_.end()) return reaper_.KillAndReap(std::move(process));
  Follow(found->flight, process);
  found->process.emplace(std::move(process));
}

void BlankPool::OnForkFailed(uint64_t id, const FailedMessage&) { OnHangUp(id); }

void BlankPool::OnTemplateDead(uint64_t id, const absl::Status&) {
  // One that was forked all the same is of no use: without this socket it ends. The pool may be
  // gone before that is known, also where it had ended the blank before.
  link_->Disown(*this);
  const auto found = Find(id);
  if (found == entries_.end()) return;
  loop_.Unwatch(found->hang_up);
  entries_.erase(found);
}

// Never: what its template owed is disowned.
void BlankPool::OnNoChild(uint64_t) {}

void BlankPool::OnHangUp(uint64_t id) {
  const auto found = Find(id);
  if (found == entries_.end()) return;
  Entry entry = std::move(*found);
  entries_.erase(found);
  End(std::move(entry));
  // Not at once: blanks that cannot live must not keep the machine busy.
  no_forks_before_ = NowNanos() + kPauseAfterFailure;
  MaintainAt(no_forks_before_);
}

}  // namespace forkserver
