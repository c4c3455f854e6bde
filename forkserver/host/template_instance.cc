#include "forkserver/host/template_instance.h"

#include <signal.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_format.h"
#include "forkserver/host/births.h"
#include "forkserver/host/bootstrap.h"
#include "forkserver/host/launch_failure.h"
#include "transceiver/clock.h"
#include "transceiver/errno_status.h"

namespace forkserver {
namespace {

TemplateStatus::State StateOf(const TemplateLink& link) {
  switch (link.state()) {
    case TemplateLink::State::kStarting:
      return TemplateStatus::State::kStarting;
    case TemplateLink::State::kServing:
      return TemplateStatus::State::kServing;
    case TemplateLink::State::kDead:
      break;
  }
  return TemplateStatus::State::kDead;
}

}  // namespace

TemplateInstance::TemplateInstance(Place place, const TemplateHost& host, SandboxHost& sandboxes,
                                   std::function<void()> on_change)
    : place_(std::move(place)),
      host_(host),
      sandboxes_(sandboxes),
      on_change_(std::move(on_change)),
      bounds_(place_.bounds),
      restart_(host.restart) {}

TemplateInstance::~TemplateInstance() {
  if (eviction_ != 0) host_.loop.CancelTimer(eviction_);
  if (retry_ != 0) host_.loop.CancelTimer(retry_);
  UnwatchLifeline();
}

std::string TemplateInstance::Label() const {
  const std::string name = place_.parent == nullptr
                               ? "root template"
                               : absl::StrFormat("template '%s'", place_.options.name);
  return place_.layout == 0 ? name : absl::StrFormat("%s of layout %d", name, place_.layout);
}

TemplateLink* TemplateInstance::ParentLink() const {
  return place_.parent != nullptr ? place_.parent->link_.get() : seed_;
}

bool TemplateInstance::Runs() const {
  return link_ != nullptr && link_->state() != TemplateLink::State::kDead;
}

bool TemplateInstance::Serves() const {
  return link_ != nullptr && link_->state() == TemplateLink::State::kServing;
}

bool TemplateInstance::CannotFork() const {
  return Serves() && (link_->hello().capabilities & kHostsChildren) == 0;
}

bool TemplateInstance::StandsOnOneThatRuns() const {
  return Runs() || (place_.parent != nullptr && place_.parent->StandsOnOneThatRuns());
}

bool TemplateInstance::IsDue() const { return NowNanos() >= MayStartAt(); }

TemplateStatus TemplateInstance::Describe() const {
  TemplateStatus status = {
      .name = place_.options.name, .parent = place_.options.parent, .layout = place_.layout};
  status.starts = starts_;
  status.pool = bounds_;
  status.starts_again_at = retry_at_;
  if (link_ != nullptr) {
    status.state = StateOf(*link_);
    status.why_dead = link_->why_dead();
  }
  if (IsGivenUp()) {
    status.state = TemplateStatus::State::kGivenUp;
    status.why_dead = WhyNotYet();
  }
  if (link_ == nullptr) return status;
  status.pid = link_->pid();
  if (link_->sandbox() != nullptr && parents_chain_ == nullptr) {
    status.init_pid = link_->sandbox()->children.chain->init_pid();
  }
  if (pool_ != nullptr) status.idle_blanks = pool_->idle_pids();
  status.hello = link_->hello();
  return status;
}

// --- its start

absl::Status TemplateInstance::StartRoot(TemplateLink* seed) {
  seed_ = seed;
  return UseRoot();
}

absl::Status TemplateInstance::Use() {
  last_used_ = NowNanos();
  if (!Runs()) {
    if (absl::Status why = WhyNotYet(); !why.ok()) {
      UseAt(MayStartAt());
      return why;
    }
  }
  if (place_.parent == nullptr) return Runs() ? absl::OkStatus() : UseRoot();
  if (!Runs()) {
    if (absl::Status used = place_.parent->Use(); !used.ok()) return used;
    if (absl::Status launched = Launch(ParentLink()); !launched.ok()) return launched;
  }
  WatchForIdleness();
  return absl::OkStatus();
}

absl::Status TemplateInstance::Launch(TemplateLink* parent) {
  SocketPair sockets;
  if (const int error = CreateSocketPair(sockets); error != 0) {
    return ErrnoStatus(error, "socketpair for the " + Label());
  }
  absl::StatusOr<NewBirthRecord> births = NewBirthRecord::Create();
  if (!births.ok()) return NameLaunch("start of " + Label(), births.status());
  ParentThread thread = ParentThread::kStart;
  if (place_.parent != nullptr) {
    thread = place_.parent->parent_thread_;
  } else if (parent == nullptr) {
    thread = ParentOfAnExec(host_.facts);
  }
  const HostFacts facts = {.pid = host_.facts.pid,
                           .start_thread = host_.facts.start_thread,
                           .signal_mask = host_.facts.signal_mask | TerminalSignals(),
                           .descriptor_limit = host_.facts.descriptor_limit,
                           .null_device = UniqueFd()};
  const std::string name = ("fs-" + place_.options.name).substr(0, kMaxProcessNameBytes);
  absl::StatusOr<PlanMessage> plan =
      BuildPlanMessage({.type = ProcessType::kForkServer,
                        .argv = {host_.self.name, place_.options.name},
                        .name = name},
                       thread, facts, host_.prefs, {}, 0, births->file.get());
  if (!plan.ok()) return plan.status();

  if (link_ != nullptr && link_->lacks_process() && answer_ != Answer::kGiven) {
    buried_alive_[start_request_] = std::move(link_);
  }
  answer_ = Answer::kGiven;
  start_request_ = host_.ids.Next();
  ++starts_;
  // Blanks of the one before it have the parent that they had.
  if (pool_ == nullptr || thread == ParentThread::kAnother) parent_thread_ = thread;
  auto link = std::make_unique<TemplateLink>(
      Label(), host_.loop, host_.reaper, std::move(sockets.first), std::move(births->memory),
      host_.makings.image.build_id, host_.facts.null_device.get(),
      TemplateLink::Events{.on_pong = host_.on_pong,
                           .on_hello =
                               [this](const HelloMessage& hello, DescriptorList& descriptors) {
                                 return AdmitSandbox(hello, descriptors);
                               },
                           .on_hang_up = [this] { LearnWhyNotForked(); },
                           .on_state = [this] { OnState(); }});
  link->ChildrenAre(parent != nullptr ? parent->children_kind() : ChildKind::kAny);
  link->BoundSilence(host_.restart.longest_silence, host_.restart.longest_start);
  link->BoundFlight(host_.facts.descriptor_limit / 2);
  const std::shared_ptr<Flight> flight = host_.recorder.Begin();
  if (flight != nullptr) {
    const LaunchedBy by = parent != nullptr ? LaunchedBy::kFork : LaunchedBy::kExec;
    flight->SetType(ProcessType::kForkServer, Label(), by, NowNanos());
    link->KeepFlight(flight);
  }
  const int record = RecordOf(flight);
  UnwatchLifeline();
  parents_chain_.reset();
  if (pool_ != nullptr) pool_->SetLink(*link);  // its blanks are as good as before
  link_ = std::move(link);
  counted_ = TemplateLink::State::kStarting;
  pid_.reset();
  is_shown_serving_ = false;
  Show(TemplateEvent::Kind::kStarting);
  if (parent != nullptr) {
    if (absl::Status asked = parent->Fork(start_request_, std::move(sockets.second), record, *this,
                                          ProcessType::kForkServer);
        !asked.ok()) {
      if (parent->state() == TemplateLink::State::kDead) answer_ = Answer::kDelayed;
      return FailUnborn(std::move(asked));
    }
    answer_ = Answer::kOwed;
    // Its launch socket is another link's: nothing there has this answer read.
    parent->WatchForAnswers();
  } else {
    absl::StatusOr<Process> spawned =
        SpawnSelf(host_.self, sockets.second.get(), record, "start of " + Label());
    if (!spawned.ok()) return FailUnborn(spawned.status());
    SetProcess(*std::move(spawned));
  }
  if (absl::Status sent =
          link_->SendPlan(start_request_, plan->flags, plan->payload, plan->descriptors);
      !sent.ok()) {
    // Where nobody is there, its parent's answer says why.
    if (parent != nullptr && absl::IsUnavailable(sent)) parent->ReadAnswers();
    if (link_->state() == TemplateLink::State::kDead) return link_->why_dead();
    return Fail(NameLaunch("start of " + Label(), sent));
  }
  if (absl::Status watched = link_->Start(); !watched.ok()) return Fail(watched);
  return absl::OkStatus();
}

// Dead, so that the next use tries again.
absl::Status TemplateInstance::Fail(absl::Status why) {
  link_->Kill(why);
  return why;
}

// The same before anybody was asked for a process.
absl::Status TemplateInstance::FailUnborn(absl::Status why) {
  Fail(why).IgnoreError();
  answer_ = Answer::kGiven;
  link_->NeverWas();
  return why;
}

absl::StatusOr<std::unique_ptr<TemplateSandbox>> TemplateInstance::AdmitSandbox(
    const HelloMessage& hello, DescriptorList& descriptors) {
  // Its Hello may overtake its parent's word of it, which says whose chain it is in.
  if (answer_ == Answer::kOwed && place_.parent != nullptr) ParentLink()->ReadAnswers();
  return sandboxes_.Admit(place_.kind, parents_chain_, hello, descriptors);
}

// --- its life

void TemplateInstance::OnState() {
  on_change_();
  // Its end may be that of its parent, which the next start must know.
  if (answer_ == Answer::kOwed && link_->state() == TemplateLink::State::kDead) {
    if (TemplateLink* const parent = ParentLink()) parent->ReadAnswers();
  }
  if (link_->state() == TemplateLink::State::kServing) {
    if (!is_ending_) WatchLifeline();
    if (pool_ != nullptr) pool_->OnServing();
  } else {
    UnwatchLifeline();
  }
  ShowState();
  CountDeath();
  EndStart();
}

// The init of a pid namespace that dies takes all children with it, and its template can fork no
// others: it is as good as dead, and started again on its next use.
void TemplateInstance::WatchLifeline() {
  const TemplateSandbox* const sandbox = link_->sandbox();
  // Of a template below another one the chain is that one's to watch.
  if (sandbox == nullptr || parents_chain_ != nullptr || lifeline_ != 0) return;
  const int lifeline = sandbox->children.chain->lifeline();
  if (lifeline < 0) return;
  absl::StatusOr<EventLoop::WatchId> watch =
      host_.loop.Watch(lifeline, EPOLLRDHUP, [this](uint32_t) {
        UnwatchLifeline();
        link_->Kill(EndOfInit(Label()));
      });
  // Without it, the next Fork finds out.
  lifeline_ = watch.value_or(0);
}

void TemplateInstance::UnwatchLifeline() {
  if (lifeline_ != 0) host_.loop.Unwatch(std::exchange(lifeline_, 0));
}

BlankPool& TemplateInstance::pool() {
  if (pool_ == nullptr) {
    pool_ = std::make_unique<BlankPool>(host_.loop, host_.reaper, host_.ids, host_.immediate,
                                        host_.recorder, *link_, bounds_);
  }
  return *pool_;
}

void TemplateInstance::SetBounds(PoolBounds bounds) {
  bounds_ = bounds;
  if (pool_ != nullptr) pool_->SetBounds(bounds);
}

void TemplateInstance::ShrinkPool() {
  if (pool_ != nullptr) pool_->Shrink();
}

// --- its end

void TemplateInstance::Release() {
  --waiters_;
  last_used_ = NowNanos();
}

void TemplateInstance::WatchForIdleness() {
  if (place_.options.evict_after == absl::InfiniteDuration() || eviction_ != 0) return;
  eviction_ = host_.loop.AddTimer(IdleAt(), [this] {
    eviction_ = 0;
    Evict();
  });
}

int64_t TemplateInstance::IdleAt() const {
  return DeadlineAfter(last_used_, absl::ToInt64Nanoseconds(std::max(place_.options.evict_after,
                                                                     absl::Milliseconds(1))));
}

void TemplateInstance::Evict() {
  if (!Runs()) return;
  // Whoever waits for it uses it; and without its pid it could not be reaped.
  if (waiters_ > 0 || link_->unanswered() > 0 || link_->state() == TemplateLink::State::kStarting ||
      !link_->pid().has_value()) {
    last_used_ = NowNanos();
    // Without another look at the clock, which could be that late already.
    return WatchForIdleness();
  }
  if (NowNanos() < IdleAt()) return WatchForIdleness();
  pool_.reset();
  UnwatchLifeline();
  Show(TemplateEvent::Kind::kEvicted);
  if (std::optional<Process> process = link_->TakeProcess()) {
    host_.reaper.KillAndReap(*std::move(process), {}, Label());
  }
  link_.reset();
  on_change_();
}

size_t TemplateInstance::unanswered() const {
  if (link_ == nullptr) return 0;
  const bool owes_pid = is_ending_ && link_->state() == TemplateLink::State::kStarting;
  return link_->unanswered() + (owes_pid ? 1 : 0);
}

void TemplateInstance::BeginEnd() {
  is_ending_ = true;
  if (retry_ != 0) host_.loop.CancelTimer(std::exchange(retry_, 0));
  pool_.reset();
  UnwatchLifeline();
  if (link_ == nullptr) return;
  EndStart();
  link_->WatchForAnswers();
}

// A template that is still warming up would fork what was asked for when it is done. One whose
// process is not known yet is killed as soon as it is: its parent's answer brings it, or what its
// parent leaves. What it has answered is read to the end.
void TemplateInstance::EndStart() {
  if (!is_ending_ || link_->state() != TemplateLink::State::kStarting) return;
  link_->Signal(SIGKILL);
}

std::unique_ptr<TemplateLink> TemplateInstance::TakeLink() {
  parents_chain_.reset();  // whose init ends with the last that holds it
  if (Runs()) Show(TemplateEvent::Kind::kEnding);
  return std::move(link_);
}

bool TemplateInstance::KillUnanswering() {
  if (link_ == nullptr || link_->unanswered() == 0) return false;
  link_->Signal(SIGKILL);
  return true;
}

}  // namespace forkserver
