#include "forkserver/host/template_set.h"

#include <signal.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_format.h"
#include "forkserver/host/launch_failure.h"
#include "transceiver/clock.h"
#include "transceiver/errno_status.h"
#include "transceiver/packet.h"

namespace forkserver {
namespace {

constexpr absl::Duration kEndPatience = absl::Seconds(1);
// How soon after its start a template that died is started again when nobody waits for it.
constexpr int64_t kUnaskedAgainAfter = kNanosPerSecond;

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

// Of a template that has none.
absl::StatusOr<std::unique_ptr<TemplateLink::Sandbox>> RefuseSandbox(const HelloMessage&,
                                                                     DescriptorList& descriptors) {
  if (descriptors.size() == 0) return std::unique_ptr<TemplateLink::Sandbox>();
  return absl::InternalError("the seed's Hello has descriptors");
}

}  // namespace

TemplateSet::TemplateSet(EventLoop& loop, Reaper& reaper, RequestIds& ids,
                         const ImmediateLaunches& immediate, const HostFacts& facts,
                         const SelfImage& self, const TemplateMakings& makings,
                         const PrefsGeneration& prefs, std::vector<TemplateOptions> options,
                         int layouts, BrokerOptions broker_options,
                         std::function<void(uint64_t id)> on_pong)
    : loop_(loop),
      reaper_(reaper),
      ids_(ids),
      immediate_(immediate),
      facts_(facts),
      self_(self),
      makings_(makings),
      on_pong_(std::move(on_pong)),
      prefs_(prefs),
      orphans_(loop, reaper),
      kinds_(options.size() + 1),
      layouts_(static_cast<size_t>(layouts)),
      turns_(kinds_, 0) {
  options.insert(options.begin(), {.name = std::string(kRootTemplate), .parent = ""});
  templates_.reserve(layouts_ * kinds_);
  for (int layout = 0; layout < layouts; ++layout) {
    for (size_t kind = 0; kind < kinds_; ++kind) {
      const TemplateOptions& one = options[kind];
      Template* parent = nullptr;
      if (kind > 0) parent = &InLayout(Find(one.parent)->kind, layout);
      templates_.push_back({.options = one,
                            .kind = kind,
                            .layout = layout,
                            .parent = parent,
                            .bounds = BoundsOf(one)});
    }
  }
  sandboxes_ = std::make_unique<SandboxHost>(options, std::move(broker_options));
}

TemplateSet::~TemplateSet() {
  for (Template& one : templates_) {
    if (one.eviction != 0) loop_.CancelTimer(one.eviction);
    UnwatchLifeline(one);
  }
}

// As its row says, if this program can be of that type at all.
PoolBounds TemplateSet::BoundsOf(ProcessType type) const {
  const ProcessTypeRow* row = FindProcessType(type);
  return row != nullptr && makings_.programs.Find(type) != nullptr ? row->pool : kNoPool;
}

// The largest of the types that come from it.
PoolBounds TemplateSet::BoundsOf(const TemplateOptions& options) const {
  if (options.pool) return *options.pool;
  PoolBounds bounds = kNoPool;
  for (const ProcessTypeRow& row : ProcessTypes()) {
    const bool serves =
        options.types.empty() ||
        std::find(options.types.begin(), options.types.end(), row.type) != options.types.end();
    if (!serves) continue;
    const PoolBounds of_type = BoundsOf(row.type);
    bounds = {.min = std::max(bounds.min, of_type.min), .max = std::max(bounds.max, of_type.max)};
  }
  return bounds;
}

TemplateSet::Template* TemplateSet::Find(std::string_view name) {
  for (Template& one : templates_) {
    if (one.options.name == name) return &one;
  }
  return nullptr;
}

TemplateSet::Template* TemplateSet::FindByRequest(uint64_t id) {
  for (Template& one : templates_) {
    if (one.start_request == id) return &one;
  }
  return nullptr;
}

TemplateSet::Template& TemplateSet::ForType(ProcessType type) {
  for (Template& one : templates_) {
    const std::vector<ProcessType>& types = one.options.types;
    if (std::find(types.begin(), types.end(), type) != types.end()) return one;
  }
  return templates_.front();
}

std::string TemplateSet::Label(const Template& one) {
  const std::string name =
      one.parent == nullptr ? "root template" : absl::StrFormat("template '%s'", one.options.name);
  return one.layout == 0 ? name : absl::StrFormat("%s of layout %d", name, one.layout);
}

absl::Status TemplateSet::StartSeed(Seed seed) {
  seed_ = std::make_unique<TemplateLink>(
      "seed", loop_, reaper_, std::move(seed.socket), makings_.image.build_id,
      facts_.null_device.get(),
      TemplateLink::Events{.on_pong = on_pong_, .on_hello = RefuseSandbox, .on_state = [] {}});
  seed_->SetProcess(std::move(seed.process));
  return seed_->Start();
}

absl::Status TemplateSet::StartRoots() {
  for (size_t layout = 0; layout < layouts_; ++layout) {
    TemplateLink* const parent = layout == 0 ? seed_.get() : nullptr;
    if (absl::Status started = Launch(InLayout(0, layout), parent); !started.ok()) return started;
  }
  return absl::OkStatus();
}

absl::Status TemplateSet::StartAhead() {
  for (Template& one : templates_) {
    if (one.options.start != TemplateStart::kAhead) continue;
    if (absl::Status started = Use(one); !started.ok()) return started;
    if (one.bounds.max > 0) PoolOf(one).Fill();
  }
  return absl::OkStatus();
}

BlankPool& TemplateSet::PoolOf(Template& one) {
  if (one.pool == nullptr) {
    one.pool = std::make_unique<BlankPool>(loop_, reaper_, ids_, orphans_, immediate_, *one.link,
                                           one.bounds);
  }
  return *one.pool;
}

absl::Status TemplateSet::Start(std::string_view name) {
  Template* const one = Find(name);
  if (one == nullptr) return absl::NotFoundError(absl::StrFormat("no template '%s'", name));
  return Use(*one);
}

void TemplateSet::Hold(std::string_view name) { ++Find(name)->waiters; }

void TemplateSet::Release(std::string_view name) {
  Template* const one = Find(name);
  --one->waiters;
  one->last_used = NowNanos();
}

absl::StatusOr<LaunchSource> TemplateSet::SourceOf(const LaunchOptions& options) {
  Template* const first =
      options.template_name.empty() ? &ForType(options.type) : Find(options.template_name);
  if (first == nullptr) {
    return absl::NotFoundError(absl::StrFormat("no template '%s'", options.template_name));
  }
  if (options.layout == Layout::kOwn && options.way == LaunchWay::kFork) {
    return absl::InvalidArgumentError("a fork has its template's layout, and none of its own");
  }
  if (options.way == LaunchWay::kExec || options.layout == Layout::kOwn) {
    const size_t index = first->kind;
    return LaunchSource{.sandbox = {.policies = sandboxes_->PoliciesOf(index),
                                    .required = sandboxes_->RequiredOf(index),
                                    .host = sandboxes_.get(),
                                    .template_index = index}};
  }
  Template* const one = &Choose(*first);
  if (absl::Status used = Use(*one); !used.ok()) return used;
  LaunchSource source = {.link = one->link.get()};
  if (options.way == LaunchWay::kTemplate && BoundsOf(options.type).max > 0 &&
      one->bounds.max > 0) {
    BlankPool& pool = PoolOf(*one);
    pool.NoteArrival();
    source.pool = &pool;
  }
  return source;
}

bool TemplateSet::Runs(const Template& one) {
  return one.link != nullptr && one.link->state() != TemplateLink::State::kDead;
}

bool TemplateSet::Serves(const Template& one) {
  return one.link != nullptr && one.link->state() == TemplateLink::State::kServing;
}

bool TemplateSet::CanRun(const Template& one) {
  return Runs(one) || (one.parent != nullptr && CanRun(*one.parent));
}

TemplateSet::Template& TemplateSet::Choose(Template& first) {
  const size_t kind = first.kind;
  Template* passed_over = nullptr;
  for (size_t i = 0; i < layouts_; ++i) {
    const size_t layout = (turns_[kind] + i) % layouts_;
    Template& one = InLayout(kind, layout);
    if (Serves(one)) {
      turns_[kind] = (layout + 1) % layouts_;
      if (passed_over != nullptr) WarmUpUnasked(*passed_over);
      return one;
    }
    const bool is_due = one.link == nullptr || NowNanos() >= one.started_at + kUnaskedAgainAfter;
    if (passed_over == nullptr && is_due && !Runs(one) && CanRun(one)) passed_over = &one;
  }
  // No other is started beside it: it would only be in its way.
  return NearestToServing(kind);
}

TemplateSet::Template& TemplateSet::NearestToServing(size_t kind) {
  for (const auto is_near : {Runs, CanRun}) {
    for (size_t layout = 0; layout < layouts_; ++layout) {
      if (Template& one = InLayout(kind, layout); is_near(one)) return one;
    }
  }
  // The first one's Status says what is wrong.
  return InLayout(kind, 0);
}

// What comes of it is in its status: the launch that has passed it over has another.
void TemplateSet::WarmUpUnasked(Template& one) { Use(one).IgnoreError(); }

// Has a template run, and its ancestors as far as it needs them.
absl::Status TemplateSet::Use(Template& one) {
  one.last_used = NowNanos();
  if (one.parent == nullptr) return absl::OkStatus();
  if (one.link == nullptr || one.link->state() == TemplateLink::State::kDead) {
    if (absl::Status used = Use(*one.parent); !used.ok()) return used;
    if (absl::Status launched = Launch(one, one.parent->link.get()); !launched.ok()) {
      return launched;
    }
  }
  WatchForIdleness(one);
  return absl::OkStatus();
}

absl::Status TemplateSet::Launch(Template& one, TemplateLink* parent) {
  SocketPair sockets;
  if (const int error = CreateSocketPair(sockets); error != 0) {
    return ErrnoStatus(error, "socketpair for the " + Label(one));
  }
  const HostFacts facts = {.pid = facts_.pid,
                           .start_thread = facts_.start_thread,
                           .signal_mask = facts_.signal_mask | TerminalSignals(),
                           .null_device = UniqueFd()};
  const std::string name = ("fs-" + one.options.name).substr(0, kMaxProcessNameBytes);
  absl::StatusOr<PlanMessage> plan = BuildPlanMessage(
      {.type = ProcessType::kForkServer, .argv = {self_.name, one.options.name}, .name = name},
      parent != nullptr ? LaunchWay::kFork : LaunchWay::kExec, facts, prefs_);
  if (!plan.ok()) return plan.status();

  one.answer = Answer::kGiven;
  one.started_at = NowNanos();
  one.start_request = ids_.Next();
  auto link = std::make_unique<TemplateLink>(
      Label(one), loop_, reaper_, std::move(sockets.first), makings_.image.build_id,
      facts_.null_device.get(),
      TemplateLink::Events{
          .on_pong = on_pong_,
          .on_hello =
              [this, &one](const HelloMessage& hello, DescriptorList& descriptors) {
                return AdmitSandbox(one, hello, descriptors);
              },
          .on_state = [this, &one] { OnState(one); }});
  UnwatchLifeline(one);
  one.parents_chain.reset();
  one.orphaned_from.reset();
  if (one.pool != nullptr) one.pool->SetLink(*link);  // its blanks are as good as before
  one.link = std::move(link);
  if (parent != nullptr) {
    if (absl::Status asked = parent->Fork(one.start_request, std::move(sockets.second), *this,
                                          ProcessType::kForkServer);
        !asked.ok()) {
      return Fail(one, std::move(asked));
    }
    one.answer = Answer::kOwed;
    // Its launch socket is another link's: nothing there has this answer read.
    parent->WatchForAnswers();
  } else {
    absl::StatusOr<Process> spawned =
        SpawnSelf(self_, sockets.second.get(), "start of " + Label(one));
    if (!spawned.ok()) return Fail(one, spawned.status());
    one.link->SetProcess(*std::move(spawned));
  }
  if (absl::Status sent =
          one.link->SendPlan(one.start_request, plan->flags, plan->payload, plan->descriptors);
      !sent.ok()) {
    return Fail(one, std::move(sent));
  }
  if (absl::Status watched = one.link->Start(); !watched.ok()) return Fail(one, watched);
  return absl::OkStatus();
}

// Dead, so that the next use tries again.
absl::Status TemplateSet::Fail(Template& one, absl::Status why) {
  one.link->Kill(why);
  return why;
}

void TemplateSet::OnForked(uint64_t id, Process process, const ForkedMessage&) {
  Template* const one = FindByRequest(id);
  if (one == nullptr) return reaper_.KillAndReap(std::move(process));
  one->answer = Answer::kGiven;
  if (const SandboxedChild* sandboxed = process.sandboxed()) {
    one->parents_chain = sandboxed->membership().chain;
  }
  one->link->SetProcess(std::move(process));
  OnState(*one);
}

void TemplateSet::OnForkFailed(uint64_t id, const FailedMessage& failed) {
  Template* const one = FindByRequest(id);
  if (one == nullptr) return;
  one->answer = Answer::kGiven;
  one->link->Kill(LaunchFailureStatus("start of " + Label(*one), failed));
}

void TemplateSet::OnTemplateDead(uint64_t id, const absl::Status&) {
  Template* const one = FindByRequest(id);
  if (one == nullptr) return;
  one->answer = Answer::kLost;
  const TemplateLink* const parent = one->parent != nullptr ? one->parent->link.get() : nullptr;
  if (parent != nullptr && parent->sandbox() != nullptr) {
    one->orphaned_from = parent->sandbox()->For(ProcessType::kForkServer);
    one->parents_chain = one->orphaned_from->chain;
  }
  OnState(*one);
}

void TemplateSet::OnState(Template& one) {
  ++changes_;
  // Its end may be that of its parent, which the next start must know.
  if (one.answer == Answer::kOwed && one.link->state() == TemplateLink::State::kDead) {
    TemplateLink* const parent = one.parent != nullptr ? one.parent->link.get() : seed_.get();
    if (parent != nullptr) parent->ReadAnswers();
  }
  if (one.link->state() == TemplateLink::State::kServing) {
    WatchLifeline(one);
    if (one.pool != nullptr) one.pool->OnServing();
  } else {
    UnwatchLifeline(one);
  }
  AdoptOrphan(one);
  EndStart(one);
}

absl::StatusOr<std::unique_ptr<TemplateLink::Sandbox>> TemplateSet::AdmitSandbox(
    Template& one, const HelloMessage& hello, DescriptorList& descriptors) {
  // Its Hello may overtake its parent's word of it, which says whose chain it is in.
  if (one.answer == Answer::kOwed && one.parent != nullptr) one.parent->link->ReadAnswers();
  return sandboxes_->Admit(one.kind, one.parents_chain, hello, descriptors);
}

// The init of a pid namespace that dies takes all children with it, and its template can fork no
// others: it is as good as dead, and started again on its next use.
void TemplateSet::WatchLifeline(Template& one) {
  const TemplateLink::Sandbox* const sandbox = one.link->sandbox();
  // Of a template below another one the chain is that one's to watch.
  if (sandbox == nullptr || one.parents_chain != nullptr || one.lifeline != 0) return;
  const int lifeline = sandbox->children.chain->lifeline();
  if (lifeline < 0) return;
  absl::StatusOr<EventLoop::WatchId> watch =
      loop_.Watch(lifeline, EPOLLRDHUP, [this, &one](uint32_t) {
        UnwatchLifeline(one);
        one.link->Kill(absl::UnavailableError(Label(one) + " died: the init of its children's pid "
                                                           "namespace has ended"));
      });
  // Without it, the next Fork says ENOMEM.
  one.lifeline = watch.value_or(0);
}

void TemplateSet::UnwatchLifeline(Template& one) {
  if (one.lifeline != 0) loop_.Unwatch(std::exchange(one.lifeline, 0));
}

// A template whose parent died between forking it and saying so: its own word of its pid has to
// do, which its Ready carries.
void TemplateSet::AdoptOrphan(Template& one) {
  if (one.answer != Answer::kLost || one.link->told_pid() == 0) return;
  one.answer = Answer::kGiven;
  absl::StatusOr<Process> process =
      one.orphaned_from ? one.orphaned_from->Find(one.link->told_pid(), ProcessType::kForkServer)
                        : Process::Adopt(one.link->told_pid());
  if (process.ok()) {
    one.link->SetProcess(*std::move(process));
  } else {
    one.link->Kill(process.status());
  }
}

// A template that is still warming up would fork what was asked for when it is done. One whose pid
// nobody knows yet cannot be reaped: it says its pid, or hangs up, soon. What it has answered is
// read to the end.
void TemplateSet::EndStart(Template& one) {
  if (why_ending_.ok() || one.link->state() != TemplateLink::State::kStarting) return;
  one.link->Signal(SIGKILL);
}

void TemplateSet::WatchForIdleness(Template& one) {
  if (one.options.evict_after == absl::InfiniteDuration() || one.eviction != 0) return;
  one.eviction = loop_.AddTimer(IdleAt(one), [this, &one] {
    one.eviction = 0;
    Evict(one);
  });
}

int64_t TemplateSet::IdleAt(const Template& one) {
  return DeadlineAfter(one.last_used, absl::ToInt64Nanoseconds(std::max(one.options.evict_after,
                                                                        absl::Milliseconds(1))));
}

void TemplateSet::Evict(Template& one) {
  if (one.link == nullptr || one.link->state() == TemplateLink::State::kDead) return;
  // Whoever waits for it uses it; and without its pid it could not be reaped.
  if (one.waiters > 0 || one.link->unanswered() > 0 ||
      one.link->state() == TemplateLink::State::kStarting || !one.link->pid().has_value()) {
    one.last_used = NowNanos();
    // Without another look at the clock, which could be that late already.
    return WatchForIdleness(one);
  }
  if (NowNanos() < IdleAt(one)) return WatchForIdleness(one);
  one.pool.reset();
  UnwatchLifeline(one);
  if (std::optional<Process> process = one.link->TakeProcess()) {
    reaper_.KillAndReap(*std::move(process));
  }
  one.link.reset();
  ++changes_;
}

TemplateStatus TemplateSet::Describe(const Template& one) {
  TemplateStatus status = {
      .name = one.options.name, .parent = one.options.parent, .layout = one.layout};
  if (one.link == nullptr) return status;
  status.state = StateOf(*one.link);
  status.why_dead = one.link->why_dead();
  status.pid = one.link->pid();
  if (one.link->sandbox() != nullptr && one.parents_chain == nullptr) {
    status.init_pid = one.link->sandbox()->children.chain->init_pid();
  }
  if (one.pool != nullptr) status.idle_blanks = one.pool->idle_pids();
  status.hello = one.link->hello();
  return status;
}

std::optional<TemplateStatus> TemplateSet::StatusOf(std::string_view name) const {
  const Template* const one = Find(name);
  return one != nullptr ? std::optional(Describe(*one)) : std::nullopt;
}

std::vector<TemplateStatus> TemplateSet::All() const {
  std::vector<TemplateStatus> all;
  for (const Template& one : templates_) all.push_back(Describe(one));
  return all;
}

std::optional<pid_t> TemplateSet::seed_pid() const {
  return seed_ != nullptr ? seed_->pid() : std::nullopt;
}

absl::Status TemplateSet::SetPool(std::string_view name, PoolBounds bounds) {
  const Template* const first = Find(name);
  if (first == nullptr) return absl::NotFoundError(absl::StrFormat("no template '%s'", name));
  for (size_t layout = 0; layout < layouts_; ++layout) {
    Template& one = InLayout(first->kind, layout);
    one.bounds = bounds;
    if (one.pool != nullptr) one.pool->SetBounds(bounds);
    if (bounds.min == 0) continue;
    if (absl::Status used = Use(one); !used.ok()) return used;
    PoolOf(one).Fill();
  }
  return absl::OkStatus();
}

void TemplateSet::ShrinkPools() {
  for (Template& one : templates_) {
    if (one.pool != nullptr) one.pool->Shrink();
  }
}

size_t TemplateSet::unanswered() const {
  size_t count = orphans_.pending() + (seed_ != nullptr ? seed_->unanswered() : 0);
  for (const Template& one : templates_) {
    if (one.link == nullptr) continue;
    count += one.link->unanswered();
    if (!why_ending_.ok() && one.link->state() == TemplateLink::State::kStarting) ++count;
  }
  return count;
}

void TemplateSet::BeginEnd(const absl::Status& why) {
  why_ending_ = why;
  for (Template& one : templates_) {
    one.pool.reset();
    UnwatchLifeline(one);
    if (one.link == nullptr) continue;
    EndStart(one);
    one.link->WatchForAnswers();
  }
  if (seed_ != nullptr) seed_->WatchForAnswers();
}

void TemplateSet::KillUnanswering() {
  for (Template& one : templates_) {
    if (one.link != nullptr && one.link->unanswered() > 0) one.link->Signal(SIGKILL);
  }
  if (seed_ != nullptr && seed_->unanswered() > 0) seed_->Signal(SIGKILL);
}

void TemplateSet::End() {
  // Children before their parents.
  std::vector<std::unique_ptr<TemplateLink>*> links;
  for (auto one = templates_.rbegin(); one != templates_.rend(); ++one) links.push_back(&one->link);
  links.push_back(&seed_);
  for (std::unique_ptr<TemplateLink>* link : links) {
    if (*link == nullptr) continue;
    const bool asked = (*link)->SendShutdown().ok();
    std::optional<Process> process = (*link)->TakeProcess();
    link->reset();
    if (asked && process) process->Wait(kEndPatience).status().IgnoreError();
  }
}

}  // namespace forkserver
