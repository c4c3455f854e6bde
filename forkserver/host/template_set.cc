#include "forkserver/host/template_set.h"

#include <signal.h>

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_format.h"
#include "transceiver/clock.h"
#include "transceiver/packet.h"

namespace forkserver {
namespace {

// Of a template that has none.
absl::StatusOr<std::unique_ptr<TemplateSandbox>> RefuseSandbox(const HelloMessage&,
                                                               DescriptorList& descriptors) {
  if (descriptors.size() == 0) return std::unique_ptr<TemplateSandbox>();
  return absl::InternalError("the seed's Hello has descriptors");
}

}  // namespace

TemplateSet::TemplateSet(TemplateHost host, std::vector<TemplateOptions> options, int layouts,
                         BrokerOptions broker_options)
    : host_(std::move(host)),
      kinds_(options.size() + 1),
      layouts_(static_cast<size_t>(layouts)),
      turns_(kinds_, 0) {
  options.insert(options.begin(), {.name = std::string(kRootTemplate), .parent = ""});
  sandboxes_ = std::make_unique<SandboxHost>(options, std::move(broker_options));
  for (int layout = 0; layout < layouts; ++layout) {
    for (size_t kind = 0; kind < kinds_; ++kind) {
      const TemplateOptions& one = options[kind];
      TemplateInstance* parent = nullptr;
      if (kind > 0) parent = &InLayout(Find(one.parent)->kind(), layout);
      templates_.emplace_back(TemplateInstance::Place{.options = one,
                                                      .kind = kind,
                                                      .layout = layout,
                                                      .parent = parent,
                                                      .bounds = BoundsOf(one)},
                              host_, *sandboxes_, [this] { ++changes_; });
    }
  }
}

// As its row says, if this program can be of that type at all, and forks it.
PoolBounds TemplateSet::BoundsOf(ProcessType type) const {
  if (host_.facts.debugging.Covers(type)) return kNoPool;
  const ProcessTypeRow* row = FindProcessType(type);
  return row != nullptr && host_.makings.programs.Find(type) != nullptr ? row->pool : kNoPool;
}

// Whether all children that it is for are exec'ed.
bool TemplateSet::IsForDebuggedOnly(const TemplateOptions& options) const {
  return !options.types.empty() &&
         std::all_of(options.types.begin(), options.types.end(),
                     [this](ProcessType type) { return host_.facts.debugging.Covers(type); });
}

// The largest of the types that come from it.
PoolBounds TemplateSet::BoundsOf(const TemplateOptions& options) const {
  if (IsForDebuggedOnly(options)) return kNoPool;
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

TemplateInstance* TemplateSet::Find(std::string_view name) {
  for (TemplateInstance& one : templates_) {
    if (one.options().name == name) return &one;
  }
  return nullptr;
}

TemplateInstance& TemplateSet::ForType(ProcessType type) {
  for (TemplateInstance& one : templates_) {
    const std::vector<ProcessType>& types = one.options().types;
    if (std::find(types.begin(), types.end(), type) != types.end()) return one;
  }
  return templates_.front();
}

absl::Status TemplateSet::StartSeed(Seed seed, SeedRole role) {
  seed_role_ = role;
  seed_ = std::make_unique<TemplateLink>(
      "seed", host_.loop, host_.reaper, std::move(seed.socket), std::move(seed.births),
      host_.makings.image.build_id, host_.facts.null_device.get(),
      TemplateLink::Events{.on_pong = host_.on_pong, .on_hello = RefuseSandbox, .on_state = [] {}});
  seed_->ChildrenAre(ChildKind::kSilent);
  seed_->BoundSilence(host_.restart.longest_silence, host_.restart.longest_start);
  seed_->KeepFlight(std::move(seed.flight));
  seed_->SetProcess(std::move(seed.process));
  return seed_->Start();
}

absl::Status TemplateSet::StartRoots() {
  for (size_t layout = 0; layout < layouts_; ++layout) {
    const bool is_forked = layout == 0 && seed_role_ == SeedRole::kForksRoot;
    TemplateLink* const parent = is_forked ? seed_.get() : nullptr;
    if (absl::Status started = InLayout(0, layout).StartRoot(parent); !started.ok()) return started;
  }
  return absl::OkStatus();
}

absl::Status TemplateSet::StartAhead() {
  for (TemplateInstance& one : templates_) {
    if (one.options().start != TemplateStart::kAhead) continue;
    if (absl::Status started = one.Use(); !started.ok()) return started;
    if (one.bounds().max > 0) one.pool().Fill();
  }
  return absl::OkStatus();
}

absl::Status TemplateSet::Start(std::string_view name) {
  TemplateInstance* const one = Find(name);
  if (one == nullptr) return absl::NotFoundError(absl::StrFormat("no template '%s'", name));
  const absl::Status used = one->Use();
  return one->IsToBeStarted() ? absl::OkStatus() : used;
}

void TemplateSet::Hold(std::string_view name) { Find(name)->Hold(); }

void TemplateSet::Release(std::string_view name) { Find(name)->Release(); }

absl::StatusOr<LaunchSource> TemplateSet::SourceOf(const LaunchOptions& options) {
  const TemplateInstance* const first =
      options.template_name.empty() ? &ForType(options.type) : Find(options.template_name);
  if (first == nullptr) {
    return absl::NotFoundError(absl::StrFormat("no template '%s'", options.template_name));
  }
  if (options.way > LaunchWay::kExec) {
    return absl::InvalidArgumentError(
        absl::StrFormat("there is no launch way %d", static_cast<int>(options.way)));
  }
  if (options.layout == Layout::kOwn && options.way == LaunchWay::kFork) {
    return absl::InvalidArgumentError("a fork has its template's layout, and none of its own");
  }
  if (options.way == LaunchWay::kExec || options.layout == Layout::kOwn ||
      host_.facts.debugging.Covers(options.type)) {
    return ByExec(*first);
  }
  TemplateInstance& one = Choose(*first);
  const bool is_recovering = one.IsRecovering() || one.CannotFork();
  const absl::Status used = one.Use();
  const bool may_be_pooled =
      options.way != LaunchWay::kFork && BoundsOf(options.type).max > 0 && one.bounds().max > 0;
  // Blanks are as good as before where their template is dead.
  if ((is_recovering || !used.ok()) && !(may_be_pooled && one.HasIdleBlank())) {
    if (options.way == LaunchWay::kAny) return ByExec(one);
    if (!used.ok()) return used;
  }
  LaunchSource source;
  if (options.way == LaunchWay::kAny) {
    source = ByExec(one);
    source.without_template = WithoutTemplate::kExec;
  }
  source.link = one.link();
  source.template_name = one.options().name;
  source.layout = one.layout();
  source.parent = one.parent_thread();
  if (may_be_pooled) {
    source.pool = &one.pool();
    source.pool->NoteArrival();
  }
  return source;
}

LaunchSource TemplateSet::ByExec(const TemplateInstance& one) const {
  return {.sandbox = {.policies = sandboxes_->PoliciesOf(one.kind()),
                      .required = sandboxes_->RequiredOf(one.kind()),
                      .host = sandboxes_.get(),
                      .template_index = one.kind()}};
}

TemplateInstance& TemplateSet::Choose(const TemplateInstance& first) {
  const size_t kind = first.kind();
  TemplateInstance* passed_over = nullptr;
  for (size_t i = 0; i < layouts_; ++i) {
    const size_t layout = (turns_[kind] + i) % layouts_;
    TemplateInstance& one = InLayout(kind, layout);
    if (one.Serves()) {
      turns_[kind] = (layout + 1) % layouts_;
      // What comes of it is in its status: the launch that has passed it over has another.
      if (passed_over != nullptr) passed_over->Use().IgnoreError();
      return one;
    }
    if (passed_over == nullptr && one.IsDue() && !one.Runs()) passed_over = &one;
  }
  // No other is started beside it: it would only be in its way.
  return NearestToServing(kind);
}

TemplateInstance& TemplateSet::NearestToServing(size_t kind) {
  using Is = bool (*)(const TemplateInstance& one);
  const Is is_near[] = {
      [](const TemplateInstance& one) { return one.Runs(); },
      [](const TemplateInstance& one) { return one.StandsOnOneThatRuns() && one.IsDue(); },
      [](const TemplateInstance& one) { return one.IsDue(); },
  };
  for (const Is is : is_near) {
    for (size_t layout = 0; layout < layouts_; ++layout) {
      if (TemplateInstance& one = InLayout(kind, layout); is(one)) return one;
    }
  }
  // The first one's Status says what is wrong.
  return InLayout(kind, 0);
}

std::optional<TemplateStatus> TemplateSet::StatusOf(std::string_view name) const {
  const TemplateInstance* const one = Find(name);
  return one != nullptr ? std::optional(one->Describe()) : std::nullopt;
}

std::vector<TemplateStatus> TemplateSet::All() const {
  std::vector<TemplateStatus> all;
  for (const TemplateInstance& one : templates_) all.push_back(one.Describe());
  return all;
}

absl::Status TemplateSet::safe_mode() const {
  for (const TemplateInstance& one : templates_) {
    if (one.IsGivenUp()) return one.WhyNotYet();
  }
  return absl::OkStatus();
}

std::optional<pid_t> TemplateSet::seed_pid() const {
  return seed_ != nullptr ? seed_->pid() : std::nullopt;
}

absl::Status TemplateSet::SetPool(std::string_view name, PoolBounds bounds) {
  const TemplateInstance* const first = Find(name);
  if (first == nullptr) return absl::NotFoundError(absl::StrFormat("no template '%s'", name));
  if (IsForDebuggedOnly(first->options())) return absl::OkStatus();
  for (size_t layout = 0; layout < layouts_; ++layout) {
    TemplateInstance& one = InLayout(first->kind(), layout);
    one.SetBounds(bounds);
    if (bounds.min == 0 || one.IsGivenUp()) continue;
    if (absl::Status used = one.Use(); !used.ok()) return used;
    one.pool().Fill();
  }
  return absl::OkStatus();
}

void TemplateSet::ShrinkPools() {
  for (TemplateInstance& one : templates_) one.ShrinkPool();
}

size_t TemplateSet::unanswered() const {
  size_t count = seed_ != nullptr ? seed_->unanswered() : 0;
  for (const TemplateInstance& one : templates_) count += one.unanswered();
  return count;
}

void TemplateSet::BeginEnd() {
  for (TemplateInstance& one : templates_) one.BeginEnd();
  if (seed_ != nullptr) seed_->WatchForAnswers();
}

void TemplateSet::KillUnanswering(ServerEnd& end) {
  for (TemplateInstance& one : templates_) {
    if (one.KillUnanswering()) end.forced.push_back({one.link()->name(), "by SIGKILL"});
  }
  if (seed_ == nullptr || seed_->unanswered() == 0) return;
  seed_->Signal(SIGKILL);
  end.forced.push_back({seed_->name(), "by SIGKILL"});
}

std::vector<TemplateSet::Ending> TemplateSet::AskToEnd(ServerEnd& end) {
  std::vector<Ending> asked;
  const auto ask = [&](std::unique_ptr<TemplateLink> link) {
    if (link == nullptr) return;
    // It sees the hang-up too, but not before its other requests.
    const bool is_asked = link->SendShutdown().ok();
    std::optional<Process> process = link->TakeProcess();
    if (!process) return;
    ++end.templates;
    if (!is_asked) {
      process->Signal(SIGKILL).IgnoreError();
      if (link->state() != TemplateLink::State::kDead) {
        end.forced.push_back({link->name(), "by SIGKILL"});
      }
    }
    asked.push_back({link->name(), *std::move(process)});
  };
  // Children before their parents.
  for (auto one = templates_.rbegin(); one != templates_.rend(); ++one) ask(one->TakeLink());
  ask(std::move(seed_));
  return asked;
}

void TemplateSet::WaitForEnd(std::vector<Ending> asked, absl::Duration patience, ServerEnd& end) {
  const int64_t deadline = DeadlineAfter(NowNanos(), absl::ToInt64Nanoseconds(patience));
  for (Ending& one : asked) {
    const auto left = absl::Nanoseconds(std::max<int64_t>(deadline - NowNanos(), 0));
    if (one.process.Wait(left).ok() || one.process.HasEnded()) continue;
    one.process.Signal(SIGKILL).IgnoreError();
    const auto is_known = [&](const ServerEnd::Forced& known) { return known.name == one.name; };
    if (std::any_of(end.forced.begin(), end.forced.end(), is_known)) continue;
    end.forced.push_back({one.name, "by SIGKILL"});
  }
  const int64_t last = NowNanos() + absl::ToInt64Nanoseconds(Process::kPatience);
  for (Ending& one : asked) {
    const absl::Status reaped = one.process.KillAndReap(last);
    if (reaped.ok()) continue;
    end.unreaped.push_back({one.name, one.process.pid(), std::string(reaped.message())});
  }
  asked.clear();
  if (!sandboxes_->StopBroker()) end.forced.push_back({"broker", "left in an operation"});
}

}  // namespace forkserver
